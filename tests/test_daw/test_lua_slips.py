"""What luacheck finds in our Lua scripts: above all, variables that nobody declared."""

import shutil
import subprocess
from pathlib import Path

import pytest

from .reaper_host import DAW

LUACHECK = shutil.which("luacheck")
needs_luacheck = pytest.mark.skipif(
    LUACHECK is None, reason="luacheck is not installed here: it is in the package lua-check"
)


def luacheck(folder: Path) -> "subprocess.CompletedProcess[str]":
    assert LUACHECK is not None
    return subprocess.run(
        [LUACHECK, "--no-color", "--no-cache", "."],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@needs_luacheck
def test_no_script_has_a_slip() -> None:
    done = luacheck(DAW)
    assert done.returncode == 0, done.stdout
    n_scripts = len(list(DAW.rglob("*.lua")))
    assert n_scripts > 20
    assert f"0 warnings / 0 errors in {n_scripts} files" in done.stdout


@needs_luacheck
def test_a_variable_that_nobody_declared_is_found(tmp_path: Path) -> None:
    shutil.copy(DAW / ".luacheckrc", tmp_path)
    (tmp_path / "ardour").mkdir()
    (tmp_path / "ardour" / "slip.lua").write_text("local function f() n = Session end\nf()\n")
    done = luacheck(tmp_path)
    assert done.returncode == 1
    assert "non-standard global variable 'n'" in done.stdout
