"""Scores against known truth, and the demo."""
