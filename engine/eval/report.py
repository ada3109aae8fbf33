"""Results as means, as a table for people and as JSON for programs.

The JSON of one mode is strict (no NaN, no infinity):

    format     1
    settings   separator, modes, seed, manifest, versions, hardware, when
    mode       text, spans or spans-neg
    overall    MEANS over all items that were separated
    classes    class_group -> MEANS
    items      one object per item: id, class_group, description, duration_s, sample_rate,
               n_channels, SCORES, confidence, notices, refused, baselines

SCORES are the fields of `metrics.Scores`; all of them are null for a refused item, whose `refused`
says why ({code, message}; null otherwise). MEANS are the same fields with `n` and `n_refused`:
means over items, except null_db (the worst), rtf and rtf_cpu (total time over total audio),
null_exact (whether all are) and silent (how many). `baselines` holds the same under each
baseline's name, over the same items. With several modes, `modes` maps each mode to
{mode, overall, classes, items}.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields

from engine.data import JsonValue

from .baselines import BASELINES
from .metrics import Scores
from .run import ItemResult

FORMAT = 1

_MEANS = (
    "si_sdr",
    "si_sdri",
    "active_si_sdri",
    "residual_si_sdri",
    "sdr",
    "sdri",
    "leakage_db",
)


@dataclass(frozen=True, slots=True)
class Means:
    """Scores of a group of items; fields as in `Scores`, `None` where no item has a value.

    n: items that were separated; n_refused: items that were not, which count nowhere else.
    """

    n: int
    n_refused: int
    si_sdr: float | None
    si_sdri: float | None
    active_si_sdri: float | None
    residual_si_sdri: float | None
    sdr: float | None
    sdri: float | None
    leakage_db: float | None
    null_db: float | None
    null_exact: bool | None
    rtf: float | None
    rtf_cpu: float | None
    silent: int


def summarise(results: Sequence[ItemResult], baseline: str | None = None) -> Means:
    """Means over the separated items, of the separator or of the baseline with this name."""
    scored = [
        (result.duration_s, found)
        for result in results
        if (found := result.scores if baseline is None else result.baselines.get(baseline))
    ]
    scores = [found for _, found in scored]
    total_s = sum(duration_s for duration_s, _ in scored)
    nulls = [found.null_db for found in scores if found.null_db is not None]
    return Means(
        n=len(scores),
        n_refused=sum(result.refusal is not None for result in results),
        **{name: _mean(getattr(found, name) for found in scores) for name in _MEANS},
        null_db=max(nulls) if nulls else None,
        null_exact=all(found.null_exact for found in scores) if scores else None,
        rtf=sum(t * found.rtf for t, found in scored) / total_s if scored else None,
        rtf_cpu=sum(t * found.rtf_cpu for t, found in scored) / total_s if scored else None,
        silent=sum(found.silent for found in scores),
    )


def by_class(results: Sequence[ItemResult]) -> dict[str, list[ItemResult]]:
    """The results of each class group, groups in alphabetical order."""
    groups = sorted({result.item.class_group for result in results})
    return {
        group: [result for result in results if result.item.class_group == group]
        for group in groups
    }


def as_json(
    results: Mapping[str, Sequence[ItemResult]], settings: Mapping[str, JsonValue]
) -> dict[str, JsonValue]:
    """The whole run, by mode, as the object that the module describes."""
    head: dict[str, JsonValue] = {"format": FORMAT, "settings": dict(settings)}
    reports = {mode: _mode_json(mode, found) for mode, found in results.items()}
    if len(reports) == 1:
        return head | next(iter(reports.values()))
    return head | {"modes": {**reports}}


def as_table(mode: str, results: Sequence[ItemResult]) -> str:
    """A table of one mode: a row per class group, all, and each baseline; refusals below."""
    overall = summarise(results)
    rows: list[tuple[str, ...]] = [("", *_HEADINGS)]
    rows += [(name, *_cells(summarise(found))) for name, found in by_class(results).items()]
    rows.append(("all", *_cells(overall)))
    rows += [
        (baseline.title, *_cells(summarise(results, baseline.name)))
        for baseline in BASELINES
        if any(baseline.name in result.baselines for result in results)
    ]
    lines = [f"mode {mode}: {overall.n} items, {overall.n_refused} refused"]
    lines += _aligned(rows)
    lines += _baselines_by_class(results)
    lines += _remarks(results, overall)
    return "\n".join(lines)


_HEADINGS = (
    "n",
    "SI-SDRi dB",
    "in spans dB",
    "SDR dB",
    "SDRi dB",
    "leakage dB",
    "null dBFS",
    "RTF",
    "CPU RTF",
)


def _cells(means: Means) -> tuple[str, ...]:
    return (
        str(means.n),
        _number(means.si_sdri, 2),
        _number(means.active_si_sdri, 2),
        _number(means.sdr, 2),
        _number(means.sdri, 2),
        _number(means.leakage_db, 1),
        "-inf" if means.null_exact else _number(means.null_db, 1),
        _number(means.rtf, 3),
        _number(means.rtf_cpu, 3),
    )


def _baselines_by_class(results: Sequence[ItemResult]) -> list[str]:
    """SI-SDR improvement of every baseline beside the separator's, per class group."""
    shown = [
        baseline for baseline in BASELINES if any(baseline.name in r.baselines for r in results)
    ]
    if not shown:
        return []
    titles = (baseline.title for baseline in shown)
    rows: list[tuple[str, ...]] = [("SI-SDRi dB", "separator", *titles)]
    for name, found in {**by_class(results), "all": list(results)}.items():
        compared = [summarise(found), *(summarise(found, baseline.name) for baseline in shown)]
        rows.append((name, *(_number(means.si_sdri, 2) for means in compared)))
    return ["", *_aligned(rows)]


def _remarks(results: Sequence[ItemResult], overall: Means) -> list[str]:
    lines = []
    if overall.n:
        assert overall.rtf  # there are items, and time passes
        worse = sum(r.scores.si_sdri < 0 for r in results if r.scores)
        lines.append(
            f"worse than the mixture: {worse} of {overall.n}; silent estimates: {overall.silent}; "
            f"{1 / overall.rtf:.0f} times real time"
        )
    lines += [
        f"refused {result.item.item_id} ({result.item.class_group}): "
        f"{result.refusal.code}: {result.refusal.message}"
        for result in results
        if result.refusal
    ]
    return ["", *lines] if lines else []


def _mode_json(mode: str, results: Sequence[ItemResult]) -> dict[str, JsonValue]:
    return {
        "mode": mode,
        "overall": _means_json(results),
        "classes": {name: _means_json(found) for name, found in by_class(results).items()},
        "items": [_item_json(result) for result in results],
    }


def _means_json(results: Sequence[ItemResult]) -> dict[str, JsonValue]:
    baselines: dict[str, JsonValue] = {
        baseline.name: asdict(summarise(results, baseline.name))
        for baseline in BASELINES
        if any(baseline.name in result.baselines for result in results)
    }
    return asdict(summarise(results)) | {"baselines": baselines}


def _item_json(result: ItemResult) -> dict[str, JsonValue]:
    item = result.item
    baselines: dict[str, JsonValue] = {
        name: asdict(scores) for name, scores in result.baselines.items()
    }
    return {
        "id": item.item_id,
        "class_group": item.class_group,
        "description": result.prompt.description,
        "spans": [str(span) for span in result.prompt.spans],
        "duration_s": result.duration_s,
        "sample_rate": result.sample_rate,
        "n_channels": result.n_channels,
        **(asdict(result.scores) if result.scores else dict.fromkeys(_SCORE_NAMES)),
        "confidence": result.confidence,
        "notices": [asdict(notice) for notice in result.notices],
        "refused": asdict(result.refusal) if result.refusal else None,
        "baselines": baselines,
    }


_SCORE_NAMES = tuple(field.name for field in fields(Scores))


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _number(value: float | None, n_digits: int) -> str:
    # Adding zero turns a negative zero into a positive one.
    return "-" if value is None else f"{round(value, n_digits) + 0.0:.{n_digits}f}"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
