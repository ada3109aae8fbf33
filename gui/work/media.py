"""Which files are sounds and which are films, by their names."""

from pathlib import Path

from gui.audio.files import SoundUnreadable
from gui.state.draft import Draft

VIDEO_SUFFIXES = (".mp4", ".mov", ".mkv", ".webm", ".avi")
MEDIA_SUFFIXES = (
    *(".wav", ".flac", ".aif", ".aiff", ".mp3", ".ogg", ".opus", ".w64", ".rf64", ".caf"),
    ".m4a",
    *VIDEO_SUFFIXES,
)


def first_draft(path: Path) -> Draft | None:
    """A film brings its pictures along."""
    return Draft(video_path=str(path)) if path.suffix.lower() in VIDEO_SUFFIXES else None


def first_sound(folder: Path) -> Path:
    """The first sound or video in a folder, by name. Raises SoundUnreadable."""
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in MEDIA_SUFFIXES:
            return path
    raise SoundUnreadable(f"{folder.name}: there is no sound or video in this folder")
