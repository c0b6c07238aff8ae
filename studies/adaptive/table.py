"""Which chip gets which image right, all of it, once: the populations of which the proof knows every true number.

    MHO_DATA=... python studies/adaptive/table.py lenet-mnist.safetensors FOLDER SIGMA CHIPS

Writes ``FOLDER/lenet-SIGMA.npy``: ``(chips, images / 8)`` uint8, bits packed along the images. 10 MB for 8,000 chips of
10,000 images; a table is no part of the repository. Forward passes are in bfloat16, which halves the time: any
population will do whose every number is known.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

import mho
from mho import data, devices, zoo
from mho.evaluation import Bench, Metric

CHUNK = 250


def collector(kept: list[Tensor]) -> Metric:
    """A metric that leaves behind what it has seen: ``(chips, images)`` hits, batch by batch."""

    def batch(outputs: Tensor, targets: Tensor) -> Tensor:
        return outputs.argmax(-1) == targets

    def finish(parts: Sequence[Tensor]) -> Tensor:
        hits = torch.cat(list(parts), 1)
        kept.append(hits)
        return hits.double().mean(1)

    return Metric("hits", batch, finish)


def make(checkpoint: str, sigma: float, chips: int) -> Iterator[np.ndarray]:
    """``(chips, images / 8)`` uint8 of the first chips of seed 0, more and more until there are ``chips``."""
    kept: list[Tensor] = []
    population = mho.deploy(zoo.load(checkpoint), mho.Memory(device=devices.RRAM1(sigma=sigma)))
    bench = Bench(population, data.mnist(split="test"), metric=collector(kept), dtype="bfloat16")
    rows, started = [], time.perf_counter()
    for first in range(0, chips, CHUNK):
        bench.lot(None, 0.0, CHUNK).measure(range(first, min(first + CHUNK, chips)))
        rows += [np.packbits(part.numpy(), axis=1) for part in kept]
        kept.clear()
        print(f"sigma {sigma}: {first + CHUNK} chips, {time.perf_counter() - started:.0f} s", flush=True)
        yield np.concatenate(rows)


def main() -> None:
    checkpoint, folder, sigma, chips = sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
    folder.mkdir(parents=True, exist_ok=True)
    for part in make(checkpoint, sigma, chips):
        np.save(folder / f"lenet-{sigma:g}.npy", part)


if __name__ == "__main__":
    main()
