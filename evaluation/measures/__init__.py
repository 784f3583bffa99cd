"""Measures and their intervals: what every report, bench and audit counts with."""
