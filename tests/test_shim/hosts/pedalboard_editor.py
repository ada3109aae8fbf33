"""pedalboard: shows the editor and does what lines on its input say. argv: plug-in, [its state].

Words of a line are parted by tabs. `capture FILE` plays a file through the armed plug-in, `arm on`
and `arm off` only arm it. `close` and `open` the editor; `again N`: close it, open and close it as
often, and leave it open. `count` threads and open files of this process. `quit`. Each line is
answered with one of JSON, `close` and `quit` once the editor has gone. The state is a file with the
plug-in's XML.
"""

import json
import os
import queue
import sys
import threading
import time
import xml.etree.ElementTree as ElementTree
from contextlib import suppress
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
        self.wishes: queue.Queue[str] = queue.Queue()

    def listen(self) -> None:
        """Act on every line; what opens and ends is the main thread's."""
        for line in sys.stdin:
            word, *words = line.rstrip("\n").split("\t")
            if word == "capture":
                self.capture(words[0])
                say(word)
            elif word == "arm":
                self.plugin.capture = words[0] == "on"
                self.play(np.zeros((2, BLOCK), np.float32), 48_000)
                say(word)
            elif word == "count":
                say(word, threads=len(list(Path("/proc/self/task").iterdir())), files=open_files())
            else:
                self.wishes.put("\t".join((word, *words)))
                self.closing.set()
        self.wishes.put("quit")
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
        """Show the editor, again and again, until `quit`."""
        threading.Thread(target=self.listen, daemon=True).start()
        while True:
            self.closing.clear()
            if not self.wishes.empty():  # it came before this line
                self.closing.set()
            begun_s = time.monotonic()
            self.plugin.show_editor(self.closing)
            wish, *words = self.wishes.get().split("\t")
            if wish == "again":
                say(wish, drawn_s=[self.flash() for _ in range(int(words[0]))])
                continue
            say(wish, shown_s=time.monotonic() - begun_s)
            if wish == "quit":
                return
            while (wish := self.wishes.get()) != "open":
                say(wish)
                if wish == "quit":
                    return
            say(wish)

    def flash(self) -> float:
        """Open the editor, and close it as soon as it has drawn; how many seconds that took."""
        layout = Path(os.environ["STEMLASSO_EDITOR_LAYOUT"])
        layout.unlink(missing_ok=True)
        self.closing.clear()
        begun_s = time.monotonic()
        drawn_s = 0.0

        def close() -> None:
            nonlocal drawn_s
            while not layout.exists():
                time.sleep(0.002)
            drawn_s = time.monotonic() - begun_s
            self.closing.set()

        closer = threading.Thread(target=close)
        closer.start()
        self.plugin.show_editor(self.closing)
        closer.join()
        layout.unlink()  # or it is taken for the next one's
        return drawn_s


def open_files() -> list[str]:
    """What this process has open."""
    found = []
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):
            found.append(str(entry.readlink()).partition(":[")[0])
    return sorted(found)


def say(word: str, **more: object) -> None:
    """Answer."""
    print(json.dumps({"did": word, **more}), flush=True)


say("load")
Desk(*sys.argv[1:]).run()
