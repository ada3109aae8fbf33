"""What `stemlasso install` put into hosts' folders: written down, and taken away by that.

    digests   absolute file -> sha256 of what may lie there of ours
    lines     file of the host's own -> lines of ours in it
    folders   that were made for it

The log is written before anything is changed and again when all is done: whatever ends the command
midway, the next `install` or `--uninstall` knows of every file.
"""

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from host_files import Placed

_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Log:
    """What was installed for one host."""

    digests: Mapping[str, Sequence[str]] = field(default_factory=dict)
    lines: Mapping[str, Sequence[str]] = field(default_factory=dict)
    folders: Sequence[str] = ()

    def __bool__(self) -> bool:
        return bool(self.digests or self.lines)

    def and_also(self, other: "Log") -> "Log":
        """Both: of a file, what either says may lie there."""
        return Log(
            _merged(self.digests, other.digests),
            _merged(self.lines, other.lines),
            list(dict.fromkeys([*self.folders, *other.folders])),
        )

    def only(self, names: set[str]) -> "Log":
        """What it says of these files."""
        digests = {name: found for name, found in self.digests.items() if name in names}
        lines = {name: found for name, found in self.lines.items() if name in names}
        return Log(digests, lines, self.folders)

    def files(self) -> set[str]:
        """All files that it names."""
        return {*self.digests, *self.lines}

    @classmethod
    def read(cls, path: Path) -> "Log":
        """The log at `path`; an empty one where there is none."""
        try:
            found = json.loads(path.read_text("utf-8"))
            digests = {
                name: [said] if isinstance(said, str) else list(said)
                for name, said in found["digests"].items()
            }
            return cls(digests, dict(found["lines"]), list(found.get("folders", [])))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return cls()

    def write(self, path: Path) -> None:
        """Keep it at `path`; an empty one is no file."""
        if not self:
            path.unlink(missing_ok=True)
            return
        said = {"digests": self.digests, "lines": self.lines, "folders": self.folders}
        text = json.dumps(said, indent=1, ensure_ascii=False, default=list) + "\n"
        write_whole(path, text.encode("utf-8"))


def digest_of(content: bytes) -> str:
    """As the log keeps it."""
    return hashlib.sha256(content).hexdigest()


def missing_folders(path: Path) -> Iterator[str]:
    """The folders that have to be made before `path` can be written."""
    for folder in path.parents:
        if folder.exists():
            return
        yield str(folder)


def write_whole(path: Path, content: bytes, mode: int = 0) -> None:
    """Whole or not at all: a host that runs keeps the file that it has open. mode: 0 for the usual.

    Raises OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.stemlasso")
    try:
        part.write_bytes(content)
        if mode:
            part.chmod(mode)
        elif path.exists():
            shutil.copymode(path, part)
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def place(path: Path, file: Placed) -> None:
    """Write a file of ours. Raises OSError."""
    is_program = file.target.suffix in ("", ".so")
    write_whole(path, file.content, file.mode or (0o755 if is_program else 0o644))


def has_line(path: Path, line: str) -> bool:
    """Whether a settings file of a host has a line."""
    return line.encode() in _lines(path)


def add_lines(path: Path, lines: Sequence[str]) -> None:
    """Put lines at the head of a host's own file, which else stays as it is, byte for byte.

    At its end the last line of the user's might lack an end of its own. Raises OSError.
    """
    target = path.resolve()  # where it is a link, what it leads to is written
    old = target.read_bytes() if target.is_file() else b""
    bom = _BOM if old.startswith(_BOM) else b""
    end = b"\r\n" if b"\r\n" in old else b"\n"
    new = b"".join(line.encode() + end for line in lines if not has_line(path, line))
    if new:
        write_whole(target, bom + new + old[len(bom) :])


def take_away(log: Log) -> None:
    """Remove what `log` lists, unless it was changed since, and the folders that are empty then.

    Raises OSError.
    """
    for name, digests in log.digests.items():
        file = Path(name)
        if file.is_file() and digest_of(file.read_bytes()) in digests:
            file.unlink()
            _forget_compiled(file)
    for name, lines in log.lines.items():
        _drop_lines(Path(name), lines)
    for folder in sorted(map(Path, log.folders), key=lambda each: -len(each.parts)):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def changed_since(log: Log) -> list[Path]:
    """Files of the log that are there and are not what was installed."""
    files = ((Path(name), digests) for name, digests in log.digests.items())
    return [
        file
        for file, digests in files
        if file.is_file() and digest_of(file.read_bytes()) not in digests
    ]


def _drop_lines(path: Path, lines: Sequence[str]) -> None:
    target = path.resolve()
    if not target.is_file():
        return
    old = target.read_bytes()
    bom = _BOM if old.startswith(_BOM) else b""
    ours = {line.encode() for line in lines}
    kept = [
        line
        for line in old[len(bom) :].splitlines(keepends=True)
        if line.strip(b"\r\n") not in ours
    ]
    if not kept and not bom:
        target.unlink()
    elif b"".join(kept) != old[len(bom) :]:
        write_whole(target, bom + b"".join(kept))


def _lines(path: Path) -> list[bytes]:
    return path.read_bytes().removeprefix(_BOM).splitlines() if path.is_file() else []


def _forget_compiled(script: Path) -> None:
    """What Live's Python leaves beside a script of ours."""
    cache = script.parent / "__pycache__"
    if script.suffix == ".py" and cache.is_dir():
        for compiled in cache.glob(f"{script.stem}.*.pyc"):
            compiled.unlink()
        if not any(cache.iterdir()):
            cache.rmdir()


def _merged(
    one: Mapping[str, Sequence[str]], other: Mapping[str, Sequence[str]]
) -> dict[str, list[str]]:
    return {
        name: list(dict.fromkeys([*one.get(name, ()), *other.get(name, ())]))
        for name in {**one, **other}
    }
