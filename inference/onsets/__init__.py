"""When bangs arrive: onsets of the waveform, to the millisecond, without a model."""
