"""Audio reading, manifests, splits that cannot leak, and readers of published recordings."""
