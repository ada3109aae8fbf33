"""What went wrong, in words for the user."""

from dataclasses import dataclass

from gui.link.jobs import advice


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something went wrong. text: what; advice: what to do; code: for those who look it up."""

    text: str
    advice: str = ""
    code: str = ""


def trouble_of(error: Exception) -> Trouble:
    """An error of the bridge or of a file, with what can be done about it."""
    code = str(getattr(error, "code", ""))
    return Trouble(str(error), advice(code), code)
