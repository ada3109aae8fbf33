"""The table of sounds: what producers type, and what must not be mistaken for it."""

import pytest

from engine.builtin import known_descriptions
from engine.builtin.sounds import read_description
from engine.builtin.vocabulary import SEVERAL, STRONG

PHRASES = {
    "drums": """
        drums; the drums; drum kit; acoustic drum kit; a live drummer; person playing drums;
        drum loop with reverb; hip-hop beat; beat; percussion; bongos; toms; tom-toms; kick and
        snare; kick, snare and hats; drums in the background
    """,
    "kick": """
        kick; kick drum; bass drum; the bass drums; 808 kick; deep kick
    """,
    "snare": """
        snare; snare hits; hand clap; claps; hand claps; rimshots; crisp snare drum; snare drum
        roll
    """,
    "hihat": """
        hi-hat; hi-hats; hihats; closed hi hat; cymbals; crash; ride cymbal; hats; tambourine;
        shaker loop
    """,
    "bass": """
        bass; bass guitar; electric bass; double bass; upright bass solo; sub bass; 808; 808s;
        synth bass; a fat bass line; bassline; warm and round bass; slap bass; jazz bass
    """,
    "speech": """
        vocals; lead vocals; female vocals; backing vocals; singing; a woman singing; man
        speaking; a man speaking; a woman talking; the narrator; voice; human voice; dialogue;
        speech; male speech, man speaking; man and woman talking; someone talking in a room;
        podcast host; rapper; man; bass voice; child speaking; kids talking; news anchor; voice
        with music; speaking man; talking; man talks; he speaks; radio announcer; singing voice;
        woman sings; rap vocals; sung vocals
    """,
    "pitched": """
        guitar; electric guitar; acoustic guitar strumming; distorted guitar solo; man playing
        the piano; piano; grand piano chords; electric piano; rhodes; keys; keyboard; synth;
        synth pad; lead synth; strings; string section; violin; violins; cello; flute; a flute
        playing; clarinet; bass clarinet; saxophone; sax solo; trumpet; trumpets; brass; french
        horn; horns; organ; hammond organ; church organ; choir; choir singing; choir of voices;
        marimba; vibraphone; vibes; xylophone; harp; harmonica; accordion; steel drums; bassoon;
        guitar and acoustic guitar; piano in the background; plucked strings; arpeggio; someone
        playing the guitar; person playing violin; jazz organ; muted trumpet with delay; tubular
        bells; tin whistle; flutes; a string quartet; oboe; tuba; banjo; ukulele; glockenspiel
    """,
    "event": """
        bird singing; birds singing in the forest; thunder clap; elephant trumpeting; dog
        barking; a dog barking over drums; footsteps; footsteps on gravel; whistling kettle;
        kettle whistling; man laughing; baby crying; crowd cheering; applause; car horn; church
        bell; fire truck siren; glass breaking; keys jingling; computer keyboard typing; heart
        beat; frog croaking; horse neighing; rooster crowing; explosion; car crash; door slam;
        phone ringing; woman screaming; people clapping; guitar case closing; cat meowing; cow
        mooing; train passing by; engine starting; gun shot; machine gun; man coughing; owl
        hooting; sound of a door closing; bat flying; cock crowing; sheep bleating; clock
        ticking; metal clanging; bell ringing; whistle
    """,
    "steady": """
        mains hum; tape hiss; white noise; guitar amp hum; air conditioner; a low hum; the hiss of
        the tape; buzzing; background noise; fan noise
    """,
    "noise": """
        rain; sound of rain on a roof; wind; vinyl crackle; traffic noise; ocean waves
    """,
    "several": """
        drum and bass; drum & bass; guitar and piano; bass and drums; vocals and guitar; music;
        background music
    """,
    "negated": """
        no drums; everything but the vocals; without bass; everything except the guitar
    """,
    "unknown": """
        zorblax; foo bar; the thing; red; it
    """,
}
CASES = [
    (text.strip(), kind)
    for kind, texts in PHRASES.items()
    for text in " ".join(texts.split()).split(";")
]


def test_there_are_many_phrases() -> None:
    assert len(CASES) > 200


@pytest.mark.parametrize(("text", "kind"), CASES)
def test_a_description_is_read_as_meant(text: str, kind: str) -> None:
    reading = read_description(text)
    assert (reading.sound.kind if reading.sound else reading.reason) == kind


@pytest.mark.parametrize("text", ["Drums", "  the DRUMS ", "drums.", "drums!", "Drüms"])
def test_spelling_does_not_matter(text: str) -> None:
    reading = read_description(text)
    assert reading.sound is not None
    assert reading.sound.kind == "drums"


@pytest.mark.parametrize("text", ["", " ", "?!", "+", "&", "and", "the", "x" * 5000, "\u9f13"])
def test_odd_text_is_not_known(text: str) -> None:
    assert read_description(text).sound is None


def test_every_completion_is_known_and_needs_no_span() -> None:
    words = known_descriptions()
    assert {"drums", "bass guitar", "vocals", "hi-hat"} <= set(words)
    for word in words:
        reading = read_description(word)
        assert reading.sound is not None, word
        assert reading.sound.kind not in ("event", "noise"), word


def test_no_word_stands_for_two_sounds() -> None:
    tables = [text.split(",") for text in (*STRONG.values(), SEVERAL)]
    words = [" ".join(word.split()) for table in tables for word in table]
    doubled = {word for word in words if words.count(word) > 1}
    assert not doubled
