"""SAM-Audio's networks, written from its specification, under the checkpoint's own names."""
