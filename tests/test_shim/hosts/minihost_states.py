"""minihost: damaged, foreign and later states. argv: plug-in."""

import json
import random
import xml.etree.ElementTree as ElementTree
from contextlib import suppress

import numpy as np
import state
from deck import Deck, until

deck = Deck()
silence = np.zeros((2, 64), np.float32)

# what a later version added is kept
later = ElementTree.fromstring(
    '<StemLasso version="1" capture="0" later="yes"><Workspace selected="a" depth="3">'
    '<Clip id="a" kind="file" path="/nowhere/song.wav" name="s" colour="red">'
    '<Prompt description="d\u00fcnn"><Span start="0.5" end="1.25" here="0"/><Span start="-1" '
    'end="2"/></Prompt><Later word="x"/><Stem role="target" name="t" path="/nowhere/t.wav"/></Clip>'
    '<Clip id="b" path="not absolute"/></Workspace><Room size="2"/></StemLasso>'
)
deck.put(later)
until(lambda: deck.state().find("Workspace/Clip/Origin") is not None, "the state is taken over")
kept = deck.state()
(clip,) = kept.findall("Workspace/Clip")
said = {
    "root": kept.get("later"),
    "room": kept.find("Room").get("size"),
    "workspace": kept.find("Workspace").get("depth"),
    "colour": clip.get("colour"),
    "later": clip.find("Later").get("word"),
    "description": clip.find("Prompt").get("description"),
    "spans": [dict(span.attrib) for span in clip.findall("Prompt/Span")],
    "missing_stem": clip.find("Stem").get("path"),
}

# no state, however damaged, is worse than none
whole = ElementTree.tostring(kept, "utf-8")
stored = deck.plugin.get_state()
dice = random.Random(7)
for _ in range(1500):
    damaged = bytearray(whole)
    for _ in range(dice.choice([1, 3, 40])):
        damaged[dice.randrange(len(damaged))] = dice.randrange(256)
    inner = b"VC2!" + len(damaged).to_bytes(4, "little") + bytes(damaged) + b"\0"
    if dice.random() < 0.3:
        inner = inner[: dice.randrange(len(inner))]
    with suppress(RuntimeError):  # the host may tell that it was refused
        deck.plugin.set_state(state.wrap(stored, inner))
    deck.play(silence, 0)
said["passes"] = deck.play(silence, 0)
deck.put(later)
said["works_after"] = len(deck.clips()) >= 1
deck.plugin.close()
print(json.dumps(said))
