"""The metrics of an audit: what share, how many, how fast, at what cost, each with its denominator in words."""
