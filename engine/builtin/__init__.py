"""The weight-free separator: numpy and scipy only."""
