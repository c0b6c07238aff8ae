"""Medians of interleaved runs, and a line that says on what."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping

import torch

from mho.text import table


def interleaved(cases: Mapping[str, Callable[[], object]], *, runs: int) -> dict[str, list[float]]:
    """Seconds of ``runs`` runs of every case, in turn, after one warm-up each: drift of the machine hits all alike."""
    for case in cases.values():
        case()
    seconds: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(runs):
        for name, case in cases.items():
            start = time.perf_counter()
            case()
            seconds[name].append(time.perf_counter() - start)
    return seconds


def machine() -> str:
    """Processor, threads and versions."""
    name = platform.processor() or platform.machine()
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo") as file:
            name = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), name)
    return (
        f"{name}, {torch.get_num_threads()} threads of {os.cpu_count()} cores; torch {torch.__version__}, "
        f"python {platform.python_version()}, {platform.system()}"
    )


def show(title: str, seconds: Mapping[str, list[float]], *, unit: float, unit_name: str, baseline: str) -> None:
    """Print median, spread and the ratio to ``baseline`` (median of the ratios run by run)."""
    rows = []
    for name, runs in seconds.items():
        ratio = statistics.median(a / b for a, b in zip(runs, seconds[baseline], strict=True))
        low, mid, high = (f"{x / unit:.3g}" for x in (min(runs), statistics.median(runs), max(runs)))
        rows.append([name, mid, low, high, len(runs), f"{ratio:.2f}"])
    header = [title, f"median {unit_name}", "min", "max", "n", f"x {baseline}"]
    print(table(header, rows))
    print(machine(), "\n", sep="")
