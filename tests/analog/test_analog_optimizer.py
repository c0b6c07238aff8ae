"""The optimiser: what reaches the arrays, in which order, what is forgotten and what is refused."""

from __future__ import annotations

import copy
import gc
import warnings
import weakref
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from mho.analog.agad import AGAD
from mho.analog.bank import Bank
from mho.analog.conversion import convert
from mho.analog.floating import FloatingPoint
from mho.analog.layers import AnalogLayer
from mho.analog.optimizer import SGD
from mho.analog.tile import Tile
from mho.errors import ModelError, SpecError

EXACT = FloatingPoint()


def normal(*shape: int, seed: int = 3) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def net() -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3))


def waiting(model: nn.Module) -> int:
    return sum(len(m._passes) for m in model.modules() if isinstance(m, Bank))


@pytest.mark.parametrize(
    "options",
    [{}, {"momentum": 0.9}, {"weight_decay": 0.1}, {"momentum": 0.9, "nesterov": True, "weight_decay": 0.01}],
)
def test_digital_parameters_move_as_with_torch(options: dict[str, Any]) -> None:
    analog = convert(net(), {"0": EXACT})
    plain = net()
    groups = [{"params": [plain[0].weight], "momentum": 0, "weight_decay": 0, "nesterov": False}]
    digital = [p for p in plain.parameters() if p is not plain[0].weight]
    optimizers = torch.optim.SGD([*groups, {"params": digital}], lr=0.1, **options), SGD(analog, lr=0.1, **options)
    for step in range(3):
        for model, optimizer in zip((plain, analog), optimizers, strict=True):
            optimizer.zero_grad()
            model(normal(6, 4, seed=step)).square().mean().backward()
            optimizer.step()
    for name, weight in plain.named_parameters():
        torch.testing.assert_close(analog.get_parameter(name), weight, rtol=1e-5, atol=1e-6, check_stride=False)


def seen_by(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Tensor, Tensor, float]]:
    calls: list[tuple[str, Tensor, Tensor, float]] = []
    monkeypatch.setattr(Tile, "update", lambda tile, x, d, rate: calls.append((tile.name, x, d, rate)))
    return calls


def test_an_array_gets_inputs_and_errors_and_the_rate_in_its_units(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = seen_by(monkeypatch)
    layer = convert(nn.Linear(4, 3), EXACT, scale=0.25)
    optimizer, x, d = SGD(layer, lr=0.1), normal(2, 5, 4), normal(2, 5, 3, seed=4)
    layer(x).backward(d)
    assert not calls
    optimizer.step()
    ((name, inputs, errors, rate),) = calls
    assert (name, rate) == ("weight", pytest.approx(0.4))
    assert torch.equal(inputs, x.view(10, 4))
    assert torch.equal(errors, d.view(10, 3))
    optimizer.step()
    assert len(calls) == 1


def test_passes_are_applied_in_the_order_of_the_forward_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """A layer used twice, and two mini-batches that are differentiated in the other order: backward goes backwards."""
    calls = seen_by(monkeypatch)
    layer = convert(nn.Linear(3, 3, bias=False), EXACT)
    optimizer, xs = SGD(layer, lr=0.1), [normal(2, 3, seed=s) for s in range(2)]
    with torch.no_grad():
        inner = [layer.eval()(x) for x in xs]
    layer.train()
    losses = [layer(layer(x)).sum() for x in xs]
    for loss in reversed(losses):
        loss.backward()
    optimizer.step()
    ((_, inputs, _, _),) = calls
    torch.testing.assert_close(inputs, torch.cat([xs[0], inner[0], xs[1], inner[1]]))


def test_accumulated_passes_make_the_step_of_the_whole_batch() -> None:
    x, plain = normal(6, 4), net()
    models = [convert(plain, EXACT) for _ in range(2)]
    for model, parts in zip(models, (1, 3), strict=True):
        optimizer = SGD(model, lr=0.1)
        for part in x.chunk(parts):
            model(part).square().sum().backward()
        optimizer.step()
    for a, b in zip(*(m.parameters() for m in models), strict=True):
        torch.testing.assert_close(a, b)


def test_nothing_is_recorded_where_no_parameter_would_get_a_gradient() -> None:
    model = convert(net(), EXACT)
    optimizer, x = SGD(model, lr=0.1), normal(2, 4).requires_grad_()
    with torch.no_grad():
        model(x)
    with torch.inference_mode():
        model(normal(2, 4))
    (gradient,) = torch.autograd.grad(model(x).sum(), x)
    model(x).sum().backward(inputs=[x])
    assert waiting(model) == 0
    torch.testing.assert_close(x.grad, gradient)
    out = model(x).sum()
    torch.autograd.grad(out, x, retain_graph=True)
    out.backward()
    assert waiting(model) == 2
    optimizer.zero_grad()
    assert waiting(model) == 0


def test_a_step_forgets_and_frees_what_it_used() -> None:
    model = convert(net(), AGAD())
    optimizer, x = SGD(model, lr=0.1), normal(50, 4)
    model(x).square().mean().backward()
    dead = weakref.ref(next(m for m in model.modules() if isinstance(m, Bank))._passes[0])
    assert waiting(model) == 2
    optimizer.step()
    gc.collect()
    assert dead() is None
    assert waiting(model) == 0


def test_recomputed_activations_count_once() -> None:
    plain, x = net(), normal(3, 4)
    models = [convert(plain, EXACT) for _ in range(2)]
    for model, recompute in zip(models, (False, True), strict=True):
        optimizer = SGD(model, lr=0.1)
        out = checkpoint(model, x, use_reentrant=False) if recompute else model(x)
        out.square().sum().backward()
        assert waiting(model) == 2
        optimizer.step()
    assert torch.equal(models[0][0].weight, models[1][0].weight)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_step_that_is_not_finite_is_left_out_and_counted(bad: float) -> None:
    model = convert(nn.Sequential(nn.Conv2d(2, 4, 2, groups=2), nn.Flatten(), nn.Linear(16, 2)), AGAD())
    optimizer, x = SGD(model, lr=0.1), normal(3, 2, 3, 3)
    before = copy.deepcopy(model.state_dict())
    x[1, 0, 2, 2] = bad
    model(x)[0].sum().backward()  # the gradient of a row that is fine
    with pytest.warns(UserWarning, match=r"left out a step.*0\.weight is NaN") as told:
        optimizer.step()
    assert told[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (model(normal(3, 2, 3, 3)).sum() * bad).backward()
        optimizer.step()
    assert optimizer.skipped == 2
    assert all(torch.equal(weight, before[name]) for name, weight in model.state_dict().items())
    optimizer.zero_grad()
    model(normal(3, 2, 3, 3)).sum().backward()
    optimizer.step()
    assert optimizer.skipped == 2
    assert any(int(m.samples) for m in model.modules() if isinstance(m, Tile))
    other = SGD(model, lr=0.1)
    other.load_state_dict(optimizer.state_dict())
    assert other.skipped == 2


def test_a_digital_gradient_that_is_not_finite_stops_the_arrays_too() -> None:
    model = convert(net(), EXACT)
    optimizer = SGD(model, lr=0.1)
    before = copy.deepcopy(model.state_dict())
    model(normal(2, 4)).sum().backward()
    model[0].bias.grad[1] = torch.nan
    with pytest.warns(UserWarning, match="a digital parameter"):
        optimizer.step()
    assert all(torch.equal(weight, before[name]) for name, weight in model.state_dict().items())


@pytest.mark.parametrize("to_none", [True, False])
def test_zero_grad_of_the_model_drops_what_waits(to_none: bool) -> None:
    model, twin = (convert(net(), EXACT) for _ in range(2))
    optimizers = [SGD(m, lr=0.1) for m in (model, twin)]
    wrapped = nn.Sequential(model)
    model(normal(2, 4)).sum().backward()
    wrapped.zero_grad(set_to_none=to_none)
    before = copy.deepcopy(model.state_dict())
    optimizers[0].step()
    assert all(torch.equal(weight, before[name]) for name, weight in model.state_dict().items())
    model(normal(2, 4)).sum().backward()
    wrapped.zero_grad(set_to_none=to_none)
    for m, optimizer in zip((model, twin), optimizers, strict=True):
        m(normal(3, 4, seed=5)).sum().backward()
        optimizer.step()
        assert all(m[i].weight.grad is None for i in (0, 2))
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), twin.parameters(), strict=True))


@pytest.mark.parametrize("largest", [0.5, 1e6])
def test_gradients_are_clipped_together(largest: float) -> None:
    plain, analog = net(), convert(net(), EXACT)
    theirs, ours = torch.optim.SGD(plain.parameters(), lr=0.1), SGD(analog, lr=0.1, clip_norm=largest)
    for model in (plain, analog):
        model(normal(6, 4)).square().sum().backward()
    nn.utils.clip_grad_norm_(plain.parameters(), largest)
    theirs.step()
    ours.step()
    for a, b in zip(plain.parameters(), analog.parameters(), strict=True):
        torch.testing.assert_close(a.detach(), b.detach(), rtol=1e-4, atol=1e-5)


def test_gradients_scaled_past_the_arrays_are_noticed() -> None:
    for largest in (1e-3, 1e9):
        model = convert(net(), EXACT)
        optimizer = SGD(model, lr=0.1)
        model(normal(2, 4)).sum().backward()
        nn.utils.clip_grad_norm_(model.parameters(), largest)
        with pytest.raises(ModelError, match=r"0\.weight: its gradient was scaled .*clip_norm") as caught:
            optimizer.step()
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("bias", [True, False])
def test_loss_scaling_is_undone_and_backs_off(bias: bool) -> None:
    plain = nn.Linear(4, 3, bias=bias)
    models = [convert(plain, EXACT) for _ in range(2)]
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    for scaled, model in enumerate(models):
        optimizer, loss = SGD(model, lr=0.1), model(normal(5, 4)).square().sum()
        (scaler.scale(loss) if scaled else loss).backward()
        if scaled:
            scaler.step(optimizer)
            scaler.update()
        else:
            optimizer.step()
    for a, b in zip(models[0].parameters(), models[1].parameters(), strict=True):
        torch.testing.assert_close(a.detach(), b.detach())
    before, now = models[1].weight.clone(), scaler.get_scale()
    (scaler.scale(models[1](normal(5, 4)).sum()) * torch.inf).backward()
    scaler.step(optimizer)
    scaler.update()
    assert torch.equal(models[1].weight, before)
    assert (optimizer.skipped, scaler.get_scale()) == (1, now / 2)


def test_inputs_changed_in_place_are_noticed() -> None:
    model = convert(net(), EXACT)
    optimizer, x = SGD(model, lr=0.1), normal(2, 4)
    model(x).sum().backward()
    x.add_(1)
    with pytest.raises(ModelError, match=r"0\.weight: its input was changed in place"):
        optimizer.step()
    assert torch.equal(x, normal(2, 4) + 1)


def test_without_an_optimiser_of_ours_a_line_says_so_and_nothing_piles_up() -> None:
    model = convert(net(), EXACT)
    with pytest.warns(UserWarning, match=r"no mho\.analog\.SGD was made"):
        model(normal(2, 4)).sum().backward()
    assert waiting(model) == 0
    SGD(model, lr=0.1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model(normal(2, 4)).sum().backward()
    assert waiting(model) == 2


def test_schedulers_change_both_groups() -> None:
    model = convert(net(), EXACT)
    optimizer = SGD(model, lr=0.8)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5)
    before = [p.detach().clone() for p in model.parameters()]
    optimizer.step()
    schedule.step()
    assert [g["lr"] for g in optimizer.param_groups] == [0.4, 0.4]
    (model(normal(2, 4)) * 1e-3).sum().backward()
    optimizer.step()
    twin, plain = net(), torch.optim.SGD
    other = plain(twin.parameters(), lr=0.4)
    (twin(normal(2, 4)) * 1e-3).sum().backward()
    other.step()
    for now, then, theirs in zip(model.parameters(), before, twin.parameters(), strict=True):
        assert not torch.equal(now, then)
        torch.testing.assert_close(now.detach(), theirs.detach(), rtol=1e-6, atol=1e-6)


def test_a_closure_is_called_and_its_loss_returned() -> None:
    model = convert(net(), EXACT)
    optimizer = SGD(model, lr=0.1)

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = model(normal(2, 4)).square().sum()
        loss.backward()
        return loss.detach()

    losses = [float(optimizer.step(closure)) for _ in range(20)]
    assert losses[-1] < 0.5 * losses[0]


def test_a_state_dict_goes_on_bit_for_bit() -> None:
    def steps(model: nn.Module, optimizer: SGD, numbers: range) -> None:
        for number in numbers:
            optimizer.zero_grad()
            model(normal(4, 4, seed=number)).square().mean().backward()
            optimizer.step()

    whole = convert(net(), AGAD())
    steps(whole, SGD(whole, lr=0.5, momentum=0.9), range(8))
    first = convert(net(), AGAD())
    optimizer = SGD(first, lr=0.5, momentum=0.9)
    steps(first, optimizer, range(3))
    second = convert(net(), AGAD())
    second.load_state_dict(first.state_dict())
    other = SGD(second, lr=0.1)
    other.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    steps(second, other, range(3, 8))
    one, two = whole.state_dict(), second.state_dict()
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_networks_without_digital_parameters() -> None:
    model = convert(nn.Sequential(nn.Linear(4, 3, bias=False), nn.ReLU(), nn.Linear(3, 2, bias=False)), EXACT)
    optimizer = SGD(model, lr=0.1)
    assert len(optimizer.param_groups) == 1
    before = model[0].weight.clone()
    model(normal(5, 4)).square().sum().backward()
    optimizer.step()
    assert not torch.equal(model[0].weight, before)


def test_refusals() -> None:
    model = convert(net(), EXACT)
    with pytest.raises(ModelError, match=r"takes the model itself"):
        SGD(model.parameters(), lr=0.1)
    with pytest.raises(ModelError, match=r"no weights on arrays"):
        SGD(net(), lr=0.1)
    for options in ({"lr": -1.0}, {"momentum": float("nan")}, {"nesterov": True}, {"clip_norm": 0.0}):
        with pytest.raises(SpecError, match=f"SGD: {next(iter(options))}"):
            SGD(model, **options)
    optimizer = SGD(model, lr=0.1)
    for name in ("momentum", "weight_decay"):
        optimizer.param_groups[-1][name] = 0.5
        with pytest.raises(SpecError, match=f"{name}=0.5 for arrays") as caught:
            optimizer.step()
        assert "\n" not in str(caught.value)
        optimizer.param_groups[-1][name] = 0.0


def test_a_loss_is_learnt_with_pulses() -> None:
    model, x = convert(net(), AGAD()), normal(64, 4)
    target = net()(x).detach() + 0.5 * normal(64, 3, seed=9).mean(0)
    optimizer = SGD(model, lr=0.05)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        loss = (model(x) - target).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.5 * losses[0]
    assert all(int(t.samples) == 60 * 64 for t in model.modules() if isinstance(t, Tile))
    assert any(isinstance(m, AnalogLayer) for m in model.modules())
