"""How often a detector is wrong, from a sample that people listen to."""
