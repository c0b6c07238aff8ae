"""HOW GOOD: Monte Carlo over chips, one draw per chip kept for the whole test set."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from mho.data.adapters import as_dataset
from mho.data.dataset import Dataset, Inputs
from mho.errors import ModelError, SpecError
from mho.evaluation import provenance
from mho.evaluation.arguments import (
    axis,
    check_choice,
    check_counts,
    check_statistics,
    check_targets,
    torch_device,
)
from mho.evaluation.fold import fold_batchnorm
from mho.evaluation.forward import Weights, batched, call, looped, single, vmap_works
from mho.evaluation.metrics import EKL, Metric, UserMetric, get_metric
from mho.evaluation.plan import ActivationMeter, Batching, Plan, make_plan
from mho.evaluation.result import Result
from mho.mapping.base import Programmed
from mho.memory.deployment import Chips, chip_numbers
from mho.progress import progress

Precision = Literal["float32", "bfloat16"]


def evaluate(
    chips: Chips,
    data: Any,
    *,
    n_chips: int = 100,
    first_chip: int = 0,
    sigma: float | Iterable[float] | None = None,
    age: float | Iterable[float] = 0.0,
    metric: str | Metric | UserMetric = "accuracy",
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
        metric: a name in :data:`mho.evaluation.METRICS`, a :class:`Metric`, or ``f(outputs, targets) -> number`` on
            the whole set.
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
    if not isinstance(chips, Chips):
        raise SpecError(f"evaluate takes chips, not a {type(chips).__name__}; call mho.deploy(model, memory) first")
    sigmas = axis("sigma", sigma, lambda s: 0 <= s < math.inf, "zero or more (a fraction: 0.1, not 10 %)")
    ages = axis("age", age, lambda a: 0 <= a < math.inf, "zero or more seconds, and finite")
    check_counts(n_chips, first_chip, batch_size)
    check_statistics(percentiles, confidence)
    check_choice("precision", precision, Precision)
    check_choice("batching", batching, Batching)
    dataset = as_dataset(data)
    where = _device_of(chips.model) if device is None else torch_device(device)
    chosen = get_metric(metric, dataset.targets)
    if threshold is not None and chosen.bounded and not 0 <= threshold <= 1:
        raise SpecError(f"threshold={threshold:g} must lie between 0 and 1; 95 % is written 0.95")
    started = time.perf_counter()

    chips = replace(chips, model=_moved(chips.model, where))
    dataset = _laid_out(chips.model, dataset.to(where))
    with torch.inference_mode(), _autocast(where, precision):
        activation, outputs = _try_out(chips.model, dataset)
        check_targets(outputs, dataset, chosen)
        classes = chosen.compares == "classes"
        metrics = [chosen, EKL] if classes else [chosen]
        digital = _measure(single(chips.model), {}, dataset, batch_size or 256, [chosen])[0]
        ideal = _measure(single(chips.ideal()), {}, dataset, batch_size or 256, [chosen])[0]
    model, gains = fold_batchnorm(chips.model, next(iter(dataset.batches(1)))[0])
    # The folded model expects scaled weights; those that stay digital are scaled here, once.
    model = _scale_digital(model, gains, chips)

    values = np.full((len(metrics), len(sigmas), len(ages), n_chips), np.nan)
    plan, by_cell = Plan(1, 1, False), False
    with (
        torch.inference_mode(),
        _autocast(where, precision),
        progress(f"{label or chips.label}: chips", n_chips * len(sigmas) * len(ages), enabled=show_progress) as bar,
    ):
        for i, s in enumerate(sigmas):
            for j, a in enumerate(ages):
                programmed = chips.programmed(sigma=s, age=_seconds(a))
                programmed = {n: p.scaled(gains[n]) if n in gains else p for n, p in programmed.items()}
                by_cell = any(p.mean is None for p in programmed.values())
                plan = make_plan(
                    batching=batching,
                    batch_size=batch_size,
                    samples=len(dataset),
                    chips=n_chips,
                    weight_bytes=sum(p.bytes_per_chip for p in programmed.values()),
                    activation=activation,
                    outputs=outputs.numel() * outputs.element_size(),
                    keep_outputs=chosen.keeps_outputs,
                    device=where,
                )
                plan = _checked(plan, model, programmed, chips.seed, dataset, batching)
                run = batched(model) if plan.vmap else looped(model)
                scores = []
                for count, weights in _population(programmed, chips.seed, first_chip, n_chips, plan.chips, where):
                    scores.append(torch.stack(_measure(run, weights, dataset, plan.images, metrics)))
                    bar.advance(count)
                # Fetched once per population: an accelerator is never waited for between chips.
                values[:, i, j] = torch.cat(scores, dim=1).cpu().numpy()

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
            device=where, precision=precision, plan=plan, by_cell=by_cell, seconds=time.perf_counter() - started
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


def _laid_out(model: nn.Module, data: Dataset) -> Dataset:
    """Images in channels_last, the faster layout for small convolutions, where the model takes it."""
    if not isinstance(data.inputs, Tensor) or data.inputs.dim() != 4:
        return data
    # Not contiguous(): images of one channel count as both layouts; their strides alone tell a convolution which.
    laid_out = replace(data, inputs=data.inputs.to(memory_format=torch.channels_last))
    try:
        with torch.inference_mode():
            call(model, next(iter(laid_out.batches(1)))[0])
    except (RuntimeError, ModelError, TypeError, ValueError, IndexError):
        # x.view(len(x), -1) on feature maps needs contiguous ones; whatever else is wrong is said by _try_out.
        return data
    return laid_out


def _device_of(model: nn.Module) -> torch.device:
    return next((p.device for p in model.parameters()), torch.device("cpu"))


def _autocast(where: torch.device, precision: Precision) -> torch.autocast | nullcontext[None]:
    if precision == "bfloat16":
        return torch.autocast(where.type, dtype=torch.bfloat16)
    return nullcontext()


def _seconds(age: float | None) -> float:
    return 0.0 if age is None else age
