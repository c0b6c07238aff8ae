"""Several processes that train one network: each takes its part of every mini-batch, and gradients are added up."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm, _NormBase

from mho.data.dataset import Dataset, Inputs
from mho.errors import SpecError

T = TypeVar("T")


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

    def check(self, data: Dataset, batch_size: int, model: nn.Module) -> None:
        """Raise unless every mini-batch has enough samples for every process: two where there are batch norms."""
        each = 2 if any(isinstance(m, _BatchNorm) for m in model.modules()) else 1
        last = len(data) % batch_size or batch_size
        if last == 1 and len(data) > 1 and batch_size > 1:
            last = batch_size  # a last batch of one sample is left out
        if self.world > 1 and last < each * self.world:
            raise SpecError(
                f"batch_size={batch_size} leaves a last mini-batch of {last} of {len(data):,} samples for "
                f"{self.world} processes, of which each needs {each}; choose another batch_size"
            )

    def agree(self, said: dict[str, Any]) -> None:
        """Raise, on every process, unless all were asked the same."""
        if self.world == 1:
            return
        theirs = self.gather(said)
        for rank, other in enumerate(theirs):
            key = next((k for k in said if other.get(k) != theirs[0].get(k)), None)
            if key is not None:
                raise SpecError(
                    f"the processes of one torch.distributed group train one network together, but process {rank} was "
                    f"given another {key} than process 0"
                )

    def gather(self, value: Any) -> list[Any]:
        """``value`` of every process, in their order."""
        if self.world == 1:
            return [value]
        out: list[Any] = [None] * self.world
        dist.all_gather_object(out, value)
        return out

    def first(self, make: Callable[[], T]) -> T:
        """What ``make()`` gives on process 0, on every process; what it raises there is raised everywhere."""
        if self.world == 1:
            return make()
        told: list[Any] = [None, None]
        if self.rank == 0:
            try:
                told[0] = make()
            except Exception as error:  # the others wait for an answer
                told[1] = error
        dist.broadcast_object_list(told)
        if told[1] is not None:
            raise told[1]
        result: T = told[0]
        return result

    @torch.no_grad()
    def share(self, model: nn.Module) -> None:
        """Give every process the weights and buffers of process 0."""
        if self.world > 1:
            for tensor in model.state_dict().values():
                dist.broadcast(tensor, 0)

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
    def average_norms(self, modules: Iterable[nn.Module]) -> None:
        """Make the running statistics of norms the same everywhere: their mean over the processes."""
        if self.world == 1:
            return
        norms = [m for module in modules for m in module.modules() if isinstance(m, _NormBase)]
        buffers = [b for norm in norms for b in norm.buffers() if b.is_floating_point()]
        for buffer, total in zip(buffers, self.sum(buffers), strict=True):
            buffer.copy_(total / self.world)


@contextmanager
def torchrun() -> Iterator[tuple[Ranks, str | None]]:
    """Join the processes that ``torchrun`` has started, if it has; this process among them, and its device."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1 or not dist.is_available() or dist.is_initialized():
        yield ranks(), None
        return
    gpu = f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if torch.cuda.is_available() else None
    # Both, as objects and running statistics may be on the CPU.
    dist.init_process_group("gloo" if gpu is None else "cpu:gloo,cuda:nccl")
    try:
        yield ranks(), gpu
    finally:
        dist.destroy_process_group()


def ranks() -> Ranks:
    """This process among those of ``torch.distributed``'s default group."""
    if dist.is_available() and dist.is_initialized():
        return Ranks(dist.get_rank(), dist.get_world_size())
    return Ranks()
