"""The commands that talk to a server, run as a user runs them."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import soundfile as sf

from bridge.cli.address import parse_address
from bridge.cli.output import duration, short, size, table
from bridge.errors import ServerUnavailable

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(home: Path) -> Iterator[Run]:
    """Runs `stemlasso` in `home`; a server that was started is stopped at the end."""

    def command(*arguments: str, status: int = 0) -> "subprocess.CompletedProcess[str]":
        name, *rest = arguments
        done = subprocess.run(
            [sys.executable, "-m", "bridge", name, "--home", str(home), *rest],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == status, done.stderr
        assert "Traceback" not in done.stderr
        return done

    yield command
    if (home / "run" / "connection.json").exists():
        command("stop")


def via_engine(run: Run, mixture: Path, *arguments: str, status: int = 0) -> str:
    prompt = ("-d", "burst", "--span", "+0.5:1", "--span", "-1.2:1.8", "--separator", "builtin")
    return run("separate", "--via-engine", str(mixture), *prompt, *arguments, status=status).stdout


def test_separating_through_the_engine_gives_what_separating_gives(
    run: Run, home: Path, mixture: Path, tmp_path: Path
) -> None:
    told = json.loads(via_engine(run, mixture, "--json"))
    assert told["status"] == "done"
    there = {Path(path).name for path in told["stems"]}
    assert all(Path(path).parent == mixture.parent / "stems" for path in told["stems"])
    direct = tmp_path / "direct"
    subprocess.run(
        [
            *(sys.executable, "-m", "bridge", "separate", str(mixture), "-d", "burst", "-q"),
            *("-s", "+0.5:1", "-s", "-1.2:1.8", "--separator", "builtin", "-o", str(direct)),
        ],
        check=True,
    )
    assert there == {path.name for path in direct.iterdir()}
    for name in there:
        ours, theirs = (sf.read(folder / name)[0] for folder in (mixture.parent / "stems", direct))
        assert (ours == theirs).all()

    again = json.loads(via_engine(run, mixture, "--json"))
    assert again["job"]["result"]["from_store"]
    # other stems of the same names replace those only when told to
    other = ("--span", "-0.1:0.3")
    assert "output_exists" in via_engine(run, mixture, "--json", *other, status=5)
    via_engine(run, mixture, "--quiet", *other, "--overwrite")

    jobs = json.loads(run("jobs", "--json").stdout)
    assert [job["state"] for job in jobs] == ["done", "failed", "done", "done"]
    assert "burst" in run("jobs").stdout
    assert "\nnull " in run("jobs", "--show", jobs[0]["job_id"]).stdout
    assert mixture.stem in run("clips").stdout


def test_a_video_and_the_choices_about_sound_go_along(
    run: Run, mixture: Path, tmp_path: Path
) -> None:
    chosen = ("--stereo", "mono", "--residual-mode", "generated", "--presence-gate", "0.2")
    mask = tmp_path / "mask.npy"
    assert "path_refused" in via_engine(run, mixture, "--json", "--mask", str(mask), status=22)
    mask.write_bytes(b"")
    job = json.loads(via_engine(run, mixture, "--json", "--mask", str(mask), *chosen))["job"]
    assert job["prompt"]["video_path"] == str(mixture)
    assert job["prompt"]["mask_path"] == str(mask)
    options = job["options"]
    assert (options["stereo"], options["residual"], options["presence_gate"]) == (
        "mono",
        "generated",
        0.2,
    )
    assert [each["code"] for each in job["result"]["notices"]] == ["video_ignored"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such pseudo-terminals")
def test_a_terminal_shows_a_progress_bar_and_json_none(run: Run, home: Path, mixture: Path) -> None:
    run("clips")  # starts the server
    shown = on_a_terminal(home, mixture)
    assert mixture.name in shown
    assert "100%|" in shown
    assert "null " in shown
    quiet = on_a_terminal(home, mixture, "--json", "--overwrite")
    assert "%|" not in quiet
    assert json.loads(quiet)["status"] == "done"


def on_a_terminal(home: Path, mixture: Path, *arguments: str) -> str:
    """What `stemlasso separate` writes to a terminal, both streams."""
    import pty
    import termios

    command = (sys.executable, "-m", "bridge", "separate", "--via-engine", "--home", str(home))
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    process = subprocess.Popen(
        [*command, str(mixture), "-d", "drums", "--separator", "builtin", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):  # how a terminal says that nobody is at the other end
        while piece := os.read(ours, 4096):
            shown += piece
    os.close(ours)
    assert process.wait(100) == 0, shown
    return shown.decode("utf-8")


def test_a_job_is_queued_watched_repeated_and_cancelled(run: Run, mixture: Path) -> None:
    queued = json.loads(via_engine(run, mixture, "--json", "--no-wait"))
    done = json.loads(run("jobs", "--watch", queued["job_id"], "--json").stdout)
    assert done[0]["state"] == "done"
    assert json.loads(run("jobs", "--cancel", queued["job_id"], "--json").stdout) == done
    refused = json.loads(via_engine(run, mixture, "--json", "--span=+50:60", status=3))
    assert refused["error"]["code"] == "prompt_invalid"


def test_a_failed_job_is_repeated_as_a_new_one(run: Run, mixture: Path) -> None:
    unknown = ("--json", "-d", "the colour of jealousy", "--separator", "builtin")
    failed = json.loads(run("separate", "--via-engine", str(mixture), *unknown, status=3).stdout)
    assert failed["error"]["code"] == "prompt_needs_spans"
    (wrong,) = json.loads(run("jobs", "--state", "failed", "--json").stdout)
    again = json.loads(run("jobs", "--retry", wrong["job_id"], "--json").stdout)[0]
    assert again["retry_of"] == wrong["job_id"]
    watched = json.loads(run("jobs", "--watch", again["job_id"], "--json", status=3).stdout)
    assert watched[0]["error"]["code"] == "prompt_needs_spans"


def test_clips_come_and_go(run: Run, mixture: Path) -> None:
    assert run("clips").stdout == "no clips\n"
    clips = json.loads(run("clips", "--add", str(mixture), "--json").stdout)
    assert clips[0]["path"] == str(mixture)
    assert clips[0]["duration_s"] == 2.0
    assert run("clips", "--remove", clips[0]["clip_id"]).stdout == "no clips\n"
    assert mixture.exists()
    missing = run("clips", "--add", str(mixture.with_name("none.wav")), status=4)
    assert "none.wav" in missing.stderr
    assert "clip_not_found" in run("clips", "--remove", "c0", status=21).stderr


def test_status_and_stop_start_no_server(run: Run, home: Path) -> None:
    for name in ("status", "stop"):
        assert "server_unavailable" in run(name, status=23).stderr
    told = json.loads(run(name, "--json", status=23).stdout)
    assert told["error"]["code"] == "server_unavailable"
    assert not (home / "run" / "connection.json").exists()


def test_status_shows_server_devices_and_queue(run: Run) -> None:
    run("clips")
    told = json.loads(run("status", "--json").stdout)
    assert told["devices"]
    assert "builtin" in {each["name"] for each in told["separators"]}
    shown = run("status").stdout
    for word in ("server", "memory", "device", "engine", "queue", "store", "separator"):
        assert f"\n{word}" in f"\n{shown}"


def test_keys_are_shown_and_exchanged(run: Run) -> None:
    told = json.loads(run("keys", "--json").stdout)
    assert set(told) == {"server", "client", "allowed", "servers"}
    run("keys", "allow", "studio", told["client"])
    run("keys", "trust", "gpu", "10.0.0.2", told["server"])
    shown = run("keys").stdout
    assert "studio" in shown
    assert "gpu at 10.0.0.2:47300" in shown
    run("keys", "revoke", "studio")
    run("keys", "forget", "gpu")
    assert "studio" not in run("keys").stdout
    assert "not_found" in run("keys", "revoke", "studio", status=21).stderr
    assert "40" in run("keys", "allow", "x", "short", status=24).stderr
    assert run("clips", "--server", "gpu", status=21).stderr.count("gpu") == 1


def test_listening_needs_a_key_exchange_first(run: Run) -> None:
    refused = run("serve", "--listen", "127.0.0.1", status=24)
    assert "stemlasso keys allow" in refused.stderr
    assert "--keep-days" in run("serve", "--keep-days=-1", status=22).stderr


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("192.168.1.20", ("192.168.1.20", 47300)),
        ("192.168.1.20:5000", ("192.168.1.20", 5000)),
        ("fe80::1", ("fe80::1", 47300)),
        ("[fe80::1]:5000", ("fe80::1", 5000)),
        ("gpu.studio:5000", ("gpu.studio", 5000)),
    ],
)
def test_addresses(text: str, expected: tuple[str, int]) -> None:
    assert parse_address(text) == expected


@pytest.mark.parametrize("text", ["", ":", "a:b", "a:80", "a:65535", ":5000", "a:५०००"])
def test_bad_addresses(text: str) -> None:
    with pytest.raises(ServerUnavailable, match="ADDRESS"):
        parse_address(text)


def test_numbers_are_shown_for_people() -> None:
    assert [size(n) for n in (0, 1023, 1024, 1536 * 1024**2)] == [
        "0 B",
        "1023 B",
        "1.0 KiB",
        "1.5 GiB",
    ]
    assert [duration(s) for s in (0.04, 59.94, 60, 3600)] == ["0.0 s", "59.9 s", "1:00", "1:00:00"]
    assert table([("a", "bb"), ("ccc", "d")]) == "a    bb\nccc  d"
    assert table([]) == ""
    assert short("bell \x07\x1b[2J") == "bell   [2J"
    assert short("n" * 300) == "n" * 47 + "…"
    assert short("n" * 48) == "n" * 48


def test_the_usage_names_every_command() -> None:
    executable = shutil.which("stemlasso", path=str(Path(sys.executable).parent))
    assert executable is not None
    shown = subprocess.run([executable, "--help"], capture_output=True, text=True, check=True)
    for name in ("serve", "status", "clips", "jobs", "store", "keys", "stop"):
        assert f"  {name} " in shown.stdout


def test_a_selection_of_a_job_is_done_anew(run: Run, mixture: Path) -> None:
    """Another take of half a second; outside of it and its fades the target stays to the bit."""
    base = json.loads(via_engine(run, mixture, "--json"))["job"]
    for wrong in ((), ("--selection", "soon")):
        refused = run("jobs", "--redo", base["job_id"], *wrong, status=3)
        assert "START:END" in refused.stderr
    (queued,) = json.loads(
        run("jobs", "--redo", base["job_id"], "--selection", "0.5:1.0", "--json").stdout
    )
    assert queued["options"]["seed"] == base["options"]["seed"] + 1
    rerun = {"base_job_id": base["job_id"], "start_s": 0.5, "end_s": 1.0}
    assert queued["options"]["rerun"] == rerun
    (done,) = json.loads(run("jobs", "--watch", queued["job_id"], "--json").stdout)
    targets = [
        sf.read(next(stem["path"] for stem in job["result"]["stems"] if stem["role"] == "target"))
        for job in (base, done)
    ]
    (before, rate), (after, _) = targets
    outside = [*range(round(0.45 * rate)), *range(round(1.05 * rate), len(before))]
    assert (before[outside] == after[outside]).all()
    assert (before != after).any()
    told = run("jobs", "--redo", base["job_id"], "--selection", "0.5:1.0", "--seed", "9", "--json")
    assert json.loads(told.stdout)[0]["options"]["seed"] == 9
