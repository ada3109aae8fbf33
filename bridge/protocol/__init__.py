"""The wire: messages, limits and bytes. Imports neither the engine nor anything that computes."""
