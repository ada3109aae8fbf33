"""minihost: audio runs in real time order while the engine is killed, hung and started again.

argv: plug-in. Every line on stdin is answered with a hundred blocks.
"""

import json
import sys

import numpy as np
from deck import Deck, random_bits, told

deck = Deck()
deck.plugin.non_realtime = False
audio = random_bits(2, 256, 1)
whole = np.zeros((2, 256), np.float32)
position = 0
altered = 0
n_blocks = 0
deck.arm(True)


def play() -> None:
    """A hundred blocks."""
    global position, altered, n_blocks
    for _ in range(100):
        altered += not deck.play(audio, position)
        position += 256
        n_blocks += 1


play()
deck.arm(False)
deck.play(whole, position)
deck.wait_clips(1)
print("ready", flush=True)
for line in sys.stdin:
    if line.strip() == "separate":
        deck.press("Separate")
    if line.strip() == "end":
        break
    play()
    print("played", flush=True)
clip = told(deck.clips()[0])
deck.plugin.close()
print(json.dumps({"altered": altered, "n_blocks": n_blocks, "samples": clip["samples"]}))
