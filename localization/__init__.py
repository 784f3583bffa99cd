"""Detections of several sensors to located shots and incidents. Never imports torch."""
