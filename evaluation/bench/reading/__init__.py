"""Reading: anybody's recordings, labels and detections as a log, and labels back out."""
