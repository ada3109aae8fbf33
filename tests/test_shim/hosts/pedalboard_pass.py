"""pedalboard: loads the plug-in and sends audio through it. argv: plug-in."""

import json
import sys

import numpy as np
import pedalboard

plugin = pedalboard.load_plugin(sys.argv[1])
audio = np.random.default_rng(1).standard_normal((2, 48_000)).astype(np.float32)
is_same = {}
for rate in (44_100, 48_000, 96_000):
    for block in (1, 37, 512, 8192):
        sent = audio[:, : min(audio.shape[1], block * 300)]
        got = plugin.process(sent, rate, buffer_size=block, reset=True)
        is_same[f"{rate}/{block}"] = bool(np.array_equal(got.view(np.uint32), sent.view(np.uint32)))
said = {
    "name": plugin.name,
    "manufacturer": plugin.manufacturer_name,
    "parameters": sorted(plugin.parameters),
    "latency": plugin.reported_latency_samples,
    "is_same": is_same,
}
print(json.dumps(said))
