"""What is wrong with recordings: duplicates, loops, clipping, label conflicts."""
