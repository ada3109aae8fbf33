"""The plug-in's way to the engine, without the plug-in: `wire_client`, told what to do by tests."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from bridge.client import connect
from bridge.protocol.values import Job
from tests.test_bridge.held import Looks

WAIT_S = 120.0
_NOTHING: dict[str, Any] = {
    "clip": None,
    "clip_id": "",
    "job": None,
    "job_id": "",
    "is_waiting": False,
    "problem": None,
}
COMMAND = (sys.executable, "-m", "bridge")
"""Starts `stemlasso` in this environment."""


class WireClient:
    """A process with one link. Its newest views are in `errands` and `link`.

    impatient: seconds where a user's has tens of them, so that tests need not wait for those.
    """

    def __init__(
        self,
        program: Path,
        home: Path,
        command: str = json.dumps(COMMAND),
        impatient: bool = True,
        pass_fds: tuple[int, ...] = (),
    ) -> None:
        self.errands: dict[str, dict[str, Any]] = {}
        self.link: dict[str, Any] = {"state": "", "words": ""}
        self.history: list[dict[str, Any]] = []
        self.panel: dict[str, Any] = {}
        self.process = subprocess.Popen(
            [str(program), *(["--impatient"] if impatient else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "STEMLASSO_HOME": str(home), "STEMLASSO_COMMAND": command},
            text=True,
            encoding="utf-8",
            bufsize=1,
            pass_fds=pass_fds,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def do(self, what: str, errand: str = "a", **rest: Any) -> None:
        """Give an order."""
        assert self.process.stdin is not None
        order = {"do": what, "errand": errand, **rest}
        self.process.stdin.write(json.dumps(order) + "\n")

    def make(self, path: Path, errand: str = "a", **origin: Any) -> None:
        """An errand for a file."""
        self.do("make", errand, path=str(path), name=path.stem, origin=origin)

    def separate(self, errand: str = "a", **rest: Any) -> None:
        """Ask for the burst of `write_mixture`."""
        spans = [[1.0, 1.5, True], [2.0, 3.5, False]]
        self.do("separate", errand, description="burst", spans=spans, **rest)

    def until(self, is_so: Callable[[], Any], what: str) -> None:
        """Wait until `is_so`; fails when it never is, with all that was said."""
        deadline_s = time.monotonic() + WAIT_S
        while not is_so():
            said = "\n".join(json.dumps(each) for each in self.history[-30:])
            assert self.process.poll() is None, f"the client ended before: {what}\n{said}"
            assert time.monotonic() < deadline_s, f"never came: {what}\n{said}"
            time.sleep(0.01)

    def until_link(self, state: str) -> None:
        """Wait until the link is in a state."""
        self.until(lambda: self.link.get("state") == state, f"the link is {state}")

    def until_job(self, state: str, errand: str = "a") -> dict[str, Any]:
        """Wait until the newest job is in a state, and nothing waits; gives the job."""

        def is_there() -> bool:
            job = self.view(errand)["job"]
            return bool(job) and job["state"] == state

        self.until(is_there, f"the job of {errand} is {state}")
        job: dict[str, Any] = self.errands[errand]["job"]
        return job

    def view(self, errand: str = "a") -> dict[str, Any]:
        """What was last said of an errand; before that, of one of which nothing is known."""
        return self.errands.get(errand, _NOTHING)

    def states(self, errand: str = "a") -> list[str]:
        """Of jobs of an errand, as they were told, each once in a row."""
        found: list[str] = []
        for each in self.history:
            if each.get("errand") == errand and each["job"]:
                state = each["job"]["state"]
                if found[-1:] != [state]:
                    found.append(state)
        return found

    def end(self) -> int:
        """Quit; gives the exit status. Fails when the link holds the process up."""
        if self.process.poll() is None:
            self.do("quit")
        try:
            return self.process.wait(WAIT_S)
        finally:
            self.process.kill()
            self._reader.join()
            for stream in (self.process.stdin, self.process.stdout):
                assert stream is not None
                stream.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            said = json.loads(line)
            self.history.append(said)
            if "link" in said:
                self.link = said["link"]
            elif "panel" in said:
                self.panel = said
            else:
                self.errands[said["errand"]] = said


def jobs(home: Path) -> list[Job]:
    """All jobs of the store."""
    with connect(home, start=False) as client:
        return list(client.jobs())


def meet(client: WireClient, home: Path) -> psutil.Process:
    """The worker, stopped in the middle of the newest job of errand `a`.

    The errand is separated again, with another seed, when its job was over before it was met.
    """
    seen: set[str] = set()
    with connect(home, start=False) as other:

        def submit() -> Job:
            client.separate(seed=len(seen))
            client.until(lambda: {client.view()["job_id"]} - seen - {""}, "the job has an id")
            seen.add(client.view()["job_id"])
            return other.job(client.view()["job_id"])

        return Looks(other.job, lambda: other.status().engine.pid).meet(submit)[1]
