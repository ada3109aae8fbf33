"""Requests and answers as files, as a host without sockets would use them."""

import json
import os
import re
from pathlib import Path
from typing import Any

from .clips import write_clip
from .desk_driver import Driver, driving

QUICK = {"exchange_s": 0.1}


def request(clip: dict[str, Any], **changes: Any) -> dict[str, Any]:
    prompt = {"description": "clicks", "spans": [{"start_s": 0.0, "end_s": 0.1, "sign": "+"}]}
    options = {"separator": "builtin", "n_threads": 1}
    return {"request": 1, "clip": clip, "prompt": prompt, "options": options, **changes}


def hand_in(root: Path, name: str, content: object) -> None:
    """As the document says: a hidden name, then a rename."""
    inbox = root / "inbox"
    inbox.mkdir(parents=True, exist_ok=True)
    text = content if isinstance(content, bytes) else json.dumps(content).encode("utf-8")
    (inbox / f".{name}").write_bytes(text)
    (inbox / f".{name}").rename(inbox / name)


def answer_of(desk: Driver, root: Path, name: str, *states: str) -> dict[str, Any]:
    path = root / "outbox" / f"{name}.answer.json"

    def is_there() -> bool:
        return path.exists() and json.loads(path.read_text("utf-8"))["state"] in states

    desk.wait_for(is_there)
    answer: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return answer


def test_a_request_is_answered_with_a_manifest(tmp_path: Path) -> None:
    root = tmp_path / "store"
    clip = write_clip(tmp_path / "Schlagzeug für Zoë.wav")
    origin = {"host": "Live", "track": "Drums", "position_s": 2.0}
    with driving(root, **QUICK) as desk:
        hand_in(root, "one.json", request({"path": str(clip), "origin": origin}))
        answer = answer_of(desk, root, "one", "done", "failed")
    assert answer["state"] == "done", answer
    manifest = json.loads(Path(answer["manifest"]).read_text("utf-8"))
    assert manifest["host"] == "Live"
    assert manifest["stems"][0]["start_samples"] == 96_000
    assert Path(manifest["stems"][0]["file"]).is_file()
    assert not list((root / "inbox").iterdir())


def test_a_request_without_a_prompt_puts_a_clip_only(tmp_path: Path) -> None:
    root = tmp_path / "store"
    clip = write_clip(tmp_path / "a.wav")
    origin = {"host": "REAPER", "position_s": 2.0}
    with driving(root, **QUICK) as desk:
        hand_in(root, "one.json", {"request": 1, "clip": {"path": str(clip), "origin": origin}})
        answer = answer_of(desk, root, "one", "done", "failed")
        assert answer["job_id"] == ""
        put = desk.ask(lambda own: own.clip(answer["clip_id"]))
        assert (put.origin.host, put.origin.position_s) == ("REAPER", 2.0)
    assert list((root / "outbox").iterdir()) == [root / "outbox" / "one.answer.json"]


def test_a_request_that_fails_says_why(tmp_path: Path) -> None:
    root = tmp_path / "store"
    with driving(root, **QUICK) as desk:
        hand_in(root, "gone.json", request({"path": str(tmp_path / "gone.wav")}))
        hand_in(root, "unknown.json", request({"clip_id": "c0"}))
        clip = write_clip(tmp_path / "a.wav")
        zorp = request({"path": str(clip)}, prompt={"description": "zorp"})
        hand_in(root, "zorp.json", zorp)
        for name, code in (
            ("gone", "audio_not_found"),
            ("unknown", "clip_not_found"),
            ("zorp", "prompt_needs_spans"),
        ):
            assert answer_of(desk, root, name, "failed")["error"]["code"] == code


NO_REQUESTS = (
    b"",
    b"{",
    b"[1]",
    b"\xff\xfe",
    b"[" * 100_000,
    b'{"request": 2}',
    b'{"request": 1}',
    b'{"request": 1, "clip": 5, "prompt": {}}',
    b'{"request": 1, "clip": {"path": 5}, "prompt": {"description": "a"}}',
    b'{"request": 1, "clip": {"path": "a.wav"}, "prompt": {"description": "a"}}',
    b'{"request": 1, "clip": {"path": "/a.wav"}, "prompt": {"spans": [{"start_s": NaN}]}}',
    b'{"request": 1, "clip": {"path": "/\\ud800"}, "prompt": {"description": "a"}}',
    b" " * 300_000,
)


def test_what_is_no_request_is_answered_and_taken_away(tmp_path: Path) -> None:
    root = tmp_path / "store"
    with driving(root, **QUICK) as desk:
        for number, content in enumerate(NO_REQUESTS):
            hand_in(root, f"bad-{number}.json", content)
        for number, content in enumerate(NO_REQUESTS):
            answer = answer_of(desk, root, f"bad-{number}", "failed")
            assert answer["error"]["code"], content[:40]
            assert answer["error"]["message"], content[:40]
        desk.wait_for(lambda: not list((root / "inbox").iterdir()))


def test_links_and_folders_in_the_inbox_are_refused(tmp_path: Path) -> None:
    root = tmp_path / "store"
    secret = tmp_path / "secret"
    secret.write_text("{}", "utf-8")
    with driving(root, **QUICK) as desk:
        (root / "inbox" / "link.json").symlink_to(secret)
        answer = answer_of(desk, root, "link", "failed")
    assert answer["error"]["code"] == "bad_message"
    assert secret.exists()


def test_a_request_left_by_a_crash_is_one_job(tmp_path: Path) -> None:
    root = tmp_path / "store"
    clip = write_clip(tmp_path / "a.wav")
    hand_in(root, "one.json", request({"path": str(clip)}))
    before = (root / "inbox" / "one.json").stat()
    text = (root / "inbox" / "one.json").read_bytes()
    with driving(root, **QUICK) as desk:
        first = answer_of(desk, root, "one", "done")
    # the job was stored, but the request had not been taken away yet
    (root / "inbox" / "one.json").write_bytes(text)
    os.utime(root / "inbox" / "one.json", ns=(before.st_atime_ns, before.st_mtime_ns))
    (root / "outbox" / "one.answer.json").unlink()
    with driving(root, **QUICK) as desk:
        second = answer_of(desk, root, "one", "done")
        assert len(desk.jobs()) == 1
    assert first["job_id"] == second["job_id"]


def test_the_examples_of_the_document_are_what_is_read_and_written(
    tmp_path: Path, checkout: Path
) -> None:
    text = (checkout / "plugin_shim" / "daw" / "manifest.md").read_text("utf-8")
    shown = {
        name: json.loads(re.findall(rf"```json {name}\n(.*?)```", text, re.DOTALL)[0])
        for name in ("request", "answer")
    }
    root = tmp_path / "store"
    asked = shown["request"]
    asked["clip"]["path"] = str(write_clip(tmp_path / "loop.wav"))
    with driving(root, **QUICK) as desk:
        hand_in(root, "NAME.json", asked)
        answer = answer_of(desk, root, "NAME", "done")
    assert set(answer) == set(shown["answer"])
    assert answer["request"] == "NAME.json"
