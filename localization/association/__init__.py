"""Which arrivals belong to one sound: places on a grid, moved to where the arrivals agree best."""
