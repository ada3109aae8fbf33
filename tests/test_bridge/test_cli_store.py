"""`stemlasso store`, while a server runs and while none does."""

import json
from pathlib import Path

import pytest

from bridge.cli.store import main
from bridge.client import connect

from .clips import write_clip
from .conftest import StartServer, end
from .desk_driver import BUILTIN, SPANS


def said(capsys: pytest.CaptureFixture[str], home: Path, *arguments: str) -> dict[str, object]:
    capsys.readouterr()
    assert main([*arguments, "--home", str(home), "--json"]) == 0
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


def test_the_store_is_seen_and_cleaned_with_and_without_a_server(
    start_server: StartServer, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said(capsys, home)["n_jobs"] == 0
    server = start_server()
    with connect(home, start=False) as client:
        clip = client.put_file(write_clip(tmp_path / "a.wav", 0.5))
        for number in range(2):
            job = client.submit(clip.clip_id, SPANS, BUILTIN)
            done = client.result(job.job_id, 300)
            assert done.result is not None
            assert done.result.from_store == bool(number)
    served = said(capsys, home)
    assert served["n_jobs"] == 2
    would = said(capsys, home, "clean", "--older-than", "0", "--dry-run")
    assert would["n_jobs"] == 2
    assert end(server) == 0

    alone = said(capsys, home)
    assert (alone["n_jobs"], alone["n_clips"]) == (2, 1)
    gone = said(capsys, home, "clean", "--keep", "0")
    assert gone["n_jobs"] == 2
    assert not list((home / "store" / "jobs").iterdir())
    assert main(["--home", str(home)]) == 0
    assert "jobs" in capsys.readouterr().out


def test_cleaning_needs_a_rule(home: Path) -> None:
    for arguments in (["clean"], ["clean", "--keep", "-1"], ["clean", "--older-than", "nan"]):
        with pytest.raises(SystemExit) as ended:
            main([*arguments, "--home", str(home)])
        assert ended.value.code == 2


def test_a_store_that_cannot_be_read_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "home").write_bytes(b"")
    assert main(["--home", str(tmp_path / "home")]) == 1
    assert "store_failed" in capsys.readouterr().err
