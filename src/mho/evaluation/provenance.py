"""Where numbers came from: versions, machine, how the work was cut up."""

from __future__ import annotations

import platform
from functools import cache
from typing import Any

import torch

from mho.evaluation.bench import Lot


def record(lot: Lot, *, seconds: float) -> dict[str, Any]:
    """Plain data for the ``provenance`` of a result that took ``seconds``."""
    from mho import __version__

    bench, plan = lot.bench, lot.plan
    return {
        "mho": __version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "device": hardware(str(bench.where)),
        "threads": torch.get_num_threads(),
        "dtype": bench.dtype,
        # The two ways draw different numbers: chip i is comparable one by one only within one of them.
        "sampling": "cell by cell" if lot.by_cell else "one Gaussian per weight",
        "batching": "vmap" if plan.vmap else "loop",
        "images_per_batch": plan.images,
        "chips_per_chunk": plan.chips,
        "seconds": round(seconds, 3),
    }


@cache
def hardware(device: str) -> str:
    """The name of the processor behind a torch device."""
    if device.startswith("cuda"):
        return torch.cuda.get_device_name(device)
    try:
        with open("/proc/cpuinfo") as file:
            name = next(line.split(":")[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        name = platform.processor() or platform.machine()
    return f"{device}: {name}"
