"""How far references may be off before the weights show it: read off a measured programming experiment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

from mho.analog.published import REFERENCE_DRIFT
from mho.errors import SpecError
from mho.text import table

if TYPE_CHECKING:
    from mho.analog.experiments.programming_result import Level, Programming


@dataclass(frozen=True, kw_only=True)
class AllowedDrift:
    """What one algorithm tolerates on cells of some number of states.

    Attributes:
        algorithm: its label.
        n_states: of the cells of W; ``None`` where weights are numbers.
        std: standard deviation of the references, in units of weights, at which the error has grown as far as allowed;
            the largest one measured where it has not; ``None`` without references.
        share: of the range of the cells.
        beyond: whether the error had not grown that far yet.
        published: the share that the paper names; ``None`` where it names none.
    """

    algorithm: str
    n_states: float | None
    std: float | None
    share: float | None
    beyond: bool
    published: float | None

    def to_dict(self) -> dict[str, Any]:
        """A flat record."""
        return {
            "algorithm": self.algorithm,
            "n_states": self.n_states,
            "reference_std": self.std,
            "share": self.share,
            "beyond": self.beyond,
            "published_share": self.published,
        }


@dataclass(frozen=True, kw_only=True)
class AllowedDrifts:
    """What algorithms tolerate.

    Attributes:
        drifts: algorithm by algorithm, number of states by number of states.
        times: the error without drift, times so much, is allowed.
    """

    references: ClassVar[tuple[str, ...]] = ("rasch2024fast",)

    drifts: tuple[AllowedDrift, ...]
    times: float

    def rows(self) -> list[dict[str, Any]]:
        """One flat record an algorithm and number of states."""
        return [one.to_dict() for one in self.drifts]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {"times": self.times, "drifts": self.rows()}

    def __str__(self) -> str:
        rows = [
            [
                one.algorithm,
                "–" if one.n_states is None else f"{one.n_states:g}",
                *_shown(one),
                _percent(one.published, False),
            ]
            for one in self.drifts
        ]
        title = f"References may be off by so much until the weights are {self.times:g} times as far off"
        return table(["algorithm", "states", "sigma_r", "% of range", "published %"], rows, title=title)


def reference_drift(programming: Programming, times: float = 2.0) -> AllowedDrifts:
    """How far may references be off, or drift, before the weights are ``times`` as far off?

    Between two measured sigma_r the error is taken to be a straight line. The smallest sigma_r counts as no drift.

    Args:
        programming: errors over sigma_r, as :func:`mho.analog.program` measures them.
        times: what growth of the error is allowed, more than 1. At 2 the published shares come out about right.

    Raises:
        SpecError: ``times`` is 1 or less, or only one sigma_r was measured.
    """
    if not times > 1:
        raise SpecError(f"times={times} must be more than 1")
    groups: dict[tuple[str, float | None], list[Level]] = {}
    for level in programming.levels:
        groups.setdefault((level.label, level.n_states), []).append(level)
    return AllowedDrifts(drifts=tuple(_drift(levels, times) for levels in groups.values()), times=times)


def _drift(levels: Sequence[Level], times: float) -> AllowedDrift:
    """The drift that one algorithm tolerates at one number of states."""
    first = levels[0]
    if not first.has_reference:
        return AllowedDrift(
            algorithm=first.label, n_states=first.n_states, std=None, share=None, beyond=True, published=None
        )
    points = sorted((level.reference_std, float(level.errors.mean())) for level in levels)
    if len(points) < 2:
        raise SpecError(f"{first.label} was measured at one reference_std only; program it at several")
    cell = first.algorithm.cells["gradient"]
    std, beyond = crossing(points, times * points[0][1])
    return AllowedDrift(
        algorithm=first.label,
        n_states=first.n_states,
        std=std,
        share=std / (cell.w_max - cell.w_min),
        beyond=beyond,
        published=REFERENCE_DRIFT.get(type(first.algorithm).__name__),
    )


def crossing(points: Sequence[tuple[float, float]], limit: float) -> tuple[float, bool]:
    """Where a broken line first goes above ``limit``, and whether it never does (then its end).

    Args:
        points: (place, height), places ascending; the first is not above the limit.
        limit: the height.
    """
    for (x0, y0), (x1, y1) in pairwise(points):
        if y1 > limit:
            return x0 + (x1 - x0) * (limit - y0) / (y1 - y0), False
    return points[-1][0], True


def _shown(one: AllowedDrift) -> list[str]:
    if one.std is None:
        return ["none needed", "–"]
    return [f"{'>= ' if one.beyond else ''}{one.std:.3g}", _percent(one.share, one.beyond)]


def _percent(share: float | None, beyond: bool) -> str:
    return "–" if share is None else f"{'>= ' if beyond else ''}{100 * share:.3g}"
