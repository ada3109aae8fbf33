"""A worker process: the only module that imports the engine. `python -m bridge.engine_host`.

`worker_calls` has the pipe to the server and hands each call to the operations here.

It ends when the server ends: the pipe closes. An error that it does not know ends it too, and the
server starts another: after a fault of a driver or a library, a fresh process is the only cure.
"""

import gc
import hashlib
import importlib.metadata
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from engine.audio_files import open_clip
from engine.checkpoints.catalog import CATALOGUE, KnownModel, find
from engine.checkpoints.store import Store as ModelStore
from engine.cli.formats import parse_format
from engine.cli.store_root import store_root
from engine.cost.overview import cost_lines
from engine.data import (
    AudioClip,
    BroadcastInfo,
    MaskedVideo,
    Monitor,
    Progress,
    Prompt,
    Rerun,
    SeparationOptions,
    Separator,
    Span,
)
from engine.errors import EngineError, OutOfMemory
from engine.finding import best, find_spans
from engine.render import RenderPlan
from engine.sam_audio.settings import ModelSettings
from engine.separator import auto_name, find_separator, separate, separators

from .delivery import Delivery, check_folder, deliver
from .errors import BridgeError
from .file_stamp import changed, require_same, stamp_of
from .machine import devices
from .worker_calls import Arguments, Caller, CallServer, private_pipe

_NICENESS = 5
_COPY_BYTES = 1 << 20
_DIGEST_AT_PUT_BYTES = 512 << 20
"""Larger files get their digest when the first job reads them, not while somebody waits."""

_SMALLER = ModelSettings(window_s=8.0, overlap_s=2.0, offload="on")
"""For the second attempt of a job for which memory ran out."""


class EngineHost:
    """Does with the engine what a call asks for. root: of the model store."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._separator: tuple[tuple[str, bool], Separator] | None = None
        self._operations: dict[str, Callable[[Arguments, Monitor], Any]] = {
            "probe": self._probe,
            "identify": self._identify,
            "separate": self._separate,
            "spans": self._spans,
            "deliver": self._deliver,
            "separators": self._separators,
            "auto": lambda arguments, _: self._resolved("auto", arguments["loaded"]),
            "costs": self._costs,
            "devices": self._devices,
            "models.list": self._models_list,
            "models.download": self._models_download,
            "models.remove": self._models_remove,
        }

    @property
    def loaded(self) -> str:
        """The separator that is kept for the next job, empty when there is none."""
        kept = self._separator  # read once: the beat asks from its own thread while jobs change it
        return kept[0][0] if kept is not None else ""

    def do(self, operation: str, arguments: Arguments, caller: Caller) -> Any:
        """The answer to a call. Raises BridgeError, which carries the engine's own codes."""

        def on_progress(progress: Progress) -> None:
            caller.report(progress.stage, progress.fraction)

        monitor = Monitor(on_progress, caller.is_cancelled)
        try:
            monitor.check()
            return self._operations[operation](arguments, monitor)
        except EngineError as error:
            raise BridgeError(str(error), error.code) from error
        except MemoryError as error:
            message = f"this computer has no memory left ({error})"
            raise BridgeError(message, OutOfMemory.code) from error

    def _probe(self, arguments: Arguments, monitor: Monitor) -> dict[str, Any]:
        """What an audio or video file is; raises when it cannot be used."""
        path = Path(arguments["path"])
        clip = open_clip(path, monitor)
        try:
            before, found = stamp_of(path), _described(clip)
        finally:
            clip.source.close()
        is_small = before["n_bytes"] <= _DIGEST_AT_PUT_BYTES
        found["sha256"] = _sha256(path, monitor) if is_small else ""
        if stamp_of(path) != before:
            raise changed(path)
        return {**before, **found}

    def _identify(self, arguments: Arguments, monitor: Monitor) -> dict[str, Any]:
        """Which separator and weights a job would use, and the digest of its clip."""
        path = Path(arguments["path"])
        require_same(path, arguments["stamp"])
        name = self._resolved(arguments["separator"], arguments["loaded"])
        sha256 = arguments["sha256"] or _sha256(path, monitor)
        if arguments["output_folder"]:
            check_folder(Path(arguments["output_folder"]))
        return {
            "separator": name,
            "weights_sha256": _weights_sha256(name, self._root),
            "version": importlib.metadata.version("stemlasso"),
            "sha256": sha256,
            "videos": [stamp_of(Path(each)) for each in arguments["videos"] if each],
        }

    def _resolved(self, name: str, loaded: str) -> str:
        """The separator that a name stands for.

        loaded: the one that a worker holds. Its memory is not free, but it is there for `auto`.
        """
        if name != "auto":
            return find_separator(name, self._root).name
        chosen = auto_name(self._root)
        ready = [each.name for each in separators(self._root) if each.available]
        return loaded if loaded in ready[: ready.index(chosen)] else chosen

    def _separate(self, arguments: Arguments, monitor: Monitor) -> dict[str, Any]:
        """The stems of one clip in a new folder, and everything there is to say about them."""
        path, folder = Path(arguments["path"]), Path(arguments["folder"])
        require_same(path, arguments["stamp"])
        options, is_smaller = arguments["options"], bool(arguments["smaller"])
        n_threads = 1 if is_smaller else options["n_threads"] or None
        start_s = time.perf_counter()
        plan = _plan(path, folder, arguments["base"], options)
        with (
            _placed(path, arguments["time_reference_samples"], monitor) as clip,
            _rerun(options.get("rerun"), arguments["base_target"]) as rerun,
        ):
            result = separate(
                clip,
                _prompt(arguments["prompt"]),
                separator=self._loaded(options["separator"], is_smaller),
                options=_options(options, n_threads, rerun),
                output=plan,
                on_progress=monitor.on_progress,
                is_cancelled=monitor.is_cancelled,
            )
        clips = [result.target, *(take.target for take in result.candidates[1:])]
        clips += [result.residual] if result.residual is not None else []
        for clip in clips:
            clip.source.close()
        require_same(path, arguments["stamp"])
        summary = result.summary()
        files = {Path(clip.path).name: clip.path for clip in clips if clip.path is not None}
        summary["files"] = {
            name: {"n_bytes": file.stat().st_size, "sha256": _sha256(file, Monitor())}
            for name, file in files.items()
        }
        summary["spans"] = [[s.start_s, s.end_s, s.sign] for s in result.spans]
        summary["took_s"] = time.perf_counter() - start_s
        return summary

    def _spans(self, arguments: Arguments, monitor: Monitor) -> dict[str, Any]:
        """Where a described sound is, without taking it out."""
        path = Path(arguments["path"])
        require_same(path, arguments["stamp"])
        name = self._resolved(arguments["separator"], self.loaded)
        separator = self._loaded(name, is_smaller=False)
        clip = open_clip(path, monitor.part(0, 0))
        try:
            found = find_spans(
                clip,
                Prompt(arguments["description"], _spans_of(arguments["spans"])),
                separator,
                SeparationOptions(n_threads=arguments["n_threads"] or None),
                on_progress=monitor.on_progress,
                is_cancelled=monitor.is_cancelled,
            )
        finally:
            clip.source.close()
        require_same(path, arguments["stamp"])
        kept = best(found.spans, arguments["most_spans"])
        notices = [(each.code, each.message) for each in found.notices]
        if len(kept) < len(found.spans):
            notices.append(("more_spans", f"{len(found.spans)} places; here are the surest."))
        return {
            "separator": separator.name,
            "spans": [(e.span.start_s, e.span.end_s, e.span.sign, e.score) for e in kept],
            "notices": notices,
        }

    def _loaded(self, name: str, is_smaller: bool) -> Separator:
        """The separator, kept for the next job; another one leaves the memory first."""
        key = (find_separator(name, self._root).name, is_smaller)
        if self._separator is None or self._separator[0] != key:
            self._separator = None
            _free_memory()
            settings = _SMALLER if is_smaller else None
            self._separator = (key, find_separator(key[0], self._root, settings))
        return self._separator[1]

    def _deliver(self, arguments: Arguments, monitor: Monitor) -> list[str]:
        delivery = Delivery(
            files=tuple(Path(each) for each in arguments["files"]),
            folder=Path(arguments["folder"]),
            job_id=arguments["job_id"],
            overwrite=arguments["overwrite"],
            is_cancelled=monitor.is_cancelled,
        )
        return [str(path) for path in deliver(delivery)]

    def _separators(self, _arguments: Arguments, _monitor: Monitor) -> list[dict[str, Any]]:
        return [
            {
                "name": each.name,
                "summary": f"{each.summary}. {each.note}" if each.note else each.summary,
                "available": each.available,
                "missing": each.missing,
            }
            for each in separators(self._root)
        ]

    def _costs(self, _arguments: Arguments, _monitor: Monitor) -> list[dict[str, Any]]:
        """What jobs take by every separator that is ready, in every quality, as straight lines."""
        return [asdict(line) for line in cost_lines(self._root)]

    def _devices(self, _arguments: Arguments, _monitor: Monitor) -> list[dict[str, Any]]:
        return devices()

    def _models_list(self, _arguments: Arguments, _monitor: Monitor) -> list[dict[str, Any]]:
        store = ModelStore(self._root)
        return [_model_state(model, store) for model in CATALOGUE]

    def _models_download(self, arguments: Arguments, monitor: Monitor) -> dict[str, Any]:
        """Fetch a model and what it needs."""
        # Checks what it fetched with torch, which takes seconds to load and is only needed here.
        from engine.checkpoints.download import download_model

        store = ModelStore(self._root)
        model, _ = find(arguments["name"])
        wanted = [*(find(name)[0] for name in model.needs), model]
        for index, each in enumerate(wanted):
            part = monitor.part(index / len(wanted), (index + 1) / len(wanted))
            download_model(store, each.name, monitor=part)
        return _model_state(model, store)

    def _models_remove(self, arguments: Arguments, monitor: Monitor) -> dict[str, Any]:
        store = ModelStore(self._root)
        model, _ = find(arguments["name"])
        store.remove(model, monitor)
        return _model_state(model, store)


def _free_memory() -> None:
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()


def _prompt(prompt: Mapping[str, Any]) -> Prompt:
    video = None
    if prompt["video_path"]:
        mask = Path(prompt["mask_path"]) if prompt["mask_path"] else None
        video = MaskedVideo(Path(prompt["video_path"]), mask)
    return Prompt(prompt["description"], _spans_of(prompt["spans"]), video)


def _spans_of(spans: Sequence[Mapping[str, Any]]) -> tuple[Span, ...]:
    return tuple(Span(each["start_s"], each["end_s"], each["sign"]) for each in spans)


def _options(
    options: Mapping[str, Any], n_threads: int | None, rerun: Rerun | None
) -> SeparationOptions:
    return SeparationOptions(
        seed=options["seed"],
        n_candidates=options["n_candidates"],
        n_threads=n_threads,
        quality=options["quality"],
        stereo=options["stereo"],
        residual=options["residual"],
        presence_gate=options["presence_gate"],
        rerun=rerun,
    )


@contextmanager
def _rerun(selection: Mapping[str, Any] | None, base_target: str) -> Iterator[Rerun | None]:
    """A selection to do anew, with the earlier target open; `None` for all of the clip."""
    if selection is None:
        yield None
        return
    base = open_clip(Path(base_target))
    try:
        yield Rerun(selection["start_s"], selection["end_s"], base)
    finally:
        base.source.close()


@contextmanager
def _placed(path: Path, time_reference_samples: int, monitor: Monitor) -> Iterator[AudioClip]:
    """A clip whose stems will say where on the timeline they begin, as Broadcast Wave files do."""
    clip = open_clip(path, monitor.part(0, 0))
    try:
        own = clip.broadcast or BroadcastInfo(originator="StemLasso")
        placed = replace(own, time_reference_samples=time_reference_samples)
        yield replace(clip, broadcast=placed)
    finally:
        clip.source.close()


def _plan(path: Path, folder: Path, base: str, options: Mapping[str, Any]) -> RenderPlan:
    takes = range(2, options["n_candidates"] + 1)
    form = parse_format(options["format"]) if options["format"] else None
    if form is not None and not form.subtype:
        clip = open_clip(path)
        clip.source.close()
        form = replace(form, subtype=clip.format.subtype)
    return RenderPlan(
        folder=folder,
        target_name=base,
        residual_name=f"{base} - residual",
        candidate_names=tuple(f"{base} - take {take}" for take in takes),
        format=form,
    )


def _described(clip: AudioClip) -> dict[str, Any]:
    return {
        "sample_rate": clip.sample_rate,
        "n_channels": clip.n_channels,
        "n_samples": clip.n_samples,
        "format": f"{clip.format.container} {clip.format.subtype}",
        "time_reference_samples": clip.broadcast.time_reference_samples if clip.broadcast else None,
    }


def _sha256(path: Path, monitor: Monitor) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while piece := stream.read(_COPY_BYTES):
            monitor.check()
            digest.update(piece)
    return digest.hexdigest()


def _weights_sha256(name: str, root: Path) -> str:
    """Digest of a model's weights, empty for a separator without any."""
    if name == "builtin":
        return ""
    model, _ = find(name)
    found = ModelStore(root).get(model)
    names = {file.name for file in model.weights} | {"model.safetensors"}
    return next((file.sha256 for file in found.manifest.files if file.name in names), "")


def _model_state(model: KnownModel, store: ModelStore) -> dict[str, Any]:
    is_here = store.has(model) and model not in store.damaged()
    known_bytes = sum(file.size_bytes or 0 for file in model.files)
    return {
        "name": model.name,
        "summary": model.purpose,
        "installed": is_here,
        "n_bytes": store.get(model).manifest.size_bytes if is_here else known_bytes,
        "licence": model.licence.name,
        "needs": list(model.needs),
    }


def main() -> int:
    """Serve the process that started this one; returns the exit status."""
    reader, writer = private_pipe()
    if sys.platform != "win32":
        os.nice(_NICENESS)  # below a DAW; on Windows the server says so when it starts this
    CallServer(reader, writer, EngineHost(store_root())).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
