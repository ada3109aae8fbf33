"""The weight-free separator: numpy only, driven by spans and a table of sound classes."""

from .config import BuiltinConfig
from .separator import BuiltinSeparator
from .sounds import known_descriptions

__all__ = ["BuiltinConfig", "BuiltinSeparator", "known_descriptions"]
