"""Films: their frames, and masks drawn on them."""
