"""What is drawn along time."""
