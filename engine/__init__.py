"""Promptable sound separation: stems with the mixture's rate, channels and length, exact null."""
