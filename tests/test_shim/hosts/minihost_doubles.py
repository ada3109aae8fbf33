"""minihost in doubles: audio passes to the bit, and a bypassed plug-in captures nothing."""

import json

import numpy as np
from deck import Deck, random_bits, told

deck = Deck()
deck.plugin.processing_precision = 1
rng = np.random.default_rng(1)
sent = rng.integers(0, 2**64, (2, 512), np.uint64).view(np.float64)
got = np.zeros_like(sent)
deck.plugin.process_double(sent, got)
is_same = bool(np.array_equal(got.view(np.uint64), sent.view(np.uint64)))
deck.plugin.processing_precision = 0

audio = random_bits(2, 3 * 512, 2)
deck.arm(True)
deck.play(audio[:, :512], 0)
deck.plugin.bypass = True
passes = deck.play(audio[:, 512:1024], 512)
deck.plugin.bypass = False
deck.play(audio[:, 1024:], 1024)
deck.arm(False)
deck.play(audio[:, :512], 1536)
clips = [told(clip) for clip in deck.wait_clips(2)]
said = {
    "supports": deck.plugin.supports_double,
    "is_same": is_same,
    "bypass_passes": passes,
    "takes": [[clip["position"], clip["samples"]] for clip in clips],
    "latency": deck.plugin.latency_samples,
    "tail_s": deck.plugin.tail_seconds,
}
deck.plugin.close()
print(json.dumps(said))
