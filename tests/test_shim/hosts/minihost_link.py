"""minihost: three instances and their way to the engine. argv: plug-in.

Says which threads of libzmq run in this process: two of a link, whatever it is asked for.
"""

import json
from contextlib import suppress
from pathlib import Path

import numpy as np
from deck import Deck, told, until


def of_a_link() -> int:
    """How many threads have a name of libzmq's; one may end while they are looked at."""
    n_threads = 0
    for task in Path("/proc/self/task").glob("*/comm"):
        with suppress(OSError):
            n_threads += task.read_text().startswith("ZMQbg")
    return n_threads


said = {"before": of_a_link()}
decks = [Deck() for _ in range(3)]
tone = np.full((2, 480), 0.25, np.float32)
for number, deck in enumerate(decks):
    deck.arm(True)
    deck.play(tone, 1000 * number)
    deck.arm(False)
    deck.play(tone, 0)
    deck.wait_clips(1)
said["captured"] = of_a_link()
for deck in decks:
    state = deck.state()
    state.find("Workspace/Clip/Prompt").set("description", "noise")
    deck.put(state)
    deck.press("Separate")
for deck in decks:
    until(lambda deck=deck: told(deck.clips()[0])["stems"], "stems")
said["separated"] = of_a_link()
decks.pop().plugin.close()
decks.pop().plugin.close()
said["one_left"] = of_a_link()
decks.pop().plugin.close()
until(lambda: of_a_link() == 0, "the link is gone")
said["none_left"] = of_a_link()
print(json.dumps(said))
