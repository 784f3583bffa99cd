"""The demo: a simulated neighbourhood, heard, located, scored and drawn."""
