"""Whether weights fit the network that their own configuration describes, key for key.

Networks are built on `meta` and thrown away: nothing is read but names and shapes.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import nn

from engine.model.config import SAMAudioConfig, from_dict, read_json
from engine.model.judge import Judge, JudgeConfig
from engine.model.sam_audio import SAMAudioNetwork
from engine.model.span_predictor import SpanPredictor, SpanPredictorConfig
from engine.model.text_encoder import T5Config, T5Encoder

from .load import StateDict, load_into

_T5_UNUSED = ("decoder.", "lm_head.", "encoder.embed_tokens.")


def require_fit(kind: str, state: StateDict, config_file: Path, where: str) -> None:
    """Hold the tensors of a model of this kind against its `config.json`.

    CLAP and ImageBind have no configuration, and a tokenizer has no weights: they always pass.
    Raises CheckpointNotFound or CheckpointMismatch (a key of the configuration, or a tensor).
    """
    build = _NETWORKS.get(kind)
    if build is None:
        return
    with torch.device("meta"):
        network, unused = build(read_json(config_file), str(config_file))
    load_into(network, state, where=where, allowed_unexpected=unused)


def _sam_audio(data: object, where: str) -> tuple[nn.Module, tuple[str, ...]]:
    network = SAMAudioNetwork(from_dict(SAMAudioConfig, data, where))
    return network, (SAMAudioNetwork.vision_prefix,)


def _judge(data: object, where: str) -> tuple[nn.Module, tuple[str, ...]]:
    judge = Judge(from_dict(JudgeConfig, data, where))
    return judge, judge.unused_prefixes


def _span_predictor(data: object, where: str) -> tuple[nn.Module, tuple[str, ...]]:
    predictor = SpanPredictor(from_dict(SpanPredictorConfig, data, where))
    return predictor, predictor.unused_prefixes


def _t5(data: object, where: str) -> tuple[nn.Module, tuple[str, ...]]:
    return T5Encoder(from_dict(T5Config, data, where)), _T5_UNUSED


_NETWORKS: Mapping[str, Callable[[object, str], tuple[nn.Module, tuple[str, ...]]]] = {
    "sam-audio": _sam_audio,
    "judge": _judge,
    "span-predictor": _span_predictor,
    "t5": _t5,
}
