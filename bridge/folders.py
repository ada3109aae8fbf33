"""Where the bridge keeps things on each system. `PROTOCOL.md` tells other languages the same.

            run (connection file, lock)              data (store, keys)
    Linux   $XDG_RUNTIME_DIR/stemlasso, or           $XDG_DATA_HOME/stemlasso, or
            ~/.cache/stemlasso/run                   ~/.local/share/stemlasso
    macOS   ~/Library/Application Support/StemLasso/run      .../StemLasso
    Windows %LOCALAPPDATA%\\StemLasso\\run                     ...\\StemLasso

`STEMLASSO_HOME` names one folder that holds all of it instead.
"""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .errors import AuthenticationError, ServerUnavailable

HOME_VARIABLE = "STEMLASSO_HOME"


@dataclass(frozen=True, slots=True)
class Folders:
    """runtime: of the connection file, gone with the login. store: clips and jobs. keys: CURVE.

    home: the one folder that holds all three when one was named, otherwise `None`.
    """

    runtime: Path
    store: Path
    keys: Path
    home: Path | None = None

    @classmethod
    def below(cls, home: Path) -> "Folders":
        """All of it in one folder."""
        return cls(home / "run", home / "store", home / "keys", home)

    @property
    def lock(self) -> Path:
        """Held by the one server of this runtime folder."""
        return self.runtime / "server.lock"

    @property
    def connection(self) -> Path:
        """Tells clients where the server is."""
        return self.runtime / "connection.json"

    @property
    def log(self) -> Path:
        """What a server that was started in the background writes."""
        return self.runtime / "server.log"


def find_folders(
    home_folder: str | Path | None = None,
    environ: Mapping[str, str] = os.environ,
    platform: str = sys.platform,
) -> Folders:
    """This user's folders, or those below `home_folder`; none is made."""
    named = home_folder or environ.get(HOME_VARIABLE, "")
    if named:
        return Folders.below(Path(named).expanduser().absolute())
    home = Path.home()
    if platform == "win32":
        return Folders.below(
            Path(environ.get("LOCALAPPDATA") or home / "AppData/Local") / "StemLasso"
        )
    if platform == "darwin":
        return Folders.below(home / "Library/Application Support/StemLasso")
    data = Path(environ.get("XDG_DATA_HOME") or home / ".local/share") / "stemlasso"
    runtime = environ.get("XDG_RUNTIME_DIR", "")
    run = Path(runtime) / "stemlasso" if runtime else home / ".cache/stemlasso/run"
    return Folders(run, data / "store", data / "keys")


def make_private(folder: Path) -> None:
    """Make `folder` for this user alone. Raises ServerUnavailable or AuthenticationError."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ServerUnavailable(
            f"{folder}: the folder cannot be made ({error.strerror}); "
            f"{HOME_VARIABLE} may name another place"
        ) from error
    check_private(folder)


def check_private(path: Path) -> None:
    """Raises AuthenticationError when another user of this computer could read or change `path`.

    On Windows the folders lie in the user's profile, which the system keeps to the user.
    """
    if sys.platform == "win32":
        return
    found = path.lstat()
    if found.st_uid != os.getuid():
        raise AuthenticationError(
            f"{path}: it belongs to user {found.st_uid}, not to you ({os.getuid()}); remove it"
        )
    if found.st_mode & 0o077:
        raise AuthenticationError(
            f"{path}: others may open it (mode {found.st_mode & 0o777:o}); "
            f"run `chmod {'700' if path.is_dir() else '600'} '{path}'`, and make new keys "
            "if they were in there"
        )
