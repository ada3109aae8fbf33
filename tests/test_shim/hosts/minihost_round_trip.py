"""minihost with the real engine: a take is captured, separated, and found again. argv: plug-in,
file of the mixture [C, N] (.npy), description."""

import json
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
from deck import Deck, told, until

POSITION = 96_000
mixture = np.load(sys.argv[2])
deck = Deck()
deck.arm(True)
passes = [
    deck.play(mixture[:, start : start + 480], POSITION + start, tempo_bpm=97.5)
    for start in range(0, mixture.shape[1], 480)
]
deck.arm(False)
deck.play(np.zeros((2, 480), np.float32), 0)
deck.wait_clips(1)

state = deck.state()
prompt = state.find("Workspace/Clip/Prompt")
prompt.set("description", sys.argv[3])
ElementTree.SubElement(prompt, "Span", {"start": "1.0", "end": "1.5", "here": "1"})
deck.put(state)
deck.press("Separate")
until(lambda: told(deck.clips()[0])["stems"], "stems")
kept = deck.state()
Path("kept.xml").write_bytes(ElementTree.tostring(kept, "utf-8"))
said = {"passes": all(passes), "clip": told(deck.clips()[0])}
loose = list(Path(said["clip"]["path"]).parent.glob("*.loose"))
said["n_loose"] = len(loose)
deck.plugin.close()
print(json.dumps(said))
