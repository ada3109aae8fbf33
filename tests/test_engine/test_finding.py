"""Where a sound is, said without taking it out."""

from pathlib import Path

import numpy as np
import pytest

from engine import Prompt, Span, separate
from engine.audio_files import clip_from_array
from engine.builtin import BuiltinSeparator
from engine.data import AudioClip, Estimate, SeparationOptions
from engine.errors import Cancelled, CheckpointNotFound, PromptError, PromptNeedsSpans
from engine.finding import Finding, FoundSpan, best, find_spans, without

from .builtin_scenes import SAMPLE_RATE, clip, drum_hits, silence, stereo, tone
from .test_sam_recall import RATE, counted, noise, separator, write_model

DRUMS_S = (3.0, 6.0)
ONE_THREAD = SeparationOptions(n_threads=1)


def band(*, with_drums: bool = True) -> AudioClip:
    """Ten seconds of a chord, with drums in the middle."""
    chord = np.sum([tone(10.0, pitch, 3) for pitch in (220, 277.2, 329.6)], axis=0)
    if with_drums:
        start_s, end_s = DRUMS_S
        hits = drum_hits(end_s - start_s)
        first = round(start_s * SAMPLE_RATE)
        chord[first : first + len(hits)] += hits
    return clip(stereo(chord))


def find(mixture: AudioClip, prompt: Prompt) -> Finding:
    return find_spans(mixture, prompt, BuiltinSeparator(), ONE_THREAD)


def test_a_class_is_found_where_it_plays() -> None:
    found = find(band(), Prompt("drums"))
    (drums,) = found.spans
    assert drums.span.sign == "+"
    assert drums.span.start_s == pytest.approx(DRUMS_S[0] + 0.1, abs=0.15)
    assert drums.span.end_s == pytest.approx(DRUMS_S[1] - 0.3, abs=0.4)
    assert 0.2 < drums.score <= 1
    assert [notice.code for notice in found.notices] == ["rough_text_only"]


def test_what_the_user_drew_is_left_out() -> None:
    found = find(band(), Prompt("drums", [Span(4.0, 4.5, "-"), Span(5.0, 11.0)]))
    assert [each.span.end_s for each in found.spans] == [4.0, 5.0]
    assert found.spans[1].span.start_s == 4.5


def test_a_sound_that_is_not_there_is_not_found() -> None:
    assert find(clip(stereo(silence(2.0))), Prompt("drums")).spans == ()
    absent = find(band(with_drums=False), Prompt("drums"))
    assert absent.spans == ()
    assert absent.notices[0].code == "target_absent"


@pytest.mark.parametrize("description", ["dog barking", "rain", "zorgle", ""])
def test_the_builtin_separator_says_what_it_cannot_find(description: str) -> None:
    with pytest.raises(PromptNeedsSpans, match="Draw the places yourself"):
        find(band(), Prompt(description, [Span(1, 2)]))


def test_a_separator_that_cannot_say_is_named() -> None:
    class Deaf:
        name = "deaf"

        def estimate(self, *_: object) -> Estimate:
            raise AssertionError

    with pytest.raises(PromptError, match="'deaf'"):
        find_spans(band(), Prompt("drums"), Deaf())


def test_it_can_be_cancelled() -> None:
    with pytest.raises(Cancelled):
        find_spans(band(), Prompt("drums"), BuiltinSeparator(), is_cancelled=lambda: True)


def test_the_best_are_kept_in_order_of_time() -> None:
    found = [FoundSpan(Span(k, k + 0.5), score) for k, score in enumerate((0.2, 0.9, 0.5))]
    assert [each.score for each in best(found, 2)] == [0.9, 0.5]
    assert best(found, 9) == tuple(found)
    assert without(found, [Span(0.01, 1.2)])[0].span == Span(1.2, 1.5)


@pytest.fixture(scope="module")
def spotting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("spotting"), with_spans=True)


def test_a_model_finds_what_its_run_would_use(spotting: Path) -> None:
    """And a run that follows does not listen again."""
    tiny, mixture = separator(spotting), noise(2 * RATE)
    source = clip_from_array(mixture, RATE)
    found = find_spans(source, Prompt("dog"), tiny, ONE_THREAD)
    assert found.spans
    assert all(0.3 < each.score <= 1 for each in found.spans)  # frames above the threshold
    assert tiny._loaded is not None
    assert not tiny._loaded.model.companions.span_predictor.is_loaded
    options = SeparationOptions(n_threads=1, presence_gate=0)
    with counted(tiny._loaded.model) as calls:
        run = separate(source, Prompt("dog"), separator=tiny, options=options)
    assert calls == {"text": 1}
    assert run.spans == tuple(each.span for each in found.spans)
    given = Prompt("dog", [Span(0, 1.0, "-")])
    rest = find_spans(source, given, tiny, ONE_THREAD)
    assert all(each.span.start_s >= 1.0 for each in rest.spans)


def test_a_model_without_a_span_predictor_says_so(tmp_path: Path) -> None:
    tiny = separator(write_model(tmp_path / "plain", with_spans=False))
    source = clip_from_array(noise(RATE), RATE)
    with pytest.raises(CheckpointNotFound, match="models download pe-a-frame-large"):
        find_spans(source, Prompt("dog"), tiny, ONE_THREAD)
    with pytest.raises(PromptError, match="describe the sound"):
        find_spans(source, Prompt("", [Span(0, 0.5)]), tiny, ONE_THREAD)
