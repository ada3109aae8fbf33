"""`stemlasso models` as a user types it: what is printed, and the exit status."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import close_session

from engine.checkpoints.catalog import CATALOGUE
from engine.cli.models import main

from .checkpoint_hub import LocalHub, serve
from .tiny_model import write_checkpoint

LICENCE = "SAM-Audio's weights are under Meta's SAM License"


@pytest.fixture
def store(tmp_path: Path) -> str:
    return str(tmp_path / "store")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An official-layout folder of a tiny SAM-Audio."""
    return write_checkpoint(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def hub() -> Iterator[LocalHub]:
    with serve(LocalHub({})) as running:
        yield running
    close_session()


def contents(folder: Path) -> dict[str, bytes]:
    """The files of a folder by name."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def json_lines(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def test_list_says_what_is_here_and_what_the_licence_means(
    store: str, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["import", str(source), "--as", "sam-audio-small", "--store", store]) == 0
    imported = capsys.readouterr()
    assert LICENCE in imported.err
    assert "sam-audio-small:" in imported.out
    assert main(["list", "--store", store]) == 0
    shown = capsys.readouterr().out
    assert LICENCE in shown
    assert all(f"{model.name} " in shown and model.page in shown for model in CATALOGUE)
    (line,) = (line for line in shown.splitlines() if line.startswith("sam-audio-small "))
    assert "here, " in line
    assert "float32" in line


def test_list_as_json(store: str, source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["import", str(source), "--as", "sam-audio-small", "--store", store, "-q"])
    assert capsys.readouterr().out == ""
    assert main(["list", "--json", "--store", store]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert set(rows) == {model.name for model in CATALOGUE}
    assert rows["sam-audio-small"]["installed"] is True
    assert rows["sam-audio-small"]["needs"] == ["t5-base"]
    assert rows["sam-audio-large"]["installed"] is False
    assert rows["sam-audio-large"]["published_bytes"] == 14_861_356_211


def test_list_says_what_is_damaged_or_unfinished(
    store: str, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["import", str(source), "--as", "sam-audio-small", "--store", store, "-q"])
    (Path(store) / "sam-audio-small" / "manifest.json").write_text("", encoding="utf-8")
    staged = Path(store) / ".incoming" / "t5-base"
    staged.mkdir(parents=True)
    (staged / "model.safetensors.part").write_bytes(b"x" * 2000)
    assert main(["list", "--store", store]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("sam-audio-small ") and "damaged" in line for line in lines)
    assert any(line.startswith("t5-base ") and "unfinished, 2.0 kB" in line for line in lines)
    main(["list", "--json", "--store", store])
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["sam-audio-small"]["damaged"] is True
    assert rows["t5-base"]["unfinished_bytes"] == 2000
    assert main(["remove", "sam-audio-small", "t5-base", "--store", store]) == 0


def test_list_is_quick_and_loads_no_torch(store: str) -> None:
    code = (
        "import sys\n"
        "from bridge.__main__ import main\n"
        "status = main(['models', 'list', '--store', sys.argv[1]])\n"
        "heavy = {'torch', 'safetensors', 'huggingface_hub', 'tokenizers'} & set(sys.modules)\n"
        "sys.exit(status or (f'loaded {heavy}' if heavy else 0))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code, store], capture_output=True, text=True, timeout=200
    )
    assert answer.returncode == 0, answer.stderr
    assert "sam-audio-large" in answer.stdout


def test_the_variable_names_the_store_and_the_option_wins(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEMLASSO_MODELS", str(tmp_path / "from variable"))
    assert main(["import", str(source), "--as", "sam-audio-small"]) == 0
    assert (tmp_path / "from variable" / "sam-audio-small" / "manifest.json").is_file()
    given = str(tmp_path / "given")
    assert main(["import", str(source), "--as", "sam-audio-small", "--store", given]) == 0
    assert (tmp_path / "given" / "sam-audio-small").is_dir()


def test_verify_finds_damage(store: str, source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "--store", store]) == 0
    assert "no models" in capsys.readouterr().out
    main(["import", str(source), "--as", "sam-audio-small", "--store", store, "-q"])
    assert main(["verify", "--store", store]) == 0
    assert "sam-audio-small/checkpoint.pt: whole" in capsys.readouterr().out
    weights = Path(store) / "sam-audio-small" / "checkpoint.pt"
    weights.write_bytes(weights.read_bytes()[:-1] + b"!")
    assert main(["verify", "sam-audio-small", "--json", "--store", store]) == 6
    printed = capsys.readouterr()
    (row,) = json_lines(printed.out)
    assert row["status"] == "failed"
    assert row["files"] == {"config.json": "whole", "checkpoint.pt": "other digest"}
    assert printed.err.startswith("error [checkpoint_corrupt]: ")


def test_convert_link_and_remove(
    store: str, source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = ["--store", store]
    assert main(["import", str(source), "--as", "sam-audio-1b", "--link", *place]) == 0
    assert "'sam-audio-1b' is called sam-audio-base today" in capsys.readouterr().err
    assert main(["convert", "sam-audio-base", "--precision", "bf16", "--json", *place]) == 0
    (row,) = json_lines(capsys.readouterr().out)
    assert row["precision"] == "bfloat16"
    assert main(["remove", "sam-audio-base", "--json", *place]) == 0
    (row,) = json_lines(capsys.readouterr().out)
    assert row["status"] == "done"
    assert (source / "checkpoint.pt").is_file()


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["remove", "sam-audio-small"], 6, "error [checkpoint_not_found]: sam-audio-small is not"),
        (["verify", "sam-audio-9b"], 6, "error [checkpoint_not_found]: 'sam-audio-9b' is not a"),
        (["download", "nothing"], 6, "error [checkpoint_not_found]: 'nothing' is not a known"),
        (["import", "nowhere"], 6, "error [checkpoint_not_found]: nowhere does not exist"),
        (
            ["convert", "sam-audio-judge", "--precision", "bf16"],
            6,
            "error [checkpoint_invalid]: sam-audio-judge stays in float32",
        ),
    ],
)
def test_errors_are_one_line_with_a_code(
    store: str,
    arguments: list[str],
    status: int,
    says: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([*arguments, "--store", store]) == status
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(says)
    assert main([*arguments, "--json", "--store", store]) == status
    (row,) = json_lines(capsys.readouterr().out)
    assert row["status"] == "failed"


@pytest.mark.parametrize("arguments", [[], ["fly"], ["remove"], ["convert", "t5-base"]])
def test_a_wrong_command_line_ends_with_two(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: stemlasso models" in capsys.readouterr().err


def test_download_brings_what_the_model_needs_and_shows_the_licence(
    store: str, source: Path, hub: LocalHub, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.files = {
        "facebook/sam-audio-small": contents(source),
        "google-t5/t5-base": contents(source / "t5"),
    }
    place = ["--store", store, "--endpoint", hub.endpoint]
    assert main(["download", "sam-audio-small", "--json", *place]) == 0
    printed = capsys.readouterr()
    rows = json_lines(printed.out)
    assert [(row["name"], row["status"]) for row in rows] == [
        ("sam-audio-small", "done"),
        ("t5-base", "done"),
    ]
    assert LICENCE in printed.err
    assert "https://huggingface.co/facebook/sam-audio-small" in printed.err
    assert main(["verify", "--store", store]) == 0
    assert main(["download", "sam-audio-small", "--only", *place]) == 0
    assert "already in" in capsys.readouterr().err


def test_a_gated_download_says_what_to_do(
    store: str, hub: LocalHub, capsys: pytest.CaptureFixture[str]
) -> None:
    repository = "facebook/sam-audio-large"
    hub.files, hub.gated = {repository: {"config.json": b"{}", "checkpoint.pt": b"x"}}, {repository}
    arguments = ["download", "sam-audio-large", "--store", store, "--endpoint", hub.endpoint]
    assert main(arguments) == 6
    printed = capsys.readouterr().err
    assert "error [checkpoint_gated]: facebook/sam-audio-large is gated" in printed
    assert "https://huggingface.co/facebook/sam-audio-large" in printed
    assert "hf auth login" in printed
    assert printed.count(LICENCE) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="needs a signal that a test can send")
def test_ctrl_c_ends_with_130_and_keeps_what_arrived(tmp_path: Path, hub: LocalHub) -> None:
    hub.files = {"facebook/sam-audio-small": {"config.json": b"{}", "checkpoint.pt": b"x" * 5000}}
    hub.breaks, hub.break_after = 1000, 10  # ever again a few bytes: it never ends by itself
    code = (
        "import sys; from engine.cli.models import main\n"
        "print('ready', flush=True); sys.exit(main(sys.argv[1:]))"
    )
    arguments = ["download", "sam-audio-small", "--only", "--endpoint", hub.endpoint]
    with subprocess.Popen(
        [sys.executable, "-c", code, *arguments, "--store", str(tmp_path / "s")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"HF_HOME": str(tmp_path / "hf")},
    ) as process:
        while not hub.ranges():
            assert process.poll() is None
        process.terminate()
        _, said = process.communicate(timeout=200)
    assert process.returncode == 130
    assert "error [cancelled]: stopped; the same command continues" in said
    assert "Traceback" not in said
    partial = tmp_path / "s" / ".incoming" / "sam-audio-small" / "checkpoint.pt.part"
    assert partial.stat().st_size > 0
