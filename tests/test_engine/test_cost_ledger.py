"""Where the figures about this machine's speed lie."""

from pathlib import Path

import pytest

from engine.cost.ledger import Ledger, cache_folder


@pytest.mark.parametrize(
    ("platform", "environ", "expected"),
    [
        ("linux", {"STEMLASSO_CACHE": "/named", "XDG_CACHE_HOME": "/cache"}, "/named"),
        ("linux", {"XDG_CACHE_HOME": "/cache"}, "/cache/stemlasso"),
        ("linux", {}, "~/.cache/stemlasso"),
        ("darwin", {}, "~/Library/Caches/StemLasso"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/StemLasso/Cache"),
    ],
)
def test_the_folder(platform: str, environ: dict[str, str], expected: str) -> None:
    assert cache_folder(environ, platform) == Path(expected).expanduser()


def test_what_runs_took_in_tests_stays_out_of_the_users_folder() -> None:
    path = Ledger.of_user().path
    assert path is not None
    assert Path.home() not in path.parents
