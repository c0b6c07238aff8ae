"""Whatever cannot be searched is refused in one clear line, of the right class, before any long work."""

from __future__ import annotations

import math

import pytest
import torch
from reference import nets
from torch import nn

from mho.devices import RRAM1
from mho.errors import DataError, MhoError, ModelError, SpecError, UnknownNameError
from mho.evaluation.worst_case import Lagrangian, SignedDescent, worst_case
from mho.memory import Memory, deploy

X, Y = nets.inputs(12, 6), torch.arange(12) % 3


def model() -> nn.Module:
    return nets.seeded(nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3)))


def matrix(outputs, targets):
    return (outputs - 1).square()


def number(outputs, targets):
    return 0.5


def flat(outputs, targets):
    return outputs.argmax(1).float().mean()


def summed(outputs, targets):
    return nn.functional.cross_entropy(outputs, targets, reduction="sum")


def nan(outputs, targets):
    return outputs.mean() * math.nan


ARGUMENTS = [
    ({}, SpecError, "give bound= (largest error of a weight, such as 0.03) or tolerance="),
    ({"bound": 0.1, "tolerance": 0.1}, SpecError, "one of the two"),
    ({"bound": 0}, SpecError, "bound=0 must be more than 0 and at most 1"),
    ({"bound": -0.1}, SpecError, "bound=-0.1 must be more than 0"),
    ({"bound": 3}, SpecError, "bound=3 must be more than 0 and at most 1: a fraction of the full scale, 3 % is 0.03"),
    ({"bound": math.nan}, SpecError, "bound=nan must be"),
    ({"bound": []}, SpecError, "bound is an empty list"),
    ({"bound": [0.1, 0.2, 0.1]}, SpecError, "bound lists a value twice"),
    ({"bound": "0.1"}, SpecError, "bound='0.1' is a str; it takes a number or several"),
    ({"bound": True}, SpecError, "is a bool"),
    ({"tolerance": 0.1}, SpecError, "tolerance= is an error of cells, and a plain model has none"),
    ({"bound": 0.1, "random": -1}, SpecError, "random=-1 must be zero or more"),
    ({"bound": 0.1, "random": 1.5}, SpecError, "random=1.5 is a float"),
    ({"bound": 0.1, "seed": "0"}, SpecError, "seed='0' is a str"),
    ({"bound": 0.1, "images": 0}, SpecError, "images=0 must be one or more"),
    ({"bound": 0.1, "metric": "acuracy"}, UnknownNameError, "did you mean 'accuracy'?"),
    ({"bound": 0.1, "higher_is_better": "no"}, SpecError, "higher_is_better='no' is a str"),
    ({"bound": 0.1, "loss": "hinges"}, SpecError, "loss='hinges': did you mean 'hinge'?"),
    ({"bound": 0.1, "loss": []}, SpecError, "loss is an empty list"),
    ({"bound": 0.1, "loss": "mse"}, ModelError, "mse compares number by number"),
    ({"bound": 0.1, "loss": "hinge", "method": SignedDescent(losses=("hinge",))}, SpecError, "both name the losses"),
    ({"bound": 0.1, "loss": matrix}, SpecError, "loss matrix must return one number, the mean over the samples"),
    ({"bound": 0.1, "loss": number}, SpecError, "loss number must return one number"),
    ({"bound": 0.1, "loss": flat}, SpecError, "loss flat has no gradient"),
    ({"bound": 0.1, "loss": summed}, SpecError, "it must return the mean over the samples"),
    ({"bound": 0.1, "loss": nan}, ModelError, "loss nan became NaN"),
    ({"bound": 0.1, "method": "descent"}, SpecError, "method is a str; it takes SignedDescent(...)"),
    ({"bound": 0.1, "method": SignedDescent}, SpecError, "method is the class SignedDescent"),
    ({"bound": 0.1, "device": "gpu"}, SpecError, "device='gpu' is none that torch knows"),
]


@pytest.mark.parametrize(("options", "error", "says"), ARGUMENTS, ids=[says for *_, says in ARGUMENTS])
def test_arguments(options: dict, error: type, says: str) -> None:
    refuse(lambda: worst_case(model(), (X, Y), **options), error, says)


METHODS = [
    (lambda: SignedDescent(steps=1), "steps=1 must be 2 or more"),
    (lambda: SignedDescent(losses=()), "losses=() is empty"),
    (lambda: SignedDescent(losses=("hing",)), "losses names 'hing': did you mean 'hinge'?"),
    (lambda: SignedDescent(starts=("zeros",)), "starts names 'zeros': did you mean 'zero'?"),
    (lambda: SignedDescent(starts=()), "starts=() is empty"),
    (lambda: SignedDescent(step=0), "step=0 must be more than zero"),
    (lambda: SignedDescent(momentum=1), "momentum=1 must be at least 0 and less than 1"),
    (lambda: Lagrangian(searches=0), "searches=0 must be 1 or more"),
    (lambda: Lagrangian(norm="l1"), "norm='l1'"),
    (lambda: Lagrangian(travel=1), "travel=1 must be more than 1"),
    (lambda: Lagrangian(start=0), "start=0 must be between"),
]


@pytest.mark.parametrize(("make", "says"), METHODS, ids=[says for _, says in METHODS])
def test_methods(make, says: str) -> None:
    refuse(make, SpecError, says)


def test_chips_and_tolerances() -> None:
    chips = deploy(model(), Memory(device=RRAM1(sigma=0.1)))
    refuse(lambda: worst_case(chips, (X, Y), tolerance=3), SpecError, "a fraction of a cell's range, 3 % is 0.03")


class Rounded(nn.Module):
    """A network with an operation between two layers."""

    def __init__(self, operation, at_the_end: bool = False) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(6, 5), nn.Linear(5, 3)
        self.operation, self.at_the_end = operation, at_the_end

    def forward(self, x):
        if self.at_the_end:
            return self.operation(self.last(self.first(x)))
        return self.last(self.operation(self.first(x)))


class Unused(nn.Module):
    """A network with a layer that nothing depends on."""

    def __init__(self) -> None:
        super().__init__()
        self.used, self.unused = nn.Linear(6, 3), nn.Linear(6, 3)

    def forward(self, x):
        return self.used(x)


MODELS = [
    (Rounded(lambda h: (4 * h).round() / 4), "outputs depend on first.weight, but no gradient reaches it"),
    (Rounded(torch.sign), "straight-through gradient, or keep the layer digital"),
    (Rounded(torch.detach), "outputs depend on first.weight, but no gradient reaches it"),
    (Rounded(torch.detach, at_the_end=True), "the outputs of Rounded have no gradient"),
    (nn.Sequential(nn.ReLU(), nn.Flatten()), "Sequential has no weight matrix that a memory would store"),
]


@pytest.mark.parametrize(("made", "says"), MODELS, ids=[says for _, says in MODELS])
def test_models(made: nn.Module, says: str) -> None:
    refuse(lambda: worst_case(nets.seeded(made), (X, Y), bound=0.05), ModelError, says)


def test_a_model_that_does_not_deploy() -> None:
    training = nn.Sequential(nn.Linear(6, 3), nn.BatchNorm1d(3)).train()
    with pytest.raises(ModelError, match="BatchNorm1d is in training mode"):
        worst_case(training, (X, Y), bound=0.05)


def test_straight_through_gradients_and_unused_layers_are_fine() -> None:
    def rounded(h):
        return h + (((4 * h).round() / 4) - h).detach()

    for made in (Rounded(rounded), Unused()):
        worst_case(nets.seeded(made), (X, Y), bound=0.05, random=0, method=SignedDescent(steps=2), show_progress=False)


DATA = [
    ((X[:, :5], Y), ModelError, "does not take samples of data, shape (5,)"),
    ((X, Y + 1), ModelError, "has label 3, but the model has 3 outputs"),
    ((X, Y.float()), DataError, "targets are no class numbers, which accuracy needs; try metric='mse'"),
    ((X[:0], Y[:0]), DataError, "the data set is empty"),
    (X, DataError, "data is a Tensor"),
    (None, DataError, "data is a NoneType"),
]


@pytest.mark.parametrize(("data", "error", "says"), DATA, ids=[says for *_, says in DATA])
def test_data(data, error: type, says: str) -> None:
    refuse(lambda: worst_case(model(), data, bound=0.1), error, says)
    refuse(lambda: worst_case(model(), (X, Y), test=(X, Y + 1), bound=0.1), ModelError, "has label 3")


def test_no_model() -> None:
    refuse(lambda: worst_case("lenet", (X, Y), bound=0.1), SpecError, "takes chips or a torch.nn.Module, not a str")


def refuse(call, error: type[MhoError], says: str) -> None:
    with pytest.raises(MhoError) as raised:
        call()
    assert isinstance(raised.value, error), raised.value
    assert says in str(raised.value)
    assert "\n" not in str(raised.value)
