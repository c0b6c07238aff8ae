"""Adversarial weights: the search stays in its box, makes things worse, and leaves no trace."""

from __future__ import annotations

import pytest
import torch
from reference import teaching
from torch import Tensor, nn

from mho import data, training, zoo
from mho.training import AdversarialWeights, Recipe
from mho.training.run import Batch, Run


def seeded(n: int) -> torch.Generator:
    return torch.Generator().manual_seed(n)


def points(n: int = 23) -> tuple[Tensor, Tensor]:
    targets = torch.arange(n) % 3
    return torch.randn(n, 5, generator=seeded(0)) + targets.view(-1, 1), targets


def linear() -> nn.Linear:
    model = nn.Linear(5, 3)
    for p in model.parameters():
        p.data = torch.randn(p.shape, generator=seeded(1))
    return model


def digits_batch(step: int = 0, n: int = 128) -> Batch:
    samples = data.digits(split="train", size=8)
    model = training.train(
        zoo.build("mlp", inputs=64, hidden=[32]), samples, recipe=Recipe(epochs=3, batch_size=32, lr=5e-3)
    ).train()
    return Batch(Run(model, Recipe(seed=3), classifies=True), samples.inputs[:n], samples.targets[:n], step, 0)


@pytest.mark.parametrize("clean_weight", [0.0, 1.0, 0.5])
@pytest.mark.parametrize("start", ["zero", "random"])
def test_the_gradient_is_that_of_the_attacked_weights_and_of_the_clean_ones(start: str, clean_weight: float) -> None:
    inputs, targets = points()
    model, bound = linear(), 0.1
    recipe = Recipe(epochs=2, batch_size=8, optimizer="sgd", lr=0.3, momentum=0.5, schedule="constant", seed=5)
    method = AdversarialWeights(bound=bound, steps=3, step_size=0.04, start=start, clean_weight=clean_weight)

    def worst(step: int, weight: Tensor, bias: Tensor, part: list[int]) -> Tensor:
        most = bound * max(abs(float(w)) for w in weight.flatten())
        run = Run(linear(), recipe, classifies=True)
        uniform = Batch(run, inputs, targets, step, 0).draws("weight").bits("attack")[0].double() / 2**31 - 1
        begin = most * uniform if start == "random" else torch.zeros(3, 5)
        return weight + teaching.searched(weight, bias, inputs[part], targets[part], begin, most, most * 0.4, 3)

    trained = training.train(model, (inputs, targets), method=method, recipe=recipe)
    weight, bias = teaching.taught(
        model.weight.detach(),
        model.bias.detach(),
        inputs,
        targets,
        teaching.batches(23, 8, 2, 5),
        worst,
        lr=0.3,
        momentum=0.5,
        clean=clean_weight,
    )
    torch.testing.assert_close(trained.weight.double(), weight, rtol=0, atol=2e-5)
    torch.testing.assert_close(trained.bias.double(), bias, rtol=0, atol=2e-5)


@pytest.mark.parametrize("objective", ["loss", "hinge"])
@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("start", ["zero", "random"])
def test_the_search_stays_in_its_box_exactly_and_finds_what_chance_does_not(start, steps, objective) -> None:
    batch = digits_batch()
    method = AdversarialWeights(bound=0.03, steps=steps, objective=objective, start=start)
    found = method.search(batch)
    assert set(found) == set(batch.run.stored) != set()
    for name, attacked in found.items():
        clean = batch.run.stored[name].detach()
        most = 0.03 * clean.abs().max()
        assert bool((attacked <= clean + most).all())
        assert bool((attacked >= clean - most).all())
        assert not attacked.requires_grad
        # It goes to the walls of the box, not just into it.
        assert float(((attacked - clean).abs() >= 0.99 * most).float().mean()) > 0.5
    with torch.no_grad():
        loss = float(batch.loss(batch.forward(found)))
        by_chance = []
        for seed in range(20):
            drawn = {}
            for name, parameter in batch.run.stored.items():
                most = 0.03 * parameter.abs().max()
                sign = torch.randint(0, 2, parameter.shape, generator=seeded(seed)) * 2 - 1
                drawn[name] = parameter.detach() + most * sign
            by_chance.append(float(batch.loss(batch.forward(drawn))))
    assert loss > max(by_chance) + 0.05, "even the corners of the box, drawn at random, are far less harmful"


def test_the_search_is_addressed() -> None:
    method, batch = AdversarialWeights(bound=0.05, steps=1, step_size=0.01), digits_batch()
    first, again = method.search(batch), method.search(batch)
    later = method.search(Batch(batch.run, batch.inputs, batch.targets, 1, 0))
    name = next(iter(first))
    assert torch.equal(first[name], again[name])
    assert not torch.equal(first[name], later[name])


def test_the_search_leaves_no_trace_in_the_network() -> None:
    model = nn.Sequential(linear(), nn.BatchNorm1d(3), nn.Dropout(0.5), nn.Linear(3, 3))
    model.train()
    model[1].eval()  # the user's own choice survives too
    run = Run(model, Recipe(), classifies=True)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = torch.random.get_rng_state()
    AdversarialWeights(bound=0.1).search(Batch(run, *points(), 0, 0))
    assert torch.equal(torch.random.get_rng_state(), state), "nothing was dropped"
    assert [m.training for m in model.modules()] == [True, True, False, True, True]
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())


def test_a_network_taught_by_the_worst_bears_it() -> None:
    samples, recipe = data.digits(split="train", size=8), Recipe(epochs=5, batch_size=32, lr=5e-3)
    test, method = data.digits(size=8), AdversarialWeights(bound=0.05)
    start = zoo.build("mlp", inputs=64, hidden=[32])
    losses = []
    for how in (None, method):
        trained = training.train(start, samples, method=how, recipe=recipe)
        batch = Batch(Run(trained, recipe, classifies=True), test.inputs, test.targets, 0, 0)
        attacked = AdversarialWeights(bound=0.05, steps=10).search(batch)
        with torch.no_grad():
            losses.append(float(batch.loss(batch.forward(attacked))))
    assert losses[1] < 0.7 * losses[0]


def test_the_same_seed_gives_the_same_weights() -> None:
    recipe, method = Recipe(epochs=1, batch_size=8), AdversarialWeights(bound=0.1, objective="hinge")
    first, again, other = (
        training.train(linear(), points(), method=method, recipe=recipe.replace(seed=s)).weight for s in (0, 0, 1)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_hinge_leaves_alone_what_is_wrong_already() -> None:
    model = linear()
    run = Run(model, Recipe(), classifies=True)
    inputs, _ = points()
    with torch.no_grad():
        wrong = model(inputs).argmin(1)
    method = AdversarialWeights(bound=0.1, objective="hinge", start="zero")
    assert torch.equal(method.search(Batch(run, inputs, wrong, 0, 0))["weight"], model.weight)


def test_on_a_chip_recurrent_layers_drop_nothing() -> None:
    """They stay in training mode, as cuDNN wants it; their dropout does not."""

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm, self.fc = nn.LSTM(4, 4, num_layers=2, dropout=0.5, batch_first=True), nn.Linear(4, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.fc(self.lstm(x)[0][:, -1])

    model, x = Net().train(), torch.ones(5, 6, 4)
    run = Run(model, Recipe(), classifies=True)
    with run.as_on_chip():
        assert torch.equal(run.forward(x), run.forward(x))
    assert model.lstm.dropout == 0.5
    assert not torch.equal(run.forward(x), run.forward(x))
