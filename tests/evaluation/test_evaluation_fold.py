"""Folding BatchNorm changes the cost of a chip and not its outputs; what cannot be folded safely is left alone."""

from __future__ import annotations

import pytest
import torch
from reference import loop, nets
from torch import Tensor, nn

import mho
from mho.devices import RRAM1
from mho.evaluation.fold import fold_batchnorm
from mho.evaluation.forward import call
from mho.memory import Memory, deploy

MEMORY = Memory(device=RRAM1(sigma=0.2))


class Base(nn.Module):
    """conv-BN and a head; subclasses do something awkward in between."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.bn, self.head = nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 3)

    def tail(self, x: Tensor) -> Tensor:
        return self.head(torch.relu(x).mean((2, 3)))

    def forward(self, x: Tensor) -> Tensor:
        return self.tail(self.bn(self.conv(x)))


class Unused(Base):
    def __init__(self) -> None:
        super().__init__()
        self.spare = nn.Sequential(nn.Conv2d(2, 2, 1), nn.BatchNorm2d(2))


class Branch(Base):
    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        return self.tail(self.bn(x) + x)


class SharedConv(Base):
    def __init__(self) -> None:
        super().__init__()
        self.bn2 = nn.BatchNorm2d(4)

    def forward(self, x: Tensor) -> Tensor:
        return self.tail(self.bn(self.conv(x)) - self.bn2(self.conv(-x)))


class OneOfThree(SharedConv):
    """The first norm folds; beside it a branch and a layer that is called twice do not spoil it, nor are spoilt."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.bn1 = nn.Conv2d(2, 2, 3, padding=1), nn.BatchNorm2d(2)
        self.branch, self.bn3 = nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.bn1(self.first(x)))
        side = self.branch(x)
        return self.tail(self.bn(self.conv(x)) - self.bn2(self.conv(-x)) + self.bn3(side) * side)


class SharedNorm(Base):
    def __init__(self) -> None:
        super().__init__()
        self.other = nn.Conv2d(2, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.tail(self.bn(self.conv(x)) - self.bn(self.other(x)))


class Twins(Base):
    """One module under two names."""

    def __init__(self) -> None:
        super().__init__()
        self.alias = self.conv

    def forward(self, x: Tensor) -> Tensor:
        return self.tail(self.bn(self.alias(x)) + self.conv(x))


class WeightElsewhere(Base):
    """The weight is read beside the layer."""

    def forward(self, x: Tensor) -> Tensor:
        return self.tail(self.bn(self.conv(x)) * self.conv.weight.mean())


class OptionalArgument(Base):
    def forward(self, x: Tensor, scale: Tensor | None = None) -> Tensor:
        x = self.bn(self.conv(x))
        return self.tail(x if scale is None else x * scale)


class AsksForItsType(Base):
    """Symbols are no tensors: a trace takes the other branch without an error."""

    def forward(self, x: Tensor) -> Tensor:
        x = self.bn(self.conv(x))
        return self.tail(x if isinstance(x, Tensor) else x * 2)


class DataDependent(Base):
    def forward(self, x: Tensor) -> Tensor:
        x = self.bn(self.conv(x))
        return self.tail(x if x.sum() > 0 else -x)


class Lengths(Base):
    def forward(self, x: Tensor) -> Tensor:
        return self.tail(self.bn(self.conv(x))).view(len(x), -1)


class Wider(nn.Conv2d):
    """Something else than a convolution."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) ** 2


class Squared(Base):
    def __init__(self) -> None:
        super().__init__()
        self.conv = Wider(2, 4, 3)


CASES = [  # model, how many norms fold
    (Base, 1),
    (nets.convnet, 3),
    (nets.Residual, 0),
    (Unused, 1),
    (Branch, 0),
    (SharedConv, 0),
    (OneOfThree, 1),
    (SharedNorm, 0),
    (Twins, 0),
    (WeightElsewhere, 0),
    (OptionalArgument, 0),
    (AsksForItsType, 0),
    (DataDependent, 0),
    (Lengths, 0),
    (Squared, 0),
]


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(("make", "folds"), CASES, ids=lambda v: getattr(v, "__name__", ""))
def test_folded_is_unfolded(make, folds: int) -> None:
    """Outputs to 1e-5 of their size, with weights that were never the folded model's own."""
    model, x = nets.seeded(make()), nets.inputs(20, 2, 8, 8)
    for p in model.parameters():
        p.requires_grad_(False)
    state = {n: t.clone() for n, t in model.state_dict().items()}
    folded, gains = fold_batchnorm(model, x[:1])
    assert len(gains) == folds
    assert (folded is model) == (folds == 0)
    assert all(torch.equal(t, state[n]) for n, t in model.state_dict().items()), "the model passed in stays"
    weights = deploy(model, MEMORY).weights(3)
    with torch.no_grad():
        wanted = call(model, x, {n: w[0] for n, w in weights.items()})
        got = call(folded, x, {n: w[0] * gains.get(n, 1) for n, w in weights.items()})
    assert torch.allclose(got, wanted, atol=1e-5 * float(wanted.abs().max()), rtol=1e-5)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("make", [c[0] for c in CASES], ids=lambda m: m.__name__)
@pytest.mark.parametrize("rules", ["all", "head only", "conv only"])
def test_evaluate_folds_stored_and_digital_weights_alike(make, rules: str) -> None:
    """A gain belongs to a sampled weight or, where the layer stays digital, to the weight itself; never to both."""
    model, x = nets.seeded(make()), nets.inputs(60, 2, 8, 8)
    *_, last = [n for n, m in model.named_modules() if isinstance(m, nn.Linear)]
    with torch.no_grad():
        y = model(x).argmax(1)
    chosen = {"all": {"*": MEMORY}, "head only": {last: MEMORY, "*": None}, "conv only": {last: None, "*": MEMORY}}
    chips = deploy(model, chosen[rules])
    wanted = [loop.accuracy(chips, i, x, y) for i in range(3)]
    assert mho.evaluate(chips, (x, y), n_chips=3).values[0, 0].tolist() == wanted


def test_what_has_nothing_to_fold_is_returned_as_it_is() -> None:
    x = nets.inputs(2, 2, 8, 8)
    for model in (nn.Linear(2, 2).eval(), nets.seeded(nets.convnet()).train()):
        folded, gains = fold_batchnorm(model, x)
        assert folded is model
        assert gains == {}


def test_falling_back_is_silent(capfd: pytest.CaptureFixture[str]) -> None:
    for make in (OptionalArgument, AsksForItsType, DataDependent):
        fold_batchnorm(nets.seeded(make()), nets.inputs(1, 2, 8, 8))
    assert capfd.readouterr() == ("", "")
