"""pedalboard: shows the editor and does what lines on its input say. argv: plug-in, [its state].

Words of a line are parted by tabs. `capture FILE` plays a file through the armed plug-in. Each line
is answered with one of JSON; the end of the input closes the editor. The state is a file with the
plug-in's XML.
"""

import json
import sys
import threading
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pedalboard
import soundfile
import state

BLOCK = 512


class Desk:
    """The plug-in, and an input that is read beside the editor's event loop."""

    def __init__(self, path: str, kept: str = "") -> None:
        self.plugin = pedalboard.load_plugin(path)
        if kept:
            given = ElementTree.fromstring(Path(kept).read_bytes())
            self.plugin.raw_state = state.write(self.plugin.raw_state, given)
        self.closing = threading.Event()

    def listen(self) -> None:
        """Act on every line."""
        for line in sys.stdin:
            word, *words = line.rstrip("\n").split("\t")
            if word == "capture":
                self.capture(words[0])
                say(word)
        self.closing.set()

    def capture(self, file: str) -> None:
        """Play a file into the armed plug-in, and some silence after it is disarmed."""
        samples, rate = soundfile.read(file, dtype="float32", always_2d=True)
        self.plugin.capture = True
        self.play(np.ascontiguousarray(samples.T), rate)
        self.plugin.capture = False
        self.play(np.zeros((2, BLOCK), np.float32), rate)

    def play(self, samples: np.ndarray, rate: int) -> None:
        """[2, N] through the plug-in."""
        self.plugin.process(samples, rate, buffer_size=BLOCK, reset=False)

    def run(self) -> None:
        """Show the editor."""
        threading.Thread(target=self.listen, daemon=True).start()
        self.plugin.show_editor(self.closing)


def say(word: str) -> None:
    """Answer."""
    print(json.dumps({"did": word}), flush=True)


say("load")
Desk(*sys.argv[1:]).run()
