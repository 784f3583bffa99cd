"""What reports share: sections with tables, pages, plots, players."""
