"""HOW GOOD: Monte Carlo over chips, one draw per chip kept for the whole test set."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from mho.data.adapters import as_dataset
from mho.data.dataset import Dataset, Inputs
from mho.errors import DataError, ModelError, SpecError
from mho.evaluation import provenance
from mho.evaluation.fold import fold_batchnorm
from mho.evaluation.forward import Weights, batched, call, looped, single, vmap_works
from mho.evaluation.metrics import CLASS_METRICS, EKL, Metric, UserMetric, get_metric
from mho.evaluation.plan import ActivationMeter, Batching, Plan, make_plan
from mho.evaluation.result import Result
from mho.mapping.base import Programmed
from mho.memory.deploy import Chips, chip_numbers
from mho.progress import progress
from mho.units import format_duration

Precision = Literal["float32", "bfloat16"]


def evaluate(
    chips: Chips,
    data: Any,
    *,
    n_chips: int = 100,
    first_chip: int = 0,
    sigma: float | Sequence[float] | None = None,
    age: float | Sequence[float] = 0.0,
    metric: str | UserMetric = "accuracy",
    percentiles: Sequence[float] = (1, 5),
    threshold: float | None = None,
    confidence: float = 0.95,
    device: torch.device | str | None = None,
    precision: Precision = "float32",
    batching: Batching = "auto",
    batch_size: int | None = None,
    label: str | None = None,
    show_progress: bool = True,
) -> Result:
    """How good are the chips? Every chip is judged on the whole of ``data``, at every sigma and age.

    Chip i has the same random numbers at every sigma and age (common random numbers), so populations can be compared
    pairwise, and chips 200..999 can be added later to chips 0..199.

    Args:
        chips: a deployed model (:func:`mho.deploy`).
        data: a :class:`mho.data.Dataset`, an ``(inputs, targets)`` pair, a torch data set or a DataLoader.
        n_chips: how many chips; their cost in memory does not grow with it.
        first_chip: number of the first one.
        sigma: severities, fractions of the cell's full range; ``None`` keeps the device's own.
        age: seconds since programming, one or several.
        metric: a name in :data:`mho.evaluation.METRICS`, or ``f(outputs, targets) -> number`` on the whole set.
        percentiles: k of the k-th percentile performances that tables show.
        threshold: metric a chip must reach to count towards the yield.
        confidence: two-sided coverage of every interval.
        device: where to run; where the model is if ``None``.
        precision: ``"bfloat16"`` runs forward passes under autocast; programming stays float32.
        batching: ``"vmap"`` evaluates chips in one batched call, ``"loop"`` one by one, ``"auto"`` what is faster on
            the device. The chips and their metrics are the same.
        batch_size: images per forward pass; chosen from the size of the activations if ``None``.
        label: what tables call the result; the device's name if ``None``.
        show_progress: draw a bar on a terminal when it takes longer than two seconds.

    Returns:
        A :class:`Result` with axes (sigma, age, chip).

    Raises:
        DataError: no data, or labels outside the model's classes.
        ModelError: the model does not take such inputs.
        SpecError: an argument is out of range.
    """
    sigmas = _axis("sigma", sigma, lambda s: 0 <= s <= 1, "a fraction from 0 to 1 (0.1, not 10 %)")
    ages = _axis("age", age, lambda a: a >= 0, "zero or more seconds")
    _check_arguments(n_chips, first_chip, percentiles, confidence, batch_size)
    dataset = as_dataset(data)
    where = torch.device(device) if device is not None else _device_of(chips.model)
    chosen = get_metric(metric, dataset.targets)
    started = time.perf_counter()

    chips = replace(chips, model=_moved(chips.model, where))
    dataset = _laid_out(dataset.to(where))
    model, gains = fold_batchnorm(chips.model)
    metrics = [chosen]
    with torch.inference_mode(), _autocast(where, precision):
        activation, outputs = _try_out(chips.model, dataset)
        classes = _check_classes(outputs, dataset, metric)
        metrics += [EKL] if classes else []
        digital = _measure(single(chips.model), {}, dataset, 256, [chosen])[0]
        ideal = _measure(single(chips.ideal()), {}, dataset, 256, [chosen])[0]
    # The folded model expects scaled weights; those that stay digital are scaled here, once.
    model = _scale_digital(model, gains, chips)

    values = np.full((len(metrics), len(sigmas), len(ages), n_chips), np.nan)
    plan = Plan(1, 1, False)
    with (
        torch.inference_mode(),
        _autocast(where, precision),
        progress(
            f"{label or chips.label}: chips", n_chips * len(sigmas) * len(ages), enabled=show_progress
        ) as bar,
    ):
        for i, s in enumerate(sigmas):
            for j, a in enumerate(ages):
                programmed = chips.programmed(sigma=s, age=_seconds(a))
                programmed = {n: p.scaled(gains[n]) if n in gains else p for n, p in programmed.items()}
                plan = make_plan(
                    batching=batching,
                    batch_size=batch_size,
                    samples=len(dataset),
                    chips=n_chips,
                    weight_bytes=sum(p.bytes_per_chip for p in programmed.values()),
                    activation=activation,
                    device=where,
                )
                plan = _checked(plan, model, programmed, chips.seed, dataset, batching)
                run = batched(model) if plan.vmap else looped(model)
                at = 0
                for ids, weights in _population(
                    programmed, chips.seed, first_chip, n_chips, plan.chips, where
                ):
                    scores = _measure(run, weights, dataset, plan.images, metrics)
                    values[:, i, j, at : at + ids] = torch.stack([m.cpu() for m in scores]).numpy()
                    at += ids
                    bar.advance(ids)

    return Result(
        values=values[0],
        ekl=values[1] if classes else None,
        sigma=tuple(sigmas),
        age=tuple(_seconds(a) for a in ages),
        metric=chosen.name,
        bounded=chosen.bounded,
        ideal=float(ideal[0]),
        digital=float(digital[0]),
        images=len(dataset),
        percentiles=tuple(float(k) for k in percentiles),
        threshold=threshold,
        confidence=confidence,
        seed=chips.seed,
        first_chip=first_chip,
        label=label or chips.label,
        data=dataset.name,
        provenance=provenance.record(
            device=where, precision=precision, plan=plan, seconds=time.perf_counter() - started
        ),
    )


def _population(
    programmed: dict[str, Programmed], seed: int, first: int, count: int, chunk: int, where: torch.device
) -> Iterator[tuple[int, Weights]]:
    """Weights of ``chunk`` chips at a time, in buffers that are used again."""
    buffers: dict[str, Tensor] = {}
    for start in range(0, count, chunk):
        n = min(chunk, count - start)
        ids = chip_numbers(range(first + start, first + start + n)).to(where)
        for name, layer in programmed.items():
            old = buffers.get(name)
            buffers[name] = layer.sample(seed, ids, old[:n] if old is not None and len(old) >= n else None)
        yield n, buffers


def _measure(
    run: Callable[[Weights, Inputs], Tensor],
    weights: Weights,
    data: Dataset,
    images: int,
    metrics: Sequence[Metric],
) -> list[Tensor]:
    """``(chips,)`` of every metric, for the chips whose ``weights`` are given; of the plain model if none are."""
    parts: list[list[Tensor]] = [[] for _ in metrics]
    for inputs, targets in data.batches(images):
        outputs = run(weights, inputs)
        for collected, metric in zip(parts, metrics, strict=True):
            collected.append(metric.batch(outputs, targets))
    return [m.finish(p).to(torch.float64) for m, p in zip(metrics, parts, strict=True)]


def _try_out(model: nn.Module, data: Dataset) -> tuple[tuple[int, int], Tensor]:
    """Run one sample: activation sizes and outputs, or one line about why the model does not take it."""
    inputs, _ = next(iter(data.batches(1)))
    meter = ActivationMeter(model)
    try:
        outputs = call(model, inputs)
    except ModelError:
        raise
    except (RuntimeError, ValueError, TypeError, IndexError, AssertionError) as error:
        shapes = (
            str(tuple(inputs.shape[1:]))
            if isinstance(inputs, Tensor)
            else ", ".join(f"{k} {tuple(v.shape[1:])}" for k, v in inputs.items())
        )
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(
            f"{type(model).__name__} does not take samples of {data.name}, shape {shapes}: {reason}"
        ) from None
    finally:
        activation = meter.close()
    return activation, outputs[None]


def _check_classes(outputs: Tensor, data: Dataset, metric: str | UserMetric) -> int:
    """Number of classes if this is classification (then EKL is measured too), else 0."""
    integer = not data.targets.is_floating_point()
    needs_classes = isinstance(metric, str) and metric in CLASS_METRICS
    if not integer:
        if needs_classes:
            raise DataError(
                f"{data.name}: targets are no class numbers, which {metric} needs; try metric='mse'"
            )
        return 0
    if outputs.dim() < 3:
        if needs_classes:
            raise ModelError(
                f"{metric} needs one score per class, but the model returns one number per sample"
            )
        return 0
    classes, top = outputs.shape[-1], int(data.targets.max())
    if top >= classes:
        raise ModelError(
            f"{data.name} has label {top}, but the model has {classes} outputs; labels are numbered from 0"
        )
    return classes if needs_classes else 0


def _checked(
    plan: Plan,
    model: nn.Module,
    programmed: dict[str, Programmed],
    seed: int,
    data: Dataset,
    batching: Batching,
) -> Plan:
    """The plan, with a loop where vmap has no rule for the model."""
    if not plan.vmap:
        return plan
    inputs, _ = next(iter(data.batches(1)))
    weights = {n: p.sample(seed, chip_numbers([0]).to(data.targets.device)) for n, p in programmed.items()}
    return plan if vmap_works(model, weights, inputs) else replace(plan, vmap=False)


def _scale_digital(model: nn.Module, gains: dict[str, Tensor], chips: Chips) -> nn.Module:
    with torch.no_grad():
        for name, gain in gains.items():
            if name not in chips.placements:
                model.get_parameter(name).mul_(gain)
    return model


def _moved(model: nn.Module, where: torch.device) -> nn.Module:
    if _device_of(model) == where:
        return model
    import copy

    try:
        return copy.deepcopy(model).to(where)
    except (RuntimeError, AssertionError) as error:
        raise SpecError(f"device '{where}' cannot be used: {str(error).splitlines()[0]}") from None


def _laid_out(data: Dataset) -> Dataset:
    """Images in channels_last: 2x faster convolutions on CPUs whatever the layout of the weights."""
    if isinstance(data.inputs, Tensor) and data.inputs.dim() == 4:
        return replace(data, inputs=data.inputs.contiguous(memory_format=torch.channels_last))
    return data


def _device_of(model: nn.Module) -> torch.device:
    return next((p.device for p in model.parameters()), torch.device("cpu"))


def _autocast(where: torch.device, precision: Precision) -> torch.autocast | nullcontext[None]:
    if precision == "bfloat16":
        return torch.autocast(where.type, dtype=torch.bfloat16)
    return nullcontext()


def _axis(
    name: str, values: float | Sequence[float] | None, valid: Callable[[float], bool], must: str
) -> list[float | None]:
    if values is None:
        return [None]
    listed = [float(v) for v in (values if isinstance(values, Sequence) else [values])]
    if not listed:
        raise SpecError(f"{name} is an empty list; give one or more values")
    for value in listed:
        if not valid(value):
            shown = format_duration(value) if name == "age" and value > 0 else f"{value:g}"
            raise SpecError(f"{name}={shown} must be {must}")
    if len(set(listed)) < len(listed):
        raise SpecError(f"{name} lists a value twice: {', '.join(f'{v:g}' for v in listed)}")
    return list(listed)


def _seconds(age: float | None) -> float:
    return 0.0 if age is None else age


def _check_arguments(
    n_chips: int, first_chip: int, percentiles: Sequence[float], confidence: float, batch_size: int | None
) -> None:
    if n_chips < 1:
        raise SpecError(f"n_chips={n_chips} must be one or more")
    if first_chip < 0:
        raise SpecError(f"first_chip={first_chip} must be zero or more")
    for k in percentiles:
        if not 0 < k < 100:
            raise SpecError(
                f"percentile {k:g} must lie between 0 and 100; the unlucky chip in a hundred is 1"
            )
    if not 0 < confidence < 1:
        raise SpecError(f"confidence={confidence:g} must lie between 0 and 1, such as 0.95")
    if batch_size is not None and batch_size < 1:
        raise SpecError(f"batch_size={batch_size} must be one or more")
