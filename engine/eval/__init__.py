"""Measuring separation quality on mixtures with true stems."""
