"""What :func:`mho.evaluate` may be asked, checked before any work: axes, counts, choices, targets."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from numbers import Integral
from typing import Any, get_args

import torch
from torch import Tensor

from mho.data.dataset import Dataset
from mho.errors import DataError, ModelError, SpecError, nearest
from mho.evaluation.metrics import IGNORED, Metric
from mho.units import Clock, age_unit, check_age


def axis(
    name: str, values: float | Iterable[float] | None, valid: Callable[[float], bool], must: str
) -> list[float | None]:
    """The values of one axis as a list of floats; ``[None]`` where none is given."""
    if values is None:
        return [None]
    listed = list(values) if isinstance(values, Iterable) and not isinstance(values, str) else [values]
    if not listed:
        raise SpecError(f"{name} is an empty list; give one or more values")
    for value in listed:
        if isinstance(value, str | bool) or not hasattr(value, "__float__"):
            raise SpecError(f"{name}={value!r} is a {type(value).__name__}; it takes a number or several")
        if not valid(float(value)):
            raise SpecError(f"{name}={value:g} must be {must}")
    numbers = [float(v) for v in listed]
    if len(set(numbers)) < len(numbers):
        raise SpecError(f"{name} lists a value twice: {', '.join(f'{v:g}' for v in numbers)}")
    return list(numbers)


def ages_of(said: float | Iterable[float], clock: Clock) -> list[float]:
    """The values of the axis of ages, as chips of this ``clock`` count them."""
    listed = list(said) if isinstance(said, Iterable) and not isinstance(said, str) else said
    must = f"zero or more {age_unit(clock)}, and finite"
    numbers = axis("age", listed, lambda a: 0 <= a < math.inf, must)
    # Once more as they were written: the axis has plain numbers, which do not say whether they were times.
    for value in listed if isinstance(listed, list) else [listed]:
        check_age(value if value is not None else 0.0, clock)
    return [a or 0.0 for a in numbers]


def age_of(said: float, clock: Clock) -> float:
    """The one age of what looks at one."""
    values = ages_of(said, clock)
    if len(values) > 1:
        raise SpecError(f"age lists {len(values)} values; this takes one")
    return values[0]


def single(name: str, value: Any, valid: Callable[[float], bool], must: str) -> list[float | None]:
    """The one value of what is elsewhere an axis."""
    values = axis(name, value, valid, must)
    if len(values) > 1:
        raise SpecError(f"{name} lists {len(values)} values; this takes one")
    return values


def check_counts(**counts: int | None) -> None:
    """Refuse numbers of chips and images that are no numbers of chips and images; only ``first_chip`` may be zero."""
    for name, value in counts.items():
        least = 0 if name == "first_chip" else 1
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, Integral):
            raise SpecError(f"{name}={value!r} is a {type(value).__name__}; it takes an integer")
        if value < least:
            raise SpecError(f"{name}={value} must be {('zero', 'one')[least]} or more")


def check_statistics(percentiles: Sequence[float], confidence: float) -> None:
    """Refuse percentiles and a confidence that no interval has."""
    if isinstance(percentiles, str) or not isinstance(percentiles, Iterable):
        raise SpecError(f"percentiles={percentiles!r} is no list of numbers, such as (1, 5)")
    for k in percentiles:
        if isinstance(k, str | bool) or not hasattr(k, "__float__"):
            raise SpecError(f"percentiles hold {k!r}, a {type(k).__name__}; they are numbers, such as (1, 5)")
        if not 0 < k < 100:
            raise SpecError(f"percentile {k:g} must lie between 0 and 100; the unlucky chip in a hundred is 1")
    if not 0 < confidence < 1:
        raise SpecError(f"confidence={confidence:g} must lie between 0 and 1, such as 0.95")


def check_precision(
    precision: float | Mapping[str, float], percentiles: Sequence[float] | None, threshold: float | None, bounded: bool
) -> tuple[tuple[float, ...], dict[str, float]]:
    """The percentiles that are asked for, and the half-width wanted of every interval that decides when to stop.

    Args:
        precision: of every interval that is asked for, or by name: ``"mean"``, ``"p1"``, ``"yield"``.
        percentiles: those asked for; ``None`` for those that ``precision`` names.
        threshold: ``None`` where no yield is asked for.
        bounded: whether the metric is a fraction.
    """
    asked = () if percentiles is None else percentiles
    check_statistics(asked, 0.5)
    shown = [float(k) for k in asked]
    if isinstance(precision, Mapping):
        wanted = dict(precision)
        for name in wanted:
            k = _percentile(name)
            if k is None and name not in ("mean", "yield"):
                raise SpecError(f"precision names {name!r}: {nearest(str(name), ('mean', 'p1', 'p5', 'yield'))}")
            shown += [k] if k is not None and k not in shown else []
        if "yield" in wanted and threshold is None:
            raise SpecError("precision names 'yield', the part of chips that reach a threshold; give threshold= too")
        if not wanted:
            raise SpecError("precision is an empty mapping; name the interval that decides, such as {'mean': 0.002}")
    else:
        names = ["mean", *(f"p{k:g}" for k in shown), *(["yield"] if threshold is not None else [])]
        wanted = dict.fromkeys(names, precision)
    for name, width in wanted.items():
        said = f"precision of {name}" if isinstance(precision, Mapping) else "precision"
        if isinstance(width, bool | str) or not hasattr(width, "__float__"):
            raise SpecError(f"{said} is {width!r}, a {type(width).__name__}; it takes a half-width such as 0.002")
        if not 0 < width < math.inf:
            raise SpecError(f"{said} is {width:g}; a half-width must be more than zero, such as 0.002")
        if (bounded or name == "yield") and width >= 1:
            raise SpecError(f"{said} is {width:g}, but is a fraction: 0.2 points are written 0.002")
    check_statistics(shown, 0.5)
    # In one order whatever the order asked in: who is looked at again depends on it.
    rank = {"mean": -1.0, "yield": 101.0}
    ordered = sorted(wanted, key=lambda name: rank.get(name) or _percentile(name) or 0.0)
    return tuple(shown), {name: float(wanted[name]) for name in ordered}


def _percentile(name: object) -> float | None:
    """1.0 for ``"p1"``, ``None`` for what names no percentile."""
    try:
        return float(name[1:]) if isinstance(name, str) and name.startswith("p") else None
    except ValueError:
        return None


def check_choice(name: str, said: str, choices: Any) -> None:
    """Refuse a word that is none of the ``Literal`` ``choices``."""
    if said not in get_args(choices):
        raise SpecError(f"{name}={said!r}: {nearest(str(said), get_args(choices))}")


def torch_device(said: torch.device | str) -> torch.device:
    """``said`` as torch names it."""
    try:
        return torch.device(said)
    except (RuntimeError, TypeError):
        raise SpecError(f"device={said!r} is none that torch knows; try 'cpu', 'cuda' or 'cuda:1'") from None


def check_targets(outputs: Tensor, data: Dataset, metric: Metric) -> None:
    """Refuse targets that ``metric`` cannot be asked about; ``outputs`` are those of one chip on one sample."""
    if metric.compares == "anything":
        return
    name = metric.name
    shapes = (
        f"a sample of {data.name} has target shape {tuple(data.targets.shape[1:])} "
        f"and output shape {tuple(outputs.shape[2:])}"
    )
    if metric.compares == "values":
        compared = outputs.squeeze(-1) if outputs.dim() == data.targets.dim() + 2 else outputs
        if compared.shape[2:] != data.targets.shape[1:]:
            raise ModelError(f"{name} compares number by number, but {shapes}")
        return
    if data.targets.is_floating_point():
        raise DataError(f"{data.name}: targets are no class numbers, which {name} needs; try metric='mse'")
    if outputs.dim() < 3:
        raise ModelError(f"{name} needs one score per class, but the model returns one number per sample")
    if outputs.shape[2:-1] != data.targets.shape[1:]:
        raise ModelError(f"{name} needs one score per class, classes last, for every label, but {shapes}")
    labels = data.targets[data.targets != IGNORED] if metric.compares == "tokens" else data.targets
    outside = labels[(labels < 0) | (labels >= outputs.shape[-1])]
    if len(outside):
        raise ModelError(
            f"{data.name} has label {int(outside[0])}, but the model has {outputs.shape[-1]} outputs; "
            "labels are numbered from 0"
        )
