"""From an estimate to stems that add up to the mixture, on disk or in memory.

The target is rounded first, to what its format can hold; the residual is what is then missing from
the mixture. In integer formats their sum is the mixture to the last bit. Everything is computed in
float64, which holds sums and differences of integers of up to 32 bits exactly.

An estimate may bring a residual of its own. That is written as it is; what target and residual then
lack of the mixture is measured and said.
"""

import math
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .data import AudioClip, AudioFormat, BroadcastInfo, Estimate, Monitor, Notice
from .errors import BackendError, DiskFull, OutputError, OutputExists
from .exact import SampleDigest, exact_samples, exact_values
from .stem_format import full_scale, integer_bits, stem_format, stored_bytes
from .stem_writer import StemSpec, StemWriter, output_failure

_BLOCK_SAMPLES = 1 << 16


@dataclass(frozen=True, slots=True)
class RenderPlan:
    """Where the stems go and what they look like.

    folder: made if it is not there; `None` gives arrays.
    target_name, residual_name: of the files, without suffix.
    candidate_names: of the second candidate and those after it; made from the target's if empty.
    format: `None` is the mixture's own, or WAV where stems cannot be written like the mixture.
    broadcast: `None` keeps the mixture's; only WAV and RF64 have a place for it.
    """

    folder: Path | None = None
    target_name: str = "target"
    residual_name: str = "residual"
    candidate_names: tuple[str, ...] = ()
    format: AudioFormat | None = None
    overwrite: bool = False
    with_residual: bool = True
    broadcast: BroadcastInfo | None = None

    def names(self, n_candidates: int) -> tuple[str, ...]:
        """Names of all stems: target, residual if wanted, then the other candidates."""
        others = self.candidate_names or tuple(
            f"{self.target_name}-{number}" for number in range(2, n_candidates + 1)
        )
        first = (self.target_name, self.residual_name)[: 1 + self.with_residual]
        return first + others[: n_candidates - 1]


@dataclass(frozen=True)
class Rendered:
    """The stems. candidates: every target, best first; the first one is `target`.

    null_db: highest level of mixture - target - residual, read back from what was written, in
        dBFS; `-inf` when it is exactly zero. Without a residual stem: of the residual there would
        have been.
    mixture_digest: of the mixture's samples, to tell later whether they were changed.
    """

    target: AudioClip
    residual: AudioClip | None
    candidates: tuple[AudioClip, ...]
    null_db: float
    notices: tuple[Notice, ...]
    mixture_digest: str


def check_outputs(mixture: AudioClip, plan: RenderPlan, n_candidates: int = 1) -> None:
    """Raise what stands in the way of writing the stems, before anything is computed.

    Raises OutputExists, OutputError (the folder, a name, the format), DiskFull.
    """
    specs, _ = _specs(mixture, plan, n_candidates)
    if plan.folder is None:
        return
    try:
        folder = _nearest_folder(plan.folder)
        for path in (path for spec in specs for path in spec.possible_paths()):
            _check_free(path, mixture, plan.overwrite)
            # A name that is too long must not wait for the folder to be made.
            with suppress(FileNotFoundError):
                (folder / path.name).lstat()
        # Permissions, read-only disks and quotas say what they think only when asked to write.
        with tempfile.TemporaryFile(dir=folder):
            _check_room(folder, specs)
    except OSError as error:
        raise output_failure(error, plan.folder) from error


def render(mixture: AudioClip, estimate: Estimate, plan: RenderPlan, monitor: Monitor) -> Rendered:
    """The stems of `mixture` that `estimate` says, all of them or none.

    Consumes the estimate once, block by block; memory does not grow with the length unless the
    stems are arrays. Nothing is left behind when it raises.
    Raises OutputError, OutputExists, DiskFull, AudioUnreadable (NaN in the mixture), BackendError
    (NaN in the estimate), Cancelled, and whatever the separator raises while it works.
    """
    check_outputs(mixture, plan, estimate.n_candidates)
    specs, notices = _specs(mixture, plan, estimate.n_candidates)
    with ExitStack() as undo:
        close_blocks = getattr(estimate.blocks, "close", None)
        if close_blocks is not None:
            undo.callback(close_blocks)
        _make_folder(plan.folder, undo)
        writers = [_opened(spec, undo) for spec in specs]
        digest = SampleDigest()
        computed_peak = _write_all(mixture, estimate, plan, writers, digest, monitor)
        for writer in writers:
            writer.finish()
        peak = _null_peak(mixture, writers, monitor) if plan.with_residual else computed_peak
        clips = [writer.publish() for writer in writers]
        undo.pop_all()
    for writer in writers:
        writer.settle()
    notices += tuple(_widened(writer) for writer in writers if _is_wider(writer))
    null_db = 20 * math.log10(peak) if peak > 0 else -math.inf
    if estimate.with_residual:
        notices += (_residual_notice(null_db),)
    first_candidate = 1 + plan.with_residual
    return Rendered(
        target=clips[0],
        residual=clips[1] if plan.with_residual else None,
        candidates=(clips[0], *clips[first_candidate:]),
        null_db=null_db,
        notices=notices,
        mixture_digest=digest.text,
    )


def _specs(
    mixture: AudioClip, plan: RenderPlan, n_candidates: int
) -> tuple[list[StemSpec], tuple[Notice, ...]]:
    names = plan.names(n_candidates)
    assert len(names) == n_candidates + plan.with_residual, f"{n_candidates} candidates, {names}"
    for name in names:
        if not name or name in (".", "..") or "/" in name or os.sep in name or "\0" in name:
            raise OutputError(f"stem name {name!r}: give a file name without folders")
    if len(set(names)) != len(names):
        raise OutputError(f"stem names {', '.join(names)}: every stem needs a name of its own")
    form, notices = stem_format(mixture, plan.format, plan.folder is not None)
    return [_spec(name, mixture, plan, form) for name in names], notices


def _spec(name: str, mixture: AudioClip, plan: RenderPlan, form: AudioFormat) -> StemSpec:
    return StemSpec(
        name=name,
        folder=plan.folder,
        format=form,
        sample_rate=mixture.sample_rate,
        n_samples=mixture.n_samples,
        n_channels=mixture.n_channels,
        on_grid=integer_bits(form.subtype) is not None,
        overwrite=plan.overwrite,
        broadcast=plan.broadcast or mixture.broadcast,
        mixture_path=mixture.path,
    )


def _nearest_folder(folder: Path) -> Path:
    """The folder, or of those above it the first that is there."""
    for candidate in (folder, *folder.absolute().parents):
        if candidate.is_dir():
            return candidate
        if candidate.exists():
            raise OutputError(f"{folder}: {candidate} is a file, not a folder; choose another one")
    return folder


def _check_free(path: Path, mixture: AudioClip, overwrite: bool) -> None:
    if not path.exists():
        return
    if mixture.path is not None and mixture.path.exists() and path.samefile(mixture.path):
        raise OutputError(f"{path}: it is the mixture itself; choose another name or folder")
    if path.is_dir():
        raise OutputError(f"{path}: it is a folder; choose another name")
    if not overwrite:
        raise OutputExists(f"{path}: it exists already; allow overwriting or choose another name")


def _check_room(folder: Path, specs: Sequence[StemSpec]) -> None:
    # A compressed format may need less than this, so there the disk itself has to tell.
    if any(spec.format.container == "FLAC" for spec in specs):
        return
    needed = sum(stored_bytes(spec.format, spec.n_samples, spec.n_channels) for spec in specs)
    usage = shutil.disk_usage(folder)
    if usage.total > 0 and needed > usage.free:
        raise DiskFull(
            f"{folder}: the stems need {needed / 1e6:.0f} MB and {usage.free / 1e6:.0f} MB are "
            "free: free some space or choose another folder"
        )


def _make_folder(folder: Path | None, undo: ExitStack) -> None:
    if folder is None:
        return
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        for path in reversed(missing):
            path.mkdir()
            undo.callback(_remove_if_empty, path)
    except OSError as error:
        raise output_failure(error, folder) from error


def _remove_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        # Somebody else put something there meanwhile.
        return


def _opened(spec: StemSpec, undo: ExitStack) -> StemWriter:
    writer = StemWriter(spec)
    undo.callback(writer.discard)
    return writer


def _write_all(
    mixture: AudioClip,
    estimate: Estimate,
    plan: RenderPlan,
    writers: Sequence[StemWriter],
    digest: SampleDigest,
    monitor: Monitor,
) -> float:
    """Write every stem; the peak of what the first target and its residual leave over.

    digest: gets all of the mixture's samples.
    """
    form = writers[0].spec.format
    peak, position = 0.0, 0
    for block in _blocks(mixture, estimate):
        monitor.check()
        native = mixture.source.read_native(position, position + block.shape[1])
        digest.add(native)
        samples = exact_values(native, mixture.format)
        candidates = block[: estimate.n_candidates]
        if estimate.with_residual:
            target, residual = _rounded(block[0], form), _rounded(block[-1], form)
        else:
            target, residual = _split(samples, block[0], form)
        peak = max(peak, float(np.abs(samples - target - residual).max()))
        stems = [target, residual] if plan.with_residual else [target]
        stems += [_rounded(candidate, form) for candidate in candidates[1:]]
        for writer, stem in zip(writers, stems, strict=True):
            writer.append(stem)
        position += block.shape[1]
    return peak


def _blocks(mixture: AudioClip, estimate: Estimate) -> Iterator[NDArray[np.float64]]:
    """The estimate in blocks [K, n, C] or [K + 1, n, C] of bounded length, checked."""
    position = 0
    n_expected = estimate.n_candidates + estimate.with_residual
    for block in estimate.blocks:
        n_stems, n_samples, n_channels = block.shape
        assert n_stems == n_expected, f"{block.shape}: candidates"
        assert n_channels == mixture.n_channels, f"{block.shape}: channels"
        position += n_samples
        assert position <= mixture.n_samples, f"estimate longer than {mixture.n_samples} samples"
        for start in range(0, n_samples, _BLOCK_SAMPLES):
            part = np.asarray(block[:, start : start + _BLOCK_SAMPLES], dtype=np.float64)
            if not np.isfinite(part).all():
                raise BackendError(
                    "the separator made samples that are not numbers; nothing was kept: "
                    "try another precision, device or separator"
                )
            yield part
    assert position == mixture.n_samples, f"estimate: {position} of {mixture.n_samples} samples"


def _split(
    samples: NDArray[np.float64], estimate: NDArray[np.float64], form: AudioFormat
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Target and residual [n, C] as `form` stores them.

    In floating point the residual needs rounding as well; the target is then taken once more from
    what the residual leaves. So their sum is off by at most half a unit of the smaller of the two.
    """
    target = _rounded(estimate, form)
    if integer_bits(form.subtype) is not None:
        return target, _rounded(samples, form) - target
    residual = _rounded(samples - target, form)
    return _rounded(samples - residual, form), residual


def _rounded(values: NDArray[np.float64], form: AudioFormat) -> NDArray[np.float64]:
    """`values` on the grid of an integer format, or as the floating-point format holds them."""
    if integer_bits(form.subtype) is not None:
        scale = full_scale(form.subtype)
        return np.asarray(np.rint(values * scale) / scale)
    if form.subtype == "DOUBLE":
        return values
    with np.errstate(over="ignore"):
        narrow = values.astype(np.float32)
    # What float32 cannot hold is kept; the writer then goes over to float64.
    return np.where(np.isfinite(narrow), narrow.astype(np.float64), values)


def _null_peak(mixture: AudioClip, writers: Sequence[StemWriter], monitor: Monitor) -> float:
    """Peak of mixture - target - residual, read back from what was written."""
    target, residual = writers[:2]
    peak = 0.0
    for start in range(0, mixture.n_samples, _BLOCK_SAMPLES):
        stop = min(start + _BLOCK_SAMPLES, mixture.n_samples)
        monitor.report("check", stop / mixture.n_samples)
        left = exact_samples(mixture, start, stop) - target.values(start, stop)
        left -= residual.values(start, stop)
        peak = max(peak, float(np.abs(left).max()))
    return peak


def _residual_notice(null_db: float) -> Notice:
    level = "nothing" if null_db == -math.inf else f"a level that peaks at {null_db:.1f} dBFS"
    return Notice(
        "residual_generated",
        "The residual is the separator's own and not the mixture without the target: together "
        f"they miss the mixture by {level}. Choose the exact residual for stems that add up.",
    )


def _is_wider(writer: StemWriter) -> bool:
    return writer.format.subtype != writer.spec.format.subtype


def _widened(writer: StemWriter) -> Notice:
    asked, became = writer.spec.format, writer.format
    return Notice(
        "stem_wider",
        f"{writer.spec.name} goes beyond what {asked.subtype} can hold and is written as "
        f"{became.container} {became.subtype}, so that nothing is clipped",
    )
