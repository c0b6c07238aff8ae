"""Statistics of weights as planes of bits: the slow twin, the code of the mapping, a matrix like BERT's."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from mho import mapping, zoo
from mho.errors import ModelError, SpecError
from mho.mapping import BitPlanes, TensorStatistics, statistics


def weights(shape: tuple[int, ...], seed: int) -> torch.Tensor:
    drawn = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    return torch.where(drawn.abs() < 0.2, 0.0, drawn)


def slow(tensor: torch.Tensor, bits: int) -> tuple[list[float], list[float], int]:
    """One weight and one bit at a time."""
    values = tensor.flatten().tolist()
    largest = max(abs(v) for v in values)
    ones = {1: [0] * bits, -1: [0] * bits}
    for v in values:
        integer = round(torch.tensor(abs(v) / largest * (2**bits - 1)).item()) if largest else 0
        for b in range(bits):
            if v and integer >> b & 1:
                ones[1 if v > 0 else -1][b] += 1
    return (
        [n / len(values) for n in ones[1]],
        [n / len(values) for n in ones[-1]],
        sum(abs(v) > largest / 2 for v in values),
    )


@given(shape=st.tuples(st.integers(1, 7), st.integers(1, 9)), bits=st.integers(1, 10), seed=st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_the_fast_way_counts_as_the_slow_one(shape: tuple[int, int], bits: int, seed: int) -> None:
    tensor = weights(shape, seed).double().float()
    (found,) = statistics({"w": tensor}, bits=bits).tensors
    positive, negative, above = slow(tensor, bits)
    # In float32 a weight may round to the next integer: one bit pattern of one weight.
    assert found.above_half == above
    assert found.positive == pytest.approx(positive, abs=1.01 / tensor.numel() * (tensor.numel() > 1))
    assert found.negative == pytest.approx(negative, abs=1.01 / tensor.numel() * (tensor.numel() > 1))
    assert found.zeros == int((tensor == 0).sum())
    assert found.sigma == pytest.approx(float(tensor.double().std(correction=0)))


@pytest.mark.parametrize("bits", [2, 5, 8])
def test_the_planes_are_those_of_the_mapping(bits: int) -> None:
    tensor = weights((40, 30), seed=1)
    (found,) = statistics({"w": tensor}, bits=bits).tensors
    encoded = BitPlanes(bits=bits, flip="none").encode(tensor).levels.view(2, bits, -1).double().mean(-1)
    assert torch.allclose(encoded[0], torch.tensor(found.positive, dtype=torch.float64), atol=1e-9)
    assert torch.allclose(encoded[1], torch.tensor(found.negative, dtype=torch.float64), atol=1e-9)


def test_a_matrix_like_berts() -> None:
    """Sigma 0.04, largest 1.68 (Table 2 of the paper): the four high planes are all but empty, MSB first of all."""
    tensor = 0.04 * torch.randn(1000, 1000, generator=torch.Generator().manual_seed(0))
    tensor[0, 0] = 1.68
    (found,) = statistics({"w": tensor}).tensors
    assert found.above_half == 1
    assert found.ratio == pytest.approx(42, rel=0.01)
    # A bit b is one with the probability that the rounded magnitude has it, half of it in each array; standard
    # deviations of a share of a million draws are at most 0.0005.
    step = 1.68 / 255 / 0.04

    def share(bit: int) -> float:
        def below(x: float) -> float:
            return math.erf(x / math.sqrt(2))

        return sum((below((m + 0.5) * step) - below((m - 0.5) * step)) / 2 for m in range(1, 256) if m >> bit & 1)

    assert found.density == pytest.approx([share(b) for b in range(8)], abs=0.002)
    assert found.density == pytest.approx((0.250, 0.234, 0.197, 0.103, 0.0052, 0, 0, 0), abs=0.002)


def test_a_network_has_all_its_matrices_and_tables() -> None:
    found = statistics(nn.Sequential(nn.Embedding(9, 4), nn.Linear(4, 3), nn.LayerNorm(3)), bits=4)
    assert [t.name for t in found.tensors] == ["0.weight", "1.weight"]
    row = found.rows()[0]
    assert (row["weights"], row["shape"], len(row["density"])) == (36, (9, 4), 4)
    assert "1.weight" in str(found)
    assert "bit 3" in str(found)
    lenet = statistics(zoo.build("lenet"))
    assert sum(t.weights for t in lenet.tensors) == 105_918


def test_zeros_and_equal_weights() -> None:
    nothing, one = statistics({"nothing": torch.zeros(2, 3), "one": torch.full((2, 2), 0.5)}).tensors
    assert (nothing.largest, nothing.ratio, nothing.density, nothing.zeros) == (0, 0, (0.0,) * 8, 6)
    assert (one.positive, one.negative, one.above_half, one.ratio) == ((1.0,) * 8, (0.0,) * 8, 4, 0)
    assert isinstance(one, TensorStatistics)


@pytest.mark.parametrize(
    ("model", "bits", "error", "words"),
    [
        (nn.Sequential(nn.LayerNorm(3)), 8, ModelError, "no weight tensor of two dimensions"),
        ({"w": torch.tensor([[float("nan")]])}, 8, ModelError, "w is empty or holds NaN"),
        ({"w": torch.zeros(0, 3)}, 8, ModelError, "w is empty"),
        ({"w": torch.ones(1, 1)}, 0, SpecError, "bits=0 must be a whole number from 1 to 16"),
        ({"w": torch.ones(1, 1)}, True, SpecError, "bits=True"),
    ],
)
def test_refusals(model: object, bits: int, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        mapping.statistics(model, bits=bits)
