"""What :func:`mho.evaluate` may be asked, checked before any work: axes, counts, choices, targets."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from numbers import Integral
from typing import Any, get_args

import torch
from torch import Tensor

from mho.data.dataset import Dataset
from mho.errors import DataError, ModelError, SpecError, nearest
from mho.evaluation.metrics import IGNORED, Metric
from mho.units import format_duration


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
            shown = format_duration(value) if name == "age" and 0 < value < math.inf else f"{value:g}"
            raise SpecError(f"{name}={shown} must be {must}")
    numbers = [float(v) for v in listed]
    if len(set(numbers)) < len(numbers):
        raise SpecError(f"{name} lists a value twice: {', '.join(f'{v:g}' for v in numbers)}")
    return list(numbers)


def check_counts(n_chips: int, first_chip: int, batch_size: int | None) -> None:
    """Refuse numbers of chips and images that are no numbers of chips and images."""
    for name, value, least in (("n_chips", n_chips, 1), ("first_chip", first_chip, 0), ("batch_size", batch_size, 1)):
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
        if not 0 < k < 100:
            raise SpecError(f"percentile {k:g} must lie between 0 and 100; the unlucky chip in a hundred is 1")
    if not 0 < confidence < 1:
        raise SpecError(f"confidence={confidence:g} must lie between 0 and 1, such as 0.95")


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
