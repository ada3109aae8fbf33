"""The front door: separators by name, and `separate()`."""
