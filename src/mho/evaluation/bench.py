"""The test bench: a deployed model and a test set, made ready once, on which any chips are then judged."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mho.data.adapters import as_dataset
from mho.data.dataset import Dataset, Inputs
from mho.errors import SpecError
from mho.evaluation.arguments import check_choice, check_targets, torch_device
from mho.evaluation.fold import fold_batchnorm
from mho.evaluation.forward import Weights, batched, each_its_own, looped, single, vmap_works
from mho.evaluation.metrics import EKL, Metric, UserMetric, get_metric
from mho.evaluation.plan import Batching, Plan, make_plan
from mho.evaluation.prepare import Dtype, autocast, device_of, laid_out, moved, scale_digital, try_out
from mho.evaluation.writing import total
from mho.mapping.sampler import Sampler
from mho.memory.deployment import Chips, chip_numbers
from mho.programming import Cost, written_once


class Bench:
    """A deployed model on a device, with its test set: what every population of an evaluation shares.

    Args:
        chips: a deployed model.
        data: anything that :func:`mho.data.as_dataset` takes.
        metric, device, dtype, batching, batch_size: as :func:`mho.evaluate`.
        by_cell: sample chips cell by cell also where a weight's cells add up to one Gaussian, so that they are the
            same chips, number by number, as those of a device for which only that is possible.

    Raises:
        DataError: no data, or labels outside the model's classes.
        ModelError: the model does not take such inputs.
        SpecError: an argument is out of range.
    """

    def __init__(
        self,
        chips: Chips,
        data: Any,
        *,
        metric: str | Metric | UserMetric = "accuracy",
        device: torch.device | str | None = None,
        dtype: Dtype = "float32",
        batching: Batching = "auto",
        batch_size: int | None = None,
        by_cell: bool = False,
    ) -> None:
        if not isinstance(chips, Chips):
            raise SpecError(f"evaluate takes chips, not a {type(chips).__name__}; call mho.deploy(model, memory) first")
        check_choice("dtype", dtype, Dtype)
        check_choice("batching", batching, Batching)
        dataset = as_dataset(data)
        self.where = device_of(chips.model) if device is None else torch_device(device)
        self.metric = get_metric(metric, dataset.targets)
        self.dtype, self.batching, self.batch_size, self.by_cell = dtype, batching, batch_size, by_cell
        self.chips = replace(chips, model=moved(chips.model, self.where))
        self.data = laid_out(self.chips.model, dataset.to(self.where))
        with torch.inference_mode(), autocast(self.where, dtype):
            self._activation, outputs = try_out(self.chips.model, self.data)
        check_targets(outputs, self.data, self.metric)
        self._output_bytes = outputs.numel() * outputs.element_size()
        self.metrics = [self.metric, EKL] if self.metric.compares == "classes" else [self.metric]
        model, self._gains = fold_batchnorm(self.chips.model, next(iter(self.data.batches(1)))[0])
        # The folded model expects scaled weights; those that stay digital are scaled here, once.
        self.model = scale_digital(model, self._gains, self.chips)

    @property
    def counts_hits(self) -> bool:
        """Whether some images of a chip stand for all: the metric is a mean of hits, one a sample."""
        return self.metric.hits is not None and self.data.targets.dim() == 1

    @cached_property
    def digital(self) -> float:
        """The metric of the model as it was passed in."""
        return self._plain(single(self.chips.model))

    @cached_property
    def ideal(self) -> float:
        """The metric of the quantised model on noiseless cells."""
        return self._plain(single(self.chips.ideal()))

    def _plain(self, run: Callable[[Weights, Inputs], Tensor]) -> float:
        with torch.inference_mode(), autocast(self.where, self.dtype):
            return float(_measure(run, {}, self.data, self.batch_size or 256, [self.metric])[0][0])

    def cost(self, sigma: float | None) -> Cost:
        """What programming one chip costs on average."""
        places = self.chips.placements
        if any(p.memory.programming.verifies or p.memory.redundancy for p in places.values()):
            with torch.inference_mode():
                return total(p.cost for p in self.chips.samplers(sigma=sigma).values())
        # Known without programming anything, which for a large model takes as long as a chip.
        sizes = {
            n: self.chips.model.get_parameter(n).numel() * p.memory.mapping.cells_per_weight for n, p in places.items()
        }
        return total(written_once(p.memory.programming, sizes[name]) for name, p in places.items())

    def lot(self, sigma: float | None, age: float, n_chips: int) -> Lot:
        """The chips at one severity and age, of which about ``n_chips`` will be asked for."""
        with torch.inference_mode():
            programmed = self.chips.samplers(sigma=sigma, age=age, by_cell=self.by_cell)
            programmed = {n: p.scaled(self._gains[n]) if n in self._gains else p for n, p in programmed.items()}
        plan = make_plan(
            batching=self.batching,
            batch_size=self.batch_size,
            samples=len(self.data),
            chips=n_chips,
            weight_bytes=sum(p.bytes_per_chip for p in programmed.values()),
            activation=self._activation,
            outputs=self._output_bytes,
            keep_outputs=self.metric.keeps_outputs,
            device=self.where,
        )
        if plan.vmap:
            # A loop where vmap has no rule for the model.
            inputs, _ = next(iter(self.data.batches(1)))
            with torch.inference_mode(), autocast(self.where, self.dtype):
                weights: dict[str, Tensor] = {}
                for name, p in programmed.items():
                    weights |= p.tensors(name, self.chips.seed, _ids([0], self.where))
                plan = plan if vmap_works(self.model, weights, inputs) else replace(plan, vmap=False)
        return Lot(self, programmed, plan)


@dataclass(frozen=True)
class Lot:
    """The chips of one severity and age on their bench.

    Attributes:
        bench: model, data and metric.
        programmed: every stored weight, ready to be sampled.
        plan: how many images and chips go into one pass.
    """

    bench: Bench
    programmed: dict[str, Sampler]
    plan: Plan

    @property
    def by_cell(self) -> frozenset[str]:
        """The weights that are sampled cell by cell."""
        return frozenset(name for name, p in self.programmed.items() if p.by_cell)

    def measure(self, chips: Sequence[int], advance: Callable[[int], None] = lambda _: None) -> NDArray[np.float64]:
        """``(metrics, chips)`` of the bench's metrics on the whole set, for the chip numbers given."""
        bench, scores = self.bench, []
        run = batched(bench.model) if self.plan.vmap else looped(bench.model)
        with torch.inference_mode(), autocast(bench.where, bench.dtype):
            for part, weights in self._weights(chips):
                scores.append(torch.stack(_measure(run, weights, bench.data, self.plan.images, bench.metrics)))
                advance(len(part))
            # Fetched once: an accelerator is never waited for between chips.
            return torch.cat(scores, dim=1).cpu().numpy()

    def judge(self, weights: Weights) -> NDArray[np.float64]:
        """``(metrics, chips)`` of chips by their effective weights ``(chips, *shape)``, scaled as sampled here."""
        bench = self.bench
        run = batched(bench.model) if self.plan.vmap else looped(bench.model)
        with torch.inference_mode(), autocast(bench.where, bench.dtype):
            found = _measure(run, weights, bench.data, self.plan.images, bench.metrics)
            return torch.stack(found).cpu().numpy()

    def hits(self, chips: Sequence[int], images: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of its own images each chip gets right.

        Args:
            chips: chip numbers.
            images: ``(chips, m)`` sample numbers, a row a chip.

        Returns:
            ``(chips, m)``, of a metric that is a mean of such hits (:attr:`Metric.hits`).
        """
        bench, hit = self.bench, self.bench.metric.hits
        assert hit is not None, "asked only of metrics that count samples"
        run = each_its_own(bench.model, vmapped=self.plan.vmap)
        index, out, done = torch.from_numpy(images).to(bench.where), [], 0
        with torch.inference_mode(), autocast(bench.where, bench.dtype):
            for part, weights in self._weights(chips):
                columns = torch.split(index[done : done + len(part)], self.plan.images, dim=1)
                found = []
                for own in columns:
                    batch = bench.data.subset(own.reshape(-1))
                    shape = own.shape
                    found.append(hit(run(weights, batch.inputs, shape[0]), batch.targets.view(shape)))
                out.append(torch.cat(found, dim=1))
                done += len(part)
            return torch.cat(out).cpu().numpy()

    def _weights(self, chips: Sequence[int]) -> Iterator[tuple[Sequence[int], Weights]]:
        """Weights of as many chips at a time as the plan says, in buffers that are used again."""
        buffers: dict[str, Tensor] = {}
        seed = self.bench.chips.seed
        for start in range(0, len(chips), self.plan.chips):
            part = chips[start : start + self.plan.chips]
            ids = _ids(part, self.bench.where)
            for name, layer in self.programmed.items():
                old = buffers.get(name)
                reused = old[: len(part)] if old is not None and len(old) >= len(part) else None
                buffers |= layer.tensors(name, seed, ids, reused)
            yield part, {n: b[: len(part)] for n, b in buffers.items()}


def _ids(chips: Sequence[int], where: torch.device) -> Tensor:
    return chip_numbers(chips if isinstance(chips, range) else list(chips)).to(where)


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
