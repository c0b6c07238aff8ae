"""Training on the array by Triton's kernels: the numbers of the CPU, bit for bit."""

from __future__ import annotations

import copy
import importlib.util
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch
from test_analog_tile import ALGORITHMS, RATES, samples

from mho import analog
from mho.analog import Tile
from mho.errors import ModelError
from mho.kernels import pulses as kernel

PROGRAM = """
import sys
sys.path[:0] = {path!r}
import test_analog_cuda as tests
tests.check_tiles(list(tests.ALGORITHMS), "cpu")
tests.check_presses("cpu")
tests.check_refusals()
print("equal")
"""
FAST = {name: analog.PulseTrain(length=length) for name, length in (("sgd", 5), ("ttv2", 12), ("agad rows", 40))}
"""Algorithms of the table that are also tried with several pulses as one step, in trains of one word or two."""
WIDE = ("agad", (1, 131))
"""More columns than a program has."""


def settings(name: str) -> list[tuple[Any, tuple[int, int]]]:
    """An algorithm, and the tile that it is tried on."""
    number = list(ALGORITHMS).index(name)
    found = [(ALGORITHMS[name], (1 + number % 2, (3, 4, 6, 1, 5)[number % 5]))]
    if name in FAST:
        found.append((ALGORITHMS[name].replace(pulses=FAST[name]), (2, 5)))
    if name == WIDE[0]:
        found += [(ALGORITHMS[name], WIDE[1]), (ALGORITHMS[name].replace(transfer_every=1), (2, 1))]
    return found


def assert_same(found: Tile, wanted: Tile, exactly: bool) -> None:
    """All state, to the bit; a product of matrices may add up in another order."""
    there = found.state_dict()
    for key, here in wanted.state_dict().items():
        array = there[key].cpu()
        if exactly:
            assert array.dtype == here.dtype, key
            assert torch.equal(bits(array), bits(here)), key
        else:
            torch.testing.assert_close(array, here, rtol=0, atol=1e-5)


def bits(array: torch.Tensor) -> torch.Tensor:
    kinds = {torch.float32: torch.int32, torch.float64: torch.int64}
    return array.view(kinds.get(array.dtype, array.dtype))


def check_tiles(names: list[str], device: str, larger: int = 1) -> None:
    """Batches of 2 samples, on chips that share inputs, by ``device`` and by the CPU."""
    for name in names:
        for algorithm, (out, width) in settings(name):
            chips = (3, (1 << 32) + 11)[: 1 + (out == 1)]
            wanted = Tile(algorithm, (out * larger, width * larger), name="fc", seed=3, chips=chips)
            wanted.program(torch.randn(wanted.shape, generator=torch.Generator().manual_seed(1)) / 3)
            wanted.samples += (1 << 32) - 2
            found = copy.deepcopy(wanted).to(device)
            x, d = samples(wanted.shape, 4, 7, chips=len(chips))
            rate, moved = RATES.get(name, 1.0), wanted.weight.clone()
            for part in (slice(0, 2), slice(2, 4)):
                wanted.update(x[0, part], d[:, part], rate)
                if device == "cpu":
                    interpreted(found, x[0, part], d[:, part], rate)
                else:
                    found.update(x[0, part].to(device), d[:, part].to(device), rate)
            assert (wanted.pulses.get("gradient", wanted.pulses["weight"])).any(), name
            assert "gradient" in wanted.arrays or not torch.equal(moved, wanted.weight), name
            assert_same(found, wanted, exactly=name != "mixed")


def interpreted(tile: Tile, *batch: Any) -> None:
    """An update as on a GPU, by the interpreter."""
    kept, kernel.on_gpu = kernel.on_gpu, lambda array: True
    try:
        tile.update(*batch)
    finally:
        kernel.on_gpu = kept


def check_presses(device: str) -> None:
    """Counts of both signs, many at once, none."""
    for name in ("sgd", "sgd multiplicative"):
        for algorithm in (ALGORITHMS[name], ALGORITHMS[name].replace(pulses=analog.PulseTrain())):
            tiles = [Tile(algorithm, (2, 5), chips=(4,)) for _ in range(2)]
            tiles[1].to(device)
            counts = np.random.default_rng(2).integers(-7, 8, (1, 2, 5)).astype(np.int32)
            counts[0, 0, :2] = 0
            for sample in (0, (1 << 33) + 5):
                kernel.press(tiles[0].weight, tiles[0].cells("weight"), counts, tiles[0].chip_numbers, sample)
                kept = kernel.on_gpu
                kernel.on_gpu = lambda array: True
                try:
                    there, cells = torch.from_numpy(counts).to(device), tiles[1].cells("weight")
                    kernel.press(tiles[1].weight, cells, there, tiles[1].chip_numbers, sample)
                finally:
                    kernel.on_gpu = kept
            assert_same(tiles[1], tiles[0], exactly=True)


def check_refusals() -> None:
    """What is not finite is seen on the way."""
    tile = Tile(ALGORITHMS["agad"], (3, 5))
    before = copy.deepcopy(tile.state_dict())
    x, d = samples((3, 5), 4, 3)
    spoilt = d.clone()
    spoilt[0, 2, 1] = torch.nan
    interpreted(tile, x[0], spoilt[0], 0.5)
    interpreted(tile, torch.full((4, 5), -torch.inf), d[0], 0.5)
    assert int(tile.skipped) == 2
    after = tile.state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before if key != "skipped")


@pytest.mark.skipif(importlib.util.find_spec("triton") is None, reason="triton is not installed")
def test_triton_trains_a_tile_as_numba_does_bit_for_bit() -> None:
    """Triton decides at import whether it interprets: hence another process."""
    here = os.path.dirname(__file__)
    program = PROGRAM.format(path=[here, os.path.dirname(here)])
    environment = {**os.environ, "TRITON_INTERPRET": "1"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "equal", done.stderr


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("larger", [1, 37])
def test_cuda_trains_a_tile_as_the_cpu_does_bit_for_bit(larger: int) -> None:
    check_tiles(list(ALGORITHMS), "cuda", larger)
    check_presses("cuda")


def test_what_counts_stays_with_the_cpu_and_the_rest_moves() -> None:
    tile = Tile(ALGORITHMS["agad"], (3, 5))
    keys = list(tile.state_dict())
    tile.to("meta")
    stay = {"chips", "samples", "skipped", "means", "choppers", "reads", "sweeps", "position"}
    assert {name for name, buffer in tile.named_buffers() if buffer.device.type == "cpu"} == stay
    assert list(tile.state_dict()) == keys


def test_other_devices_are_refused() -> None:
    tile = Tile(ALGORITHMS["sgd"], (3, 5), name="fc").to("meta")
    with pytest.raises(ModelError, match="an array is on meta; arrays learn on the CPU or a CUDA device"):
        tile.update(torch.zeros(2, 5), torch.zeros(2, 3), 0.1)


def test_rates_follow_from_the_largest_of_every_sample() -> None:
    from mho.kernels import pulses

    x, d = samples((4, 6), 7, 2, chips=3)
    options: dict[str, Any] = {"rate": 0.3, "step": 0.1, "longest": 5, "fast": 0.5, "saturates": True}
    numbers, means = (x.numpy(), d.numpy()), [np.zeros((3, 2)) for _ in range(2)]
    whole = pulses.plan(*numbers, means[0], **options)
    short = pulses.plan(*(np.abs(n).max(2, keepdims=True) for n in numbers), means[1], **options)
    for field in ("rates", "lengths", "scales"):
        np.testing.assert_array_equal(getattr(whole, field), getattr(short, field))
    np.testing.assert_array_equal(*means)
