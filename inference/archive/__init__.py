"""Weeks of recordings to a folder of Parquet: worker processes or Ray, a journal, and going on after a kill."""
