"""Rankers score candidates; larger is better."""
