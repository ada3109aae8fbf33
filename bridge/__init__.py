"""The bridge: the local process that a DAW, the panel and scripts talk to."""
