"""Converted models in torch: modes, copies, neighbours, unused layers, and writes past the arrays."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mho import analog
from mho.analog.tiles import tiles_of
from mho.errors import ModelError, UnknownNameError

EXACT = analog.FloatingPoint()
PULSED = analog.InMemorySGD()
NOISY = analog.Peripherals(output_noise=0.1, noise_management="none")


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def net() -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3))


class Partly(nn.Module):
    """One layer of two is used."""

    def __init__(self) -> None:
        super().__init__()
        self.used, self.other = nn.Linear(4, 3), nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.used(x)
        return out


class Twice(nn.Module):
    """A layer that is used twice."""

    def __init__(self) -> None:
        super().__init__()
        self.shared = nn.Linear(4, 4, bias=False)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.shared(x), self.shared(x)


def step(model: nn.Module, optimizer: torch.optim.Optimizer, x: Tensor) -> None:
    optimizer.zero_grad()
    out = model(x)
    (out[0] if isinstance(out, tuple) else out).square().sum().backward()
    optimizer.step()


def after_a_step(model: nn.Module, **options: Any) -> nn.Module:
    model = analog.convert(model, PULSED, **options)
    step(model, analog.SGD(model, lr=0.1), normal(8, 4))
    return model


@pytest.mark.parametrize("peripherals", [None, analog.Peripherals(output_noise=1e-9)])
def test_arrays_learn_in_evaluation_mode_as_in_training_mode(peripherals: Any) -> None:
    models = [analog.convert(net(), EXACT, peripherals=peripherals) for _ in range(2)]
    for model, training in zip(models, (True, False), strict=True):
        optimizer = analog.SGD(model, lr=0.1)
        step(model.train(training), optimizer, normal(8, 4))
    for one, two, first in zip(models[0].parameters(), models[1].parameters(), net().parameters(), strict=True):
        torch.testing.assert_close(one, two)
        assert not torch.allclose(one, first)


def test_weights_put_in_for_a_moment_are_not_what_arrays_learn() -> None:
    model = analog.convert(net(), EXACT).eval()
    analog.SGD(model, lr=0.1)
    other = {"0.weight": normal(5, 4).requires_grad_(), "2.weight": normal(3, 5)}
    torch.func.functional_call(model, other, (normal(2, 4),)).sum().backward()
    assert other["0.weight"].grad is not None
    assert not any(layer.waiting() for layer in model if isinstance(layer, analog.layers.AnalogLayer))


def test_two_converted_models_in_one_keep_their_rows() -> None:
    pair = nn.ModuleList([analog.convert(net(), PULSED), analog.convert(net(), PULSED, chip=1)])
    assert list(tiles_of(pair)) == ["0.0.weight", "0.2.weight", "1.0.weight", "1.2.weight"]
    optimizer = analog.SGD(pair, lr=0.1)
    (pair[0](normal(8, 4)) + pair[1](normal(8, 4))).square().sum().backward()
    optimizer.step()
    assert len(analog.wear(pair).arrays) == len(analog.cost(pair).tiles) == len(analog.retention(pair).tiles) == 4


def test_tiles_without_a_layer_keep_their_names() -> None:
    one, two = (analog.Tile(EXACT, (2, 2), name="a", seed=i) for i in range(2))
    assert list(tiles_of(one)) == ["a"]
    assert list(tiles_of(nn.ModuleDict({"x": one, "y": two}))) == ["a", "y"]
    attention = analog.convert(nn.MultiheadAttention(4, 2), EXACT)
    assert set(tiles_of(attention)) == {*(f"in_proj_weight.{i}" for i in range(3)), "out_proj.weight"}


def test_layers_out_of_use_are_left_out_and_named() -> None:
    frozen = net()
    frozen[0].weight.requires_grad_(False)
    for model, idle in ((Partly(), "other.weight"), (frozen, "0.weight")):
        trained = after_a_step(model)
        found = analog.wear(trained)
        assert (found.samples, found.idle) == (8, (idle,))
        assert idle not in {one.tile for one in found.arrays}
        costs = analog.cost(trained)
        assert (costs[idle].seconds, len(costs.tiles)) == (0, 2)
        for result in (found, costs, analog.retention(trained)):
            assert f"Never updated (frozen, or not in use): {idle}" in str(result)


WRITES: list[Callable[[Any], Any]] = [
    lambda model: model.load_state_dict({k: v + 1 for k, v in net().state_dict().items()}, strict=False),
    lambda model: nn.init.zeros_(model[0].weight),
    lambda model: model[0].weight.data.mul_(2),
]


@pytest.mark.parametrize("write", WRITES)
def test_a_parameter_changed_past_its_array_is_seen(write: Callable[[Any], Any]) -> None:
    model = analog.convert(net(), EXACT)
    optimizer, x = analog.SGD(model, lr=0.1), normal(8, 4)
    step(model, optimizer, x)
    write(model)
    bias = model[0].bias.clone()
    for call in (lambda: step(model, optimizer, x), lambda: analog.extract(model)):
        with pytest.raises(ModelError, match=r"^0.weight: .* changed past them; layer.program\(\) writes") as said:
            call()
        assert "\n" not in str(said.value)
    assert torch.equal(model[0].bias, bias), "nothing moves"
    twin = copy.deepcopy(model)
    for layer in (model[0], model[2]):
        layer.program()
    assert torch.allclose(analog.extract(model)[0].weight, twin[0].weight)
    for layer in (twin[0], twin[2]):
        layer.refresh()
    assert not torch.allclose(analog.extract(twin)[0].weight, model[0].weight)
    step(model, optimizer, x)


@pytest.mark.parametrize("way", [copy.deepcopy, lambda pair: pickle.loads(pickle.dumps(pair))])
def test_a_copied_pair_of_model_and_optimizer_belongs_together(way: Callable[[Any], Any]) -> None:
    model = analog.convert(net(), PULSED)
    optimizer = analog.SGD(model, lr=0.1, momentum=0.9)
    step(model, optimizer, normal(8, 4))
    twin, other = way((model, optimizer))
    before = copy.deepcopy(model.state_dict())
    step(twin, other, normal(8, 4, seed=1))
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    step(model, optimizer, normal(8, 4, seed=1))
    assert all(torch.equal(v, model.state_dict()[k]) for k, v in twin.state_dict().items())
    other.load_state_dict(optimizer.state_dict())
    step(twin, other, normal(8, 4))


def test_reads_of_one_call_differ_and_calls_repeat_themselves() -> None:
    shared, x = analog.convert(Twice(), EXACT, peripherals=NOISY).eval(), normal(3, 4)
    one, two = shared(x)
    assert not torch.isclose(one, two).any()
    for again in (shared(x), copy.deepcopy(shared)(x), torch.func.functional_call(shared, {}, (x,))):
        assert torch.equal(torch.stack(again), torch.stack((one, two)))
    assert torch.equal(shared.shared(x), one), "a layer called alone is a call of its own"
    with pytest.raises(RuntimeError):
        shared(normal(3, 5))
    assert torch.equal(shared.shared(x), one), "a call that failed has ended"
    recurrent = analog.convert(nn.RNN(2, 3, bias=False), EXACT, peripherals=NOISY).eval()
    recurrent.weight_ih_l0.zero_()
    recurrent.weight_hh_l0.zero_()
    with torch.no_grad():
        steps = recurrent(torch.zeros(6, 1, 2))[0]
        assert len(steps.unique(dim=0)) == 6
        assert torch.equal(recurrent(torch.zeros(6, 1, 2))[0], steps)
    plain = analog.extract(analog.convert(net(), EXACT, peripherals=NOISY))
    assert not any(module._forward_pre_hooks or module._forward_hooks for module in plain.modules())


SAID: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: LAYER.program(weight=torch.full((3, 4), torch.nan)), ModelError, "weight: a weight is NaN or infinite"),
    (lambda: LAYER.program(weight=torch.zeros(4, 3)), ModelError, r"shape \(4, 3\); its arrays take \(3, 4\)"),
    (lambda: LAYER.program(weight=[1.0]), ModelError, "list is no tensor"),
    (lambda: LAYER.program(bias=torch.zeros(3)), UnknownNameError, "unknown parameter on arrays 'bias'"),
    (lambda: analog.extract(3), ModelError, "model=3 is no torch.nn.Module"),
    (lambda: analog.wear(3), ModelError, "3 is no torch.nn.Module"),
    (lambda: analog.retention(3), ModelError, "3 is no torch.nn.Module"),
    (lambda: analog.wear(analog.Tile(EXACT, (3, 4))), ModelError, "no tile has cells that wear out: FloatingPoint"),
]
LAYER: Any = analog.convert(nn.Linear(4, 3), PULSED)


@pytest.mark.parametrize(("call", "error", "line"), SAID)
def test_what_cannot_be_is_one_line(call: Callable[[], Any], error: type[Exception], line: str) -> None:
    with pytest.raises(error, match=line) as said:
        call()
    assert "\n" not in str(said.value)
