"""What no air can carry, taken out of the waveform before anything listens to it."""
