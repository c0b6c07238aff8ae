"""The story drawn: a row each with mean, unlucky chip and worst possible chip; write cycles and training beside."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mho.codesign.story import about
from mho.reports.figures import Bar, Drawing, Key, bars
from mho.reports.figures.canvas import PAPER, WIDTH, Mark, Sheet, abridged, inset, plain, series, tie
from mho.reports.figures.errors import OPEN
from mho.reports.plates import Plate
from mho.reports.scale import Scale
from mho.reports.wording import count, share

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

    from mho.codesign.story import Line, Story

ROW, LETTERS = 16, 22
SCALE = Scale("accuracy", fraction=True)


def plates(story: Story) -> list[Plate]:
    """What chips reach, and what that costs."""
    lines = [line for line in story.lines if not line.refused]
    slots = methods(story)
    keys = [Key(method, "mean", slot, _places(story, method)) for method, slot in slots.items()]
    keys += [Key("mean and its interval", "dot"), Key("1st percentile and its interval", "tick")]
    keys.append(Key(f"worst chip found, every weight within ±{share(story.bounds[-1])}", "cross"))
    keys.append(Key("digital network", "extreme"))
    caption = (
        "Accuracy of chips. Every row is a combination of measures; colours are ways to train. The worst chip is "
        "searched within the bound; chips of which not every cell is verified have none."
    )
    specs = {story.label: story.design.to_yaml()}
    costs = (
        "What it takes. Write cycles: of all cells of a chip, on average. Training: wall time on one machine, once a "
        "network."
    )
    panels = [_bars(lines, slots, story, kind) for kind in ("cycles", "training")]
    return [
        Plate("story", [reached(story, lines, slots)], caption, keys, specs),
        Plate("story-costs", panels, costs, keys[: len(slots)], specs),
    ]


def methods(story: Story) -> dict[str, int]:
    """Ways to train, each with its colour."""
    return {m: slot for slot, m in enumerate(dict.fromkeys(line.chosen["model.method"] for line in story.lines))}


def _places(story: Story, method: str) -> tuple[int, ...]:
    return tuple(i for i, line in enumerate(story.lines) if line.chosen["model.method"] == method)


def reached(story: Story, lines: list[Line], slots: dict[str, int]) -> Drawing:
    """Accuracies, a row a line."""
    margin = 9 + 4.8 * min(LETTERS, max(len(line.name) for line in lines))

    def paint(figure: Sheet) -> list[Mark]:
        axes = inset(figure, margin, 28, 9, 6)
        axes.set(xlim=(-2, 102), ylim=(len(lines) - 0.4, -0.6), yticks=[], xlabel=plain(SCALE.name))
        axes.spines[["left", "bottom"]].set_visible(False)
        axes.grid(axis="x")
        marks = []
        for y, line in enumerate(lines):
            place = story.lines.index(line)
            name = axes.text(-2 - 4 * 104 / (WIDTH - margin - 9), y, abridged(line.name, LETTERS), ha="right",
                             va="center_baseline")  # fmt: skip
            tie(name, place)
            marks += _row(axes, y, line, place, slots[line.chosen["model.method"]], story)
        return marks

    title = f"accuracy of {len(lines)} combinations of measures"
    return Drawing(WIDTH, 34 + ROW * len(lines), title, paint)


def _row(axes: Axes, y: int, line: Line, place: int, slot: int, story: Story) -> list[Mark]:
    colour, marker = series(slot)
    marks: list[Mark] = []
    drawn: list[Artist] = []
    for name, shape, width in (("p1", "|", 0.7), ("mean", marker, 1.4)):
        found = line.values[name]
        low, value, high = (100 * v for v in (found.low, found.value, found.high))
        ends = [value if math.isnan(v) else v for v in (low, high)]
        drawn += axes.plot(ends, [y, y], color=colour, linewidth=width)
        size = 7 if name == "p1" else 4.4
        edge = {"markeredgewidth": 1.2} if name == "p1" else {"markeredgecolor": PAPER, "markeredgewidth": 0.6}
        drawn += axes.plot([value], [y], color=colour, linestyle="", marker=shape, markersize=size, zorder=4, **edge)
        said = "mean" if name == "mean" else "1st percentile"
        marks.append(Mark(axes, value, y, place, f"{line.name}\n{said} {SCALE.measured(found)}, {line.chips:,} chips"))
    shape, size = OPEN["cross"]
    worst = 100 * line.worst[-1]
    drawn += axes.plot([worst], [y], color=colour, linestyle="", marker=shape, markersize=size, markeredgewidth=1.1)
    bound = f"±{share(story.bounds[-1])}"
    marks.append(
        Mark(axes, worst, y, place, f"{line.name}\nworst chip found within {bound}: {SCALE.said(line.worst[-1])}")
    )
    drawn += axes.plot([100 * line.digital], [y], color=colour, linestyle="", marker="o", markersize=1.8)
    for artist in drawn:
        tie(artist, place)
    return marks


def _bars(lines: list[Line], slots: dict[str, int], story: Story, kind: str) -> Drawing:
    out = []
    for line in lines:
        assert line.costs is not None
        cycles = kind == "cycles"
        value = line.costs.write_cycles / 1e6 if cycles else line.costs.training_seconds
        number = count(line.costs.write_cycles) if cycles else about(value)
        words = f"{line.name}\n{line.costs.write_cycles:,.0f} write cycles" if cycles else f"{line.name}\n{number}"
        out.append(Bar(line.name, story.lines.index(line), slots[line.chosen["model.method"]], value, number, words))
    if kind == "cycles":
        return bars(out, "write cycles of a chip, millions", "", "write cycles of every combination")
    return bars(out, "training, seconds", "", "training of every combination")
