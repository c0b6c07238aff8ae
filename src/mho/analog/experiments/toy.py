"""ONE CROSSPOINT: what A, H and W of a small array do under a constant gradient, or none."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mho.analog.algorithm import Algorithm
from mho.analog.experiments import asking
from mho.analog.experiments.samples import stream
from mho.analog.tile import Tile
from mho.errors import SpecError
from mho.evaluation.arguments import check_counts
from mho.evaluation.population import nulls
from mho.progress import progress
from mho.spec import from_dict, references
from mho.text import table

Traces = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Toy:
    """What the crosspoint (0, 0) of every array held after each sample.

    Attributes:
        algorithm: that trained the arrays, with the reference it had.
        offset: what was added to the mean of its reference.
        gradient: whether there was a mean gradient, which asks W to rise.
        traces: ``(samples + 1, chips)`` float32 each, before the first sample and after every one: "weight" W, and
            what else the algorithm has: "gradient" A, "reference" R, "hidden" H, "average" P, "baseline" P_ref.
        sample: ``(samples + 1,)`` samples seen by then.
        flips: ``(samples + 1, chips)`` whether the chopper of this crosspoint flipped at that sample.
        alpha: share of the input in the gradient.
        rate: learning rate of W.
        size: rows and columns of the array.
        seed: decides devices, pulses and samples.
        first_chip: number of the first chip.
        label: what tables call the algorithm.
        provenance: versions, machine, wall time.
    """

    algorithm: Algorithm
    offset: float
    gradient: bool
    traces: dict[str, Traces]
    sample: NDArray[np.int64]
    flips: NDArray[np.bool_]
    alpha: float
    rate: float
    size: int
    seed: int
    first_chip: int
    label: str
    provenance: dict[str, Any] = field(default_factory=dict)

    @property
    def references(self) -> tuple[str, ...]:
        """BibTeX keys; see :func:`mho.cite`."""
        return references(self.algorithm)

    @property
    def chips(self) -> int:
        """How many arrays."""
        return int(self.flips.shape[1])

    def rows(self, every: int = 1) -> list[dict[str, Any]]:
        """One flat record a chip and every so many samples."""
        check_counts(every=every)
        return [
            {
                "algorithm": self.label,
                "offset": self.offset,
                "gradient": self.gradient,
                "chip": self.first_chip + chip,
                "sample": int(self.sample[i]),
                **{name: float(trace[i, chip]) for name, trace in self.traces.items()},
                "flips": int(self.flips[: i + 1, chip].sum()),
            }
            for chip in range(self.chips)
            for i in range(0, len(self.sample), every)
        ]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: everything."""
        return {f.name: getattr(self, f.name) for f in fields(self)} | {
            "algorithm": self.algorithm.to_dict(),
            "traces": {name: nulls(trace.astype(np.float64)) for name, trace in self.traces.items()},
            "sample": self.sample.tolist(),
            "flips": self.flips.tolist(),
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Toy:
        """The traces that :meth:`to_dict` wrote."""
        made = {
            "algorithm": from_dict(data["algorithm"]),
            "traces": {name: np.asarray(trace, dtype=np.float32) for name, trace in data["traces"].items()},
            "sample": np.asarray(data["sample"], dtype=np.int64),
            "flips": np.asarray(data["flips"], dtype=np.bool_),
        }
        return cls(**(data | made))

    def __str__(self) -> str:
        last = len(self.sample) - 1
        shown = sorted({0, last // 4, last // 2, 3 * last // 4, last})
        rows = [
            [name, *(f"{trace[i].mean():.3f}" for i in shown), f"{trace.min():.3f}", f"{trace.max():.3f}"]
            for name, trace in self.traces.items()
        ]
        offset = f", reference off by {self.offset:g}" if self.offset else ""
        flips = f", {self.flips.sum() / self.chips:g} flips of the chopper a chip" if self.flips.any() else ""
        title = (
            f"{self.label}: crosspoint (0, 0) of {self.size}x{self.size} under "
            f"{f'a constant gradient of {-self.alpha:g}' if self.gradient else 'no mean gradient'}{offset}; mean of "
            f"{self.chips} chip{'s' * (self.chips > 1)} after so many samples, rate {self.rate:g}{flips}"
        )
        return table(["array", *(f"{self.sample[i]:,}" for i in shown), "least", "most"], rows, title=title)


def toy(
    algorithm: Algorithm,
    *,
    samples: int = 6000,
    size: int = 5,
    alpha: float = 0.4,
    offset: float = 0.0,
    gradient: bool = True,
    rate: float = 0.1,
    seed: int = 0,
    chips: int = 1,
    first_chip: int = 0,
    show_progress: bool = True,
) -> Toy:
    """What one crosspoint of a small array does under a constant mean gradient [rasch2024fast Fig. 3].

    Sample by sample the inputs are x = -X and the gradients of the outputs d = alpha X + (1 - alpha) Y, with X and Y
    independent standard normals, so that d x^T is -alpha on average on the diagonal and 0 beside it: W(0, 0) should
    rise steadily, up to its bound. W does not act on what follows, unlike in training. Without a gradient the X in d
    is another one than in x: as much noise, and W should stay where it is.

    Samples and devices belong to (seed, chip), whatever the algorithm and its reference are.

    Args:
        algorithm: that updates the array; ``analog.SETTINGS["toy"].algorithm("agad")`` is the paper's.
        samples: how many.
        size: rows and columns.
        alpha: from 0 to 1.
        offset: added to the mean of the reference, where the algorithm has one.
        gradient: whether there is a mean gradient.
        rate: learning rate of W.
        seed: decides everything that is drawn.
        chips: arrays side by side, each with devices and samples of its own.
        first_chip: number of the first one.
        show_progress: draw a bar on a terminal when it takes longer than two seconds.

    Raises:
        SpecError: an argument is out of range.
    """
    if not isinstance(algorithm, Algorithm):
        raise SpecError(f"algorithm={algorithm!r} is none; give one such as analog.AGAD(cell=devices.SoftBounds())")
    check_counts(samples=samples, size=size)
    asking.positive(rate=rate)
    if not 0 <= alpha <= 1:
        raise SpecError(f"alpha={alpha!r} must be 0 to 1: it is the share of the input in the gradient")
    if not math.isfinite(offset):
        raise SpecError(f"offset={offset!r} is not a finite number")
    numbers = asking.numbers(chips, first_chip)
    if offset:
        own = (getattr(algorithm, "reference_mean", 0.0), getattr(algorithm, "reference_std", 0.0))
        algorithm = algorithm.with_reference(own[0] + float(offset), own[1])
    started = time.perf_counter()
    tile = Tile(algorithm, (size, size), name="toy", seed=seed, chips=tuple(numbers.tolist()))
    traces = {name: np.empty((samples + 1, chips), np.float32) for name in tile.arrays}
    choppers: Tensor | None = getattr(tile, "choppers", None)
    signs = np.ones((samples + 1, chips), np.int8)

    def note(i: int) -> None:
        for name, array in tile.arrays.items():
            traces[name][i] = array[:, 0, 0].numpy()
        if choppers is not None:
            signs[i] = choppers[:, 0].numpy()

    note(0)
    at = 0
    with progress(f"{algorithm.label}: samples", samples, enabled=show_progress) as bar:
        for x, d in _inputs(seed, numbers, size, samples, alpha, gradient):
            for t in range(x.shape[1]):
                tile.update(x[:, t : t + 1], d[:, t : t + 1], rate)
                at += 1
                note(at)
            bar.advance(x.shape[1])
    return Toy(
        algorithm=algorithm,
        offset=float(offset),
        gradient=bool(gradient),
        traces=traces,
        sample=np.arange(samples + 1),
        flips=np.diff(signs, axis=0, prepend=signs[:1]) != 0,
        alpha=float(alpha),
        rate=float(rate),
        size=size,
        seed=seed,
        first_chip=first_chip,
        label=algorithm.label,
        provenance=asking.provenance(time.perf_counter() - started),
    )


def _inputs(
    seed: int, chips: Tensor, size: int, samples: int, alpha: float, gradient: bool
) -> Iterator[tuple[Tensor, Tensor]]:
    """Blocks of inputs and errors, ``(chips, n, size)`` float32 each."""
    names = ("common", "noise", *(() if gradient else ("instead",)))
    for vectors in zip(*(stream(seed, f"toy {name}", chips, size, samples) for name in names), strict=True):
        common, noise, shared = vectors[0], vectors[1], vectors[0 if gradient else 2]
        yield (-common).contiguous(), torch.lerp(noise, shared, alpha)
