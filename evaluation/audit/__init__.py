"""The audit: a deployment against what was later confirmed."""
