"""Audio files: reading, writing, formats; no signal processing."""
