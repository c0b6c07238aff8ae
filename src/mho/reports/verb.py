"""``mho.report``: the page of some results, with everything that can be derived from them derived."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from mho.errors import SpecError
from mho.evaluation import accounts
from mho.evaluation.metrics import METRICS
from mho.memory import Chips, describe
from mho.reports.page import write
from mho.reports.wording import capital

if TYPE_CHECKING:
    from mho.codesign import Choice
    from mho.evaluation import Result
    from mho.evaluation.verification import Verification
    from mho.evaluation.worst_case.result import WorstCase
    from mho.reports.analog.view import Source as Learned
    from mho.reports.faults.view import Source as Stuck
    from mho.reports.racetrack.view import Source

T = TypeVar("T")


def report(
    path: str | os.PathLike[str],
    results: Result | Sequence[Result] = (),
    chips: Chips | Sequence[Chips] = (),
    *,
    worst: WorstCase | Sequence[WorstCase] = (),
    verification: Verification | Sequence[Verification] = (),
    racetrack: Source | Sequence[Source] = (),
    analog: Learned | Sequence[Learned] = (),
    faults: Stuck | Sequence[Stuck] = (),
    design: Choice | Sequence[Choice] = (),
    title: str = "",
    command: str = "",
    intro: str = "",
    references: Sequence[str] = (),
) -> Path:
    """Write one self-contained HTML page: the answer in words, figures, every number, layers, YAML, BibTeX.

    Args:
        path: the HTML file; its folder must exist.
        results: what :func:`mho.evaluate` returned, one or several of one metric, with different labels; none for a
            page of worst cases, verifications, racetracks, training on arrays, stuck cells or designs.
        chips: the chips of each result, in the same order; the first one's layers are shown. Without results, any.
        worst: worst cases, one or several of one metric, with different labels.
        verification: accuracies against write cycles, likewise.
        racetrack: what racetrack.sensitivity and racetrack.protect returned, at most one of each, heat maps, and
            results of :func:`mho.evaluate` in inferences: how fast the network fails, which layers do it, what
            protection costs.
        analog: what analog.toy, program, sweep, update_time, update_times, cost, wear and retention returned, as many
            of each as you like: which algorithm trains on an array, how well, and what it takes.
        faults: what mho.faults, faults.by_layer and by_plane, training.prune, mho.describe and mapping.statistics
            returned: how many stuck cells each scheme stands, which one to take, what to protect first, where copies
            sit.
        design: what :func:`mho.design` returned, one or several: what to buy, what it costs, what is claimed of it,
            and why not less.
        title: heading of the page; the model and the devices if empty.
        command: what reproduces the numbers; the Python calls if empty.
        intro: paragraphs before the answer, separated by blank lines.
        references: further keys of the bibliography.

    Returns:
        The path written.

    Raises:
        SpecError: a result that another argument takes; results without their chips, two results of one label, or of
            different metrics; nothing to show.
        OutputError: the page cannot be written; nothing is left behind.
    """
    found, made = _all(results), _all(chips)
    attacked, verified = _all(worst), _all(verification)
    shifted: list[Source] = _all(racetrack)
    learned: list[Learned] = _all(analog)
    stuck: list[Stuck] = _all(faults)
    designs: list[Choice] = _all(design)
    for name, items, kind in (("worst", attacked, "mho.worst_case"), ("verification", verified, "mho.verify")):
        for item in items:
            if not hasattr(item, "label"):
                raise SpecError(f"{name} holds a {type(item).__name__}; it takes what {kind} returns")
    for other in (*found, *made):
        if taken := _argument(other):
            raise SpecError(f"report takes a {type(other).__name__} as {taken}=, such as report({path!r}, {taken}=...)")
    extra = bool(attacked or verified or shifted or learned or stuck or designs)
    if not (found or extra):
        raise SpecError(
            "report has nothing to show; give results and their chips, worst=, verification=, racetrack=, analog=, "
            "faults= or design="
        )
    if (len(found) != len(made) and (found or not extra)) or not (found or extra):
        raise SpecError(f"report takes the chips of every result; got {len(found)} results and {len(made)} chips")
    labels = [r.label for r in found]
    if len(set(labels)) < len(labels):
        twice = next(label for label in labels if labels.count(label) > 1)
        raise SpecError(f"two results are labelled '{twice}'; give evaluate(..., label=...) different ones")
    keys = [key for population in made for key in population.references]
    others = [
        label for item in (*attacked, *verified, *shifted, *stuck, *designs) if (label := getattr(item, "label", ""))
    ]
    named = labels or (others if len(made) == len(set(others)) == len(others) else [])
    names = named or [f"chips {i}" for i in range(1, len(made) + 1)]
    return write(
        path,
        title=title or (_title(made, labels or others) if made or named or not learned else "Training on the array"),
        results=dict(zip(labels, found, strict=True)),
        description=describe(made[0]) if made else None,
        command=command or "\n".join(map(_call, found)),
        specs=_specs(learned) | {name: c.to_yaml() for name, c in zip(names, made, strict=True)},
        references=list(dict.fromkeys([*keys, *references])),
        intro=intro,
        worst=attacked,
        verifications=verified,
        racetrack=shifted,
        analog=learned,
        faults=stuck,
        designs=designs,
    )


def _all(given: T | Sequence[T]) -> list[T]:
    return list(given) if isinstance(given, Sequence) else [given]


def _specs(learned: Sequence[Learned]) -> dict[str, str]:
    """The algorithms that trained on arrays, as YAML."""
    from mho.reports.analog.view import Analog

    return Analog.of(learned).specs() if learned else {}


def _argument(item: object) -> str:
    """The argument that takes ``item``; empty for results, chips, and what nothing takes."""
    from mho.codesign import Choice
    from mho.evaluation.verification import Verification
    from mho.evaluation.worst_case.result import WorstCase
    from mho.racetrack import Curves, HeatMap, Overhead, Protection
    from mho.reports.analog.view import kinds as analog_sources
    from mho.reports.faults.view import kinds as fault_sources

    if isinstance(item, Choice):
        return "design"
    if isinstance(item, Curves | HeatMap | Overhead | Protection):
        return "racetrack"
    if isinstance(item, analog_sources()):
        return "analog"
    if isinstance(item, fault_sources()):
        return "faults"
    return "worst" if isinstance(item, WorstCase) else "verification" if isinstance(item, Verification) else ""


def _title(made: Sequence[Chips], labels: Sequence[str]) -> str:
    named = ", ".join(dict.fromkeys(label for label in labels if label))
    if made:
        return f"{type(made[0].model).__name__} on {named}" if named else type(made[0].model).__name__
    return capital(named) or "A network on imperfect memory"


def _call(result: Result) -> str:
    if result.screening is not None:
        return f"{accounts.call(result, result.screening)}  # {result.label}"
    sigma = "" if result.sigma == (None,) else f", sigma={list(result.sigma)}"
    named = next((key for key, metric in METRICS.items() if metric.name == result.metric), None)
    metric = "" if named == "accuracy" else f", metric={named!r}" if named else f", metric={result.metric}"
    first = f", first_chip={result.first_chip}" if result.first_chip else ""
    return (
        f"mho.evaluate(mho.deploy(model, memory, seed={result.seed}), data, n_chips={result.chips}{first}{sigma}, "
        f"age={list(result.age)}{metric})  # {result.label}"
    )
