"""The answers of a study: one result for every combination of axis values, and what could not be used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mho.studies.cells import Cell
from mho.studies.index import Index
from mho.studies.joining import Joined, answer_of, joined, result_of
from mho.studies.names import Shard
from mho.studies.notices import incomplete, mixed
from mho.studies.overview import overview
from mho.studies.plan import Plan
from mho.studies.points import Point
from mho.studies.store import Store
from mho.studies.study import Study
from mho.units import age_column

if TYPE_CHECKING:
    from mho.evaluation.result import Result

FEW = 4
"""Results that are printed one by one; more share a table."""


@dataclass(frozen=True)
class Answers:
    """What a study found.

    Attributes:
        study: the study.
        results: label to result, in the order of the axes; only combinations of which every cell is complete, or
            whose complete severities make a table. Empty where the study asks a question.
        found: label to what the study's question found, one at every severity and age: of ``WorstCase`` worst cases,
            of ``Verify`` verifications.
        points: label to combination; of a question with its severity and age.
        failures: what did not work, with its traceback.
        notices: what a reader should know: versions mixed in one table, cells missing, files damaged.
    """

    study: Study
    results: dict[str, Result]
    found: dict[str, Any]
    points: dict[str, Point]
    failures: dict[str, str]
    notices: tuple[str, ...]

    def rows(self) -> list[dict[str, Any]]:
        """One flat record per population, axes first (fractions, nats); per line of what a question found."""
        out = []
        for label, result in self.results.items():
            out += [{**self.points[label].axes, **record} for record in result.rows()]
        for label, found in self.found.items():
            out += [{**self._place(label), **record} for record in found.rows()]
        return out

    def summaries(self) -> list[dict[str, Any]]:
        """One flat record for each of ``found``: its place, and the answer in few numbers."""
        question = self.study.question
        if question is None:
            return []
        return [{**self._place(label), **question.summary(found)} for label, found in self.found.items()]

    def _place(self, label: str) -> dict[str, Any]:
        """Where an answer is: its values on the axes, sigma, and age."""
        point, question = self.points[label], self.study.question
        assert question is not None
        sigma, (age,) = point.study.sigma, point.study.age
        place = {"sigma": ("sigma", sigma[0] if sigma else None), "age": (age_column(point.clock), age)}
        return {**point.axes, **dict(said for name, said in place.items() if name not in question.idle)}

    def every_chip(self) -> list[dict[str, Any]]:
        """One flat record per chip and population: axes, sigma, age, chip number, metric and EKL.

        Of adaptive cells also how many images each chip was judged on and how far it is known; of what a question
        found, how the chip was made.
        """
        out: list[dict[str, Any]] = []
        for label, found in self.found.items():
            assert self.study.question is not None
            chips = self.study.question.every_chip(found)
            out += [{**self._place(label), "label": label, **chip} for chip in chips]
        for label, result in self.results.items():
            judged = result.screening
            for i, sigma in enumerate(result.sigma):
                for j, age in enumerate(result.age):
                    for c in range(result.chips):
                        if judged is not None and not judged.images[i, j, c]:
                            continue  # another cell needed more chips
                        ekl = None if result.ekl is None else float(result.ekl[i, j, c])
                        value = {"value": float(result.values[i, j, c]), "ekl": ekl}
                        if judged is not None:
                            value |= {
                                "images": int(judged.images[i, j, c]),
                                "low": float(judged.low[i, j, c]),
                                "high": float(judged.high[i, j, c]),
                            }
                        at = {"sigma": sigma, age_column(result.clock): age, "chip": result.first_chip + c}
                        out.append({**self.points[label].axes, "label": label, **at, **value})
        return out

    def __str__(self) -> str:
        if len(self.results) + len(self.found) <= FEW:
            return "\n\n".join(str(result) for result in (*self.results.values(), *self.found.values()))
        return overview(self)


@dataclass(frozen=True)
class Collected:
    """What a store holds of a plan.

    Attributes:
        answers: what can be used.
        damaged: files that are not what was written.
        trained: key of a network, as cells name it, to its files by the key of the network that they were computed
            with; only where that is more than one.
    """

    answers: Answers
    damaged: tuple[Shard, ...]
    trained: dict[str, dict[str, tuple[Shard, ...]]]


def collect(plan: Plan, store: Store, index: Index, failures: Mapping[str, str]) -> Collected:
    """Put together what is in the store. Reads only: what is damaged is said, and left where it is."""
    found = {cell.key: cell for cell in plan.cells}
    cells = {key: joined(cell, plan.study.n_chips, store, index) for key, cell in found.items()}
    by_point: dict[int, list[Cell]] = {}
    for cell in plan.cells:
        by_point.setdefault(id(cell.point), []).append(cell)
    results: dict[str, Result] = {}
    answers: dict[str, Any] = {}
    points: dict[str, Point] = {}
    for own in by_point.values():
        point, complete = own[0].point, {c: data for c in own if (data := cells[c.key].data) is not None}
        if plan.study.question is not None:
            for cell, data in complete.items():
                points[str(cell)] = _one(cell)
                answers[str(cell)] = answer_of(cell, data)
            continue
        made = result_of(point, own, complete)
        if made is not None:
            points[point.label] = point
            results[point.label] = made
    trained = _trained(plan, cells)
    what = {key: f"training {network.label}" for key, network in plan.networks.items()}
    what |= {key: str(cell) for key, cell in found.items()}
    named = {what.get(key, key): text for key, text in failures.items()}
    notices = (*mixed(results or answers), *_unused(plan, cells, bool(trained)))
    damaged = tuple(shard for cell in cells.values() for shard in cell.damaged)
    return Collected(Answers(plan.study, results, answers, points, named, notices), damaged, trained)


def _one(cell: Cell) -> Point:
    """The combination of a cell at its own severity and age alone."""
    point, sigma = cell.point, () if cell.sigma is None else (cell.sigma,)
    return Point(point.study.replace(sigma=sigma, age=(cell.age,)), point.axes, point.clock)


def _trained(plan: Plan, cells: Mapping[str, Joined]) -> dict[str, dict[str, tuple[Shard, ...]]]:
    out: dict[str, dict[str, tuple[Shard, ...]]] = {}
    for cell in {cell.key: cell for cell in plan.cells}.values():
        known = out.setdefault(cell.model, {})
        for network, shards in cells[cell.key].networks.items():
            known[network] = (*known.get(network, ()), *shards)
    return {model: networks for model, networks in out.items() if len(networks) > 1}


def _unused(plan: Plan, cells: Mapping[str, Joined], again: bool) -> list[str]:
    damaged = [str(c) for c in plan.cells if cells[c.key].damaged]
    torn = [str(c) for c in plan.cells if not cells[c.key].damaged and len(cells[c.key].networks) > 1]
    absent = [
        str(c) for c in plan.cells if not cells[c.key].damaged and len(cells[c.key].networks) < 2
        and cells[c.key].data is None
    ]  # fmt: skip
    out = incomplete(damaged, "with a damaged file (mho run computes it again)")
    out += incomplete(torn, "of chips with two different networks (mho run computes them again)")
    out += incomplete(absent)
    if again and not torn:
        out.append("The table mixes two trainings of one network; mho run computes the older cells again.")
    return out
