"""A REAPER of our own around the real plug-in: `plugin_shim/hosts/fake_reaper.cpp`."""

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

PATIENCE_S = 240
WAIT_S = 120
NO_SCREEN = ":65000"
"""Without a name JUCE takes `:0`, where another test's screen may come and go."""
RATE = 48_000
USE, SEPARATE, INSERT = "Use selected items", "Separate", "Insert stems"


class Scene:
    """What happens in REAPER, one command after the other; `play` does it all."""

    def __init__(self, host: Path, plugin: Path, folder: Path) -> None:
        self.host, self.plugin, self.folder = host, plugin, folder
        self.media = folder / "Media für Zoë"
        self.lines: list[str] = []
        self.say("project", file=folder / "Nocturne.rpp", media=self.media)

    def say(self, command: str, **words: object) -> None:
        """Adds a command; the host's source lists them."""
        self.lines.append("\t".join([command, *(f"{key}={words[key]}" for key in words)]))

    def item(self, file: Path, *, take: dict[str, float] | None = None, **fields: float) -> None:
        """Adds a selected item with one take of `file` to the last track."""
        self.say("item", **fields)
        self.say("take", file=file, **(take or {}))

    def load(self) -> None:
        """Loads the plug-in."""
        self.say("load", bundle=self.plugin)

    def press(self, name: str, command: str = "set") -> None:
        """Presses a momentary parameter, and waits until it has fallen back."""
        self.say(command, name=name, value=1)
        self.until(fallen=name)

    def until(self, **condition: object) -> None:
        """Lets REAPER run until something is so."""
        self.say("until", **condition, seconds=WAIT_S)

    def play(self, home: Path, environ: dict[str, str]) -> dict[str, Any]:
        """Runs it all; gives the first project and what REAPER has to say against the plug-in."""
        done = subprocess.run(
            [str(self.host)],
            input="\n".join(self.lines) + "\n",
            cwd=self.folder,
            env={**environ, "STEMLASSO_HOME": str(home), "DISPLAY": NO_SCREEN},
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert done.returncode == 0, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
        said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        assert said["problems"] == []
        assert said["timers"] == 0
        return {**said, **said["projects"][0]}


def write_ramp(path: Path, n_samples: int, rate: int = RATE) -> NDArray[np.float32]:
    """A stereo float WAV whose every sample is another; gives the samples [N, 2]."""
    values = np.arange(2 * n_samples, dtype=np.float32) / (2 * n_samples)
    samples = values.reshape(n_samples, 2)
    soundfile.write(path, samples, rate, "FLOAT")
    return samples


def read(path: Path) -> NDArray[np.float32]:
    """The samples of a file, [N, C]."""
    samples: NDArray[np.float32] = soundfile.read(path, always_2d=True, dtype="float32")[0]
    return samples
