"""Errors of the engine, each with a stable `code` that callers may rely on.

    EngineError
    ├── PromptError                 the description, a span or a video cannot be used
    │   └── PromptNeedsSpans        the description alone says too little to this separator
    ├── AudioError                  the mixture cannot be used
    │   ├── AudioNotFound           no such file, or it may not be read
    │   └── AudioUnreadable         empty, truncated, damaged, or not audio at all
    ├── OutputError                 a stem cannot be written
    │   ├── OutputExists            the file is there and overwriting was not asked for
    │   └── DiskFull                no space, or a quota or size limit was met
    ├── CheckpointError             weights cannot be used
    │   ├── CheckpointNotFound      they are not there
    │   ├── CheckpointCorrupt       truncated, damaged, wrong digest, or a pickle that holds code
    │   ├── CheckpointMismatch      another model's keys, shapes or configuration
    │   ├── CheckpointGated         the owner has to grant access first, or a login is missing
    │   └── DownloadFailed          no connection, or the server does not give the files
    ├── BackendError                the device cannot do it
    │   ├── BackendUnavailable      a package or a device is missing
    │   └── OutOfMemory             it does not fit
    ├── DatasetError                a folder of mixtures with true stems cannot be used
    └── Cancelled                   the caller asked to stop

Messages say what happened, the value met, what is allowed and what to do.
"""


class EngineError(Exception):
    """Base of everything that the engine raises on purpose."""

    code = "engine_error"


class PromptError(EngineError):
    """The prompt cannot be used as it stands."""

    code = "prompt_invalid"


class PromptNeedsSpans(PromptError):
    """The separator knows no sound of this description and was given no span."""

    code = "prompt_needs_spans"


class AudioError(EngineError):
    """The mixture cannot be used."""

    code = "audio_invalid"


class AudioNotFound(AudioError):
    """There is no such file, or it may not be read."""

    code = "audio_not_found"


class AudioUnreadable(AudioError):
    """The file is empty, truncated, damaged, or not audio."""

    code = "audio_unreadable"


class OutputError(EngineError):
    """A stem or report cannot be written."""

    code = "output_not_writable"


class OutputExists(OutputError):
    """The file to write is there already and overwriting was not asked for."""

    code = "output_exists"


class DiskFull(OutputError):
    """There is no space left, or a quota or a file-size limit was met."""

    code = "disk_full"


class CheckpointError(EngineError):
    """Model weights cannot be used."""

    code = "checkpoint_invalid"


class CheckpointNotFound(CheckpointError):
    """The weights are not on this machine."""

    code = "checkpoint_not_found"


class CheckpointCorrupt(CheckpointError):
    """The weights are truncated, damaged, of another digest, or would run code."""

    code = "checkpoint_corrupt"


class CheckpointMismatch(CheckpointError):
    """The weights belong to another model or configuration."""

    code = "checkpoint_mismatch"


class CheckpointGated(CheckpointError):
    """The weights are there, but their owner has not granted access, or nobody is logged in."""

    code = "checkpoint_gated"


class DownloadFailed(CheckpointError):
    """The server cannot be reached or does not give the files; what arrived is kept."""

    code = "download_failed"


class BackendError(EngineError):
    """The device or library that the work needs cannot do it."""

    code = "backend_error"


class BackendUnavailable(BackendError):
    """A package or device that was asked for is not on this machine."""

    code = "backend_unavailable"


class OutOfMemory(BackendError):
    """The work does not fit into the memory there is."""

    code = "out_of_memory"


class DatasetError(EngineError):
    """A folder of mixtures with true stems is missing, broken or not consistent."""

    code = "dataset_invalid"


class Cancelled(EngineError):
    """The caller asked to stop; nothing was left behind."""

    code = "cancelled"
