"""Any detector's detections of recordings: Tocsin's weights, or an audio-tagging network with an adapter file."""
