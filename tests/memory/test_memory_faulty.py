"""Stuck cells of planes against the closed forms: error rates of cells, wrong columns, lost votes, noise of outputs.

Fixed seeds and bounds of three standard errors, or as stated: what passes once passes always.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import mho
from mho.devices import StuckAt
from mho.devices.stuck_at import SA0_SHARE
from mho.mapping import BitPlanes
from mho.memory.redundancy import Voting, lay_out

N = 768
MOST = 1.68  # [li2024zerospace] table 2: first encoder layer; standard deviation .04 is BERT's


@cache
def bert_like(columns: int = N) -> nn.Linear:
    """Weights of standard deviation 0.04 and one of 1.68: no other has its highest bit set."""
    linear = nn.Linear(N, columns, bias=False).eval()
    with torch.no_grad():
        linear.weight.copy_(0.04 * torch.randn(columns, N, generator=torch.Generator().manual_seed(1)))
        linear.weight[0, 0] = MOST
    return linear


def faulty(rate: float, flip: str, redundancy: Voting | None = None, faulty: str = "all"):
    mapping = BitPlanes(flip=flip, faulty=faulty)  # type: ignore[arg-type]
    memory = mho.Memory(device=StuckAt.at_rate(rate), mapping=mapping, redundancy=redundancy)
    return mho.deploy(bert_like(), memory).samplers()["weight"]


def test_faults_split_as_measured():
    layout = faulty(0.01, "none").layout
    found = layout.faults(StuckAt.at_rate(0.01), 0, 0)
    cells = 2 * 8 * N * N
    for value, share in ((0, SA0_SHARE), (1, 1 - SA0_SHARE)):
        count, rate = int((found.stuck == value).sum()), 0.01 * share
        assert abs(count - cells * rate) < 3 * math.sqrt(cells * rate * (1 - rate))
    assert pytest.approx(0.162187, abs=1e-6) == SA0_SHARE


@pytest.mark.parametrize(
    ("flip", "of_zero", "of_one"), [("none", 1 - SA0_SHARE, SA0_SHARE), ("all", SA0_SHARE, 1 - SA0_SHARE)]
)
def test_table_of_cell_errors(flip, of_zero, of_one):
    """A true 0 reads wrong with SA1's rate, a true 1 with SA0's; in a flipped plane the other way round."""
    rate, sampler = 0.02, faulty(0.02, flip)
    code = sampler.layout.code
    wrong = {0: 0, 1: 0}
    for chip in range(3):
        errors = sampler.layout.faults(StuckAt.at_rate(rate), 0, chip).errors(code)
        for bit, change in ((0, 1), (1, -1)):
            wrong[bit] += int((errors.change == change).sum())
    ones = 3 * 2 * N * N * float(code.density().sum())
    cells = {0: 3 * 16 * N * N - ones, 1: ones}
    for bit, share in ((0, of_zero), (1, of_one)):
        expected = cells[bit] * rate * share
        assert abs(wrong[bit] - expected) < 3 * math.sqrt(expected), (bit, wrong[bit], expected)


@pytest.mark.parametrize(
    ("rate", "flip"), [(1e-4, "none"), (1e-4, "msb"), (5e-4, "none"), (5e-4, "msb"), (1e-3, "none"), (1e-3, "msb")]
)
def test_wrong_columns_and_lost_votes(rate, flip):
    """P_col = 1 - (1 - e)^(2N); P_med = 1.5 P^2 - 0.5 P^3: two wrong in opposite ways still give the median."""
    chips, e = 24, rate * (SA0_SHARE if flip == "msb" else 1 - SA0_SHARE)
    sampler = faulty(rate, flip, Voting(embed=False), faulty="msb")
    device, code = StuckAt.at_rate(rate), sampler.layout.code
    g = torch.Generator().manual_seed(5)
    wrong_columns = lost = 0
    for chip in range(chips):
        errors = sampler.layout.faults(device, 0, chip).errors(code)
        wrong_columns += len(np.unique(errors.copy * N + errors.column))
        out = votes_of(sampler, chip, torch.randn(1, N, generator=g, dtype=torch.float64))
        lost += int((out != 0).sum())
    p_col = 1 - (1 - e) ** (2 * N)
    p_med = 1.5 * p_col**2 - 0.5 * p_col**3
    for count, p, n in ((wrong_columns, p_col, 3 * chips * N), (lost, p_med, chips * N)):
        assert abs(count - n * p) < 3 * math.sqrt(n * p * (1 - p)), (count / n, p)


def votes_of(sampler, chip: int, x: Tensor) -> Tensor:
    from mho.kernels.votes import add_votes

    packed = sampler.tensors("weight", 0, torch.tensor([chip]))["mho_votes"][0]
    return add_votes(torch.zeros(len(x), N, dtype=x.dtype), x, packed)


@pytest.mark.parametrize("flip", ["none", "msb", "all"])
@pytest.mark.parametrize("planes", ["msb", "all"])
def test_noise_of_outputs(flip, planes):
    """White inputs: rel_b = sqrt(2 e_b) 2^b q / sigma_w, planes in quadrature; within 5 % of what is simulated."""
    rate = 1e-3
    sampler = faulty(rate, flip, faulty=planes)
    code = sampler.layout.code
    square = 0.0
    for chip in range(12):
        resolved = sampler.resolved(0, chip)
        change = np.zeros((N, N))
        np.add.at(change, (resolved.column, resolved.row), resolved.steps)
        square += float((change**2).sum())
    weight = float((code.integers.astype(float) ** 2).sum())
    simulated = math.sqrt(square / 12 / weight)
    expected = 0.0
    for b, density in enumerate(code.density()):
        if planes == "msb" and b < 7:
            continue
        flipped = code.flipped[b]
        zero, one = (SA0_SHARE, 1 - SA0_SHARE) if flipped else (1 - SA0_SHARE, SA0_SHARE)
        e = rate * ((1 - density) * zero + density * one)
        expected += 2 * e * 4.0**b * N * N
    assert simulated == pytest.approx(math.sqrt(expected / weight), rel=0.05)


def test_the_highest_plane_carries_three_quarters_of_the_noise():
    """So that guarding it alone never bears more than four times the rate, however well it is guarded."""
    assert 4**7 / sum(4**b for b in range(8)) == pytest.approx(0.75, abs=1e-4)
    whole, rest = ([*faulty(2e-3, "none", faulty=f).resolved(0, 1).steps] for f in ("all", tuple(range(7))))
    share = 1 - sum(s * s for s in rest) / sum(s * s for s in whole)
    # Planes hold ones in different shares, which moves the share a little.
    assert 0.7 < share < 0.82


def test_faults_nest_over_rates_for_every_scheme():
    rates = (1e-4, 1e-3, 1e-2)
    found = []
    for rate in rates:
        f = faulty(rate, "msb", Voting()).layout.faults(StuckAt.at_rate(rate), 0, 2)
        found.append(set(zip(f.plane, f.copy, f.negative, f.column, f.row, f.stuck, strict=True)))
    assert found[0] < found[1] < found[2]
    plain = faulty(1e-3, "none").layout.faults(StuckAt.at_rate(1e-3), 0, 2)
    originals = {f for f in found[1] if f[1] == 0}
    assert originals == set(
        zip(plain.plane, plain.copy, plain.negative, plain.column, plain.row, plain.stuck, strict=True)
    )


def test_only_the_planes_asked_for_fail():
    code = BitPlanes(faulty=(0, 7)).code(bert_like().weight)
    found = lay_out("w", code).faults(StuckAt.at_rate(0.01), 0, 0)
    assert set(found.plane) == {0, 7}
    dense = mho.deploy(bert_like(), mho.Memory(device=StuckAt.at_rate(0.01), mapping=BitPlanes(faulty=(0, 7))))
    fast = dense.weights(0)["weight"]
    slow = dense.programmed(by_cell=True)["weight"].sample(0, torch.tensor([0]))
    assert torch.allclose(fast, slow, atol=1e-5)
    assert not torch.equal(fast[0], dense.ideal().weight)


def test_a_chip_costs_what_its_faults_cost():
    """Of 9.4 million cells, 0.05 %: a list of errors, not a matrix a plane."""
    sampler = faulty(5e-4, "msb", Voting())
    resolved = sampler.resolved(0, 0)
    listed = resolved.column.nbytes + resolved.row.nbytes + resolved.steps.nbytes
    assert listed < 2**18 < 4 * N * N
    assert sampler.bytes_per_chip < 4 * N * N + 2**20
