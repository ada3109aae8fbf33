"""Live's entry point: choose "StemLasso" as a control surface in Settings, Link, Tempo & MIDI."""

from __future__ import annotations

from typing import Any

from .surface import Surface


def create_instance(c_instance: Any) -> Surface:
    """The control surface, as Live asks for it when a Set is opened."""
    import Live  # exists inside Live only

    return Surface(c_instance, Live)
