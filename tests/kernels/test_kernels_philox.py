"""Integers and normals are the published generator's, bit for bit on every path."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import philox as twin

from mho import kernels
from mho.kernels import cpu
from mho.kernels import reference as ref
from mho.rng import Draws

KNOWN_ANSWERS = [  # Random123, kat_vectors: philox4x32 10
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]
WORDS = st.integers(0, 2**32 - 1)
KEYS = st.tuples(WORDS, WORDS)
CHIPS = st.lists(st.integers(0, 2**63 - 1) | st.integers(0, 9), min_size=1, max_size=4)


@pytest.fixture
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def bits(path, n: int, key: tuple[int, int], chips: list[int]) -> torch.Tensor:
    out = torch.full((len(chips), n), -1)
    path.fill_bits(out, key, torch.tensor(chips))
    return out


def normals(path, n: int, key: tuple[int, int], chips: list[int], *affine: torch.Tensor | None) -> torch.Tensor:
    out = torch.full((len(chips), n), torch.nan)
    path.fill_normal(out, key, torch.tensor(chips), *(affine or (None, None)))
    return out


def same_bits(a: torch.Tensor, b: torch.Tensor) -> bool:
    return torch.equal(a.view(torch.int32), b.view(torch.int32))


@pytest.mark.parametrize(("counter", "key", "words"), KNOWN_ANSWERS)
def test_random123_known_answers(counter, key, words) -> None:
    assert twin.philox4x32(counter, key) == words
    assert tuple(int(w) for w in ref.philox(tuple(torch.tensor([c]) for c in counter), key)) == words


@pytest.mark.parametrize("path", [ref, cpu], ids=["torch", "numba"])
@pytest.mark.parametrize(("counter", "key", "words"), KNOWN_ANSWERS[:1])
def test_random123_known_answers_through_the_address(path, counter, key, words) -> None:
    assert bits(path, 4, key, [0]).tolist() == [list(words)]


@settings(max_examples=60, deadline=None)
@given(n=st.integers(1, 70), key=KEYS, chips=CHIPS)
def test_the_reference_equals_the_python_integers(n: int, key: tuple[int, int], chips: list[int]) -> None:
    assert bits(ref, n, key, chips).tolist() == [[twin.word(key, chip, e) for e in range(n)] for chip in chips]


def test_the_reference_equals_box_muller_in_doubles() -> None:
    """To 1e-6: |z| <= 6.8 in single precision has a unit in the last place of at most 4.8e-7; two are allowed."""
    key, chips, n = (1, 2), [0, 4711, 2**40], 4001
    found = normals(ref, n, key, chips)
    wanted = torch.tensor([[twin.normal(key, chip, e) for e in range(n)] for chip in chips], dtype=torch.float64)
    assert (found.double() - wanted).abs().max() < 1e-6


@pytest.mark.parametrize("x", [0, 1, 2**31, 2**32 - 257, 2**32 - 128, 2**32 - 1])
@pytest.mark.parametrize("y", [0, 1, 2**29 - 1, 2**29, 2**30, 2**31, 3 * 2**30, 7 * 2**29, 2**32 - 1])
def test_box_muller_at_the_ends_of_its_range(x: int, y: int) -> None:
    import math

    u = twin.single(twin.single(x) * 2.0**-32 + 2.0**-33)
    radius, angle = math.sqrt(-2 * math.log(u)), 2 * math.pi * y / 2**32
    first, second = ref.box_muller(torch.tensor([x]), torch.tensor([y]))
    assert float(first) == pytest.approx(radius * math.cos(angle), abs=1e-6)
    assert float(second) == pytest.approx(radius * math.sin(angle), abs=1e-6)
    assert abs(float(first)) <= 6.77


@settings(max_examples=80, deadline=None)
@given(n=st.integers(1, 3000), key=KEYS, chips=CHIPS, affine=st.booleans())
def test_numba_equals_the_reference_bit_for_bit(n: int, key, chips: list[int], affine: bool) -> None:
    assert torch.equal(bits(cpu, n, key, chips), bits(ref, n, key, chips))
    moments = (torch.linspace(-3, 3, n), torch.linspace(0, 2, n)) if affine else ()
    assert same_bits(normals(cpu, n, key, chips, *moments), normals(ref, n, key, chips, *moments))


@pytest.mark.parametrize("n", [1 << 15, (1 << 15) + 3])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_threads_do_not_change_a_chip(threads: None, n: int, count: int) -> None:
    """Large enough that :mod:`mho.kernels.cpu` shares the tiles out."""
    chips = [4711, 0, 2**33]
    torch.set_num_threads(count)
    assert same_bits(normals(cpu, n, (5, 6), chips), normals(ref, n, (5, 6), chips))
    assert torch.equal(bits(cpu, n, (5, 6), chips), bits(ref, n, (5, 6), chips))


@settings(max_examples=20, deadline=None)
@given(order=st.permutations([0, 1, 4711, 2**40, 17]), cut=st.integers(1, 4), n=st.integers(1, 50))
def test_chip_4711_is_the_same_in_any_chunk_and_order(order: list[int], cut: int, n: int) -> None:
    alone = normals(kernels, n, (8, 9), [4711])[0]
    parts = [normals(kernels, n, (8, 9), part) for part in (order[:cut], order[cut:])]
    assert same_bits(torch.cat(parts)[order.index(4711)], alone)


def test_a_longer_layer_starts_with_the_shorter_one() -> None:
    assert same_bits(normals(kernels, 2001, (1, 1), [3])[:, :777], normals(kernels, 777, (1, 1), [3]))


def test_nothing_to_fill_and_memory_in_pieces() -> None:
    assert normals(kernels, 0, (1, 1), [3]).shape == (1, 0)
    with pytest.raises(ValueError, match="contiguous"):
        kernels.fill_normal(torch.empty(4, 6).t(), (1, 1), torch.arange(6))


TRITON = """
import torch
from mho.kernels import cuda, reference as ref
for n, chips, affine in [(1, [0], False), (5, [0, 2**40 + 3], False), (1031, [7, 1, 2**62], True), (4100, [9], True)]:
    for key in [(0, 0), (1, 1), (0xFFFFFFFF, 0x80000000)]:
        ids = torch.tensor(chips)
        moments = (torch.linspace(-1, 1, n), torch.linspace(0, 2, n)) if affine else (None, None)
        a, b = torch.empty(len(chips), n), torch.empty(len(chips), n)
        cuda.fill_normal(a, key, ids, *moments), ref.fill_normal(b, key, ids, *moments)
        assert torch.equal(a.view(torch.int32), b.view(torch.int32)), ("normals", n, key)
        i, j = (torch.empty(len(chips), n, dtype=torch.int64) for _ in range(2))
        cuda.fill_bits(i, key, ids), ref.fill_bits(j, key, ids)
        assert torch.equal(i, j), ("bits", n, key)
print("equal")
"""


@pytest.mark.skipif(importlib.util.find_spec("triton") is None, reason="triton is not installed")
def test_triton_equals_the_reference_bit_for_bit() -> None:
    """The CUDA kernel's source in Triton's interpreter, which decides at import: hence another process."""
    environment = {**os.environ, "TRITON_INTERPRET": "1"}
    done = subprocess.run([sys.executable, "-c", TRITON], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "equal", done.stderr


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_equals_the_reference_bit_for_bit() -> None:
    n, chips = 100_003, torch.tensor([0, 4711, 2**40])
    mean, std = torch.linspace(-1, 1, n), torch.linspace(0, 2, n)
    there = torch.empty(3, n, device="cuda")
    kernels.fill_normal(there, (3, 4), chips, mean.cuda(), std.cuda())
    assert same_bits(there.cpu(), normals(ref, n, (3, 4), chips.tolist(), mean, std))


@pytest.mark.parametrize("path", [ref, cpu], ids=["torch", "numba"])
@settings(max_examples=40, deadline=None)
@given(n=st.integers(1, 50), key=KEYS, chips=CHIPS, data=st.data())
def test_numbers_at_an_address_are_those_of_the_whole_array(path, n, key, chips, data) -> None:
    at = torch.tensor(data.draw(st.lists(st.integers(0, n * len(chips) - 1), max_size=20)), dtype=torch.int64)
    chip, element = torch.tensor(chips)[at // n], at % n
    assert torch.equal(path.bits_at(key, chip, element), bits(ref, n, key, chips).flatten()[at])
    assert same_bits(path.normals_at(key, chip, element), normals(ref, n, key, chips).flatten()[at])


@pytest.mark.usefixtures("threads")
def test_numbers_at_an_address_do_not_depend_on_threads() -> None:
    element, chip = torch.arange(200_000).flip(0), torch.full((200_000,), 7)
    found = []
    for count in (1, 3):
        torch.set_num_threads(count)
        found.append((kernels.normals_at((1, 2), chip, element), kernels.bits_at((1, 2), chip, element)))
    assert same_bits(found[0][0], found[1][0])
    assert torch.equal(found[0][1], found[1][1])


def test_a_later_write_draws_anew_and_a_defect_lasts() -> None:
    whole = Draws(0, "layer", torch.arange(3), (4, 5), torch.device("cpu"))
    at = torch.tensor([0, 7, 59, 30])
    for drawn in ("normal", "bits"):
        first = getattr(whole, drawn)("programming")
        assert first.shape == (3, 4, 5)
        assert torch.equal(getattr(whole.write(1, at), drawn)("programming"), first.flatten()[at])
        again, third = (getattr(whole.write(c, at), drawn)("programming") for c in (2, 3))
        assert not set(again.tolist()) & {*first.flatten().tolist(), *third.tolist()}
        lasting = getattr(whole.write(3, at), drawn)("stuck", lasting=True)
        assert torch.equal(lasting, getattr(whole, drawn)("stuck").flatten()[at])
