"""Capture through the window: a press of the mouse, audio, another press, and the clip is there."""

import re
import shutil
from pathlib import Path

import numpy as np

from .editor_screen import needs_screen
from .editor_window import standalone
from .take_files import Kept, kept_takes
from .window_host import WindowHost, window_host

pytestmark = needs_screen
EMPTY = '<StemLasso version="1" capture="0"><Workspace/></StemLasso>'
RATE = 48_000
LARGEST_BLOCK = 1024
N_TRIES = 5


def test_a_take_through_the_window_is_what_the_host_played(
    checkout: Path, plugin: Path, home: Path, tmp_path: Path
):
    state = tmp_path / "empty.xml"
    state.write_text(EMPTY, "utf-8")
    with window_host(checkout, plugin, home, state) as host:
        host.open()
        host.wait("take", lambda part: part["title"] == "Turn it on, then play.")
        for _ in range(N_TRIES):
            shutil.rmtree(home / "spool", ignore_errors=True)
            heading = captured(host)
            if "gap" not in heading:  # of a writer that had no turn for a second
                break
        (take,) = kept_takes(home / "spool")
        outcome = host.outcome()
    name, detail, *remarks = heading.split("\n")
    position, n_samples = take.time_reference, len(take.bits)
    assert re.fullmatch(r"Take \d+", name)
    assert detail.startswith(f"{clock(n_samples)} · 48 kHz · stereo · at bar ")
    assert detail.endswith(f" · {clock(position)}")
    assert remarks == []
    np.testing.assert_array_equal(take.bits, played(take))
    assert outcome["altered"] == 0


def captured(host: WindowHost) -> str:
    """Press, wait for a second of audio, press again; what the window then says of the clip."""
    before = host.part("editor")["description"]
    host.press(
        "capture",
        lambda: re.match(r"\d+:\d\d\.\d from bar ", host.part("take").get("title", "")),
        "a take that runs",
    )
    host.wait("take", lambda part: not part["title"].startswith("0:00."), "longer than a second")

    def has_clip() -> bool:
        heading = host.part("editor")["description"]
        return heading.startswith("Take ") and heading != before

    host.press("capture", has_clip, "the clip")
    return str(host.part("editor")["description"])


def clock(n_samples: int) -> str:
    """As the window writes a time."""
    milliseconds = (n_samples * 1000 * 2 + RATE) // (2 * RATE)
    return f"{milliseconds // 60_000}:{milliseconds // 1000 % 60:02}.{milliseconds % 1000:03}"


def played(take: Kept) -> np.ndarray:
    """What the host played there [N, 2]: the same bits in every block, of which it takes as many
    as its next random number says. The transport rolls from 0."""
    random = np.random.MT19937()
    random._legacy_seeding(1)
    block = np.array(random.random_raw(2 * LARGEST_BLOCK), np.uint32).reshape(2, LARGEST_BLOCK).T
    blocks: list[np.ndarray] = []
    end = take.time_reference + len(take.bits)
    n_played = 0
    while n_played < end:
        blocks.append(block[: 1 + random.random_raw() % LARGEST_BLOCK])
        n_played += len(blocks[-1])
    return np.concatenate(blocks)[take.time_reference : end]


def test_a_take_that_cannot_be_written_is_said_also_when_it_is_over(
    checkout: Path, plugin: Path, home: Path, tmp_path: Path
):
    state = tmp_path / "empty.xml"
    state.write_text(EMPTY, "utf-8")
    home.mkdir()
    (home / "spool").write_text("in the way", "utf-8")
    why = "no take can be written there"
    with window_host(checkout, plugin, home, state) as host:
        host.open()
        host.press(
            "capture", lambda: why in host.part("take").get("title", ""), "why, while it runs"
        )
        host.press(
            "capture", lambda: why in host.part("prompt").get("title", ""), "why, afterwards"
        )
        host.wait("take", lambda part: part["title"] == "Turn it on, then play.")
        assert host.outcome()["altered"] == 0


def test_the_standalone_version_speaks_of_no_daw(plugin: Path, home: Path, tmp_path: Path):
    folder = tmp_path / "desk"
    folder.mkdir()
    # no device: none of this computer's is opened by a test
    (folder / "asoundrc").write_text("", "utf-8")
    with standalone(plugin, home, folder, ALSA_CONFIG_PATH=str(folder / "asoundrc")) as window:
        window.wait("take", lambda part: part["title"] == "Turn it on to begin.")
        said = "No audio comes: choose a device in Options."
        window.press("capture", lambda: window.part("take").get("title", "") == said, "words")
