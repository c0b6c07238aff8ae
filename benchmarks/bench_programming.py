"""Selective write-verify of a LeNet and of a ResNet-18: rank the weights, cut at 10 %, write a chip.

*cycle by cycle* asks the device anew at every cycle, as for devices without the compiled loop; of a LeNet only.

python benchmarks/bench_programming.py
"""

from __future__ import annotations

import statistics

import torch
from timing import interleaved, machine

import mho
from mho import devices, zoo
from mho.mapping.base import Programmed
from mho.memory.selection import order
from mho.programming import OpenLoop, Selective, WriteVerify
from mho.rng import Draws
from mho.text import table

RUNS = 5


def _slow(verify: WriteVerify, layer: Programmed) -> torch.Tensor:
    levels = layer.encoded.levels
    draws = Draws(0, layer.layer, torch.tensor([0]), tuple(levels.shape), levels.device)
    return layer.encoded.decode(verify._cycle_by_cycle(layer.device, levels, draws, 0.0, None).read)


def main() -> None:
    rows = []
    for name in ("lenet", "resnet18"):
        model = zoo.build(name).eval()
        verify = WriteVerify(tolerance=0.06)
        scheme = Selective(fraction=0.1, verify=verify)
        memory = mho.Memory(device=devices.RRAM1(sigma=0.1), programming=verify)
        generator = torch.Generator().manual_seed(0)
        weights = {n: p.detach() for n, p in model.named_parameters() if p.dim() > 1}
        h = {n: torch.rand(w.shape, generator=generator) for n, w in weights.items()}
        chips = mho.deploy(model, memory)
        programmed = chips.programmed()
        some = mho.deploy(model, memory.replace(programming=scheme), sensitivity=h)
        once = mho.deploy(model, memory.replace(programming=OpenLoop()))
        ranked = order(scheme, programmed, chips.placements, weights, h, 0)
        populations = {
            "write, not verified, by weight": once.programmed(),
            "write, not verified, by cell": once.programmed(by_cell=True),
            "write, 10 % verified": some.programmed(),
            "write, all verified": programmed,
        }
        cases = {
            "rank": lambda s=scheme, p=programmed, c=chips, w=weights, h=h: order(s, p, c.placements, w, h, 0),
            "cut at 10 %": lambda r=ranked: r.cut(0.1),
        } | {
            case: lambda p=p: [layer.sample(0, torch.tensor([0])) for layer in p.values()]
            for case, p in populations.items()
        }
        if name == "lenet":
            cases["write, all verified, cycle by cycle"] = lambda p=programmed, v=verify: [
                _slow(v, x) for x in p.values()
            ]
        count = sum(w.numel() for w in weights.values())
        for case, seconds in interleaved(cases, runs=RUNS).items():
            spread = f"{1e3 * min(seconds):.1f} to {1e3 * max(seconds):.1f}"
            rows.append([name, f"{count:,}", case, f"{1e3 * statistics.median(seconds):.1f}", spread])
    print(table(["network", "weights", "what", "ms", f"min to max of {RUNS}"], rows, left=1))
    print(machine())


if __name__ == "__main__":
    main()
