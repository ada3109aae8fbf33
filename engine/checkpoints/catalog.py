"""Known models: where the official weights are, what belongs to them, under which licence.

Digests are unknown until somebody downloads: `sha256=None` means that the digest the hub reports
is recorded at the first download and held to from then on. No digest here is invented.
"""

from dataclasses import dataclass

from engine.data import Notice
from engine.errors import CheckpointNotFound

SAM_LICENCE_NOTE = (
    "SAM-Audio's weights are under Meta's SAM License: you may use, change and pass them on "
    "together with the licence text, but not for military and other uses that it forbids."
)
"""What the licence means, in one sentence; shown wherever these weights are fetched."""


@dataclass(frozen=True, slots=True)
class Licence:
    """name: as the page gives it.   note: what it means to a user, in one sentence."""

    name: str
    note: str


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file of a model.

    size_bytes: as published, for the space check; the hub's own answer decides.
    required: the model cannot be used without it.   weights: it holds the tensors.
    """

    name: str
    size_bytes: int | None = None
    sha256: str | None = None
    required: bool = True
    weights: bool = False


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model that StemLasso can fetch, import and load.

    name: what the user types and the folder in the store.   kind: as `identify` names it.
    repository: owner/name on the hub, or empty; then `address` is where the file lies.
    needs: other models without which this one cannot work.
    aliases: other ways to write the name.   older_names: names it had once, which are announced.
    """

    name: str
    kind: str
    purpose: str
    files: tuple[ModelFile, ...]
    licence: Licence
    page: str
    repository: str = ""
    revision: str = "main"
    address: str = ""
    gated: bool = False
    needs: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    older_names: tuple[str, ...] = ()
    size: str = ""

    @property
    def weights(self) -> tuple[ModelFile, ...]:
        """Files that hold tensors: the first is the official one, others may stand in for it."""
        return tuple(file for file in self.files if file.weights)


_HUB = "https://huggingface.co"
_SAM = Licence("SAM License (Meta)", SAM_LICENCE_NOTE)
_APACHE = Licence("Apache-2.0", "Apache-2.0: free to use, change and pass on with its notice.")
_MIT = Licence("MIT", "MIT: free to use, change and pass on with its notice.")
_NON_COMMERCIAL = Licence(
    "CC BY-NC 4.0", "ImageBind's weights are for non-commercial use only; read the licence there."
)
_SEE_PAGE = Licence("see its page", "Read the licence on the model's page before you use it.")

_CONFIG = ModelFile("config.json")
_TOKENIZER = (
    ModelFile("tokenizer.json"),
    ModelFile("tokenizer_config.json", required=False),
    ModelFile("special_tokens_map.json", required=False),
)


def _sam_audio(size: str, size_bytes: int, older_name: str = "") -> tuple[KnownModel, KnownModel]:
    def variant(suffix: str, purpose: str, bytes_known: int | None) -> KnownModel:
        name = f"sam-audio-{size}{suffix}"
        older = (f"{older_name}{suffix}",) if older_name else ()
        return KnownModel(
            name=name,
            kind="sam-audio",
            purpose=purpose,
            files=(_CONFIG, ModelFile("checkpoint.pt", bytes_known, weights=True)),
            licence=_SAM,
            page=f"{_HUB}/facebook/{name}",
            repository=f"facebook/{name}",
            gated=True,
            needs=("t5-base",),
            older_names=older,
            size=size,
        )

    return (
        variant("", f"separation, {size}", size_bytes),
        variant("-tv", f"separation, {size}, the -tv variant", None),
    )


CATALOGUE: tuple[KnownModel, ...] = (
    *_sam_audio("small", 5_100_547_943),
    *_sam_audio("base", 7_725_405_659, "sam-audio-1b"),
    *_sam_audio("large", 14_861_356_211, "sam-audio-3b"),
    KnownModel(
        name="t5-base",
        kind="t5",
        purpose="text encoder of SAM-Audio",
        files=(
            _CONFIG,
            ModelFile("model.safetensors", weights=True),
            ModelFile("tokenizer.json"),
            ModelFile("tokenizer_config.json", required=False),
        ),
        licence=_APACHE,
        page=f"{_HUB}/google-t5/t5-base",
        repository="google-t5/t5-base",
    ),
    KnownModel(
        name="pe-a-frame-large",
        kind="span-predictor",
        purpose="predicts where a sound is (optional)",
        files=(_CONFIG, ModelFile("model.safetensors", weights=True), *_TOKENIZER),
        licence=_SEE_PAGE,
        page=f"{_HUB}/facebook/pe-a-frame-large",
        repository="facebook/pe-a-frame-large",
        revision="perception_models",
    ),
    KnownModel(
        name="sam-audio-judge",
        kind="judge",
        purpose="ranks candidates (optional)",
        files=(_CONFIG, ModelFile("checkpoint.pt", 6_135_410_636, weights=True), *_TOKENIZER),
        licence=_SAM,
        page=f"{_HUB}/facebook/sam-audio-judge",
        repository="facebook/sam-audio-judge",
        revision="sam_audio",
        gated=True,
    ),
    KnownModel(
        name="clap",
        kind="clap",
        purpose="ranks candidates by text (optional)",
        files=(ModelFile("630k-best.pt", weights=True),),
        licence=_SEE_PAGE,
        page=f"{_HUB}/lukewys/laion_clap",
        repository="lukewys/laion_clap",
        needs=("roberta-base",),
        aliases=("laion-clap",),
    ),
    KnownModel(
        name="roberta-base",
        kind="roberta",
        purpose="tokenizer of CLAP",
        files=(_CONFIG, ModelFile("tokenizer.json")),
        licence=_MIT,
        page=f"{_HUB}/FacebookAI/roberta-base",
        repository="FacebookAI/roberta-base",
    ),
    KnownModel(
        name="imagebind-huge",
        kind="imagebind",
        purpose="ranks candidates by video (optional)",
        files=(ModelFile("imagebind_huge.pth", weights=True),),
        licence=_NON_COMMERCIAL,
        page="https://github.com/facebookresearch/ImageBind",
        address="https://dl.fbaipublicfiles.com/imagebind/imagebind_huge.pth",
        aliases=("imagebind", "imagebind_huge"),
    ),
)
"""Every known model, in the order in which they are listed."""


def known_names() -> tuple[str, ...]:
    """Names of all known models."""
    return tuple(model.name for model in CATALOGUE)


def is_known(name: str) -> bool:
    """Whether `find` would give a model for this name."""
    return _bare(name) in _NAMES


def find(name: str) -> tuple[KnownModel, Notice | None]:
    """The model of a name, `owner/name` or older name, and a notice when the name was an older one.

    Raises CheckpointNotFound and lists the known names.
    """
    bare = _bare(name)
    model = _NAMES.get(bare)
    if model is None:
        raise CheckpointNotFound(
            f"{name!r} is not a known model; known are {', '.join(known_names())}"
        )
    if bare in model.older_names:
        return model, Notice(
            "model_renamed", f"{name!r} is called {model.name} today; using {model.name}"
        )
    return model, None


def _bare(name: str) -> str:
    """The name alone; the owner is dropped where it is the model's own."""
    given = name.strip().lower()
    for model in CATALOGUE:
        owner = model.repository.lower().split("/", maxsplit=1)[0]
        if given == model.repository.lower():
            return model.name
        if given in {f"{owner}/{older}" for older in model.older_names}:
            return given.rsplit("/", maxsplit=1)[-1]
    return given


_NAMES = {
    name: model for model in CATALOGUE for name in (model.name, *model.aliases, *model.older_names)
}
