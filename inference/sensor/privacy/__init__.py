"""What is kept of sound, for how long, who can open it, and the log that says so."""
