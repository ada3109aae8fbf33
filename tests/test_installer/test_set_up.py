"""The set-up scripts: what they decide, and a real environment for a tiny project."""

import ast
import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import demo
import environment as env
import front_door
import pytest
import suite
import system_packages
from environment import Environment, Installed
from failure import SetupFailed

COMPLETE = Installed(frozenset({"model"}), "file:///builds")

BACKEND = '''
"""Builds a wheel with the names that set-up looks for; needs no other package."""
import zipfile
from pathlib import Path

INFO = "stemlasso-1.0.dist-info/"
TEXTS = {
    "soundfile.py": "",
    "tiny.py": "def main(): print('tiny')\\n",
    INFO + "METADATA": "Metadata-Version: 2.1\\nName: stemlasso\\nVersion: 1.0\\n",
    INFO + "WHEEL": "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    INFO + "entry_points.txt": "[console_scripts]\\nstemlasso = tiny:main\\n",
}


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    name = "stemlasso-1.0-py3-none-any.whl"
    texts = dict(TEXTS)
    texts[INFO + "METADATA"] += Path("needs.txt").read_text()
    texts[INFO + "RECORD"] = "".join(f"{each},,\\n" for each in texts)
    with zipfile.ZipFile(Path(wheel_directory) / name, "w") as wheel:
        for each, text in texts.items():
            wheel.writestr(each, text)
    return name
'''


@pytest.fixture
def tiny(tmp_path: Path) -> Environment:
    """A checkout of a project without requirements, in a folder with a blank in its name."""
    folder = tmp_path / "a checkout"
    (folder / "installer").mkdir(parents=True)
    (folder / "installer" / "constraints.txt").write_text("torch==9.0\n")
    (folder / "backend.py").write_text(BACKEND)
    needs = "Provides-Extra: model\nRequires-Dist: torch; extra == 'model'\n"
    (folder / "needs.txt").write_text(needs)
    (folder / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        '[project]\nname = "stemlasso"\nversion = "1.0"\n'
    )
    return Environment.of(folder)


@pytest.fixture
def stamped(tiny: Environment) -> Environment:
    """A checkout whose environment claims to be complete with the extra `model`."""
    tiny.folder.mkdir()
    env.write_stamp(tiny, COMPLETE)
    return tiny


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two package indexes, `usual` and `cuda`, that hold a PyTorch each."""
    for name, version in (("usual", "9.0"), ("cuda", "9.0+cu1")):
        folder = tmp_path / "index" / name / "torch"
        folder.mkdir(parents=True)
        wheel = f"torch-{version}-py3-none-any.whl"
        with zipfile.ZipFile(folder / wheel, "w") as archive:
            info = f"torch-{version}.dist-info/"
            metadata = f"Metadata-Version: 2.1\nName: torch\nVersion: {version}\n"
            kind = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
            archive.writestr("torch.py", f"version = {version!r}\n")
            archive.writestr(info + "METADATA", metadata)
            archive.writestr(info + "WHEEL", kind)
            archive.writestr(info + "RECORD", "torch.py,,\n")
        (folder / "index.html").write_text(f'<a href="{wheel.replace("+", "%2B")}">{wheel}</a>')
    monkeypatch.setenv("PIP_INDEX_URL", (tmp_path / "index" / "usual").as_uri())
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    return tmp_path / "index"


@pytest.mark.slow
def test_one_environment_through_its_life(tiny: Environment, index: Path) -> None:
    assert env.prepare(tiny)
    assert said_by(tiny, "stemlasso") == "tiny"

    log = tiny.log.read_text()
    assert not env.prepare(tiny)
    assert tiny.log.read_text() == log

    assert env.prepare(tiny, ["model"])
    assert said_by(tiny, "python", "-c", "import torch; print(torch.version)") == "9.0"

    assert env.prepare(tiny, ["model"], (index / "cuda").as_uri())
    assert said_by(tiny, "python", "-c", "import torch; print(torch.version)") == "9.0+cu1"
    assert not env.prepare(tiny, ["model"])

    tiny.program("python").unlink()
    assert env.prepare(tiny)
    assert said_by(tiny, "python", "-c", "import torch; print(torch.version)") == "9.0+cu1"

    (tiny.checkout / "needs.txt").write_text("Requires-Dist: no-such-package-at-all\n")
    tiny.stamp.unlink()
    with pytest.raises(SetupFailed, match="no-such-package-at-all") as failed:
        env.prepare(tiny)
    assert failed.value.log == tiny.log
    assert not tiny.stamp.exists()


def said_by(environment: Environment, program: str, *arguments: str) -> str:
    """What a program of the environment prints."""
    command = [str(environment.program(program)), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_what_is_no_environment_is_left_alone(tiny: Environment) -> None:
    tiny.folder.mkdir()
    precious = tiny.folder / "thesis.txt"
    precious.write_text("irreplaceable")
    with pytest.raises(SetupFailed, match="in the way"):
        env.prepare(tiny)
    assert precious.read_text() == "irreplaceable"


def test_a_file_in_the_way_is_left_alone(tiny: Environment) -> None:
    tiny.folder.write_text("mine")
    with pytest.raises(SetupFailed, match="in the way"):
        env.prepare(tiny)
    assert tiny.folder.read_text() == "mine"


@pytest.mark.parametrize("file", ["pyproject.toml", "installer/constraints.txt"])
def test_a_stamp_is_void_when_what_it_stands_for_changes(stamped: Environment, file: str) -> None:
    assert env.read_stamp(stamped) == COMPLETE
    path = stamped.checkout / file
    path.write_text(path.read_text() + "\n")
    assert env.read_stamp(stamped) is None


def test_a_stamp_does_not_move_with_the_checkout(stamped: Environment) -> None:
    moved = stamped.checkout.rename(stamped.checkout.with_name("moved"))
    assert env.read_stamp(Environment.of(moved)) is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"digest": 1}', "\x00"])
def test_a_damaged_stamp_counts_as_none(stamped: Environment, text: str) -> None:
    stamped.stamp.write_text(text)
    assert env.read_stamp(stamped) is None


def test_pip_installs_the_checkout_with_its_extras(tiny: Environment) -> None:
    (command,) = env.install_commands(tiny, Installed(frozenset({"video", "dev"})))
    assert command[-2:] == ["-e", f"{tiny.checkout}[dev,video]"]
    (command,) = env.install_commands(tiny, Installed(frozenset()))
    assert command[-2:] == ["-e", str(tiny.checkout)]


def test_pins_reach_pip_without_blanks_and_stray_settings_do_not(
    tiny: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_USER", "1")
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    variables = env.pip_variables(tiny)
    assert " " in str(tiny.constraints)
    assert variables["PIP_CONSTRAINT"] == tiny.constraints.as_uri()
    assert " " not in variables["PIP_CONSTRAINT"]
    assert not {"PIP_USER", "PYTHONPATH"} & set(variables)


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("WARNING: NewConnectionError(...)\nERROR: No matching distribution", "cannot be reached"),
        ("ERROR: Could not install: [Errno 28] No space left on device", "disk is full"),
        ("Collecting x\nERROR: No matching distribution found for x\n", "found for x"),
        ("Killed", "pip failed"),
    ],
)
def test_pip_failures_become_one_line(output: str, expected: str) -> None:
    line = env.explain_pip(output)
    assert expected in line
    assert "\n" not in line


def test_advice_names_the_exact_command_on_debian_and_another_way_elsewhere() -> None:
    on_debian = system_packages.advice([system_packages.VENV], apt=True)
    name = f"python3.{sys.version_info.minor}-venv"
    assert on_debian.endswith(f"Run: sudo apt-get install -y --no-install-recommends {name}")
    elsewhere = system_packages.advice([system_packages.LIBSNDFILE], apt=False)
    assert "brew install libsndfile" in elsewhere
    assert "apt-get" not in elsewhere


def test_debian_is_known_by_its_file_and_its_tool(tmp_path: Path) -> None:
    assert not system_packages.has_apt(tmp_path)


def test_the_front_file_can_be_read_by_old_pythons(checkout: Path) -> None:
    text = (checkout / "installer" / "setup.py").read_text("utf-8")
    ast.parse(text, feature_version=(3, 6))


def test_help_names_every_command(checkout: Path) -> None:
    script = str(checkout / "installer" / "setup.py")
    said = subprocess.run(
        [sys.executable, script, "--help"], capture_output=True, text=True, check=True
    )
    assert all(f"    {name} " in said.stdout for name in ("demo", "test", "install"))


@pytest.mark.parametrize("arguments", [[], ["dance"], ["install", "--with", "everything"]])
def test_a_wrong_command_line_ends_with_two(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        front_door.main(arguments)
    assert ended.value.code == 2
    assert "usage" in capsys.readouterr().err


def test_known_extras_are_those_of_the_project(checkout: Path) -> None:

    project = tomllib.loads((checkout / "pyproject.toml").read_text("utf-8"))["project"]
    assert set(front_door.KNOWN_EXTRAS) == set(project["optional-dependencies"])
    assert set(suite.EXTRAS) <= set(front_door.KNOWN_EXTRAS)


def test_the_formatter_sees_our_cpp_files_and_nothing_that_was_built(tmp_path: Path) -> None:
    for name in ("wire/Link.h", "plugin/Editor.cpp", "build/release/Made.cpp", "daw/lua/json.lua"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = {path.relative_to(tmp_path).as_posix() for path in suite.cpp_sources(tmp_path)}
    assert found == {"wire/Link.h", "plugin/Editor.cpp"}


def test_ci_runs_what_the_readme_tells(checkout: Path) -> None:
    last = (checkout / ".ci" / "run").read_text("utf-8").strip().splitlines()[-1]
    assert last == "exec python3 installer/setup.py test"


def test_the_demo_types_what_a_user_would(checkout: Path) -> None:
    command = demo.separate_command(Environment.of(checkout))
    assert command[1] == "separate"
    assert Path(command[2]).is_file()
    assert command[command.index("--describe") + 1] == "dog barking"
    assert [each for each in command if each.startswith("--span=-")]


def test_the_report_says_where_things_lie_and_whether_they_add_up() -> None:
    result = {
        "target": {"path": "stems/dog.flac"},
        "residual": {"path": "stems/rest.flac"},
        "duration_s": 10.0,
        "sample_rate": 48000,
        "n_channels": 2,
        "null_db": None,
    }
    lines = dict(
        line.split(None, 1) for line in demo.report(result, 1.25, (-6.0, 6.5)).splitlines()
    )
    assert Path(lines["target"]) == Path("stems/dog.flac")
    assert lines["rate"] == "48000 Hz"
    assert "exactly zero" in lines["null"]
    assert lines["clearer"].startswith("by  12.5 dB")
    assert "-150.0 dBFS" in demo.report({**result, "null_db": -150.0}, 1.25, (0, 1))
