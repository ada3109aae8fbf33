"""The way to the bridge, off the Qt thread."""
