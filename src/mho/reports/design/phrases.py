"""Parts of sentences about designs, which words, tables and figures share."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from mho.codesign.measures import taken
from mho.evaluation.metrics import METRICS
from mho.evaluation.statistics import Interval
from mho.frozen import FrozenDict
from mho.reports.labels import listed
from mho.reports.scale import Scale
from mho.reports.wording import NBSP, age_span, age_words, count, duration_words, energy, ordinal, share

if TYPE_CHECKING:
    from mho.codesign import Costs, Design, Target
    from mho.studies.sources import Data

HEADERS = {
    "write_cycles": "write cycles",
    "write_seconds": "time of writing",
    "write_joules": "energy of writing",
    "cells": "cells",
    "training_seconds": "time of training",
    "latency": "latency",
}
"""What tables call a cost."""
ALONG = {
    "write_cycles": "write cycles of a chip",
    "write_seconds": "time to write a chip",
    "write_joules": "energy to write a chip",
    "cells": "cells of a chip",
    "training_seconds": "time to train the network",
    "latency": "latency, that of the unprotected memory is 1",
}
"""What an axis calls it."""
NOTHING = "nothing"


def axis(path: str) -> str:
    """``"training"`` for ``model.method``, ``"programming"`` for ``memory.programming``."""
    return "training" if path in ("model", "model.method") else path.rpartition(".")[2].replace("_", " ")


def bought(design: Design, chosen: Mapping[str, str]) -> list[str]:
    """Names of the options that are not the first of their axis; of a range with its axis."""
    axes = taken(design.measures, FrozenDict(dict(chosen)))
    return [option(design, path, chosen[path]) for path in axes]


def option(design: Design, path: str, label: str) -> str:
    """The name of an option; a number of a range with its axis: ``"fraction 0.13"``."""
    return label if isinstance(design.measures[path], FrozenDict) else f"{axis(path)} {label}"


def named(design: Design, chosen: Mapping[str, str]) -> str:
    """``"noise injection, SWIM 10%"``, ``"nothing"``: in figures and tables."""
    return ", ".join(bought(design, chosen)) or NOTHING


def quoted(design: Design, chosen: Mapping[str, str]) -> str:
    """``"“noise injection” and “SWIM 10%”"``: in sentences, since names are ordinary words."""
    return listed([f"“{name}”" for name in bought(design, chosen)]) or NOTHING


def scale_of(design: Design, target: Target) -> Scale:
    """How the values of a target are shown."""
    if target.statistic == "yield":
        return Scale("yield", True)
    metric = METRICS[design.metric]
    return Scale(metric.name, metric.bounded)


def statistic(design: Design, target: Target) -> str:
    """What a target is about: ``"1st percentile of accuracy"``, ``"worst accuracy within ±3 % of the full scale"``."""
    metric = METRICS[design.metric].name
    said = {"mean": f"mean {metric}", "yield": f"chips that reach {_limit(design, target.level)}"}
    if target.k is not None:
        out = f"{ordinal(target.k)} percentile of {metric}"
    elif target.statistic == "worst":
        out = f"worst {metric} within {within(target)}"
    else:
        out = said[target.statistic]
    return f"{out} {age_words(target.age, design.clock)}" if target.age else out


def brief(design: Design, target: Target) -> str:
    """The same without the metric, where there is little room: ``"1st percentile"``, ``"worst, cells ±6 %"``."""
    said = {"mean": "mean", "yield": f"chips at {_limit(design, target.level)} or better"}
    out = f"{ordinal(target.k)} percentile" if target.k is not None else said.get(target.statistic, "")
    out = out or f"worst, {'cells' if target.cells else 'weights'} ±{share(target.level or 0.0)}"
    return f"{out}, {age_span(target.age, design.clock)}" if target.age else out


def within(target: Target) -> str:
    """The bound of a worst case: ``"±3 % of the full scale"``."""
    return f"±{share(target.level or 0.0)} of the {'range of a cell' if target.cells else 'full scale'}"


def reached(design: Design, target: Target, found: Interval) -> str:
    """``"99 % of chips stay above 91.6 % [91.3, 91.8] (at least 88 % asked)"``."""
    value, metric = measured(design, target, found), METRICS[design.metric].name
    if target.k is not None:
        most, side = (100 - target.k, "above") if target.at_most is None else (target.k, "below")
        out = f"{most:g}{NBSP}% of chips stay {side} {value}"
    elif target.statistic == "mean":
        out = f"the mean {metric} is {value}"
    elif target.statistic == "yield":
        out = f"{value} of chips reach {_limit(design, target.level)}"
    else:
        out = f"the worst chip found within {within(target)} has {value}"
    aged = f" {age_words(target.age, design.clock)}" if target.age else ""
    return f"{out}{aged} ({asked(design, target)} asked)"


def asked(design: Design, target: Target) -> str:
    """``"at least 88 %"``."""
    scale = scale_of(design, target)
    number = f"{scale.factor * target.limit:g}" + f"{NBSP}%" * scale.fraction
    return f"{'at least' if target.at_most is None else 'at most'} {number}"


def measured(design: Design, target: Target, found: Interval) -> str:
    """A value with its interval; a worst case, which is searched and not sampled, has none."""
    scale = scale_of(design, target)
    return scale.said(found.value) if target.statistic == "worst" else scale.measured(found)


def gain(design: Design, target: Target, value: float) -> str:
    """``"+6.2 points"``: a gain; of what is no fraction the bare number."""
    fraction = scale_of(design, target).fraction
    shown = f"{100 * value:+.1f}" if fraction else f"{value:+.3g}"
    shown = shown.replace("-", "−") if float(shown) else shown.lstrip("+-")
    return f"{shown}{NBSP}point{'s' * (shown.lstrip('+−') != '1.0')}" if fraction else shown


def figure(kind: str, value: float) -> str:
    """One cost as a table has it; an en dash where it is not known."""
    if not math.isfinite(value):
        return "–"
    if kind in ("write_seconds", "training_seconds"):
        return _time(value)
    if kind == "write_joules":
        return energy(value, NBSP)
    return f"{value:.3g}×" if kind == "latency" else f"{value:,.0f}"


def cost(kind: str, value: float) -> str:
    """One cost in a sentence: ``"311,173 write cycles a chip"``."""
    said = {
        "write_cycles": f"{count(value)} write cycles a chip",
        "write_seconds": f"{figure(kind, value)} of writing",
        "write_joules": f"{figure(kind, value)} of writing",
        "cells": f"{count(value)} cells",
        "training_seconds": f"{figure(kind, value)} of training",
        "latency": f"{value:.3g} times the latency",
    }
    return said[kind]


def costs(found: Costs) -> str:
    """All that are known and are not nothing."""
    kinds = [k for k in HEADERS if math.isfinite(found.number(k)) and not (k == "latency" and found.latency == 1)]
    return listed([cost(k, found.number(k)) for k in kinds if k != "training_seconds" or found.training_seconds])


def data(source: Data | None) -> str:
    """``"mnist test"``; what was in memory has no name."""
    if source is None:
        return ""
    if live(source):
        return {"held-out": "training data held out", "fit": "training data"}.get(source.part, f"{source.split} data")
    part = {"held-out": ", held out", "fit": ", without what is held out"}.get(source.part, "")
    return f"{source.name} {source.split}{part}"


def live(source: Data) -> bool:
    """Whether data were given in memory, so that their name says nothing to another process."""
    from mho.codesign.live import LIVE

    return source.name.startswith(LIVE)


def several(n: int, thing: str) -> str:
    """``"3 combinations"``, ``"1 combination"``."""
    return f"{n:,} {thing}{'s' * (n != 1)}"


def both(names: Sequence[str]) -> str:
    """What all of some measures together are called."""
    return {1: names[0], 2: "both"}.get(len(names), f"all {len(names)}") if names else NOTHING


def _time(seconds: float) -> str:
    """``"80 seconds"``, ``"5.5 minutes"``: two digits."""
    if seconds == 0 or 1 <= seconds < 100:
        return f"{seconds:.2g}{NBSP}second{'s' * (f'{seconds:.2g}' != '1')}"
    return duration_words(float(f"{seconds:.2g}"))


def _limit(design: Design, level: float | None) -> str:
    metric = METRICS[design.metric]
    return f"{100 * (level or 0.0):g}{NBSP}%" if metric.bounded else f"{level or 0.0:g}"
