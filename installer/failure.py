"""The one error of the set-up scripts: a line for the user, and where to read more."""

from pathlib import Path


class SetupFailed(Exception):
    """Set-up cannot go on. The message is one line that says what to do.

    log: file with everything that the failed command said, if it said much.
    """

    def __init__(self, message: str, log: Path | None = None) -> None:
        super().__init__(message)
        self.log = log
