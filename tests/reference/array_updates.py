"""What updates of an array take, literally: walk over vectors, elements and reads, and count one by one."""

from __future__ import annotations

from fractions import Fraction
from math import lcm

from mho.analog.operations import ArrayUpdate


def walk(kind: str, u: ArrayUpdate) -> dict[str, Fraction]:
    """Operations, reads, slots and bits of memory a vector, averaged over a stretch that repeats itself."""
    flops = reads = slots = bits = Fraction(0)
    vectors = lcm(u.transfer_every, u.batch)
    for t in range(1, vectors + 1):
        if kind == "MixedPrecision":
            for _column in range(u.inputs):
                flops += 1  # its share of the rate
                for _row in range(u.outputs):
                    flops += 2  # multiply, add
            if t % u.batch == 0:
                for _row in range(u.outputs):
                    slots += 1
                    for _column in range(u.inputs):
                        bits += 8 + 8  # read X, write it
            continue
        for _line in range(u.inputs + u.outputs):
            flops += 1  # the search of a maximum
        slots += Fraction(u.mean_length)
        if kind == "InMemorySGD" or t % u.transfer_every:
            continue
        reads += 1
        slots += 1  # the pulse to W
        for _number in range(u.outputs if u.read == "columns" else u.inputs):
            flops += 2  # times the rate of H, add
            bits += 8 + 8  # read H, write it
            if kind == "AGAD":
                flops += 1  # subtract the reference
                bits += 8 + 8  # the reference
                if u.beta < 1:
                    flops += 3  # (1 - beta) p + beta omega
                    bits += 8 + 8  # the average
        if kind != "TTv2":
            for _slice in range(u.inputs if u.read == "columns" else u.outputs):
                bits += 1 + 1  # choppers
    return {"flops": flops / vectors, "reads": reads / vectors, "slots": slots / vectors, "memory_bits": bits / vectors}
