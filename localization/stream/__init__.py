"""Incidents from detections as they come in: fusion, clocks, and the register of sensors."""
