"""What a run of SAM-Audio will take, before the model is loaded and without loading torch.

sizes of the model, free memory --> weights and plan   as `loading` and `Loaded.plan` choose them
mixture, prompt, options ---------> task
task, plan, rates of the ledger --> seconds and bytes
"""

from dataclasses import dataclass, replace
from pathlib import Path

from engine.checkpoints.catalog import CATALOGUE, find
from engine.checkpoints.store import Store, default_root
from engine.cost.bytes import bytes_of
from engine.cost.cost import Cost, corrected
from engine.cost.footprint import WeightFormat
from engine.cost.ledger import Ledger
from engine.cost.rates import guessed_rates
from engine.cost.shape import ModelShape
from engine.cost.stages import Foreseen
from engine.cost.task import Known, Sound, Task, stretch_of
from engine.data import Notice, Prompt, SeparationOptions
from engine.errors import OutOfMemory
from engine.stereo import needs_residual

from .budget import Loading, plan_loading, plan_run, wanted_plan
from .config import SamAudioConfig
from .place import Place, place_of
from .plan import RunPlan
from .quality import sampling_for

SPOTTER = "pe-a-frame-large"
_RANKER_KINDS = ("judge", "clap", "imagebind")
_LEAST = WeightFormat("bfloat16", int8=True)


@dataclass(frozen=True, slots=True)
class LoadedAs:
    """How a model is there: its weights, and the plan of its next run."""

    weights: WeightFormat
    plan: RunPlan


@dataclass(frozen=True, slots=True)
class Costing:
    """Of one model. root: of the model store, `None` for the user's."""

    name: str
    shape: ModelShape
    config: SamAudioConfig
    ledger: Ledger
    root: Path | None = None

    def cost(
        self,
        sound: Sound,
        prompt: Prompt,
        options: SeparationOptions,
        known: Known = Known(),  # noqa: B008, a frozen value
        loaded: LoadedAs | None = None,
    ) -> Cost:
        """What a run will take.

        known: what earlier runs of this process left.   loaded: how the model is there, if it is.
        Raises BackendUnavailable when the device is not on this machine.
        """
        place = place_of(self.config.device)
        if loaded is None:
            loading = self._loading(place)
            plan = self._plan(place, loading, options.n_candidates)
        else:
            loading, plan = Loading(loaded.weights, loaded.plan.offload), loaded.plan
        task = self._task(sound, prompt, options, known)
        key = place.key(loading.weights, self.size, options.n_threads)
        measured = self.ledger.rates(key)
        rates = measured or guessed_rates(place.kind, loading.weights)
        run = Foreseen(self.shape, loading.weights, plan, task, rates)
        foreseen = run.seconds()
        time = corrected(foreseen, self.ledger, key, measured is not None)
        needed = bytes_of(run, place.kind)
        return Cost(
            separator=self.name,
            seconds=time.seconds,
            least_s=time.least_s,
            most_s=time.most_s,
            host_bytes=needed.host,
            device_bytes=needed.device,
            disk_bytes=needed.disk,
            basis=time.basis,
            n_runs=time.n_runs,
            stages=time.stages,
            notices=loading.notices,
            key=key,
            foreseen=foreseen,
        )

    @property
    def size(self) -> str:
        """The shape as a word, for a ledger's key."""
        return f"{self.shape.dim} x {self.shape.n_layers}"

    def _loading(self, place: Place) -> Loading:
        """How it would be loaded; the least that can be had where nothing fits."""
        try:
            return plan_loading(
                self.shape,
                self.config,
                place.best,
                place.free_bytes,
                can_offload=place.kind != "cpu",
            )
        except OutOfMemory as error:
            notice = Notice("does_not_fit", f"{self.name}: {error}")
            return Loading(_LEAST, offload=True, notices=(notice,))

    def _plan(self, place: Place, loading: Loading, n_takes: int) -> RunPlan:
        n_rows = self.config.n_rows(n_takes, place.kind)
        wanted = wanted_plan(self.shape, self.config, n_rows, self.config.codec_chunk_s)
        wanted = replace(wanted, offload=wanted.offload or loading.offload)
        return plan_run(
            self.shape,
            loading.weights,
            wanted,
            place.free_bytes,
            0,
            can_offload=place.kind != "cpu",
        )

    def _task(self, sound: Sound, prompt: Prompt, options: SeparationOptions, known: Known) -> Task:
        n_takes = options.n_candidates
        return Task(
            sound=sound,
            stretch=stretch_of(sound, options.rerun, self.config.overlap_s),
            n_evaluations=sampling_for(self.config.sampling, options.quality).n_evaluations,
            n_takes=n_takes,
            n_residuals=n_takes if needs_residual(options) else 0,
            is_rerun=options.rerun is not None,
            spot_bytes=self._spot_bytes(prompt),
            see_bytes=0 if prompt.masked_video is None else 4 * self.shape.tower_parameters,
            rank_bytes=self._rank_bytes() if n_takes > 1 else 0,
            known=known,
        )

    def _spot_bytes(self, prompt: Prompt) -> int:
        if prompt.spans or not prompt.description or self.config.predict_spans == "off":
            return 0
        return self._stored_bytes(SPOTTER)

    def _rank_bytes(self) -> int:
        names = [model.name for model in CATALOGUE if model.kind in _RANKER_KINDS]
        return sum(map(self._stored_bytes, names))

    def _stored_bytes(self, name: str) -> int:
        """Of a model beside the network, 0 when it is not in the store."""
        store, model = Store(self.root or default_root()), find(name)[0]
        if not store.has(model) or model in store.damaged():
            return 0
        weights = {file.name for file in model.weights} | {"model.safetensors"}
        files = store.get(model).manifest.files
        return sum(file.size_bytes for file in files if file.name in weights)
