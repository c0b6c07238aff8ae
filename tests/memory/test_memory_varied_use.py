"""Redundancy on cells that vary: the size of errors against theory, and evaluation, training, cost and refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from reference.varied import layer, sampler_of
from torch import nn

import mho
from mho.devices import RRAM1, Device, PowerLawDrift, Racetrack, SoftBounds, Stack, StuckAt
from mho.errors import ModelError, SpecError
from mho.mapping import BitPlanes
from mho.memory import Memory, arrays, deploy
from mho.memory import layers as memory_layers
from mho.memory.redundancy import ECC, BestOf, CellMajority, ClosestValue, Redundancy, Remapping, Voting
from mho.programming import Selective, WriteVerify
from mho.training import NoiseInjection, Recipe
from mho.training.run import derived

SAMPLES = torch.zeros(2, 2), torch.arange(2)
EVERY = [
    Voting(),
    Voting(copies=5, planes=2, scope=3),
    Voting(combine="mean", copies=2, planes=2),
    BestOf(),
    Remapping(along="both"),
    ClosestValue(),
    CellMajority(),
    ECC(data_bits=4),
]


# ----------------------------------------------------------------------------------- what theory says of the numbers


def test_variation_alone_is_as_large_as_without_redundancy() -> None:
    """Each of 2n cells has sigma: q sigma sqrt(2 sum 4^b); four standard errors of 20 chips."""
    linear, sigma = layer(48, 48, 1), 0.1
    device = Stack(stages=(RRAM1(sigma=sigma), StuckAt.at_rate(0.0)))
    for redundancy, copies in ((Remapping(), 1), (Voting(combine="mean"), 3)):
        chips = deploy(linear, Memory(device=device, mapping=BitPlanes(), redundancy=redundancy))
        off = chips.weights(range(20))["weight"] - chips.ideal().weight
        squares = sum(4**b for b in range(7)) + 4**7 / copies
        expected = float(linear.weight.detach().abs().max()) / 255 * sigma * math.sqrt(2 * squares)
        assert float(off.std()) == pytest.approx(expected, rel=4 / math.sqrt(2 * off.numel()))
        assert abs(float(off.mean())) < 4 * expected / math.sqrt(off.numel())


def test_a_vote_of_three_reduces_variation_as_the_median_of_three_does() -> None:
    """Of three normal numbers the middle one has the variance 1 - sqrt(3) / pi."""
    linear = layer(4000, 1, 1)
    memory = Memory(device=RRAM1(sigma=0.2), mapping=BitPlanes(faulty="msb"), redundancy=Voting())
    chips = deploy(linear, memory)
    off = torch.cat([chips.chip(i)(torch.ones(1)) - chips.ideal()(torch.ones(1)) for i in range(6)])
    step = float(linear.weight.detach().abs().max()) / 255
    expected = 2 * (128 * step * 0.2) ** 2 * (1 - math.sqrt(3) / math.pi)
    assert float(off.var()) == pytest.approx(expected, rel=4 * math.sqrt(2.1 / off.numel()))


@pytest.mark.parametrize(
    ("redundancy", "wrong"), [(CellMajority(), lambda e: 3 * e**2 - 2 * e**3), (ECC(planes=1), None)]
)
def test_a_bit_is_misread_where_its_error_is_above_one_half(redundancy: Redundancy, wrong) -> None:
    sigma = 0.4
    e = 0.5 * math.erfc(0.5 / sigma / math.sqrt(2))
    mapping = BitPlanes(faulty="msb", flip="none")
    sampler = sampler_of(layer(64, 64, 2), Memory(device=RRAM1(sigma=sigma), mapping=mapping, redundancy=redundancy))
    bits = 10 * 2 * 64 * 64
    found = sum(len(sampler._read_by_cell(0, chip).steps) for chip in range(10)) / bits
    if wrong is None:  # of 72 bits eight are wrong: a code for one wrong bit spoils as often as it mends
        assert found == pytest.approx(e, rel=0.1)
    else:
        assert found == pytest.approx(wrong(e), abs=4 * math.sqrt(wrong(e) / bits))


def test_ones_that_have_drifted_below_one_half_are_read_as_zeros() -> None:
    device = Stack(stages=(RRAM1(sigma=0.0), PowerLawDrift(nu=0.2)))
    chips = deploy(layer(9, 9, 1), Memory(device=device, mapping=BitPlanes(flip="none"), redundancy=CellMajority()))
    assert torch.equal(chips.weights(0, age=30)["weight"][0], chips.ideal().weight)  # 30^-0.2 = 0.506
    gone = chips.weights(0, age=33)["weight"]
    assert torch.allclose(gone, torch.zeros(1), atol=1e-5)  # 0.497


# -------------------------------------------------------------------------------------------- with everything else


def both(device: Device | None = None, redundancy: Redundancy | None = None, **more) -> Memory:
    device = device or Stack(stages=(RRAM1(sigma=0.1), StuckAt.at_rate(0.02)))
    return Memory(device=device, mapping=BitPlanes(flip="none"), redundancy=redundancy or Voting(), **more)


@pytest.mark.parametrize("redundancy", EVERY, ids=lambda r: r.label)
@pytest.mark.parametrize("batching", ["vmap", "loop"])
def test_a_chip_is_one_chip_however_it_is_evaluated(redundancy: Redundancy, batching: str) -> None:
    """Batch norm is folded into it (gammas of both signs, and zero), and chips come together or one by one."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(2, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 16, 6)).eval()
    with torch.no_grad():
        model[1].weight.copy_(torch.linspace(-2, 2, 8))
        model[1].weight[3] = 0.0
        model[1].running_var.uniform_(0.5, 2)
        model[0].weight[5] = 0.0
    x = torch.randn(40, 2, 6, 6)
    chips = deploy(model, both(redundancy=redundancy))
    data = (x, model(x).argmax(-1))
    how = {"metric": "cross-entropy", "show_progress": False, "batching": batching}
    measured = mho.evaluate(chips, data, n_chips=4, sigma=[0.05, 0.2], **how).values
    for row, sigma in zip(measured, (0.05, 0.2), strict=True):
        one_by_one = [float(nn.functional.cross_entropy(chips.chip(i, sigma=sigma)(x), data[1])) for i in range(4)]
        assert np.allclose(row.ravel(), one_by_one, rtol=1e-3, atol=1e-4)
    later = mho.evaluate(chips, data, n_chips=2, first_chip=2, sigma=[0.05, 0.2], batch_size=7, **how).values
    assert np.allclose(later, measured[..., 2:], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", ["conv1d", "grouped", "circular", "tiles"])
def test_convolutions_vote_on_cells_that_vary(kind: str) -> None:
    torch.manual_seed(0)
    conv = {
        "conv1d": nn.Conv1d(4, 8, 3, padding=1),
        "grouped": nn.Conv2d(4, 8, 3, groups=2, padding="same"),
        "circular": nn.Conv2d(4, 8, 3, padding=1, padding_mode="circular", stride=2),
        "tiles": nn.Conv2d(4, 8, 3, dilation=2),
    }[kind].eval()
    scope = 10 if kind == "tiles" else "layer"
    chips = deploy(conv, both(redundancy=Voting(planes=2, scope=scope)))
    tensors = chips.weights(1)
    weight, candidates = tensors["weight"][0], tensors["mho_votes"][0]
    x = torch.randn(2, 4, *[9] * (conv.weight.dim() - 2))
    expected = conv._conv_forward(x, weight, conv.bias)
    rows = candidates.shape[-1]
    for plane in range(2):
        for first in range(0, rows, 10 if kind == "tiles" else rows):
            last = first + (10 if kind == "tiles" else rows)
            products = []
            for copy in range(3):
                kernels = torch.zeros(8, rows)
                kernels[:, first:last] = candidates[copy, plane, :, first:last]
                products.append(conv._conv_forward(x, kernels.view(conv.weight.shape), None))
            expected = expected + torch.stack(products).median(0).values
    chip = chips.chip(1)
    assert torch.allclose(chip(x), expected, atol=1e-4)
    assert torch.allclose(chip(x[0]), expected[0], atol=1e-4)  # without a batch


@pytest.mark.parametrize("redundancy", [BestOf(), Voting(combine="mean"), CellMajority()])
def test_a_batch_of_training_sees_a_chip_of_the_weights_as_they_are(redundancy: Redundancy) -> None:
    recipe = Recipe(epochs=1, lr=0.1, momentum=0.0, batch_size=24, weight_decay=0.0)
    recipe = recipe.replace(optimizer="sgd", schedule="constant", seed=5)
    torch.manual_seed(1)
    model, memory = nn.Linear(5, 3), both(redundancy=redundancy)
    inputs, targets = torch.randn(24, 5), torch.arange(24) % 3
    trained = mho.train(model, (inputs, targets), method=NoiseInjection(), memory=memory, recipe=recipe, progress=False)
    weight = deploy(model, memory, seed=derived(5, "training")).weights(0)["weight"][0].requires_grad_()
    nn.functional.cross_entropy(inputs @ weight.T + model.bias.detach(), targets).backward()
    torch.testing.assert_close(trained.weight, model.weight - 0.1 * weight.grad, rtol=0, atol=1e-6)


# ------------------------------------------------------------------------------------------------------- what it costs


@pytest.mark.parametrize("redundancy", [Voting(), Voting(embed=False, planes=2), ECC(data_bits=8), ClosestValue()])
def test_duplicates_and_check_cells_are_written_and_verified_too(redundancy: Redundancy) -> None:
    linear = layer(40, 30, 1, pruned=7)
    scheme = WriteVerify(tolerance=0.06, cycle_seconds=1e-6)
    once = sampler_of(linear, both(redundancy=redundancy))
    layout = once.faulty.layout
    assert once.cost.cells == once.cost.cycles == layout.cells
    verified = sampler_of(linear, both(RRAM1(sigma=0.1), redundancy, programming=scheme))
    p = 1 - math.erfc(0.6 / math.sqrt(2))
    assert verified.cost.cells == layout.cells
    assert verified.cost.cycles == pytest.approx(layout.cells / p, rel=1e-4)
    assert verified.cost.seconds == pytest.approx(1e-6 * layout.cells / p, rel=1e-4)
    assert mho.evaluate(
        deploy(linear, both(RRAM1(sigma=0.1), redundancy, programming=scheme)),
        (torch.randn(4, 30), torch.tensor([0, 1, 2, 3])), n_chips=1, show_progress=False,
    )  # fmt: skip


@pytest.mark.parametrize("unit", ["weight", "cell"])
def test_a_duplicate_is_verified_where_its_original_is(unit: str) -> None:
    linear = layer(10, 12, 1, pruned=3)
    scheme = Selective(ranking="random", fraction=0.3, unit=unit, verify=WriteVerify(tolerance=0.02, max_cycles=2000))
    sampler = sampler_of(linear, both(RRAM1(sigma=0.2), Voting(), programming=scheme))
    layout, cells = sampler.faulty.layout, sampler._cells
    ((read, _),) = sampler._written(0, 3, sampler._levels, sampler._chosen)
    near = ((read - sampler._levels[0]).abs() <= 0.02).float()
    original = cells.gather([near], 0, 7)
    picked = cells.gather([sampler._chosen[0].float()], 0, 7).bool()
    kept = torch.from_numpy(layout.code.read_columns)
    assert 0 < int(picked[:, kept].sum()) < picked[:, kept].numel()
    for copy in (1, 2):
        there = cells.gather([near], copy, 7).bool()
        assert there[picked].all()
        assert not torch.equal(there[:, kept], original[:, kept].bool())  # others are near by chance, each by its own
    chosen = sampler.programmed.chosen.expand(16, 10, 12)
    expected = int(chosen.sum())
    for slot in layout.slots:
        for negative in (0, 8):
            expected += int(chosen[negative + slot.plane, slot.column].sum())
            if slot.host_plane < 8:  # it stands where a bit that is not read would
                expected -= int(chosen[negative + slot.host_plane, slot.host_column].sum())
    assert int(sum((c & mine).sum() for c, mine in zip(sampler._chosen, cells.own, strict=True))) == expected
    assert sampler.cost.verify_cycles < sampler.cost.all_cycles


# -------------------------------------------------------------------------------------------------- what is not there


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: both(RRAM1(sigma=0.1, level_scope="weight")), "describes whole weights; use level_scope='device'"),
        (lambda: both(Racetrack(fault_rate=1e-5)), "slip along tracks; leave redundancy out"),
        (lambda: both(programming=Selective(target_drop=0.01, ranking="magnitude")), "give fraction=, or WriteVerify"),
        (
            lambda: both(redundancy=ECC(), programming=Selective(fraction=0.1, ranking="magnitude")),
            "a check cell of redundancy=ECC belongs to many; use WriteVerify",
        ),
        (lambda: Memory(device=RRAM1(sigma=0.1), redundancy=Voting()), "give mapping=BitPlanes"),
        (
            lambda: Memory(device=SoftBounds()),
            r"device=SoftBounds\(...\) is a cell that learns by pulses.* analog.AGAD\(cell=SoftBounds\(...\)\)",
        ),
        (
            lambda: deploy(nn.Linear(2, 2).eval(), both(redundancy=ECC())).programmed(),
            "Chips.programmed: redundancy=ECC decides what cells of weight are read as",
        ),
        (
            lambda: mho.verify(
                nn.Linear(2, 2).eval(), both(redundancy=ECC(), programming=WriteVerify(tolerance=0.1)), SAMPLES
            ),
            "^verify: memory= has redundancy=ECC, .* leave redundancy= out of it",
        ),
    ],
)
def test_what_does_not_go_together_is_said_in_one_line(make, said: str) -> None:
    with pytest.raises(SpecError, match=said) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_a_layer_of_another_kind_needs_to_say_what_it_computes() -> None:
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.randn(3, 4))

        def forward(self, x):
            return 2 * x @ self.weight.T

    memory_layers.register(Scaled, memory_layers.LayerRule(("weight",), 0, lambda module, shape: (4, 3, 1)))
    arrays.register(Scaled)(lambda module, x, out, votes: out)
    with pytest.raises(ModelError, match="need to know what a Scaled computes with given weights") as caught:
        deploy(Scaled().eval(), both())
    assert "\n" not in str(caught.value)
    arrays.register(Scaled, lambda module, x, weights: 2 * x @ weights.T)(lambda module, x, out, votes: out)
    chips, x = deploy(Scaled().eval(), both(RRAM1(sigma=0.1), Voting(copies=1))), torch.randn(5, 4)
    tensors = chips.weights(0)
    whole = tensors["weight"][0] + tensors["mho_votes"][0].sum((0, 1))
    assert torch.allclose(chips.chip(0)(x), 2 * x @ whole.T, atol=1e-5)
