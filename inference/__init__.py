"""The exported model on audio: annotate, pick, stream. Never imports torch."""
