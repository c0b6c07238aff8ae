"""Any order: what every other ranking has to beat."""

from __future__ import annotations

import torch

from mho.evaluation.sensitivity.method import Found, Method
from mho.evaluation.sensitivity.task import Task
from mho.rng import Draws

PURPOSE = "sensitivity order"


def run(task: Task) -> Found:
    """Uniform numbers in [0, 1): stream (seed, "sensitivity order", name of the weight), the same on every machine."""
    values = {}
    for name, w in task.weights.items():
        draws = Draws(task.seed, name, torch.zeros(1, dtype=torch.int64, device=w.device), tuple(w.shape), w.device)
        # 24 bits are what float32 tells apart below one.
        values[name] = (draws.bits(PURPOSE)[0] >> 8).to(w.dtype) / 2**24
    return Found(values)


METHOD = Method(name="random", run=run, summary="uniform random numbers; looks at no data", needs_data=False)
