"""The analyst's bench: how often a detector is wrong, on anybody's recordings."""
