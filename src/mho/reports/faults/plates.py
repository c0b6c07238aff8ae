"""The figures of stuck cells, in the order of the questions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from mho.reports import figures
from mho.reports.faults import room
from mho.reports.faults.curves import Line, Swept
from mho.reports.faults.parts import embeddings
from mho.reports.faults.phrases import drop, headed, lost, meaning, part, percentile, rate, signed, tolerates, yaml
from mho.reports.faults.view import Faulty
from mho.reports.faults.words import beside
from mho.reports.figures import Bar, Course, Key, Known, Row, Tint
from mho.reports.plates import Plate
from mho.reports.wording import NBSP, capital, share

if TYPE_CHECKING:
    from mho.evaluation.faults import FaultSensitivity
    from mho.mapping.plane_statistics import PlaneStatistics

TOGETHER = 3  # lines whose means and percentiles one panel shows well; more have a panel for each
ROWS = 40  # layers, or tensors, that a figure shows; of more, those that matter most


def plates(view: Faulty) -> list[Plate]:
    """Metric against rate and what is tolerated, of every network; parts alone; room for copies; planes."""
    out = []
    for i, swept in enumerate(view.curves):
        out += [_curves(swept, i), *([_tolerated(swept, i)] if len(swept.lines) > 1 else [])]
    out += [_parts(found, i) for i, found in enumerate(view.sensitivities)]
    for i, described in enumerate(view.described):
        if embeddings(described):
            out += [room.room(described, _name("room", i)), room.planes(described, _name("copies", i))]
    return out + [_planes(found, i) for i, found in enumerate(view.statistics)]


def _curves(swept: Swept, number: int) -> Plate:
    source, scale = swept.source, swept.scale
    courses = [_course(swept, line) for line in sorted(swept.lines, key=lambda line: line is not swept.taken)]
    known = _published(swept) if beside(swept) else []
    drawn = [line for line in swept.lines if line.slot is not None]
    split = len(drawn) > TOGETHER and swept.tail.k is not None
    span = figures.reach(courses, known, source.digital)
    parts = [("mean", "mean"), ("percentile", percentile(swept))] if split else [("both", "")]
    panels = [
        figures.rates(courses, scale, digital=source.digital, part=which, span=span, heading=heading,
                      title=f"{scale.name} of {swept.title} against stuck cells, {heading or 'every statistic'}")
        for which, heading in parts
    ]  # fmt: skip
    if known:
        panels.append(
            figures.rates([], scale, known=known, span=span, amounts=source.rates, heading="published, BERT-base",
                          title=f"{scale.name} published against stuck cells")
        )  # fmt: skip
    keys = [Key(headed(line.name), "mean", line.slot, (line.place,)) for line in drawn]
    others = tuple(line.place for line in swept.lines if line.slot is None)
    keys += [Key(f"{len(others)} other schemes", "line", None, others)] * bool(others)
    keys += [Key("mean and its interval", "mean")]
    keys += [Key(percentile(swept), "percentile")] * (swept.tail.k is not None and not split)
    keys += [Key(f"{swept.extreme} chip seen", "extreme"), Key("without cells", "digital")]
    keys += [Key("published [li2024zerospace]", "open")] * bool(known)
    caption = f"{capital(scale.metric)} of {swept.title} against the share of stuck cells, on a logarithmic axis."
    caption += f" The same {source.chips:,} chips under every scheme; a chip keeps its stuck cells as the share rises."
    caption += " The last panel: what was published, of another network." if known else ""
    return Plate(_name("stuck-cells", number), panels, caption, keys, _specs(swept))


def _course(swept: Swept, line: Line) -> Course:
    points = []
    for j, at in enumerate(swept.source.rates):
        words = f"{headed(line.name)}\n{rate(at)} stuck cells\nmean {swept.scale.measured(line.means[j])}"
        words += f"\n{percentile(swept)} {swept.scale.measured(line.unlucky[j])}" if line.unlucky else ""
        words += f"\n{swept.extreme} {swept.scale.said(line.worst[j])} of {swept.source.chips:,} chips"
        points.append((at, line.means[j], words))
    return Course(headed(line.name), line.place, line.slot, points, line.worst, line.unlucky)


def _published(swept: Swept) -> list[Known]:
    from mho.evaluation.faults.published import TABLE3, TABLE3_RATES

    out = []
    for line in swept.lines:
        for at, value in zip(TABLE3_RATES, TABLE3.get(line.name, ()), strict=False):
            words = f"{headed(line.name)}, published\n{rate(at)} stuck cells\nmean {100 * value:.2f}{NBSP}%"
            out.append(Known(at, value, line.slot, line.place, "open", words))
    return out


def _tolerated(swept: Swept, number: int) -> Plate:
    rows, signs = [], set()
    for line in swept.ranked:
        found = line.tolerated
        words = f"{headed(line.name)}\ntolerates {tolerates(found)}"
        words += f"\n{meaning(swept.source, line.name)}" if meaning(swept.source, line.name) else ""
        words += f"\n{share(line.overhead, 3)} more cells" + ", needs a known map of faults" * line.known_map
        words += ", read bit by bit" * line.digital
        # A limit beyond the rates measured ends with them.
        low, high = (100 * min(max(v, swept.source.rates[0]), swept.source.rates[-1]) for v in (found.low, found.high))
        number_ = "" if math.isnan(found.value) else f"{found.sign}{100 * found.value:.3g}{NBSP}%"
        number_ += f", +{100 * line.overhead:.2g}{NBSP}% cells" if line.overhead else ""
        number_ += ", map" * line.known_map + ", bit by bit" * line.digital
        signs.add(found.sign)
        rows.append(
            Row(headed(line.name), line.place, line.slot, 100 * found.value, number_, words, low=low, high=high)
        )
    along = f"stuck cells at which the mean loses {drop(swept)}, %"
    panel = figures.rows(rows, along, "", f"stuck cells tolerated by {len(rows)} schemes")
    keys = [Key("rate and its interval", "dot")]
    caption = (
        f"The share of stuck cells up to which the mean {swept.scale.metric} of {swept.title} is at most {drop(swept)} "
        f"below that of the network without cells, with {100 * swept.source.confidence:g}{NBSP}% intervals over chips."
    )
    caption += (
        " Beside the number stands what a scheme takes: more cells, a known map of faults (map), cells read bit by bit."
    )
    caption += " ≥: more than was measured." if "≥" in signs else ""
    caption += " ≤: less than was measured." if "≤" in signs else ""
    return Plate(_name("tolerated", number), [panel], caption, keys, _specs(swept))


def _parts(found: FaultSensitivity, number: int) -> Plate:
    factor = 100.0 if found.bounded else 1.0
    ranked = list(found.ranking())[:ROWS]
    panels = []
    for at in [found.rates[-1]] if len(ranked) > ROWS // 2 else list(found.rates)[-2:]:
        bars = []
        for name in ranked:
            drop_ = found.drop(name, at)
            value, low, high = (factor * v for v in drop_)
            shown = signed(value, ".1f" if found.bounded else ".3g")
            words = f"{part(found, name)} alone\n{rate(at)} stuck cells\ncosts {lost(drop_, found.bounded)}"
            bars.append(Bar(name, found.names.index(name), 0, value, shown, words, low, high))
        along = "points lost" if found.bounded else f"{found.metric} lost"
        panels.append(
            figures.bars(bars, along, f"{rate(at)} stuck cells", f"what stuck cells cost, {found.of} by {found.of}")
        )
    caption = (
        f"What stuck cells in one {found.of} alone cost the mean {found.metric}, with {100 * found.confidence:g}{NBSP}"
        f"% intervals over {found.chips:,} chips; all together {lost(found.drop('all'), found.bounded)} at "
        f"{rate(found.rates[-1])}."
    )
    caption += f" The {ROWS} of {len(found.names)} that cost most." if len(found.names) > ROWS else ""
    return Plate(_name(f"{found.of}s", number), panels, caption, [], {})


def _planes(found: PlaneStatistics, number: int) -> Plate:
    """Share of ones, a row a tensor, a column a plane; the deepest colour is a half."""
    kept = sorted(range(len(found.tensors)), key=lambda i: -found.tensors[i].ratio)[:ROWS]
    tensors = [found.tensors[i] for i in sorted(kept)]
    order = list(reversed(range(found.bits)))
    cells = [
        [
            Tint(min(t.density[b] / 0.5, 1.0), _few(100 * t.density[b]),
                 f"{t.name}\nplane {b}: {share(t.density[b], 3)} ones\nlargest weight {t.ratio:.3g} sigma")
            for b in order
        ]
        for t in tensors
    ]  # fmt: skip
    names = [t.name.removesuffix(".weight") for t in tensors]
    panel = figures.heat(names, [f"{b}" for b in order], cells, along="plane, the most significant first",
                         heading="ones, %", title="share of ones by tensor and plane")  # fmt: skip
    caption = (
        "Share of ones in every plane, both arrays counted. Below a half, a cell that rather sticks at 1 "
        "errs less often in a flipped plane."
    )
    caption += f" The {ROWS} of {len(found.tensors)} tensors with the largest outliers." * (len(found.tensors) > ROWS)
    return Plate(_name("planes", number), [panel], caption, [], {})


def _specs(swept: Swept) -> Mapping[str, str]:
    return {name: yaml(swept.source, name) for name in swept.source.schemes}


def _name(word: str, number: int) -> str:
    return f"{word}-{number + 1}" if number else word


def _few(value: float) -> str:
    return "0" if value == 0 else f"{value:.0f}" if value >= 9.95 else f"{value:.1f}" if value >= 0.05 else "<0.1"
