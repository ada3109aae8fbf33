"""The controls beside what is drawn."""
