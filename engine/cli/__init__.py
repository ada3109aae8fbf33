"""Subcommands of `stemlasso` that work on the engine; each module has `main(argv) -> int`."""
