"""The editor without a host: keys it must not take, what a screen reader is told, a monkey.

`editor_tests` (plugin_shim/tests/EditorTests.cpp) has the window in its own process. By hand:
`editor_tests "a monkey*" --monkey 100000` on a screen with a settings manager.
"""

import subprocess
from collections.abc import Callable
from pathlib import Path

from .conftest import host_environment
from .editor_screen import needs_screen, screen

pytestmark = needs_screen
PATIENCE_S = 600


def test_keys_names_settings_and_a_monkey(built: Callable[[str], Path], home: Path, tmp_path: Path):
    environ = host_environment(home)
    with screen(environ, tmp_path):
        done = subprocess.run(
            [str(built("editor_tests"))],
            cwd=tmp_path,
            # the monkey presses "Show in folder" as well: nothing is found that could be started
            env=environ | {"PATH": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
    assert done.returncode == 0, f"{done.returncode}\n{done.stdout[-8000:]}\n{done.stderr}"
    assert "All tests passed" in done.stdout
