"""Calibration data: what rankings are computed and worst cases are searched on, and never the test data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mho.errors import MhoError, SpecError
from mho.memory.spec import Memory, NameRules
from mho.programming import Selective

if TYPE_CHECKING:
    from mho.studies.study import Study

GIVEN = "given"
"""The ranking by numbers that are given in Python."""

Place = tuple[str | int, ...]


def measured_by(study: Study) -> str | None:
    """The method of :func:`mho.sensitivity` that a selective memory's ranking takes; ``None`` where none is needed.

    Questions deploy chips by themselves, and ask for what they need.

    Raises:
        SpecError: two memories of the study take two.
    """
    if study.question is not None:
        return None
    found: dict[str, Place] = {}
    for place, scheme in _selective(study.memory):
        if scheme.measured_by is not None:
            found.setdefault(scheme.measured_by, place)
    if len(found) > 1:
        raise SpecError(
            f"two memories are ranked by two curvatures, {' and '.join(found)}; chips take one sensitivity: give both "
            "memories the same ranking"
        ).at(*list(found.values())[1])
    return next(iter(found), None)


def check(study: Study) -> None:
    """Refuse, before any work, what needs data that the study does not name, or asks what nothing answers.

    Raises:
        SpecError, UnknownNameError: with the place of what is wrong.
    """
    asked = study.question
    if asked is not None:
        try:
            asked.check_study(study)
        except MhoError as error:
            raise error.at("question") from None
    else:
        for place, scheme in _selective(study.memory):
            if scheme.ranking == GIVEN:
                raise SpecError(f"ranking '{GIVEN}' orders by numbers of yours, which a study cannot take").at(*place)
            if scheme.fraction is None:
                raise SpecError(
                    "Selective: target_drop is reached chip by chip, which question: {kind: Verify} does; give fraction"
                ).at(*place)
    for place, needs, instead in wants(study):
        if study.calibration is None:
            raise SpecError(
                f"{needs}: add calibration: {{name: {study.data.name}, split: train}} (training data, or some held "
                f"out; never the test data){instead}"
            ).at(*place)


def wanted(study: Study) -> bool:
    """Whether a study looks at calibration data."""
    return any(True for _ in wants(study))


def wants(study: Study) -> Iterator[tuple[Place, str, str]]:
    """What a study wants calibration data for: the place, why, and what would do without. Nothing where it does not."""
    if measured_by(study) is not None:
        for place, scheme in _selective(study.memory):
            if scheme.measured_by is not None:
                yield place, f"ranking '{scheme.ranking}' needs the network's curvature", ", or take ranking: magnitude"
    if study.question is not None and (needs := study.question.needs(study)):
        yield ("question",), *needs


def _selective(memory: Memory | NameRules) -> Iterator[tuple[Place, Selective]]:
    rules = {None: memory} if isinstance(memory, Memory) else memory.rules
    for pattern, one in rules.items():
        if one is not None and isinstance(one.programming, Selective):
            at: Place = ("memory",) if pattern is None else ("memory", "rules", pattern)
            yield (*at, "programming"), one.programming
