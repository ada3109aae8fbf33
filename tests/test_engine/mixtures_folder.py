"""A small folder of mixtures with true stems, written the way `engine.eval.dataset` describes."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

RATE = 16_000
DURATION_S = 3.0


def write_folder(folder: Path) -> Path:
    """Two items, a stereo one of clicks over a chord and a mono one of a tone over noise."""
    rng = np.random.default_rng(0)
    time_s = np.arange(int(RATE * DURATION_S)) / RATE
    sounding = (time_s >= 1.0) & (time_s < 2.0)

    clicks = np.where((time_s * 8) % 1 < 0.03, rng.standard_normal(len(time_s)), 0.0) * sounding
    chord = sum(np.sin(2 * np.pi * hz * time_s) for hz in (220, 277, 330))
    tone = np.sin(2 * np.pi * 1500 * time_s) * sounding
    hiss = rng.standard_normal(len(time_s))

    items = [
        _write_item(folder, "a", "drums", "drums", clicks[:, None] * [0.2, 0.1], chord[:, None]),
        _write_item(folder, "b", "event", "zorp", tone[:, None] * 0.2, hiss[:, None] * 0.5),
    ]
    (folder / "manifest.json").write_text(json.dumps({"version": 1, "items": items}))
    return folder


def edit_manifest(folder: Path, **changes: Any) -> None:
    """Change keys of the first item; a value of None removes the key."""
    path = folder / "manifest.json"
    document = json.loads(path.read_text())
    document["items"][0] = {
        key: value
        for key, value in {**document["items"][0], **changes}.items()
        if value is not None
    }
    path.write_text(json.dumps(document))


def _write_item(
    folder: Path,
    item_id: str,
    class_group: str,
    description: str,
    target: NDArray[np.float64],
    rest: NDArray[np.float64],
) -> dict[str, Any]:
    for name, stem in (("target", target), ("rest", np.broadcast_to(0.1 * rest, target.shape))):
        samples = np.rint(32767 * stem).clip(-16000, 16000).astype(np.int16)
        soundfile.write(folder / f"{item_id}.{name}.flac", samples, RATE, subtype="PCM_16")
    present = ["+", 0.95, 2.05]
    absent = [["-", 0.0, 0.9], ["-", 2.1, DURATION_S]]
    return {
        "id": item_id,
        "class_group": class_group,
        "active_spans": [[1.0, 2.0]],
        "prompts": {
            "text": {"description": description, "anchors": []},
            "plus": {"description": description, "anchors": [present]},
            "plusminus": {"description": description, "anchors": [present, *absent]},
        },
        "files": {"target": f"{item_id}.target.flac", "rest": f"{item_id}.rest.flac"},
    }
