"""Statistics of batch norms, measured anew."""

from __future__ import annotations

import pytest
import torch
from reference import correcting, nets
from torch import Tensor, nn

from mho import devices, zoo
from mho.data import Dataset
from mho.errors import DataError, MhoError, ModelError, SpecError
from mho.memory import Memory, deploy
from mho.training.norms import refresh_norms
from mho.training.run import DRAWS, derived

MEMORY = Memory(device=devices.RRAM1(sigma=0.3))


def images(n: int = 50) -> Dataset:
    inputs = nets.inputs(n, 2, 8, 8) * torch.linspace(0.5, 2, n).view(-1, 1, 1, 1)  # sorted: order would matter
    return Dataset(inputs=inputs, targets=torch.arange(n) % 3, classes=3)


def network() -> nn.Module:
    """Two norms, the second of which sees what the first has normalised, and dropout, which would change both."""
    layers = nn.Sequential(
        nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.5),
        nn.Flatten(), nn.Linear(144, 5), nn.BatchNorm1d(5, momentum=0.3), nn.Linear(5, 3),
    )  # fmt: skip
    return nets.seeded(layers)


def batches(data: Dataset, size: int, seed: int = 0) -> list[Tensor]:
    order = torch.randperm(len(data), generator=torch.Generator().manual_seed(seed))
    return [data.inputs[part] for part in order.split(size) if len(part) > 1]


def by_hand(model: nn.Module, parts: list[Tensor], weights: list[dict[str, Tensor]] | None = None) -> list[Tensor]:
    """Means and variances of both norms: the second's inputs are made with the batch statistics of the first."""
    first, second = [], []
    for number, x in enumerate(parts):
        w = {n: p.detach() for n, p in model.named_parameters()} | ({} if weights is None else weights[number])
        y = nn.functional.conv2d(x, w["0.weight"], w["0.bias"])
        first.append(y)
        mean, var = y.mean((0, 2, 3), keepdim=True), y.var((0, 2, 3), keepdim=True, unbiased=False)
        z = (y - mean) / (var + 1e-5).sqrt() * w["1.weight"].view(1, -1, 1, 1) + w["1.bias"].view(1, -1, 1, 1)
        second.append(z.relu().flatten(1) @ w["5.weight"].T + w["5.bias"])
    return [*correcting.statistics(first), *correcting.statistics(second)]


def measured(model: nn.Module) -> list[Tensor]:
    return [model[1].running_mean, model[1].running_var, model[6].running_mean, model[6].running_var]


@pytest.mark.parametrize("size", [50, 16, 7])
def test_the_statistics_are_those_of_the_batches_every_sample_counted_once(size: int) -> None:
    model, data = network(), images()
    before = {name: p.clone() for name, p in model.named_parameters()}
    out = refresh_norms(model, data, batch_size=size)
    assert out is model
    for found, expected in zip(measured(model), by_hand(model, batches(data, size)), strict=True):
        torch.testing.assert_close(found.double(), expected, rtol=1e-4, atol=1e-5)
    assert all(torch.equal(p, before[name]) for name, p in model.named_parameters())
    assert (model[1].momentum, model[6].momentum) == (0.1, 0.3)


def test_with_a_memory_every_batch_sees_a_chip() -> None:
    model, data = network(), images()
    chips = deploy(model, MEMORY, seed=derived(4, "training"))
    parts = batches(data, 16, seed=4)
    weights = [{n: w[0] for n, w in chips.weights(step * DRAWS).items()} for step in range(len(parts))]
    refresh_norms(model, data, memory=MEMORY, batch_size=16, seed=4)
    for found, expected in zip(measured(model), by_hand(model, parts, weights), strict=True):
        torch.testing.assert_close(found.double(), expected, rtol=1e-3, atol=1e-4)


def test_again_gives_the_same_and_modes_stay() -> None:
    model, data = network(), images(33)
    model.train()
    model[1].eval()
    state = torch.random.get_rng_state()
    refresh_norms(model, data, batch_size=16)  # leaves out a last batch of one
    first = [t.clone() for t in measured(model)]
    refresh_norms(model, data, batch_size=16)
    assert all(torch.equal(a, b) for a, b in zip(first, measured(model), strict=True))
    assert torch.equal(torch.random.get_rng_state(), state)
    assert [m.training for m in model] == [True, False, True, True, True, True, True, True]


def test_named_inputs() -> None:
    class Sum(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm, self.head = nn.BatchNorm1d(3), nn.Linear(3, 2)

        def forward(self, a: Tensor, b: Tensor) -> Tensor:
            return self.head(self.norm(a - b))

    a, b = nets.inputs(40, 3, seed=1), nets.inputs(40, 3, seed=2)
    model = refresh_norms(Sum(), ({"a": a, "b": b}, torch.arange(40) % 2))
    mean, variance = correcting.statistics([a - b])
    torch.testing.assert_close(model.norm.running_mean.double(), mean, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(model.norm.running_var.double(), variance, rtol=1e-5, atol=1e-6)


def test_what_keeps_no_statistics_is_left_alone() -> None:
    plain = zoo.build("lenet", image_size=8, classes=3)
    state = {n: t.clone() for n, t in plain.state_dict().items()}
    assert refresh_norms(plain, "nothing is looked at") is plain
    assert all(torch.equal(t, state[n]) for n, t in plain.state_dict().items())
    assert plain.training
    batchwise = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(128, track_running_stats=False), nn.Linear(128, 3))
    assert refresh_norms(batchwise, images())[1].running_mean is None


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: refresh_norms(network(), images(), batch_size=1), SpecError, "batch_size=1 must be at least 2"),
        (lambda: refresh_norms(network(), images(), batch_size=True), SpecError, "batch_size=True"),
        (lambda: refresh_norms("vgg8", images()), ModelError, "model='vgg8' is no torch.nn.Module"),
        (lambda: refresh_norms(network(), (torch.zeros(8, 3), torch.arange(8) % 3)), ModelError, "does not take"),
        (lambda: refresh_norms(network(), "digits"), DataError, "data is a str"),
        (lambda: refresh_norms(network(), images(), memory={"fc9": MEMORY}), MhoError, "rule 'fc9' matches no layer"),
    ],
)
def test_bad_requests_are_one_line(make, error: type[MhoError], words: str) -> None:
    with pytest.raises(error) as caught:
        make()
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
