"""With and without: areas that had the system against areas that had not, and how large a pilot must be to tell."""
