"""Training on the array on a GPU: equal to the CPU bit for bit, and how far from what memory allows.

The floor of an update is the state and the cells of the array that takes the gradient, read and written once, at the
bandwidth that a copy reaches here: 4 + 4 bytes a crosspoint of state, 16 of cells, 4 + 4 of counts. "kernel" is the
launch that applies the batch alone, "update" all of `Tile.update`, the wait for the largest inputs included. Inputs
are normal numbers, or such with 80 % zeros (of pictures). SGD has the rate that makes its trains as long as A's.

python benchmarks/bench_analog_gpu.py [--runs 20] [--columns 64 128 256]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from timing import machine
from torch import Tensor

from mho import analog
from mho.analog.tile import Tile
from mho.devices import SoftBounds
from mho.kernels import cuda_pulses
from mho.kernels import pulses as kernel
from mho.text import table

CELL = SoftBounds(n_states=20)
ALGORITHMS: dict[str, analog.Algorithm] = {
    "sgd": analog.InMemorySGD(cell=CELL),
    "sgd exact": analog.InMemorySGD(cell=CELL, pulses=analog.PulseTrain(exact=True, length=40)),
    "sgd multiplicative": analog.InMemorySGD(cell=CELL.replace(noise="multiplicative")),
    "ttv2": analog.TTv2(cell=CELL, reference_std=0.1, granularity=2.0, forget=False),
    "c-ttv2 rows": analog.ChoppedTTv2(cell=CELL, granularity=2.0, read="rows", flip_rate=0.4),
    "agad": analog.AGAD(cell=CELL, granularity=2.0, flip_rate=0.5, transfer_every=1),
    "agad rows": analog.AGAD(cell=CELL, granularity=2.0, flip_rate=0.5, read="rows", read_noise=0.1, read_step=0.02),
}
TIMED = {"sgd": analog.InMemorySGD(cell=CELL), "agad": analog.AGAD(cell=CELL)}
SIZES = ((512, 1), (4096, 1), (512, 64))
"""Rows and columns, and chips."""
STATE = 32
"""Bytes a crosspoint that an update reads and writes, of a tile that counts."""


def batch(size: tuple[int, int], samples: int, share: float = 1.0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    x, d = (torch.randn(samples, width, generator=generator) for width in (size[1], size[0]))
    return x * (torch.rand(x.shape, generator=generator) < share), d


def equal() -> bool:
    """Compare all state after three batches; shapes that fill no block, two chips."""
    rows, good = [], True
    for name, algorithm in ALGORITHMS.items():
        for shape in ((37, 515), (130, 64)):
            tiles = [Tile(algorithm, shape, chips=(0, 7)), Tile(algorithm, shape, chips=(0, 7)).to("cuda")]
            for i, share in enumerate((1.0, 0.2, 1.0)):
                x, d = batch(shape, 31 + i, share)
                for tile in tiles:
                    tile.update(x, d, 0.3)
            here, there = (tile.state_dict() for tile in tiles)
            off = [key for key in here if not torch.equal(_bits(here[key]), _bits(there[key].cpu()))]
            moved = int(tiles[0].pulses["weight"].sum())
            rows.append([name, f"{shape[0]} x {shape[1]}", moved, "differ: " + ", ".join(off) if off else "equal"])
            good &= not off
    print(table(["algorithm", "array", "pulses of W", "to the CPU, bit for bit"], rows, left=2))
    return good


def _bits(array: Tensor) -> Tensor:
    return array.view({torch.float32: torch.int32, torch.float64: torch.int64}.get(array.dtype, array.dtype))


def milliseconds(call: Callable[[], object], runs: int) -> float:
    """Median of ``runs``, by the GPU's clock."""
    found = []
    for _ in range(runs + 2):
        first, last = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        torch.cuda.synchronize()
        first.record()
        call()
        last.record()
        torch.cuda.synchronize()
        found.append(first.elapsed_time(last))
    return statistics.median(found[2:])


def bandwidth(runs: int) -> float:
    """Bytes a millisecond that a copy of 1 GiB reads and writes."""
    source = torch.empty(1 << 28, device="cuda").normal_()
    target = torch.empty_like(source)
    return 2 * source.nbytes / milliseconds(lambda: target.copy_(source), runs)


def applied(tile: Tile, x: Tensor, d: Tensor, rate: float) -> Callable[[], None]:
    """The last launch of an update, to be made again."""
    seen: list[tuple[Any, tuple[Any, ...]]] = []
    kept = kernel.transfer, kernel.descend

    def watched(function: Any) -> Any:
        def call(*arguments: Any) -> None:
            seen.append((function, arguments))
            function(*arguments)

        return call

    kernel.transfer, kernel.descend = map(watched, kept)  # type: ignore[assignment]
    try:
        tile.update(x, d, rate)
    finally:
        kernel.transfer, kernel.descend = kept
    function, arguments = seen[-1]
    return lambda: function(*arguments)


def speed(runs: int, columns: list[int], until: float) -> None:
    copied = bandwidth(runs)
    print(f"\na copy moves {copied / 1e9:.2f} TB/s\n")
    rows = []
    for size, chips in SIZES:
        for name, algorithm in TIMED.items():
            tile = Tile(algorithm, (size, size), chips=range(chips)).to("cuda")
            for samples, share in ((1, 1.0), (32, 1.0), (32, 0.2), (256, 1.0)):
                if time.perf_counter() > until:
                    break
                x, d = (t.cuda() for t in batch((size, size), samples, share))
                rate = 5 * CELL.step / float((x.abs().amax(1) * d.abs().amax(1)).mean())
                before = int(tile.pulses[next(iter(reversed(tile.pulses)))].sum())
                again = applied(tile, x, d, rate)
                pulses = int(tile.pulses[next(iter(reversed(tile.pulses)))].sum()) - before
                points = size * size * chips
                floor = STATE * points / copied
                times = {}
                for block in columns:
                    cuda_pulses.COLUMNS = block
                    times[block] = milliseconds(again, runs)
                cuda_pulses.COLUMNS = 128
                whole = milliseconds(lambda: tile.update(x, d, rate), runs)  # noqa: B023 - called at once
                best = times.get(128, min(times.values()))
                rows.append(
                    [
                        name, f"{size}^2 x {chips}", samples, f"{share:g}", f"{pulses / points / samples:.2g}",
                        *(f"{1e3 * times[block]:.0f}" for block in columns), f"{1e3 * whole:.0f}", f"{1e3 * floor:.0f}",
                        f"{best / floor:.1f}", f"{points * samples / best / 1e6:.1f}",
                    ]
                )  # fmt: skip
    kernels = [f"kernel us, {block} columns" for block in columns]
    head = ["algorithm", "array", "T", "inputs", "pulses", *kernels, "update us", "floor us", "x floor", "G updates/s"]
    print(table(head, rows, left=2))
    cpu = Tile(TIMED["agad"], (512, 512))
    x, d = batch((512, 512), 32)
    found = []
    for _ in range(5):
        start = time.perf_counter()
        cpu.update(x, d, 0.05)
        found.append(time.perf_counter() - start)
    print(f"\nagad on the CPU, 512^2 x 1, T 32: {1e6 * statistics.median(found[1:]):.0f} us")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--columns", type=int, nargs="+", default=[64, 128, 256])
    parser.add_argument("--seconds", type=float, default=240, help="start no measurement after so many")
    asked = parser.parse_args()
    if not torch.cuda.is_available():
        raise SystemExit("there is no CUDA device")
    start = time.perf_counter()
    good = equal()
    speed(asked.runs, asked.columns, start + asked.seconds)
    print(f"{torch.cuda.get_device_name()}; {machine()}; {time.perf_counter() - start:.0f} s in all")
    if not good:
        raise SystemExit("the GPU's numbers differ from the CPU's")


if __name__ == "__main__":
    main()
