"""What one crosspoint holds, sample after sample: an axis an array, one above the other, and when choppers turn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mho.reports.figures import lines
from mho.reports.figures.canvas import INK, MUTED, RULE, WIDTH, Drawing, Mark, Sheet, inset, plain, series, size, tie

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BUCKETS = 220  # along the axis, about one a point: of each the smallest and the largest value are drawn
STRIP = 66  # points that one axis is high, with the gap above it
LEFT = 48  # points for numbers and the name of an axis
SHOWN = 9  # samples at which a trace can be asked
TURNS = 120  # of a chopper that lines through the axis still show


class Band(NamedTuple):
    """One axis.

    Attributes:
        name: a letter beside it.
        traces: place (what the legend brings forward), colour, values at every sample.
        limits: thresholds, thin lines where the values come near them.
    """

    name: str
    traces: Sequence[tuple[int, int, NDArray[np.float32]]]
    limits: tuple[float, ...] = ()


def traces(
    bands: Sequence[Band],
    sample: NDArray[np.int64],
    turns: NDArray[np.int64],
    *,
    told: Sequence[str],
    turned: int,
    heading: str,
    title: str,
) -> Drawing:
    """Axes from the top, all against samples.

    Args:
        bands: axes.
        sample: samples seen at every value.
        turns: samples at which the chopper turned.
        told: what the point at every :func:`asked` sample says.
        turned: place of the turns in the legend.
        heading: above the axes.
        title: for screen readers.
    """
    height = STRIP * len(bands) + 48
    at = asked(len(sample))

    def paint(figure: Sheet) -> list[Mark]:
        marks: list[Mark] = []
        for k, band in enumerate(bands):
            below = 28 + STRIP * (len(bands) - 1 - k)
            axes = inset(figure, LEFT, below, 9, height - below - STRIP + 8)
            _band(axes, band, sample)
            if k == 0:
                axes.set_title(plain(heading, 44), loc="right", color=INK, pad=7)
                _turns(axes, turns, turned)
            if k == len(bands) - 1:
                axes.set_xlabel("samples")
                marks += [
                    Mark(axes, float(sample[i]), float(band.traces[0][2][i]), band.traces[0][0], words)
                    for i, words in zip(at, told, strict=True)
                ]
            else:
                axes.set_xticklabels([])
        return marks

    return Drawing(WIDTH, height, title, paint)


def asked(values: int) -> list[int]:
    """Places of the values that can be asked about."""
    return [*np.unique(np.linspace(0, values - 1, min(SHOWN, values)).round().astype(int)).tolist()]


def _band(axes: Axes, band: Band, sample: NDArray[np.int64]) -> None:
    axes.grid(axis="y")
    axes.margins(x=0)
    low = min(float(np.nanmin(v)) for *_, v in band.traces)
    high = max(float(np.nanmax(v)) for *_, v in band.traces)
    near = [limit for limit in band.limits if low - 0.6 <= limit <= high + 0.6]
    low, high = min([low, *near]), max([high, *near])
    axes.set_ylim(*lines.aired([low, high], 10.0))
    axes.locator_params(axis="y", nbins=4)
    axes.locator_params(axis="x", nbins=5, integer=True)
    for limit in near:
        axes.axhline(limit, color=MUTED, linewidth=0.6, linestyle=lines.DASHES)
    # The name stands on the left of its axis, clear of the numbers.
    axes.annotate(band.name, (0, 0.5), (4 - LEFT, 0), xycoords="axes fraction", textcoords="offset points", color=MUTED,
                  va="center", ha="left")  # fmt: skip
    for i, (place, slot, values) in enumerate(band.traces):
        x, y = _thinned(sample, values)
        # What else is on the axis of a restless array hardly moves, and lies on it.
        restless = i == 0 and len(band.traces) > 1
        (line,) = axes.plot(
            x, y, color=series(slot)[0], linewidth=0.6 if restless else 1.0,
            alpha=0.75 if restless else 1.0,
        )  # fmt: skip
        tie(line, place)
    axes.set_xlim(float(sample[0]), float(sample[-1]) or 1.0)


def _turns(axes: Axes, turns: NDArray[np.int64], place: int) -> None:
    """Ticks above the axis, and faint lines through it where they do not hide it."""
    if not len(turns):
        return
    ends = axes.get_xaxis_transform()
    tall = 5 / (size(axes.figure)[1] * axes.get_position(original=True).height)
    ticks = axes.vlines(turns, 1.0, 1.0 + tall, color=MUTED, linewidth=0.8, transform=ends, clip_on=False)
    tie(ticks, place)
    if len(turns) <= TURNS:
        axes.vlines(turns, 0.0, 1.0, color=RULE, linewidth=0.5, transform=ends, zorder=0.5)


def _thinned(sample: NDArray[np.int64], values: NDArray[np.float32]) -> tuple[list[float], list[float]]:
    """Of many values the smallest and the largest of every bucket, in their order, so that no spike is lost."""
    if len(values) <= 2 * BUCKETS:
        return sample.tolist(), values.tolist()
    kept: list[int] = [0]
    for bucket in np.array_split(np.arange(len(values)), BUCKETS):
        kept += sorted({int(bucket[values[bucket].argmin()]), int(bucket[values[bucket].argmax()])})
    kept.append(len(values) - 1)
    where = np.unique(kept)
    return sample[where].tolist(), values[where].tolist()
