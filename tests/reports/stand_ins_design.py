"""What mho.design found, shaped like the real thing, from numbers in closed form: nothing is trained or evaluated."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from mho.codesign import Candidate, Certificate, Choice, Costs, Design, Target, Why
from mho.codesign.front import affordable
from mho.codesign.margins import candidate
from mho.codesign.measures import every
from mho.codesign.why import explain
from mho.devices import RRAM1, PowerLawDrift, Stack
from mho.evaluation.statistics import Interval
from mho.frozen import FrozenDict
from mho.memory import Memory
from mho.programming import OpenLoop, Selective, WriteVerify
from mho.studies.sources import Data, Trained
from mho.training import IntermediateSnapshots, NoiseInjection, OrientedVariationalForward

CELLS = 200_000
TRAIN = {"plain": 0.0, "noise injection": 0.10, "OVF": 0.06, "IRS": 0.04}
SECONDS = {"plain": 20.0, "noise injection": 30.0, "OVF": 90.0, "IRS": 60.0}
VERIFIED = {"once": 0.0, "SWIM 10%": 0.1, "SWIM 30%": 0.3, "all verified": 1.0}
METHODS = {
    "plain": None, "noise injection": NoiseInjection(), "OVF": OrientedVariationalForward(beta=1e-3),
    "IRS": IntermediateSnapshots(beta=1e-2),
}  # fmt: skip
PROGRAMS = {
    "once": OpenLoop(), "SWIM 10%": Selective(fraction=0.1), "SWIM 30%": Selective(fraction=0.3),
    "all verified": WriteVerify(tolerance=0.06),
}  # fmt: skip
MEASURES: dict[str, Any] = {"model.method": METHODS, "memory.programming": PROGRAMS}
NETWORK = Trained(architecture="lenet", data=Data(name="digits", split="train"))
AGEING = Stack(stages=(RRAM1(sigma=0.1), PowerLawDrift(nu=0.01)))


def design(targets: Any = "p1 >= 0.88", measures: Mapping[str, Any] | None = None, **changes: Any) -> Design:
    made: dict[str, Any] = {
        "name": "lenet-digits", "model": NETWORK,
        "memory": Memory(device=AGEING if " at " in str(targets) else RRAM1(sigma=0.1)),
        "data": Data(name="digits"), "targets": targets, "measures": MEASURES if measures is None else measures,
        "sigma": 0.2,
    }  # fmt: skip
    return Design(**(made | changes))


def verified(label: str) -> float:
    """The share of weights that an option verifies, by how its name begins; of a range the number."""
    known = [share for name, share in VERIFIED.items() if label.startswith(name)]
    return known[0] if known else float(label)


def value(asked: Design, chosen: FrozenDict, target: Target) -> Interval:
    """More training and more verification help, each less in the company of the other."""
    lost = 0.55
    for path, label in chosen.items():
        lost *= (1 - 3 * TRAIN[label]) if path == "model.method" else (1 - verified(label) ** 0.12 * 0.92)
    reached = {"mean": 0.97 - 0.4 * lost, "yield": 1 - lost}.get(target.statistic, 0.96 - lost)
    if target.statistic == "worst":
        return Interval(reached, reached, reached)
    # A hundred chips give no lower limit of the 1st percentile: far from the target there is none.
    return Interval(reached, math.nan if target.k is not None and lost > 0.4 else reached - 0.006, reached + 0.004)


def costs(chosen: FrozenDict, **changes: Any) -> Costs:
    label = next((name for path, name in chosen.items() if path != "model.method"), "once")
    share = verified(label)
    made: dict[str, Any] = {
        "write_cycles": CELLS * (1 + 9.5 * share**0.8), "write_seconds": None, "write_joules": None, "cells": CELLS,
        "training_seconds": SECONDS.get(chosen.get("model.method", "plain"), 0.0), "latency": 1.0,
        "periphery": ("a read after every write",) if share else (),
    }  # fmt: skip
    return Costs(**(made | changes))


def judged(asked: Design, chosen: FrozenDict, refused: str = "", **changes: Any) -> Candidate:
    if refused:
        nan = math.nan
        return Candidate(chosen=chosen, values={}, margin=nan, best=nan, sure=nan, costs=None, refused=refused)
    values = {t.label(asked.clock): value(asked, chosen, t) for t in asked.targets}
    found = candidate(asked, chosen, values, costs(chosen, **changes), "screened")
    return candidate(asked, chosen, values, costs(chosen, **changes), "refined") if found.best > -0.05 else found


def certificate(asked: Design, found: Candidate, *, met: bool = True, up: float = 0.012) -> Certificate:
    """What a candidate reaches on test data: somewhat more, or too little."""
    values = {
        name: Interval(*(v + (up if met else -0.05) for v in interval)) for name, interval in found.values.items()
    }
    assert found.costs is not None
    return Certificate(
        chosen=found.chosen, values=values, confidence=0.95, met=met, seed=1, chips=1262, images=360, digital=0.973,
        costs=found.costs,
    )  # fmt: skip


def choice(
    asked: Design | None = None,
    *,
    refused: Mapping[tuple[str, ...], str] | None = None,
    met: bool = True,
    tried: int = 0,
    ranges: tuple[str, ...] = (),
    **changes: Any,
) -> Choice:
    """A choice among all combinations of ``asked``.

    Args:
        asked: the design.
        refused: labels of combinations to why they are not possible.
        met: whether the last certificate holds.
        tried: certificates that do not hold, before it.
        ranges: numbers tried of the only axis, which is a range.
        changes: of the costs of all.
    """
    asked = design() if asked is None else asked
    listed = [FrozenDict({path: n}) for path in asked.measures for n in ranges] or [*every(asked.measures)]
    why_not = refused or {}

    def judge(combinations: Any) -> list[Candidate]:
        return [judged(asked, c, why_not.get(tuple(c.values()), ""), **changes) for c in combinations]

    found = judge(listed)
    # As certification does: the cheapest that look good enough.
    hopeful = sorted(
        (c for c in affordable(asked, found) if c.best >= 0), key=lambda c: [c.number(k) for k in asked.minimise]
    )
    certificates = [certificate(asked, c, met=False) for c in hopeful[:tried]]
    certificates += [certificate(asked, c) for c in hopeful[tried : tried + 1] if met]
    made = Choice(design=asked, candidates=tuple(found), certificates=tuple(certificates), why=None,
                  provenance={"mho": "0.1.0", "seconds": 12.5, "screened": len(found)})  # fmt: skip
    if not affordable(asked, found):
        return made
    why: Why | None = explain(asked, made.closest.chosen, judge)
    return Choice(design=asked, candidates=made.candidates, certificates=made.certificates, why=why,
                  provenance=made.provenance)  # fmt: skip


__all__ = ["CELLS", "METHODS", "PROGRAMS", "certificate", "choice", "costs", "design", "judged"]
