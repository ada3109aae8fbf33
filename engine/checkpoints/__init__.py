"""Official weights: where they come from, where they lie, how they are read and checked."""
