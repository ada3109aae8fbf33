"""The plug-in in real hosts."""
