"""Training for stuck cells: on a fresh chip in every mini-batch, and on the one chip there is."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import mho
from mho import data
from mho.devices import StuckAt
from mho.errors import SpecError
from mho.mapping import BitPlanes
from mho.memory import Memory, deploy
from mho.memory.redundancy import ECC, BestOf, CellMajority, ClosestValue, Redundancy, Remapping, Voting
from mho.training import NoiseInjection, Recipe, in_situ
from mho.training.run import derived

PLANES = BitPlanes(flip="none")


def on(rate: float, redundancy: Redundancy | None = None) -> Memory:
    return Memory(device=StuckAt.at_rate(rate), mapping=PLANES, redundancy=redundancy)


def small(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))


@pytest.fixture(scope="module")
def digits() -> tuple[data.Dataset, data.Dataset]:
    return data.digits(split="train", size=8), data.digits(size=8)


def points() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    targets = torch.arange(24) % 3
    return torch.randn(24, 5, generator=generator) + targets.view(-1, 1), targets


METHODS = (None, CellMajority(), BestOf(), Remapping(), ClosestValue(), ECC(data_bits=4))


@pytest.mark.parametrize("redundancy", METHODS, ids=lambda r: type(r).__name__)
def test_every_batch_sees_a_chip_of_the_weights_as_they_are(redundancy: Redundancy | None) -> None:
    memory, recipe = on(0.05, redundancy), Recipe(epochs=1, lr=0.1, momentum=0.0, batch_size=24, weight_decay=0.0)
    recipe = recipe.replace(optimizer="sgd", schedule="constant", seed=5)
    torch.manual_seed(1)
    model = nn.Linear(5, 3)
    inputs, targets = points()
    trained = mho.train(model, (inputs, targets), method=NoiseInjection(), memory=memory, recipe=recipe, progress=False)
    weight = deploy(model, memory, seed=derived(5, "training")).weights(0)["weight"][0].requires_grad_()
    bias = model.bias.detach().clone().requires_grad_()
    nn.functional.cross_entropy(inputs @ weight.T + bias, targets).backward()
    torch.testing.assert_close(trained.weight, model.weight - 0.1 * weight.grad, rtol=0, atol=1e-6)
    torch.testing.assert_close(trained.bias, model.bias - 0.1 * bias.grad, rtol=0, atol=1e-6)


def test_a_network_trained_on_faulty_chips_bears_faults_better(digits) -> None:
    train, test = digits
    recipe, rate = Recipe(epochs=10, lr=1e-2, optimizer="adam", batch_size=64), 0.1
    plain = mho.train(small(), train, recipe=recipe, progress=False)
    aware = mho.train(small(), train, method=NoiseInjection(), memory=on(rate), recipe=recipe, progress=False)
    found = [mho.evaluate(deploy(model, on(rate)), test, n_chips=20) for model in (plain, aware)]
    assert found[1].values.mean() > found[0].values.mean() + 0.03


def test_a_chip_learns_to_live_with_its_own_faults(digits) -> None:
    train, test = digits
    model = mho.train(small(), train, recipe=Recipe(epochs=8, lr=2e-3, optimizer="adam"), progress=False)
    chips = deploy(model, on(0.1), seed=7)
    found = in_situ(chips, train, test, iterations=60, every=60, n_chips=3, lr=1e-2, progress=False)
    # It starts as the chip that is deployed, and its stuck cells stay where they are.
    assert found.values[:, 0].tolist() == mho.evaluate(chips, test, n_chips=3).values.ravel().tolist()
    assert found.values[:, -1].mean() > found.values[:, 0].mean() + 0.05


@pytest.mark.parametrize("redundancy", METHODS[1:], ids=lambda r: type(r).__name__)
def test_a_chip_with_redundancy_learns_too(digits, redundancy: Redundancy) -> None:
    train, test = digits
    chips = deploy(small(), on(0.05, redundancy), seed=7)
    found = in_situ(chips, train, test, iterations=20, every=20, n_chips=2, lr=0.02, progress=False)
    assert found.values[:, 0].tolist() == mho.evaluate(chips, test, n_chips=2).values.ravel().tolist()
    assert found.values[:, -1].mean() > found.values[:, 0].mean() + 0.2


def test_what_is_voted_on_cannot_be_trained_on(digits) -> None:
    train, test = digits
    with pytest.raises(SpecError, match="votes are taken on outputs"):
        in_situ(deploy(small(), on(0.05, Voting())), train, test, iterations=1, n_chips=1, progress=False)
    with pytest.raises(SpecError, match="votes are taken on outputs"):
        mho.train(small(), train, method=NoiseInjection(), memory=on(0.05, Voting()), progress=False)


def test_cells_that_vary_too_are_other_cells_after_every_write() -> None:
    """With redundancy too, a write draws anew and defects stay."""
    from mho import deploy
    from mho.devices import RRAM1, Stack, StuckAt
    from mho.mapping import BitPlanes
    from mho.memory import Memory
    from mho.memory.redundancy import CellMajority, Remapping
    from mho.training.rewriting import Cells

    torch.manual_seed(0)
    net = torch.nn.Linear(12, 6)
    both = Stack(stages=(RRAM1(sigma=0.1), StuckAt.at_rate(0.05)))
    for redundancy, varies in ((Remapping(), True), (CellMajority(), False)):
        chips = deploy(net, Memory(device=both, mapping=BitPlanes(), redundancy=redundancy))
        cells = Cells(chips, None, 3)
        first, second, again = (cells.write(cycle)["weight"] for cycle in (1, 2, 2))
        assert torch.equal(first, chips.weights(3)["weight"][0])
        assert torch.equal(second, again)
        # A bit that is read by itself is right at this sigma, whatever the write, unless it is stuck.
        assert torch.equal(first, second) != varies
