"""dawdreamer: parameters, renders through the plug-in, and its state. argv: plug-in."""

import json
import sys

import dawdreamer
import numpy as np

is_same = {}
for rate in (44_100, 48_000, 96_000):
    for block in (1, 64, 512, 8192):
        n_samples = min(rate // 2, block * 200)
        audio = np.random.default_rng(block).standard_normal((2, n_samples)).astype(np.float32)
        engine = dawdreamer.RenderEngine(rate, block)
        engine.set_bpm(93.0)
        source = engine.make_playback_processor("source", audio)
        plugin = engine.make_plugin_processor("stemlasso", sys.argv[1])
        engine.load_graph([(source, []), (plugin, ["source"])])
        engine.render(n_samples / rate)
        got = engine.get_audio()
        n_common = min(got.shape[1], n_samples)
        is_same[f"{rate}/{block}"] = n_common > 0 and bool(
            np.array_equal(got[:, :n_common], audio[:, :n_common])
        )

names = [each["name"] for each in plugin.get_parameters_description()]
plugin.set_parameter(names.index("Capture"), 1.0)
plugin.save_state("kept.state")
plugin.set_parameter(names.index("Capture"), 0.0)
plugin.load_state("kept.state")
said = {
    "is_same": is_same,
    "names": names,
    "capture_after_load": plugin.get_parameter(names.index("Capture")),
    "latency": plugin.get_latency_samples(),
}
print(json.dumps(said))
