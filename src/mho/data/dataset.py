"""A data set held as tensors: the whole of it in memory, on one device."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from mho.errors import DataError

Inputs = Tensor | Mapping[str, Tensor]


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """Inputs and targets as tensors.

    Attributes:
        inputs: ``(N, ...)`` tensor, or a mapping of such tensors passed to the model as keyword arguments.
        targets: ``(N,)`` class indices (int64), ``(N, ...)`` with one a position (of texts), or ``(N, ...)`` values.
        classes: number of classes; ``None`` where targets are not classes.
        name: what tables and reports call it.
    """

    inputs: Inputs
    targets: Tensor
    classes: int | None = None
    name: str = "data"

    def __post_init__(self) -> None:
        sizes = {k: len(v) for k, v in self._parts().items()} | {"targets": len(self.targets)}
        if len(self.targets) == 0:
            raise DataError(f"{self.name}: the data set is empty")
        if len(set(sizes.values())) > 1:
            said = ", ".join(f"{k} {v}" for k, v in sizes.items())
            raise DataError(f"{self.name}: inputs and targets differ in length ({said})")
        if self.classes is not None:
            low, high = int(self.targets.min()), int(self.targets.max())
            if low < 0 or high >= self.classes:
                bad = low if low < 0 else high
                raise DataError(
                    f"{self.name}: label {bad} is out of range; {self.classes} classes are numbered 0 to "
                    f"{self.classes - 1}"
                )

    def _parts(self) -> Mapping[str, Tensor]:
        return {"inputs": self.inputs} if isinstance(self.inputs, Tensor) else self.inputs

    def __len__(self) -> int:
        return len(self.targets)

    def take(self, n: int) -> Dataset:
        """The first ``n`` samples (all of them where there are fewer)."""
        return replace(self, inputs=_index(self.inputs, slice(n)), targets=self.targets[:n])

    def subset(self, index: Tensor) -> Dataset:
        """The samples at ``index`` (``(n,)`` int64)."""
        return replace(self, inputs=_index(self.inputs, index), targets=self.targets[index])

    def held_out(self, every: int, *, kept: bool = True) -> Dataset:
        """Every ``every``-th sample, so that sorted data give some of each class; all others if not ``kept``."""
        last = torch.arange(len(self)) % every == every - 1
        return self.subset((last if kept else ~last).nonzero()[:, 0])

    def to(self, device: torch.device | str) -> Dataset:
        """The same data on ``device``."""
        inputs = (
            self.inputs.to(device)
            if isinstance(self.inputs, Tensor)
            else {k: v.to(device) for k, v in self.inputs.items()}
        )
        return replace(self, inputs=inputs, targets=self.targets.to(device))

    def batches(self, size: int) -> Iterator[tuple[Inputs, Tensor]]:
        """Consecutive ``(inputs, targets)`` batches of at most ``size`` samples, in order."""
        for start in range(0, len(self), size):
            part = slice(start, start + size)
            yield _index(self.inputs, part), self.targets[part]


def _index(inputs: Inputs, index: slice | Tensor) -> Inputs:
    if isinstance(inputs, Tensor):
        return inputs[index]
    return {k: v[index] for k, v in inputs.items()}
