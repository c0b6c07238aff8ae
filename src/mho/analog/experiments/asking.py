"""What experiments may be asked, checked before any work, and where their numbers came from."""

from __future__ import annotations

import math
import platform
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import torch

from mho.analog.algorithm import Algorithm
from mho.errors import SpecError
from mho.evaluation.arguments import axis, check_counts
from mho.evaluation.provenance import hardware


def labelled(algorithms: Algorithm | Sequence[Algorithm] | Mapping[str, Algorithm]) -> dict[str, Algorithm]:
    """The algorithms by what tables call them.

    Raises:
        SpecError: something is no algorithm, there is none, or two would be called the same.
    """
    if isinstance(algorithms, Algorithm):
        algorithms = (algorithms,)
    if isinstance(algorithms, Mapping):
        pairs = list(algorithms.items())
    elif isinstance(algorithms, Iterable) and not isinstance(algorithms, str):
        pairs = [(getattr(a, "label", ""), a) for a in algorithms]
    else:
        pairs = [("", algorithms)]
    if not pairs:
        raise SpecError("algorithms is empty; give one or more, such as analog.AGAD()")
    for name, algorithm in pairs:
        if not isinstance(algorithm, Algorithm):
            said = f"algorithms holds {algorithm!r}, a {type(algorithm).__name__}"
            raise SpecError(f"{said}; it takes algorithms, such as analog.AGAD()")
        if not isinstance(name, str) or not name:
            raise SpecError(f"algorithms calls one {name!r}; it takes a name, such as 'AGAD'")
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise SpecError(f"two algorithms are called '{twice}'; give a mapping of names to them")
    return dict(pairs)


def positive(**values: float) -> None:
    """Refuse what is no finite number above zero."""
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
            raise SpecError(f"{name}={value!r} must be a number above zero")


def states(values: float | Iterable[float] | None) -> tuple[float | None, ...]:
    """Numbers of states to go through; ``None`` for those that the cells have."""
    return tuple(axis("n_states", values, lambda n: 2 <= n < math.inf, "2 or more"))


def spreads(values: float | Iterable[float] | None) -> tuple[float | None, ...]:
    """Errors of the reference to go through; ``None`` for those that the algorithms have."""
    return tuple(axis("reference_std", values, lambda s: 0 <= s < math.inf, "zero or more"))


def numbers(chips: int, first_chip: int = 0) -> torch.Tensor:
    """The chip numbers, ``(chips,)`` int64."""
    check_counts(chips=chips, first_chip=first_chip)
    return torch.arange(first_chip, first_chip + chips)


def varied(algorithm: Algorithm, n_states: float | None, reference_std: float | None, bounds: float = 1.0) -> Algorithm:
    """``algorithm`` on cells of ``n_states``, with an error of its reference, on bounds ``bounds`` times as wide."""
    for name in ("cell", "gradient_cell"):
        cell = getattr(algorithm, name, None)
        if cell is None:
            continue
        if n_states is not None:
            cell = cell.replace(n_states=float(n_states))
        algorithm = algorithm.replace(**{name: cell.with_bounds(bounds) if bounds != 1 else cell})
    if reference_std is None:
        return algorithm
    return algorithm.with_reference(getattr(algorithm, "reference_mean", 0.0), float(reference_std))


def provenance(seconds: float) -> dict[str, Any]:
    """Plain data for the ``provenance`` of a result that took ``seconds``."""
    from mho import __version__

    return {
        "mho": __version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "device": hardware("cpu"),
        "threads": torch.get_num_threads(),
        "seconds": round(seconds, 3),
    }
