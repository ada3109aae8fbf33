"""Client processes that are killed in the middle of something: the server and the others go on."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.client import Client, connect
from bridge.errors import BridgeError
from bridge.folders import Folders
from bridge.protocol.transfers import (
    ClipCommit,
)

from .clips import write_clip
from .conftest import end, eventually

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="processes are ended as POSIX systems do it"
)

VANISHING = """
import sys
from bridge.client import connect
from bridge.protocol.transfers import ClipChunk, ClipPut, Upload
from bridge.protocol.values import WirePrompt
home, what, clip_id = sys.argv[1:]
client = connect(home, start=False)
if what == "upload":
    put = ClipPut(upload=Upload(sample_rate=48000, n_channels=2), name="cut off")
    upload_id = client._ask("clip.put", put).upload_id
    client._link.send("clip.chunk", ClipChunk(upload_id, 0), bytes(80_000))
    assert client._link.receive(60).body.received_bytes == 80_000
    print(upload_id, flush=True)
else:
    print(client.submit(clip_id, WirePrompt("drums")).job_id, flush=True)
input()
"""


def vanishing(home: Path, what: str, clip_id: str = "") -> str:
    """A client process that is killed in the middle; gives the id of what it began."""
    process = subprocess.Popen(
        [sys.executable, "-c", VANISHING, str(home), what, clip_id or "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        begun = process.stdout.readline().strip()
        process.kill()
    assert begun
    return begun


def test_the_job_of_a_client_that_vanished_is_done(
    server: "subprocess.Popen[bytes]", client: Client, home: Path, tmp_path: Path
) -> None:
    clip = client.put_file(write_clip(tmp_path / "long.wav", 10.0))
    job_id = vanishing(home, "job", clip.clip_id)
    assert client.result(job_id, 300).result is not None  # another client sees it
    assert server.poll() is None


@pytest.fixture
def impatient(home: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A server that drops an upload after ten seconds of silence, which no busy client needs."""
    home.mkdir()
    script = Path(__file__).with_name("limited_server.py")
    process = subprocess.Popen(
        [sys.executable, str(script), str(home), json.dumps({"upload_idle_s": 10})],
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    yield process
    assert end(process) == 0


def test_the_upload_of_a_client_that_vanished_is_dropped(
    impatient: "subprocess.Popen[bytes]", home: Path, folders: Folders
) -> None:
    with connect(home, start=False) as client:
        upload_id = vanishing(home, "upload")
        incoming = folders.store / "incoming"
        eventually(lambda: not list(incoming.iterdir()), "nothing of the upload is left")
        with pytest.raises(BridgeError) as gone:
            client._ask("clip.commit", ClipCommit(upload_id))
        assert gone.value.code == "upload_not_found"
        assert client.clips() == []
        eventually(lambda: client.status().n_clients == 1, "the vanished one is not counted")
    assert impatient.poll() is None
