"""What making a chip costs, in images: by counting, never by timing, so that the same call gives the same numbers."""

from __future__ import annotations

import torch

from mho.evaluation.bench import Lot
from mho.evaluation.forward import call

CHIP_FLOPS = 1e7
"""What one more chip costs in Python and kernel launches, in floating-point operations of a small network (0.6 ms)."""
NUMBER_FLOPS = 200.0
"""What one random number costs, likewise (2 to 5 ns)."""
UNKNOWN = 32.0
"""Images a chip, where the operations of a model cannot be counted."""


def chip_cost(lot: Lot) -> float:
    """Making a chip of ``lot`` takes as long as judging it on so many images.

    Floating-point operations of one sample, as :mod:`torch.utils.flop_counter` counts them, against the random
    numbers of a chip; constants are from two cores of an Intel Xeon (docs/decisions/0010). The number only decides
    how many images a chip is first judged on, where a factor of two costs a few per cent; no interval contains it.
    """
    from torch.utils.flop_counter import FlopCounterMode

    bench = lot.bench
    inputs, _ = next(iter(bench.data.batches(1)))
    try:
        with torch.inference_mode(), FlopCounterMode(display=False) as counter:
            call(bench.model, inputs)
        flops = counter.get_total_flops()
    except (RuntimeError, TypeError, ValueError, NotImplementedError, AttributeError):
        return UNKNOWN
    numbers = sum(p.numbers for p in lot.programmed.values())
    return (CHIP_FLOPS + NUMBER_FLOPS * numbers) / flops if flops else UNKNOWN
