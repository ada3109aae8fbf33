"""Live's entry point: choose "StemLasso" as a control surface in Settings, Link, Tempo & MIDI."""

from .surface import Surface


def create_instance(c_instance):
    """The control surface, as Live asks for it when a Set is opened."""
    import Live  # exists inside Live only

    return Surface(c_instance, Live)
