"""The `--format` option: `wav`, `flac`, `aiff`, `rf64`, `w64`, with `:16`, `:24`, `:32`, `:float`,
`:double` for the sample type."""

from engine.data import AudioFormat
from engine.errors import OutputError

_CONTAINERS = {"wav": "WAV", "rf64": "RF64", "w64": "W64", "aiff": "AIFF", "flac": "FLAC"}
_SUBTYPES = {
    "16": "PCM_16",
    "24": "PCM_24",
    "32": "PCM_32",
    "float": "FLOAT",
    "double": "DOUBLE",
}

FORMAT_HELP = (
    "format of the stems: wav, flac, aiff, rf64 or w64, with :16, :24, :32, :float or :double "
    "for the sample type, e.g. wav:24 (default: the mixture's own)"
)


def parse_format(text: str) -> AudioFormat:
    """The format that `text` names; an empty subtype means the mixture's own.

    Raises OutputError for another name and for a type that the container cannot hold.
    """
    container_name, _, subtype_name = text.lower().partition(":")
    container = _CONTAINERS.get(container_name)
    subtype = _SUBTYPES.get(subtype_name, "") if subtype_name else ""
    if container is None or (subtype_name and not subtype):
        raise OutputError(
            f"--format {text!r}: allowed are {', '.join(_CONTAINERS)}, "
            f"with :{', :'.join(_SUBTYPES)} after it"
        )
    if container == "FLAC" and subtype not in ("", "PCM_16", "PCM_24"):
        raise OutputError(f"--format {text!r}: FLAC holds 16 or 24 bits; use wav:{subtype_name}")
    return AudioFormat(container, subtype)
