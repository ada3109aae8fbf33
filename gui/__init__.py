"""The panel: a client of the bridge; it never imports `engine` or torch."""
