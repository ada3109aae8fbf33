"""From a description to a class of sounds: "the man talking over music" is a voice.

A small grammar over the tables of `vocabulary.py`. It prefers to say "not known" over guessing:
an unknown description is refused without spans, and with spans it needs no class at all.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from .vocabulary import (
    COMPLETIONS,
    EVENT,
    EVENTS,
    NOISE,
    NOISES,
    SEVERAL,
    STEADY,
    STEADY_NOISES,
    STRONG,
    TAILS,
    VERBS,
    WEAK,
    Sound,
)

Reason = Literal["known", "unknown", "several", "negated"]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a description stands for. sound: `None` unless reason is "known"."""

    sound: Sound | None
    reason: Reason


_UNKNOWN = Reading(None, "unknown")

_NEGATION = re.compile(
    r"\b(no|not|without|except|excluding|minus|remove|removed|removing|delete|mute"
    r"|everything but|all but|anything but|other than|apart from|isn t|don t|non)\b"
)
_CUT = re.compile(
    r"\b(with|over|in|on|from|at|behind|under|during|near|while|through|against|into|by|inside"
    r"|outside|across|along|beneath|above|below|around|amid|among|before|after|to|for|that|who"
    r"|which|as|when|via|using|being|is|are)\b"
)
_JOIN = re.compile(r"\s*(?:\band\b|&|,|\+|\bplus\b|/|\bor\b|\bn\b)\s*")
_OPENING = re.compile(
    r"^(?:(?:please|extract|isolate|separate|get|find|give|me|only|just|keep|take out)\s+)*"
    r"(?:(?:the|a|an|some|my|his|her|their|this|those|these)\s+)*"
    r"(?:(?:sound|sounds|noise|noises|recording|audio|part|stem|track|stems)\s+of\s+)?"
)
_PLAYING = re.compile(r"^.*\b(?:playing|plays|strumming|plucking|bowing|hitting|blowing)\b\s+(.+)$")
_ARTICLES = frozenset(["the", "a", "an", "some", "of", "my", "his", "her", "their", "this", "s"])


@lru_cache(maxsize=256)
def read_description(description: str) -> Reading:
    """The sound that a description names, or why none can be told."""
    text = _plain(description)
    if not text:
        return _UNKNOWN
    if _NEGATION.search(text):
        return Reading(None, "negated")
    text = _OPENING.sub("", text)
    whole = _read_phrase(text)
    if _words(text) and " ".join(_words(text)) in _table()[0]:
        return whole
    parts = [part for part in _JOIN.split(text) if part.strip()]
    if len(parts) > 1:
        return _read_several([_read_phrase(part) for part in parts])
    return whole


def known_descriptions() -> tuple[str, ...]:
    """Descriptions that need no span, sorted; for completion."""
    return tuple(sorted(" ".join(words.split()) for words in COMPLETIONS.split(",")))


def _read_several(readings: list[Reading]) -> Reading:
    """One reading for sounds joined by "and"."""
    sounds = {reading.sound for reading in readings if reading.sound is not None}
    if not sounds:
        return _UNKNOWN
    if len(sounds) == 1 and len(readings) == sum(r.sound is not None for r in readings):
        return Reading(sounds.pop(), "known")
    # "warm and round bass": adjectives, not sounds
    if len(sounds) == 1 and readings[-1].sound is not None:
        return readings[-1]
    kinds = {sound.kind for sound in sounds}
    if kinds <= {"drums", "kick", "snare", "hihat"}:
        return Reading(next(iter(_drums())), "known")
    if len(kinds) == 1 and kinds <= {"event", "noise", "steady", "speech"}:
        return Reading(sounds.pop(), "known")
    return Reading(None, "several")


def _drums() -> tuple[Sound, ...]:
    return tuple(sound for sound in STRONG if sound.kind == "drums")


def _read_phrase(text: str) -> Reading:
    """One sound without "and": head noun last, events first, the rest after a preposition cut."""
    played = _PLAYING.match(text)
    if played and _find_terms(_words(played.group(1))):
        text = played.group(1)
    head = _CUT.split(text)[0].strip() or text
    words = _words(re.sub(r"\bof\b.*$", "", head) or head)
    terms = _find_terms(words)
    readings = [reading for _, reading in terms]
    for reading in readings:
        if reading.sound is not None and reading.sound.kind in ("event", "noise", "steady"):
            return reading
    if _is_foreign_verb(words):
        return Reading(EVENT, "known")
    if readings:
        return _strongest(readings)
    weak = _table()[1]
    unknown = [word for word in words if word not in weak and word not in _harmless()]
    known = [weak[word] for word in words if word in weak]
    return known[-1] if known and not unknown else _UNKNOWN


def _strongest(readings: list[Reading]) -> Reading:
    """The last sound; "music" and the like count only where nothing else is named."""
    single = [reading for reading in readings if reading.sound is not None]
    return single[-1] if single else readings[-1]


def _is_foreign_verb(words: list[str]) -> bool:
    """Whether the phrase ends in a verb that no instrument or voice does."""
    last = words[-1] if words else ""
    return (
        len(words) > 1
        and last.endswith("ing")
        and last not in _harmless()
        and last not in _table()[0]
    )


def _find_terms(words: list[str]) -> list[tuple[int, Reading]]:
    """Known terms in order of their position, longest first."""
    phrases, _, longest = _table()
    terms = []
    position = 0
    while position < len(words):
        for length in range(min(longest, len(words) - position), 0, -1):
            reading = phrases.get(" ".join(words[position : position + length]))
            if reading is not None:
                terms.append((position, reading))
                position += length
                break
        else:
            position += 1
    return terms


@lru_cache(maxsize=1)
def _table() -> tuple[dict[str, Reading], dict[str, Reading], int]:
    """Strong phrases, weak words, and the number of words in the longest phrase."""
    phrases: dict[str, Reading] = {}
    for phrase in _split(SEVERAL):
        phrases[phrase] = Reading(None, "several")
    for sound, words in STRONG.items():
        phrases |= dict.fromkeys(_split(words), Reading(sound, "known"))
    phrases |= dict.fromkeys(_split(EVENTS), Reading(EVENT, "known"))
    phrases |= dict.fromkeys(_split(NOISES), Reading(NOISE, "known"))
    phrases |= dict.fromkeys(_split(STEADY_NOISES), Reading(STEADY, "known"))
    weak = {
        word: Reading(sound, "known") for sound, words in WEAK.items() for word in _split(words)
    }
    return phrases, weak, max(len(phrase.split()) for phrase in phrases)


@lru_cache(maxsize=1)
def _harmless() -> frozenset[str]:
    return frozenset(_split(TAILS)) | frozenset(_split(VERBS))


def _split(words: str) -> list[str]:
    """The comma-separated phrases of a table, plain and singular."""
    return [" ".join(_words(_plain(phrase))) for phrase in words.split(",")]


def _plain(description: str) -> str:
    """Lower case, no accents, no punctuation but what joins sounds."""
    text = unicodedata.normalize("NFKD", description.lower())
    text = "".join(c for c in text if not unicodedata.combining(c))
    text = re.sub(r"[^a-z0-9&,+/ ]+", " ", text)
    return " ".join(text.split())


def _words(text: str) -> list[str]:
    """Words in the singular, without articles."""
    return [_singular(w) for w in re.findall(r"[a-z0-9]+", text) if w not in _ARTICLES]


def _singular(word: str) -> str:
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) < 4 or not word.endswith("s"):
        return word
    if word.endswith(("ches", "shes", "sses", "xes")):
        return word[:-2]
    return word if word.endswith(("ss", "us", "is")) else word[:-1]


_IRREGULAR = {
    "men": "man",
    "women": "woman",
    "children": "child",
    "mice": "mouse",
    "geese": "goose",
    "hooves": "hoof",
    "leaves": "leaves",
    "basses": "bass",
    "voices": "voice",
    "keys": "key",
    "hats": "hat",
    "toms": "tom",
    "ivories": "ivories",
    "wolves": "wolf",
    "flies": "fly",
    "babies": "baby",
    "ladies": "lady",
    "guys": "guy",
    "vox": "vox",
}
