"""`stemlasso live` leaves what the document says, and waits for Live."""

import json
import re
import threading
import time
from pathlib import Path

import pytest

from bridge.cli.live import main


def test_the_command_is_what_the_document_shows(
    tmp_path: Path, checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outbox = tmp_path / "store" / "outbox"
    outbox.mkdir(parents=True)
    taken: list[str] = []

    def live() -> None:
        path = outbox / "Live.command.json"
        while not path.exists():
            time.sleep(0.01)
        taken.append(path.read_text("utf-8"))
        path.unlink()

    script = threading.Thread(target=live)
    script.start()
    arguments = ["--describe", "snare", "--span", "+0.5:0.7", "--home", str(tmp_path), "--json"]
    assert main(arguments) == 0
    script.join()
    text = (checkout / "plugin_shim" / "daw" / "manifest.md").read_text("utf-8")
    (shown,) = re.findall(r"```json command\n(.*?)```", text, re.DOTALL)
    assert json.loads(taken[0]) == json.loads(shown)
    assert json.loads(capsys.readouterr().out)["status"] == "taken"


def test_no_store_and_wrong_options_are_errors(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--home", str(tmp_path / "none")]) == 23
    assert "stemlasso status" in capsys.readouterr().err
    for wrong in (["--candidates", "9"], ["--server", "a"], ["--span", "x"]):
        with pytest.raises(SystemExit) as ended:
            main(wrong)
        assert ended.value.code == 2
