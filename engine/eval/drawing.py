"""Figures of results: one item on a page, many items on a sheet, the scores of a mode.

Everything here needs matplotlib; `plot.py` sees to it that it is there.
"""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from engine.data import Span

from .baselines import BASELINES, FULL_SCALE_16_BIT
from .report import by_class, summarise
from .run import Evaluated, ItemResult
from .spectrogram import Spectrogram, spectrogram

_PRESENT, _ABSENT, _TRUTH, _OURS, _THEIRS = "#0072b2", "#d55e00", "#222222", "#0072b2", "#bbbbbb"
_RANGE_DB = 80.0
_COLOURS = "magma"
_TITLES = ("mixture", "true target", "estimate")
_DPI = 110


@dataclass(frozen=True, slots=True, eq=False)
class Panels:
    """What is drawn of one item: its spectrograms (estimate `None` after a refusal)."""

    result: ItemResult
    spectrograms: tuple[Spectrogram, Spectrogram, Spectrogram | None]

    @classmethod
    def of(cls, evaluated: Evaluated) -> "Panels":
        """The spectrograms of an item that was evaluated."""
        stems, rate = evaluated.stems, evaluated.stems.sample_rate
        output = evaluated.output
        return cls(
            evaluated.result,
            (
                spectrogram(stems.mixture / FULL_SCALE_16_BIT, rate),
                spectrogram(stems.target / FULL_SCALE_16_BIT, rate),
                spectrogram(output.target, rate) if output else None,
            ),
        )


def item_page(panels: Panels, separator: str) -> Figure:
    """One item: spans over three spectrograms on the left, scores on the right."""
    figure = _figure(13, 8.6)
    result = panels.result
    grid = figure.add_gridspec(
        4, 2, width_ratios=(3.4, 1), height_ratios=(0.28, 1, 1, 1), hspace=0.14, wspace=0.2,
        left=0.065, right=0.98, top=0.93, bottom=0.06,
    )  # fmt: skip
    strip = figure.add_subplot(grid[0, 0])
    _draw_spans(strip, result)
    top_db = _top_db(panels)
    for row, (title, shown) in enumerate(zip(_TITLES, panels.spectrograms, strict=True), 1):
        axes = figure.add_subplot(grid[row, 0], sharex=strip)
        _draw_spectrogram(axes, shown, top_db)
        axes.set_ylabel(f"{title}\nHz")
        axes.tick_params(labelbottom=row == 3)
    axes.set_xlabel("seconds")

    if result.scores:
        _draw_bars(figure.add_subplot(grid[:3, 1]), result, separator)
    notes = figure.add_subplot(grid[3, 1])
    notes.axis("off")
    notes.text(0, 0.86, _notes(result), va="top", fontsize=8.5, family="monospace")
    bar = figure.colorbar(
        ScalarMappable(Normalize(-_RANGE_DB, 0), _COLOURS),
        ax=notes, orientation="horizontal", fraction=0.07, aspect=30, extend="min",
    )  # fmt: skip
    bar.set_label("dB under the mixture's loudest point", fontsize=8)
    bar.ax.tick_params(labelsize=8)
    figure.suptitle(_title(result, separator), x=0.065, ha="left", fontsize=12)
    return figure


def contact_sheet(panels: Sequence[Panels], separator: str, mode: str) -> Figure:
    """A row per item: words and scores, then three small spectrograms under the spans."""
    height = 1.35 * len(panels) + 1.0
    figure = _figure(13, height)
    grid = figure.add_gridspec(
        len(panels), 4, width_ratios=(0.56, 1, 1, 1), hspace=0.28, wspace=0.06,
        left=0.01, right=0.99, top=1 - 0.75 / height, bottom=0.3 / height,
    )  # fmt: skip
    for row, panel in enumerate(panels):
        words = figure.add_subplot(grid[row, 0])
        words.axis("off")
        words.text(0, 1, _row_words(panel.result), va="top", fontsize=8, family="monospace")
        for column, shown in enumerate(panel.spectrograms, 1):
            axes = figure.add_subplot(grid[row, column])
            _draw_spectrogram(axes, shown, _top_db(panel))
            _mark_spans(axes, panel.result.prompt.spans)
            axes.set_xticks([])
            axes.set_yticks([], [])
            axes.set_yticks([], [], minor=True)
            if row == 0:
                axes.set_title(_TITLES[column - 1], fontsize=10)
    overall = summarise([panel.result for panel in panels])
    mean = "-" if overall.si_sdri is None else f"{overall.si_sdri:.2f} dB"
    figure.suptitle(
        f"{separator}, mode {mode}: mean SI-SDR improvement {mean} over {overall.n} items, "
        f"{overall.n_refused} refused",
        x=0.01, y=1 - 0.12 / height, ha="left", va="top", fontsize=12,
    )  # fmt: skip
    return figure


def overview(results: Sequence[ItemResult], separator: str, mode: str) -> Figure:
    """A bar per item, by class group, with what the baselines reach on it."""
    ordered = [result for found in by_class(results).values() for result in found]
    figure = _figure(max(6.0, 0.27 * len(ordered) + 3.0), 5.4)
    axes = figure.add_subplot()
    places = range(len(ordered))
    values = [result.scores.si_sdri if result.scores else 0.0 for result in ordered]
    axes.bar(places, values, color=_OURS, width=0.7, label=separator, zorder=2)
    for baseline, marker in zip(BASELINES[1:], "_x*", strict=True):
        found = [
            result.baselines[baseline.name].si_sdri if baseline.name in result.baselines else np.nan
            for result in ordered
        ]
        axes.plot(places, found, marker, color="#444444", label=baseline.title, zorder=3)
    for place, result in zip(places, ordered, strict=True):
        if result.refusal:
            axes.text(place, 0.3, "refused", rotation=90, ha="center", fontsize=8, color=_ABSENT)
    start = 0
    for name, group in by_class(results).items():
        axes.axvline(start - 0.5, color="#cccccc", linewidth=0.8, zorder=1)
        axes.text(start - 0.4, 1.01, name, transform=axes.get_xaxis_transform(), fontsize=8)
        start += len(group)
    names = [f"{result.item.item_id} {result.prompt.description}" for result in ordered]
    axes.set_xticks(places, names, rotation=90, fontsize=8)
    axes.set_xlim(-0.6, len(ordered) - 0.4)
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set_ylabel("SI-SDR improvement, dB")
    axes.legend(fontsize=8, ncols=4, frameon=False, loc="upper center", bbox_to_anchor=(0.5, 1.16))
    figure.suptitle(f"mode {mode}", x=0.01, ha="left", fontsize=11)
    figure.set_layout_engine("tight")
    return figure


def _draw_spectrogram(axes: Axes, shown: Spectrogram | None, top_db: float) -> None:
    if shown is None:
        axes.text(0.5, 0.5, "refused", ha="center", va="center", transform=axes.transAxes)
        axes.set_yticks([])
        return
    times_s = np.linspace(0, shown.duration_s, shown.levels_db.shape[1] + 1)
    axes.pcolormesh(
        times_s, shown.band_edges_hz, shown.levels_db - top_db,
        vmin=-_RANGE_DB, vmax=0, cmap=_COLOURS, rasterized=True,
    )  # fmt: skip
    axes.set_yscale("log")
    axes.set_ylim(shown.band_edges_hz[0], shown.band_edges_hz[-1])
    ticks_hz = [hz for hz in (100, 1000, 10000) if hz < shown.band_edges_hz[-1]]
    axes.set_yticks(ticks_hz, ["100", "1k", "10k"][: len(ticks_hz)])
    axes.set_xlim(0, shown.duration_s)


def _draw_spans(axes: Axes, result: ItemResult) -> None:
    """The prompt's spans over the true activity, on a strip of their own."""
    for span in result.prompt.spans:
        colour = _PRESENT if span.sign == "+" else _ABSENT
        axes.barh(1, span.end_s - span.start_s, left=span.start_s, height=0.8, color=colour)
        axes.text(
            (span.start_s + span.end_s) / 2, 1, span.sign.replace("-", "−"),
            color="white", ha="center", va="center", fontsize=9, clip_on=True,
        )  # fmt: skip
    for start_s, end_s in result.item.active_spans_s:
        axes.barh(0, end_s - start_s, left=start_s, height=0.8, color=_TRUTH)
    axes.set_xlim(0, result.duration_s)
    axes.set_ylim(-0.5, 1.5)
    axes.set_yticks([0, 1], ["truth", "spans"])
    axes.tick_params(labelbottom=False, bottom=False, left=False)
    for side in axes.spines.values():
        side.set_visible(False)


def _mark_spans(axes: Axes, spans: Sequence[Span]) -> None:
    """The prompt's spans as lines along the top edge of a small picture."""
    for span in spans:
        axes.plot(
            [span.start_s, span.end_s], [1.03, 1.03], transform=axes.get_xaxis_transform(),
            color=_PRESENT if span.sign == "+" else _ABSENT, linewidth=3, clip_on=False,
            solid_capstyle="butt",
        )  # fmt: skip


def _draw_bars(axes: Axes, result: ItemResult, separator: str) -> None:
    rows = [
        (baseline.title, result.baselines[baseline.name].si_sdri, _THEIRS)
        for baseline in BASELINES
        if baseline.name in result.baselines
    ]
    if result.scores:
        rows.insert(0, (separator, result.scores.si_sdri, _OURS))
    rows.reverse()
    names, values, colours = zip(*rows, strict=True) if rows else ((), (), ())
    bars = axes.barh(range(len(rows)), values, color=colours)
    axes.bar_label(bars, [_signed(value) for value in values], padding=3, fontsize=9)
    axes.set_yticks(range(len(rows)), names, fontsize=9)
    axes.axvline(0, color="black", linewidth=0.8)
    axes.margins(x=0.2)
    axes.set_title("SI-SDR improvement, dB", fontsize=10)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _title(result: ItemResult, separator: str) -> str:
    return (
        f"{result.item.item_id}: “{result.prompt.description}” ({result.item.class_group})"
        f" — {separator}, mode {result.mode}"
    )


def _notes(result: ItemResult) -> str:
    if result.refusal:
        return textwrap.fill(f"refused: {result.refusal.message}", 34)
    scores = result.scores
    assert scores is not None  # one of both is there
    lines = [
        f"in spans    {_db(scores.active_si_sdri)}",
        f"SDR         {_db(scores.sdr)}  (gain {_signed(scores.sdri)})",
        f"leakage     {_db(scores.leakage_db)}",
        f"null        {'exactly zero' if scores.null_exact else _db(scores.null_db)}",
        f"RTF         {scores.rtf:.3f}  (CPU {scores.rtf_cpu:.3f})",
    ]
    if result.confidence is not None:
        lines.append(f"confidence  {result.confidence:.2f}")
    lines += [f"· {notice.code}" for notice in result.notices]
    return "\n".join(lines)


def _row_words(result: ItemResult) -> str:
    head = f"{result.item.item_id}  {result.item.class_group}\n“{result.prompt.description}”\n"
    if result.refusal:
        return head + f"refused: {result.refusal.code}"
    assert result.scores is not None  # one of both is there
    mask = result.baselines.get("ideal_ratio_mask")
    return head + (
        f"SI-SDRi {_db(result.scores.si_sdri)}"
        + (f" (mask {_signed(mask.si_sdri)})" if mask else "")
        + f"\nSDR     {_db(result.scores.sdr)}"
        + f"\nleakage {_db(result.scores.leakage_db)}"
    )


def _db(value: float | None) -> str:
    return "-" if value is None else f"{_signed(value)} dB"


def _signed(value: float) -> str:
    """One digit after the point; never a negative zero."""
    return f"{round(value, 1) + 0.0:+.1f}"


def _top_db(panels: Panels) -> float:
    return float(panels.spectrograms[0].levels_db.max())


def _figure(width: float, height: float) -> Figure:
    return Figure(figsize=(width, height), dpi=_DPI)
