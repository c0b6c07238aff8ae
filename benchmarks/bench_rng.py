"""Addressed normals against torch.randn: ns per number.

    python benchmarks/bench_rng.py

The goal is at most 1.5x the time of torch.randn per number; every row but torch's gives the same numbers, bit for bit.
"""

from __future__ import annotations

import shutil

import torch
from timing import interleaved, show

from mho.kernels import cpu, reference
from mho.rng import stream_key

NUMBERS = 1 << 22
RUNS = 15


def main() -> None:
    key, chip = stream_key(0, "programming", "layer"), torch.zeros(1, dtype=torch.int64)
    out = torch.empty(1, NUMBERS)
    mean, std = torch.zeros(NUMBERS), torch.ones(NUMBERS)
    cases = {
        "torch.randn": lambda: torch.randn(1, NUMBERS),
        "torch.randn * std + mean": lambda: torch.randn(1, NUMBERS).mul_(std).add_(mean),
        "numba (used)": lambda: cpu.fill_normal(out, key, chip, None, None),
        "numba, mean + std z": lambda: cpu.fill_normal(out, key, chip, mean, std),
        "plain torch": lambda: reference.fill_normal(out, key, chip, None, None),
    }
    if shutil.which("g++"):
        compiled = torch.compile(reference.fill_normal, dynamic=False)
        cases["torch.compile"] = lambda: compiled(out, key, chip, None, None)
    seconds = interleaved(cases, runs=RUNS)
    show(f"{NUMBERS:,} normals", seconds, unit=1e-9 * NUMBERS, unit_name="ns/number", baseline="torch.randn")


if __name__ == "__main__":
    main()
