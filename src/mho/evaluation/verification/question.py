"""What :func:`mho.verify` may be asked, checked before any work."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from mho.data.adapters import as_dataset
from mho.data.dataset import Dataset
from mho.errors import SpecError, unknown
from mho.evaluation.arguments import axis
from mho.memory import Memory
from mho.memory.rules import Rules, normalise
from mho.programming import RANKINGS, Selective, WriteVerify


@dataclass(frozen=True)
class Question:
    """Which selections of which weights are compared, on what.

    Attributes:
        rules: name patterns to memories, every cell verified.
        schemes: a selection of everything, for each ranking.
        fractions: of the weights (or cells) that are verified, rising.
        drop: of the metric, with which the loop stops; ``None`` where it is not run.
        increment: of the loop.
        samples: calibration data.
    """

    rules: dict[str, Memory | None]
    schemes: tuple[Selective, ...]
    fractions: tuple[float, ...]
    drop: float | None
    increment: float
    samples: Dataset | None

    @property
    def rankings(self) -> tuple[str, ...]:
        """Names, one a curve."""
        return tuple(scheme.ranking for scheme in self.schemes)

    @property
    def unit(self) -> str:
        """What is selected: ``"weight"`` or ``"cell"``."""
        return self.schemes[0].unit


def question(
    memory: Rules,
    rankings: str | Sequence[str] | None,
    fractions: float | Iterable[float],
    target_drop: float | None,
    calibration: Any,
    data: Any,
) -> Question:
    """The arguments of :func:`mho.verify`, or one line about what is wrong with them."""
    wanted = axis("fractions", fractions, lambda f: 0 <= f <= 1, "a number from 0 to 1; 10 % is 0.1")
    rising = tuple(f for f in wanted if f is not None)
    if sorted(rising) != list(rising):
        raise SpecError(f"fractions={rising!r} must rise")
    if calibration is not None and calibration is data:
        raise SpecError("calibration is the test data, on which nothing may be chosen; give training data")
    rules, asked = _verified(normalise(memory))
    drop = asked.target_drop if target_drop is None else target_drop
    if drop is not None:
        asked.replace(fraction=None, target_drop=drop)  # refuses what is out of range
        if calibration is None:
            raise SpecError("target_drop is judged on calibration data, never on test data; give calibration=")
    return Question(
        rules=rules,
        schemes=tuple(asked.replace(ranking=n, fraction=1.0, target_drop=None) for n in _names(rankings, asked)),
        fractions=rising,
        drop=drop,
        increment=asked.increment,
        samples=None if calibration is None else as_dataset(calibration),
    )


def _names(rankings: str | Sequence[str] | None, asked: Selective) -> list[str]:
    if rankings is None:
        others = ("random",) if asked.unit == "cell" else ("magnitude", "random")
        return list(dict.fromkeys((asked.ranking, *others)))
    names = [rankings] if isinstance(rankings, str) else list(rankings)
    for name in names:
        if name not in RANKINGS:
            raise unknown("ranking", name, RANKINGS)
    if not names or len(set(names)) < len(names):
        raise SpecError(f"rankings={tuple(names)!r} must be one or more different names")
    return names


def _verified(rules: dict[str, Memory | None]) -> tuple[dict[str, Memory | None], Selective]:
    """The rules with everything verified, and the selection that one of them asks for."""
    asked, out = None, {}
    for pattern, memory in rules.items():
        scheme = None if memory is None else memory.programming
        if isinstance(scheme, Selective):
            if asked is not None and asked != scheme:
                raise SpecError("verify takes one Selective for the whole model; these rules hold two")
            asked, scheme = scheme, scheme.verify
        elif scheme is not None and not isinstance(scheme, WriteVerify):
            raise SpecError(
                f"rule '{pattern}' writes with {type(scheme).__name__}, which does not verify; give the memory "
                "programming=WriteVerify(tolerance=0.06), or keep the layer digital with None"
            )
        out[pattern] = None if memory is None or scheme is None else memory.replace(programming=scheme)
    return out, asked or Selective(fraction=1.0)
