"""Commands whose output nobody reads any more end quietly; the server goes on."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.client import Client, connect
from bridge.standard_output import CLOSED, quiet_when_closed

from .conftest import make_samples
from .desk_driver import BUILTIN, SPANS

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="pipes break as POSIX systems have it"
)
UNBUFFERED = pytest.mark.parametrize("unbuffered", ["", "1"])


def environment(unbuffered: str) -> dict[str, str]:
    return {**os.environ, "PYTHONUNBUFFERED": unbuffered}


def start(
    *arguments: str, unbuffered: str = "", errors: int = subprocess.PIPE
) -> "subprocess.Popen[str]":
    """A command on a pipe whose reader has gone."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        return subprocess.Popen(
            [sys.executable, "-m", "bridge", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=writer,
            stderr=errors,
            text=True,
            env=environment(unbuffered),
        )
    finally:
        os.close(writer)


@UNBUFFERED
@pytest.mark.parametrize("arguments", ["--help", "jobs --help", "keys", "separators --json"])
def test_a_reader_that_has_gone_ends_a_command_quietly(
    arguments: str, unbuffered: str, tmp_path: Path
) -> None:
    home = ("--home", str(tmp_path)) if arguments == "keys" else ()
    process = start(*arguments.split(), *home, unbuffered=unbuffered)
    said = process.communicate(timeout=200)[1]
    assert said == ""
    # argparse keeps an error of writing its help to itself
    assert process.returncode in ((0, CLOSED) if arguments == "jobs --help" else (CLOSED,))


@UNBUFFERED
def test_head_takes_one_line_of_many(client: Client, home: Path, unbuffered: str) -> None:
    clip = client.put_samples(make_samples(0.5), 48_000, "a")
    for _ in range(3):
        client.result(client.submit(clip.clip_id, SPANS, BUILTIN).job_id, 200)
    bridge = f"{sys.executable} -m bridge"
    for number in range(20):
        json = "--json" if number % 2 else ""
        done = subprocess.run(
            ["bash", "-c", f"{bridge} jobs {json} --home {home} | head -{number % 4 // 2}"],
            capture_output=True,
            text=True,
            timeout=200,
            env=environment(unbuffered),
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert len(done.stdout.splitlines()) == number % 4 // 2


@UNBUFFERED
def test_a_server_needs_no_reader(home: Path, unbuffered: str) -> None:
    home.mkdir()
    process = start("serve", "--home", str(home), unbuffered=unbuffered)
    try:
        while not (home / "run" / "connection.json").exists():
            assert process.poll() is None
        with connect(home, start=False) as client:
            assert client.ping() > 0
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=200)[1]
        assert "Traceback" not in said
        assert "Broken pipe" not in said
        assert process.returncode == 0
    finally:
        process.kill()


def test_a_pipe_that_is_not_the_output_is_an_error_like_any_other() -> None:
    def run() -> int:
        raise BrokenPipeError("of a decoder")

    with pytest.raises(BrokenPipeError, match="decoder"):
        quiet_when_closed(run)
    assert quiet_when_closed(lambda: 7) == 7


def test_letters_that_the_reader_lacks_are_shown_by_their_numbers(tmp_path: Path) -> None:
    home = tmp_path / "Zoë"
    done = subprocess.run(
        [sys.executable, "-m", "bridge", "store", "--home", str(home)],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert r"Zo\xeb" in done.stdout
