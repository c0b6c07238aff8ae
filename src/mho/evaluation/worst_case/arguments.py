"""What :func:`mho.worst_case` may be asked, checked before any work."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral
from typing import Any

import torch

from mho.data.adapters import as_dataset
from mho.data.dataset import Dataset
from mho.errors import SpecError
from mho.evaluation.arguments import axis
from mho.evaluation.orders import image_orders
from mho.evaluation.worst_case.method import Search
from mho.memory.deployment import Chips

Numbers = float | Iterable[float]


def check_bounds(chips: Any, bound: Numbers | None, tolerance: Numbers | None) -> tuple[list[float], bool]:
    """Bounds, ascending, and whether they are tolerances of cells.

    Raises:
        SpecError: neither or both, none in a list, one twice, no fraction, or tolerances of a model without cells.
    """
    if (bound is None) == (tolerance is None):
        raise SpecError(
            "give bound= (largest error of a weight, such as 0.03) or tolerance= (of a cell), one of the two"
        )
    if tolerance is not None and not isinstance(chips, Chips):
        raise SpecError("tolerance= is an error of cells, and a plain model has none; deploy it, or give bound=")
    name, said = ("bound", bound) if tolerance is None else ("tolerance", tolerance)
    of = "the full scale" if tolerance is None else "a cell's range"
    values = axis(name, said, lambda v: 0 < v <= 1, f"more than 0 and at most 1: a fraction of {of}, 3 % is 0.03")
    return sorted(float(v) for v in values if v is not None), tolerance is not None


def check_rest(method: Any, random: Any, seed: Any, higher_is_better: Any) -> None:
    """Refuse what is no method, no number of chips, no seed, no direction."""
    if not isinstance(higher_is_better, bool | None):
        kind = type(higher_is_better).__name__
        raise SpecError(f"higher_is_better={higher_is_better!r} is a {kind}; it takes True or False")
    if not isinstance(method, Search):
        said = f"the class {method.__name__}" if isinstance(method, type) else f"a {type(method).__name__}"
        raise SpecError(f"method is {said}; it takes SignedDescent(...) or Lagrangian(...)")
    for name, value, least in (("random", random, 0), ("seed", seed, None)):
        if isinstance(value, bool) or not isinstance(value, Integral):
            raise SpecError(f"{name}={value!r} is a {type(value).__name__}; it takes an integer")
        if least is not None and value < least:
            raise SpecError(f"{name}={value} must be zero or more")


def samples(data: Any, images: int | None, seed: int) -> Dataset:
    """The first ``images`` samples of the order of ``seed``; all of them, as they are, unless given."""
    dataset = as_dataset(data)
    if images is None or images >= len(dataset):
        return dataset
    order = torch.from_numpy(image_orders(seed, [0], images, len(dataset))[0])
    return dataset.subset(order.to(dataset.targets.device))
