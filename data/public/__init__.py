"""Public data sets: their catalogue, their download, and the readers of their layouts."""
