"""Training on the array against aihwkit [rasch2021aihwkit]: updates of a tile, and of a fully connected network.

The same devices, pulse trains, rates and data in both, perfect reads and passes; runs of both interleaved in one
process. The time of an update goes with the pulses it sends, so these are counted and printed, per crosspoint and
sample, for the array that takes the gradient: A, in SGD W itself (W behind an A gets 1 in 2 x columns at most). On the
tile SGD has the rate that the others have on A, so all four send the same pulses; in the network all have rate 0.05,
few pulses for SGD: gradients are those of a mean over the batch, and pulses of A do not depend on their size. Where
pulses are few, counts scatter: lines share bits. aihwkit takes pulses one by one; here several pulses of one sample on
one crosspoint are one step of their mean and variance, away from bounds (``PulseTrain.exact``).

Without aihwkit only this package is timed; how to install it is in `aihwkit_tiles.py`.

python benchmarks/bench_analog.py [--runs 7] [--threads 2] [--only tile network]
"""

from __future__ import annotations

import argparse
import statistics

import torch
from analog_tools import AIHWKIT, RATE, SIZE, WIDTHS, aihwkit_network, aihwkit_tile, mho_network, mho_tile
from timing import interleaved, machine

from mho.text import table

ALGORITHMS = ("sgd", "ttv2", "c-ttv2", "agad")
STEPS = (0.1, 0.001)
"""delta: 20 states [rasch2024fast], and the default of aihwkit."""
TRAINS = (5, 31)
BATCH = 32
TOOLS = {"mho": (mho_tile, mho_network), AIHWKIT: (aihwkit_tile, aihwkit_network)}


def tiles(runs: int) -> None:
    """Batches of normal numbers on one tile."""
    generator = torch.Generator().manual_seed(0)
    x, d = (torch.randn(BATCH, SIZE, generator=generator) for _ in range(2))
    largest = x.abs().amax(1) * d.abs().amax(1)
    typical = int((largest - largest.mean()).abs().argmin())
    x[[0, typical]], d[[0, typical]] = x[[typical, 0]], d[[typical, 0]]  # the running means start from the first sample
    rows = []
    for step in STEPS:
        for trains in TRAINS:
            rate = trains * step / float(largest.mean())
            made = {(a, t): make(a, step, trains, rate) for a in ALGORITHMS for t, (make, _) in TOOLS.items()}
            made = {key: tile for key, tile in made.items() if tile is not None}
            cases = {" ".join(key): lambda tile=tile: tile.update(x, d) for key, tile in made.items()}
            seconds = interleaved(cases, runs=runs)
            for key, tile in made.items():
                shown = spread([1e3 * s for s in seconds[" ".join(key)]])
                speed = SIZE * SIZE * BATCH / statistics.median(seconds[" ".join(key)]) / 1e6
                rows.append([*key, f"{step:g}", trains, *shown, runs, f"{speed:.0f}", f"{tile.pulses(x, d):.2g}"])
    head = ["algorithm", "tool", "step", "train", "median ms", "min", "max", "n", "M updates/s", "pulses"]
    print(f"{SIZE} x {SIZE}, batch of {BATCH}: updates are crosspoints times samples")
    print(table(head, rows, left=2))
    print(machine(), "\n", sep="")


def networks(runs: int, batches: int = 4) -> None:
    """Noise with as many pixels lit as in MNIST (19 %), and labels of no meaning."""
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(batches, BATCH, WIDTHS[0], generator=generator)
    x *= torch.rand(x.shape, generator=generator) < 0.19
    y = torch.randint(0, WIDTHS[-1], (batches, BATCH), generator=generator)
    rows = []
    for step, trains in ((STEPS[0], TRAINS[0]), (STEPS[1], TRAINS[1])):
        made = {(a, t): make(a, step, trains) for a in ALGORITHMS for t, (_, make) in TOOLS.items()}
        made = {key: network for key, network in made.items() if network is not None}
        cases = {
            " ".join(key): lambda network=network: [network.train(*batch) for batch in zip(x, y, strict=True)]
            for key, network in made.items()
        }
        seconds = interleaved(cases, runs=runs)
        for key in made:
            shown = spread([1e3 / (batches * BATCH) * s for s in seconds[" ".join(key)]])
            fresh = TOOLS[key[1]][1](key[0], step, trains)  # else one has learned more than the other, and d differs
            pulses = statistics.fmean(fresh.pulses(*batch) for batch in zip(x, y, strict=True))
            rows.append([*key, f"{step:g}", trains, *shown, runs, f"{pulses:.2g}"])
    head = ["algorithm", "tool", "step", "train", "median s", "min", "max", "n", "pulses"]
    print(f"{'-'.join(map(str, WIDTHS))}, batches of {BATCH}, rate {RATE}: seconds for 1,000 samples")
    print(table(head, rows, left=2))
    print(machine(), "\n", sep="")


def spread(values: list[float]) -> list[str]:
    return [f"{x:.3g}" for x in (statistics.median(values), min(values), max(values))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", nargs="+", choices=("tile", "network"), default=("tile", "network"))
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    if "tile" in asked.only:
        tiles(asked.runs)
    if "network" in asked.only:
        networks(asked.runs)


if __name__ == "__main__":
    main()
