"""What a process says, a line of JSON each: read beside it, so that waiting for it can end."""

import json
import queue
import subprocess
import threading
from typing import Any


class Answers:
    """Of a process whose output is piped, as text."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self._said: queue.Queue[dict[str, Any]] = queue.Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._said.put(json.loads(line))

    def next(self, patience_s: float) -> dict[str, Any] | None:
        """The next one; None when there is none for so long."""
        try:
            return self._said.get(timeout=patience_s)
        except queue.Empty:
            return None

    def close(self) -> None:
        """Once the process has ended."""
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()
