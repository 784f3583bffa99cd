"""The sensor agent: sound of a microphone to detections that reach the fusion, day and night. Never imports torch."""
