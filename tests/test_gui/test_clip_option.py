"""What the plug-in's button does: a panel that opens a clip of the server by its id."""

from pathlib import Path

from bridge.client import connect
from tests.test_gui.conftest import OpenPanel, until
from tests.test_gui.sounds import write_mixture


def test_a_clip_is_opened_by_its_id(
    open_panel: OpenPanel, server_home: Path, tmp_path: Path
) -> None:
    path = write_mixture(tmp_path / "captured.wav")
    with connect(server_home, start=False, name="plug-in") as client:
        clip = client.put_file(path, "take 1")
    document = open_panel(clip_id=clip.clip_id).bench.document
    until(lambda: document.clip is not None, "the clip is open")
    assert document.clip is not None
    assert document.clip.path == path
    assert document.clip.clip == clip


def test_a_clip_that_is_not_there_is_told(open_panel: OpenPanel) -> None:
    window = open_panel(clip_id="c-no-such-clip")
    until(lambda: "c-no-such-clip" in window.notice.text.text(), "the trouble is told")
    assert window.notice.isVisible()
    assert window.bench.document.clip is None
