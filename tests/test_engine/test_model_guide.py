"""The guide in `engine/model`: its examples run, and what it names is there."""

import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from engine.checkpoints.intake import import_model
from engine.checkpoints.store import Store, default_root
from engine.model import SAMAudio
from engine.model.config import JudgeRankerConfig, SAMAudioConfig
from engine.model.sam_audio import SAMAudioNetwork

from .tiny_listeners import write_judge, write_span_predictor
from .tiny_model import TINY_TOWERS, write_checkpoint, write_t5

FOLDER = Path(__file__).resolve().parents[2] / "engine" / "model"
GUIDE = (FOLDER / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)


@pytest.fixture
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user with the models in the store and the files that the examples name."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    sources = tmp_path / "sources"
    store = Store(default_root())
    published = write_checkpoint(sources / "sam", text_ranker=JudgeRankerConfig())
    import_model(store, published, "sam-audio-base")
    import_model(store, write_t5(sources / "t5"), "t5-base")
    import_model(store, write_span_predictor(sources / "span"), "pe-a-frame-large")
    import_model(store, write_judge(sources / "judge"), "sam-audio-judge")

    wav = 0.1 * np.random.default_rng(1).standard_normal((44_100, 2))
    soundfile.write(tmp_path / "mix.wav", wav, 44_100)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_examples_run_in_order(studio: Path) -> None:
    frames = torch.randint(0, 255, (4, 3, 16, 16), dtype=torch.uint8)
    mask = torch.ones(4, 1, 16, 16, dtype=torch.uint8)
    names: dict[str, object] = {"frames": frames, "mask": mask}
    assert len(BLOCKS) == 3
    for block in BLOCKS:
        exec(compile(block, "engine/model/README.md", "exec"), names)
        # The tiny model has a tower of its own; the published one needs no such word.
        names["model"] = SAMAudio.from_pretrained("sam-audio-base", towers=TINY_TOWERS)


def test_every_file_that_is_named_is_there() -> None:
    named = set(re.findall(r"(?<![\w/])\w+\.py", GUIDE))
    assert len(named) > 10
    assert not [name for name in named if not (FOLDER / name).is_file()]


def test_every_key_that_is_named_is_in_the_checkpoint() -> None:
    with torch.device("meta"):
        keys = set(SAMAudioNetwork(SAMAudioConfig.published("small")).state_dict())
    assert "transformer.layers.3.attention.wq.weight" in keys
    drawn = ["memory_proj", "align_masked_video", "embed_anchors", "audio_codec", "proj"]
    inner = ["x_embedder", "y_embedder", "t_embedder", "t_block", "norm", "output"]
    for name in [*drawn, *(f"transformer.{name}" for name in inner)]:
        assert name.removeprefix("transformer.") in GUIDE
        assert any(key.startswith(f"{name}.") for key in keys)
