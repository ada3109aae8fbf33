"""Subcommands of the bridge: the server, and what talks to it."""
