"""Exit statuses of the command line, and how an error is shown."""

import sys

from engine.errors import (
    AudioError,
    BackendError,
    Cancelled,
    CheckpointError,
    EngineError,
    OutputError,
    PromptError,
)

OK = 0
USAGE = 2

_STATUS_OF = {
    PromptError: 3,
    AudioError: 4,
    OutputError: 5,
    CheckpointError: 6,
    BackendError: 7,
    Cancelled: 130,
}

EXIT_STATUS_HELP = """\
exit status:
  0    everything was done
  1    an error that the ones below do not name
  2    the command line is wrong
  3    the prompt cannot be used (description, span)
  4    a mixture cannot be read
  5    a stem cannot be written
  6    model weights are missing, damaged or of another model
  7    a package or device is missing, or memory ran out
  130  cancelled
With several mixtures every one is tried; the status is that of the first failure."""


def exit_status(error: EngineError) -> int:
    """The exit status that stands for `error`."""
    return next((status for kind, status in _STATUS_OF.items() if isinstance(error, kind)), 1)


def one_line(error: EngineError) -> str:
    """`error [code]: message`, on a single line whatever the message holds."""
    return f"error [{error.code}]: {' '.join(str(error).split())}"


def fail(error: EngineError) -> int:
    """Print `error` on the error stream and return its exit status."""
    print(one_line(error), file=sys.stderr)
    return exit_status(error)
