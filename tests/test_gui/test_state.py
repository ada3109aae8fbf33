"""Documents, history, time windows, sessions and settings: what the user has, without a window."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.protocol.values import JobOptions
from engine.builtin.sounds import read_description
from gui.panels.words import KNOWN
from gui.state.document import Document, OpenClip
from gui.state.draft import Draft, sent_text
from gui.state.masks import MaskKey, rasterised, rendered, shape_at, with_key
from gui.state.places import Places
from gui.state.sessions import Session, Sessions
from gui.state.settings import SettingsStore
from gui.state.spans import SpanMark
from gui.state.time_window import Window
from gui.state.undo import Edit, History


def test_undo_gives_back_every_step_and_redo_does_them_again() -> None:
    history: History[int] = History()
    for value in range(5):
        history.add(Edit(f"to {value + 1}", value, value + 1))
    assert [history.undo() for _ in range(6)] == [4, 3, 2, 1, 0, None]
    assert [history.redo() for _ in range(6)] == [1, 2, 3, 4, 5, None]


def test_typing_is_one_step_until_it_is_sealed() -> None:
    history: History[str] = History()
    history.add(Edit("Typing", "", "d", "typing"))
    history.add(Edit("Typing", "d", "do", "typing"))
    history.seal()
    history.add(Edit("Typing", "do", "dog", "typing"))
    assert (history.undo(), history.undo(), history.undo()) == ("do", "", None)


def test_a_new_edit_forgets_what_was_undone() -> None:
    history: History[int] = History()
    history.add(Edit("a", 0, 1))
    history.undo()
    history.add(Edit("b", 0, 2))
    assert history.redo() is None
    assert history.undo_label == "b"


def test_the_document_drops_a_selection_that_undo_took_away() -> None:
    document = Document()
    document.open(OpenClip(Path("a.wav"), 48_000, 2, 48_000))
    document.edit_spans("Draw", (SpanMark(0, 1),))
    document.select(0)
    document.undo()
    assert document.draft.spans == ()
    assert document.selected == -1


def test_what_is_sent_is_lower_case_and_plain() -> None:
    assert sent_text("  Dog   BARKING. ") == "dog barking"
    assert Draft().is_empty
    assert Draft(spans=(SpanMark(0, 1, origin="predicted"),)).is_empty
    assert not Draft(description="dog").is_empty


def test_known_words_are_known_to_the_builtin_separator() -> None:
    assert KNOWN
    unknown = [words for words in KNOWN if read_description(words).sound is None]
    assert not unknown


@given(
    st.floats(0.01, 100),
    st.floats(0, 60, allow_nan=False),
    st.floats(-100, 100, allow_nan=False),
)
def test_the_window_never_leaves_the_clip(factor: float, at_s: float, by_s: float) -> None:
    window = Window(0, 60, 60, 48_000).zoomed(0.2, 30)
    for after in (window.zoomed(factor, at_s), window.scrolled(by_s), window.shown(at_s, at_s + 1)):
        assert -1e-9 <= after.start_s < after.end_s <= 60 + 1e-9


def test_zooming_keeps_what_is_under_the_pointer() -> None:
    window = Window(0, 60, 60, 48_000).zoomed(0.5, 20)
    share = (20 - window.start_s) / window.length_s
    closer = window.zoomed(0.1, 20)
    assert np.isclose((20 - closer.start_s) / closer.length_s, share)


def full_session() -> Session:
    return Session(
        Draft(
            description="dog barking",
            spans=(SpanMark(0.5, 1.25), SpanMark(2, 3, "-", "predicted")),
            options=JobOptions(quality="best", n_candidates=3, seed=7, stereo="mono"),
            video_path="/films/dog.mp4",
            masks=(MaskKey(0.5, "polygon", ((0.1, 0.1), (0.9, 0.1), (0.5, 0.8))),),
            gains_db=(("target", -6.0),),
        ),
        job_id="abc",
        selection=(1.0, 2.0),
        is_looping=True,
        playhead_s=1.5,
    )


def test_a_session_comes_back_as_it_was(tmp_path: Path) -> None:
    sessions = Sessions(Places.below(tmp_path))
    sessions.save(tmp_path / "a.wav", full_session())
    assert sessions.load(tmp_path / "a.wav") == full_session()
    assert sessions.load(tmp_path / "b.wav") is None


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: content["draft"]["spans"][0].update(sign="x"),
        lambda content: content["draft"]["options"].update(quality="perfect"),
        lambda content: content.update(version=99),
        lambda content: content.pop("draft"),
    ],
)
def test_a_spoilt_session_is_as_none(tmp_path: Path, spoil: object) -> None:
    assert callable(spoil)
    sessions = Sessions(Places.below(tmp_path))
    sessions.save(tmp_path / "a.wav", full_session())
    path = sessions.path_of(tmp_path / "a.wav")
    content = json.loads(path.read_text("utf-8"))
    spoil(content)
    path.write_text(json.dumps(content), "utf-8")
    assert sessions.load(tmp_path / "a.wav") is None


def test_a_half_written_session_never_replaces_a_whole_one(tmp_path: Path) -> None:
    sessions = Sessions(Places.below(tmp_path))
    sessions.save(tmp_path / "a.wav", full_session())
    names = set(sessions.path_of(tmp_path / "a.wav").parent.iterdir())
    with pytest.raises(TypeError):
        sessions.save(tmp_path / "a.wav", replace(full_session(), job_id=object()))  # type: ignore[arg-type]
    assert sessions.load(tmp_path / "a.wav") == full_session()
    assert set(sessions.path_of(tmp_path / "a.wav").parent.iterdir()) == names


def test_settings_are_kept_and_broken_ones_fall_back(tmp_path: Path) -> None:
    places = Places.below(tmp_path)
    store = SettingsStore(places)
    store.set(theme="light", tempo_bpm=128.0)
    store.remember_description("dog barking")
    store.remember_description("snare drum")
    store.remember_description("dog barking")
    again = SettingsStore(places).values
    assert (again.theme, again.tempo_bpm) == ("light", 128.0)
    assert again.descriptions == ("dog barking", "snare drum")
    (places.config / "settings.json").write_text('{"theme": 5, "ruler": "bars", "new": 1}', "utf-8")
    assert SettingsStore(places).values.ruler == "bars"
    assert SettingsStore(places).values.theme == "system"
    (places.config / "settings.json").write_text("{", "utf-8")
    assert SettingsStore(places).values.theme == "system"


def test_masks_move_between_their_key_frames() -> None:
    keys = with_key((), MaskKey(0, "box", ((0.0, 0.0), (0.2, 0.2))), 0.01)
    keys = with_key(keys, MaskKey(2, "box", ((0.4, 0.4), (0.6, 0.6))), 0.01)
    middle = shape_at(keys, 1.0)
    assert middle is not None
    assert np.allclose(middle.points, ((0.2, 0.2), (0.4, 0.4)))
    assert shape_at(keys, -1) == replace(keys[0], time_s=-1)
    assert shape_at(keys, 9) == replace(keys[1], time_s=9)
    assert shape_at((), 1) is None
    assert len(with_key(keys, MaskKey(2.001, "brush", ((0.5, 0.5),), 0.1), 0.01)) == 2


def test_masks_are_rendered_where_they_are_drawn() -> None:
    box = rasterised(MaskKey(0, "box", ((0.75, 0.5), (0.25, 0.0))), 40, 80)
    assert box.sum() == 20 * 40
    assert box[:20, 20:60].all()
    triangle = rasterised(MaskKey(0, "polygon", ((0, 0), (1, 0), (0, 1))), 100, 100)
    assert abs(triangle.mean() - 0.5) < 0.01
    dab = rasterised(MaskKey(0, "brush", ((0.5, 0.5),), 0.1), 100, 200)
    assert abs(dab.sum() - np.pi * 20**2) < 40
    masks = rendered((MaskKey(0, "box", ((0, 0), (1, 1))),), [0.0, 0.5], 4, 4)
    assert masks.shape == (2, 4, 4)
    assert masks.all()
