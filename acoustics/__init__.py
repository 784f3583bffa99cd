"""Physics only: the atmosphere, sources of bangs, propagation, and scenes whose truth is known."""
