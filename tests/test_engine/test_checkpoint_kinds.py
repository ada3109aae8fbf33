"""From files as published, through `stemlasso models import`, to every network by its name."""

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from engine.checkpoints.store import Store, resolve
from engine.cli.models import main
from engine.errors import CheckpointMismatch, CheckpointNotFound
from engine.model import SAMAudio, SAMAudioProcessor
from engine.model.config import ClapRankerConfig, ImageBindRankerConfig, JudgeRankerConfig
from engine.model.judge import Judge
from engine.model.span_predictor import SpanPredictor
from engine.model.text_encoder import TextEncoder
from engine.rankers.clap import ClapRanker
from engine.rankers.create import RankerSource, create_ranker
from engine.rankers.imagebind import ImageBindRanker
from engine.samplers import Sampling

from .tiny_listeners import write_judge, write_span_predictor
from .tiny_model import TINY_TOWERS, write_checkpoint, write_t5
from .tiny_rankers import CLAP, IMAGEBIND, write_clap, write_imagebind, write_word_tokenizer

CPU = torch.device("cpu")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "Modelle — ストア"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SAM-Audio's folder as published."""
    return write_checkpoint(tmp_path_factory.mktemp("download"))


def bring(root: Path, source: Path, *options: str) -> None:
    """Import as a user does."""
    assert main(["import", str(source), "--store", str(root), *options]) == 0


def same(left: nn.Module, right: nn.Module) -> bool:
    """Whether two networks hold the same tensors under the same names, none left on meta."""
    ours, theirs = left.state_dict(), right.state_dict()
    return list(ours) == list(theirs) and all(
        not ours[name].is_meta and torch.equal(ours[name], theirs[name]) for name in ours
    )


@pytest.mark.parametrize("name", ["sam-audio-small", "sam-audio-base-tv", "sam-audio-large"])
def test_sam_audio(source: Path, root: Path, name: str) -> None:
    bring(root, source, "--as", name)
    stored = SAMAudio.from_pretrained(f"facebook/{name}", root=root)
    assert same(stored, SAMAudio.from_pretrained(source))
    eyes = SAMAudio.from_pretrained(name, root=root, towers=TINY_TOWERS).companions.vision_encoder
    assert not any(parameter.is_meta for parameter in eyes.on(CPU).parameters())


def test_older_names_load_the_model_of_today(
    source: Path, root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bring(root, source, "--as", "sam-audio-base")
    assert same(
        SAMAudio.from_pretrained("sam-audio-1b", root=root), SAMAudio.from_pretrained(source)
    )
    assert "'sam-audio-1b' is called sam-audio-base today" in caplog.text
    with pytest.raises(CheckpointNotFound, match="stemlasso models download sam-audio-large"):
        SAMAudio.from_pretrained("facebook/sam-audio-3b", root=root)


def test_a_separation_with_everything_from_the_store(tmp_path: Path, root: Path) -> None:
    """The names in config.json, `t5-base` and the rest, are found in the store as well."""
    source = write_checkpoint(tmp_path / "download")
    config = json.loads((source / "config.json").read_text("utf-8"))
    config["text_encoder"]["name"] = "t5-base"
    (source / "config.json").write_text(json.dumps(config), "utf-8")
    bring(root, source, "--as", "sam-audio-small")
    bring(root, source / "t5")
    model = SAMAudio.from_pretrained("sam-audio-small", root=root)
    processor = SAMAudioProcessor.from_pretrained("sam-audio-small", root=root)
    batch = processor(["dog"], [0.1 * torch.ones(4000)])
    result = model.separate(batch, sampling=Sampling("euler", n_steps=2))
    assert result.target[0].isfinite().all()
    model.companions.release()
    Store(root).remove(Store(root).installed()[1].model)
    with pytest.raises(CheckpointNotFound, match=r"t5-base is not in .* models download t5-base"):
        model.separate(batch)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_a_converted_model_is_the_one_that_loading_converts(
    source: Path, root: Path, precision: str
) -> None:
    bring(root, source, "--as", "sam-audio-small")
    place = ["--store", str(root)]
    command = ["convert", "sam-audio-small", "--precision", precision, "--drop-original", *place]
    assert main(command) == 0
    assert [path.name for path in resolve("sam-audio-small", root).glob("*.pt")] == []
    dtype = {"bfloat16": torch.bfloat16, "float16": torch.float16}[precision]
    stored = SAMAudio.from_pretrained("sam-audio-small", root=root)
    assert stored.proj.weight.dtype == dtype
    for half in ("encoder", "decoder"):  # loading has put their weights into fused modules
        assert len(list(stored.audio_codec.get_submodule(f"fused_{half}").parameters())) > 100
    assert {weight.dtype for weight in stored.audio_codec.parameters()} == {torch.float32}
    assert same(stored, SAMAudio.from_pretrained(source, dtype=dtype))


def test_t5(tmp_path: Path, root: Path) -> None:
    source = write_t5(tmp_path / "anything")
    bring(root, source)
    assert same(
        TextEncoder.from_folder(resolve("google-t5/t5-base", root)),
        TextEncoder.from_folder(source),
    )


def test_span_predictor(tmp_path: Path, root: Path) -> None:
    source = write_span_predictor(tmp_path / "anything")
    bring(root, source)
    assert same(
        SpanPredictor.from_folder(resolve("facebook/pe-a-frame-large", root)),
        SpanPredictor.from_folder(source),
    )


def test_judge(tmp_path: Path, root: Path) -> None:
    source = write_judge(tmp_path / "anything")
    bring(root, source)
    judge = Judge.from_folder(resolve("facebook/sam-audio-judge", root))
    assert same(judge, Judge.from_folder(source))


def test_rankers(tmp_path: Path, root: Path) -> None:
    write_word_tokenizer(tmp_path / "roberta")
    (tmp_path / "roberta" / "config.json").write_text("{}", encoding="utf-8")
    bring(root, tmp_path / "roberta", "--as", "roberta-base")
    bring(root, write_clap(tmp_path / "clap"))
    bring(root, write_imagebind(tmp_path / "imagebind"), "--link")
    bring(root, write_judge(tmp_path / "judge"))
    source = RankerSource(lambda name: resolve(name, root), CPU, CLAP, IMAGEBIND)
    assert isinstance(create_ranker(ClapRankerConfig(), source), ClapRanker)
    assert isinstance(create_ranker(ImageBindRankerConfig(), source), ImageBindRanker)
    assert create_ranker(JudgeRankerConfig(), source)
    assert main(["convert", "clap", "--precision", "fp32", "--store", str(root)]) == 0
    assert main(["convert", "imagebind", "--precision", "fp32", "--store", str(root)]) == 0
    assert isinstance(create_ranker(ClapRankerConfig(), source), ClapRanker)
    assert isinstance(create_ranker(ImageBindRankerConfig(), source), ImageBindRanker)
    assert main(["verify", "--store", str(root)]) == 0


WRITERS = {
    "t5-base": write_t5,
    "pe-a-frame-large": write_span_predictor,
    "sam-audio-judge": write_judge,
    "sam-audio-small": write_checkpoint,
}


@pytest.mark.parametrize("given", sorted(WRITERS))
def test_one_model_is_not_taken_for_another(
    tmp_path: Path, root: Path, given: str, capsys: pytest.CaptureFixture[str]
) -> None:
    source = WRITERS[given](tmp_path / "anything")
    if not (source / "tokenizer.json").exists():
        (source / "tokenizer.json").write_text("{}", encoding="utf-8")
    for said in WRITERS:
        status = main(["import", str(source), "--as", said, "--store", str(root)])
        assert status == (0 if given == said else 6)
        refused = "error [checkpoint_mismatch]: " in capsys.readouterr().err
        assert refused == (given != said)


def test_loading_another_model_under_a_name_says_whose_weights_these_are(tmp_path: Path) -> None:
    source = write_checkpoint(tmp_path / "download")
    judge: dict[str, Tensor] = torch.load(write_judge(tmp_path / "judge") / "checkpoint.pt")
    torch.save(judge, source / "checkpoint.pt")
    with pytest.raises(CheckpointMismatch, match="holds the SAM-Audio judge; SAM-Audio "):
        SAMAudio.from_pretrained(source)
