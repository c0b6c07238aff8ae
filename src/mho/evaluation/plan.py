"""How an evaluation is cut up: images per batch, chips per batch, vmap or loop, from the memory there is."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

Batching = Literal["auto", "vmap", "loop"]

CPU_ACTIVATION = 9 * 2**20
"""Bytes of the largest activation of one batch on a CPU: it then stays in cache between two layers."""
CUDA_ACTIVATION = 2**30
SHARE = 0.25
"""Part of the free memory that one chunk may take."""
LOOP_BYTES = 64 * 2**20
"""Bytes of weights sampled ahead in a loop over chips: enough to feed every thread, few enough to stay near."""
MOST_CHIPS = 256


@dataclass(frozen=True)
class Plan:
    """Sizes of one evaluation.

    Attributes:
        images: samples per forward pass.
        chips: chips whose weights are held at once (and evaluated at once where ``vmap``).
        vmap: evaluate a chunk of chips in one batched call.
    """

    images: int
    chips: int
    vmap: bool


def make_plan(
    *,
    batching: Batching,
    batch_size: int | None,
    samples: int,
    chips: int,
    weight_bytes: int,
    activation: tuple[int, int],
    outputs: int,
    keep_outputs: bool,
    device: torch.device,
) -> Plan:
    """Sizes for ``chips`` chips on ``samples`` samples.

    On a CPU a loop over chips is fastest: vmap turns convolutions into grouped ones, for which oneDNN has no fast
    kernel (docs/decisions/0002). On an accelerator small networks are launch-bound and vmap batches them.

    Args:
        batching: ``"auto"`` decides by device.
        batch_size: images per forward pass; ``None`` decides by activation size.
        samples: size of the data set.
        chips: chips asked for.
        weight_bytes: bytes that the stored weights of one chip take while sampled.
        activation: bytes per image of (the largest, all) activations.
        outputs: bytes per image of what the model returns.
        keep_outputs: the metric needs those of the whole set at once.
        device: where it runs.
    """
    largest, everything = (max(1, a) for a in activation)
    on_cpu = device.type == "cpu"
    vmap = batching == "vmap" or (batching == "auto" and not on_cpu)
    budget = CPU_ACTIVATION if on_cpu else CUDA_ACTIVATION
    room = int(free_memory(device) * SHARE)
    # Sixteen images keep the cores busy; a language model's logits may leave room for fewer.
    most = min(max(16, budget // largest), max(1, room // (everything + 4 * outputs)))
    images = min(batch_size or _even(samples, most), samples)
    results = outputs * (samples if keep_outputs else images)
    fit = room // max(1, weight_bytes + results + (everything * images if vmap else 0))
    fit = fit if vmap else min(fit, LOOP_BYTES // max(1, weight_bytes))
    return Plan(images, max(1, min(chips, MOST_CHIPS, fit)), vmap)


def _even(samples: int, most: int) -> int:
    """Batches of equal size, at most ``most``: a small last batch costs a large one's overhead."""
    return -(-samples // -(-samples // most))


def free_memory(device: torch.device) -> int:
    """Bytes that can still be allocated on ``device``."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return 4 * 2**30


class ActivationMeter:
    """Counts the bytes that a forward pass of one image makes: the largest tensor, and all of them."""

    def __init__(self, model: nn.Module) -> None:
        self.largest = 0
        self.everything = 0
        leaves = (m for m in model.modules() if not any(True for _ in m.children()))
        self._hooks = [m.register_forward_hook(self._count) for m in leaves]

    def _count(self, module: nn.Module, args: object, output: object) -> None:
        for tensor in output if isinstance(output, tuple | list) else (output,):
            if isinstance(tensor, Tensor):
                size = tensor.numel() * tensor.element_size()
                self.largest = max(self.largest, size)
                self.everything += size

    def close(self) -> tuple[int, int]:
        """Remove the hooks and return ``(largest, everything)``."""
        for hook in self._hooks:
            hook.remove()
        return self.largest, self.everything
