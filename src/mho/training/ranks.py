"""Several processes that train one network: each takes its part of every mini-batch, and gradients are added up."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn

from mho.data.dataset import Dataset, Inputs
from mho.errors import SpecError


@dataclass(frozen=True)
class Ranks:
    """This process among those that share the work; without ``torch.distributed`` it is alone.

    Errors need no exchange: they are addressed by seed and step, so every process draws the same ones. Batch norm sees
    the part of its own process in a mini-batch, and running statistics are averaged at the end of every epoch.

    Attributes:
        rank: number of this process.
        world: how many there are.
    """

    rank: int = 0
    world: int = 1

    def check(self, data: Dataset, batch_size: int) -> None:
        """Raise unless every mini-batch has a sample for every process."""
        last = len(data) % batch_size or batch_size
        if min(last, batch_size) < self.world:
            raise SpecError(
                f"batch_size={batch_size} leaves a last mini-batch of {last} of {len(data):,} samples for "
                f"{self.world} processes; choose another batch_size"
            )

    def part(self, inputs: Inputs, targets: Tensor) -> tuple[Inputs, Tensor, float]:
        """What this process takes of a mini-batch, and which fraction of its samples that is."""
        if self.world == 1:
            return inputs, targets, 1.0
        n = len(targets)
        mine = slice(n * self.rank // self.world, n * (self.rank + 1) // self.world)
        some = inputs[mine] if isinstance(inputs, Tensor) else {key: value[mine] for key, value in inputs.items()}
        return some, targets[mine], len(targets[mine]) / n

    def sum(self, tensors: Sequence[Tensor]) -> Sequence[Tensor]:
        """The sums of ``tensors`` over all processes, in one message."""
        if self.world == 1 or not tensors:
            return tensors
        flat = torch.cat([t.reshape(-1).to(torch.promote_types(t.dtype, torch.float32)) for t in tensors])
        dist.all_reduce(flat)
        parts = flat.split([t.numel() for t in tensors])  # type: ignore[no-untyped-call]
        return [part.view(t.shape).to(t.dtype) for part, t in zip(parts, tensors, strict=True)]

    def sum_gradients(self, parameters: Iterable[nn.Parameter], weight: float) -> None:
        """Make every gradient that of the whole mini-batch; ``weight`` is the fraction that this process had of it."""
        if self.world == 1:
            return
        taught = [p for p in parameters if p.grad is not None]
        total = self.sum([weight * p.grad for p in taught if p.grad is not None])
        for parameter, gradient in zip(taught, total, strict=True):
            parameter.grad = gradient

    @torch.no_grad()
    def average_buffers(self, modules: Iterable[nn.Module]) -> None:
        """Make running statistics the same everywhere: their mean over the processes."""
        if self.world == 1:
            return
        buffers = [b for module in modules for b in module.buffers() if b.is_floating_point()]
        for buffer, total in zip(buffers, self.sum(buffers), strict=True):
            buffer.copy_(total / self.world)


@contextmanager
def torchrun() -> Iterator[tuple[Ranks, str | None]]:
    """Join the processes that ``torchrun`` has started, if it has; this process among them, and its device."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1 or not dist.is_available() or dist.is_initialized():
        yield ranks(), None
        return
    gpu = f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if torch.cuda.is_available() else None
    dist.init_process_group("gloo" if gpu is None else "nccl")
    try:
        yield ranks(), gpu
    finally:
        dist.destroy_process_group()


def ranks() -> Ranks:
    """This process among those of ``torch.distributed``'s default group."""
    if dist.is_available() and dist.is_initialized():
        return Ranks(dist.get_rank(), dist.get_world_size())
    return Ranks()
