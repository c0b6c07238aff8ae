"""Oriented variational forward: its loss, its gradient, and the way to it that keeps one graph."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import feedback, nets
from torch import Tensor, nn

from mho import data, devices, spec, training, zoo
from mho.errors import ModelError, SpecError
from mho.memory import Memory
from mho.rng import Draws
from mho.training import NoiseInjection, Recipe
from mho.training.method import Taught
from mho.training.methods.ovf import OrientedVariationalForward
from mho.training.methods.passes import in_turn, together
from mho.training.run import DRAWS, Batch, Run

OVF = OrientedVariationalForward
WAYS = ("one", "all")
MEMORY = Memory(device=devices.RRAM2(sigma=0.1))
POINTS = (nets.inputs(7, 5), torch.arange(7) % 3)


def two_layers() -> nn.Module:
    return nets.seeded(nn.Sequential(nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 3))).train()


def batch_of(
    model: nn.Module, inputs: Tensor, targets: Tensor, memory: Memory | None = None, **recipe: object
) -> Batch:
    run = Run(model, Recipe(**recipe), classifies=not targets.is_floating_point(), memory=memory)
    return Batch(run, inputs, targets, 3, 0)


def taught(method: training.Method, batch: Batch) -> tuple[Taught, dict[str, Tensor]]:
    batch.run.model.zero_grad()
    out = method.begin(batch.run)(batch)
    return out, {name: p.grad.clone() for name, p in batch.run.model.named_parameters() if p.grad is not None}


def by_hand(batch: Batch, sigma: float, more: list[float], top: Callable[[str], bool] = lambda _: True) -> list[dict]:
    """Weights of every pass: ``W + max(sigma + more, 0) * max|W| * z``, more only where ``top`` says."""
    passes = []
    for draw, extra in enumerate(more):
        weights = {}
        for name, weight in batch.run.stored.items():
            number = torch.tensor([batch.step * DRAWS + draw])
            z = Draws(batch.run.seed, name, number, tuple(weight.shape), weight.device).normal("training noise")[0]
            clean = weight.detach().double()
            strength = max(sigma + (extra if top(name) else 0.0), 0.0)
            weights[name] = clean + strength * clean.abs().max() * z
        passes.append(weights)
    return passes


@settings(max_examples=25, deadline=None)
@given(
    copies=st.integers(1, 4),
    beta=st.sampled_from([0.0, 1e-3, 0.1, 0.2]),
    step=st.sampled_from([0.05, 0.0, -0.05]),
    decay=st.sampled_from([1.0, 3.0, 10.0]),
    strongest=st.sampled_from(["first", "last"]),
    sign=st.sampled_from(["negative", "positive"]),
    values=st.booleans(),
    graphs=st.sampled_from(["one", "all"]),
)
def test_the_loss_and_its_gradient_are_those_written_out_by_hand(
    copies, beta, step, decay, strongest, sign, values, graphs
) -> None:
    inputs = nets.inputs(7, 5)
    targets = nets.inputs(7, 3, seed=2) if values else torch.arange(7) % 3
    batch = batch_of(two_layers(), inputs, targets)
    method = OVF(
        sigma=0.1, copies=copies, beta=beta, step=step, decay=decay, strongest=strongest, sign=sign, graphs=graphs
    )
    (loss, outputs), gradients = taught(method, batch)

    gammas = [decay ** (n - copies) if strongest == "last" else decay ** (1 - n) for n in range(1, copies + 1)]
    factors = [1.0, *((-beta if sign == "negative" else beta) * gamma for gamma in gammas)]
    whole = sum(factors) if values else copies + 1
    passes = [(w["0.weight"], w["2.weight"]) for w in by_hand(batch, 0.1, [n * step for n in range(copies + 1)])]
    model = batch.run.model
    a, c = model[0].bias.detach(), model[2].bias.detach()
    wanted, by = feedback.fed_back(passes, [f / whole for f in factors], a, c, inputs, targets)
    assert float(loss) == pytest.approx(wanted, rel=1e-5)
    for name, key in {"0.weight": "U", "0.bias": "a", "2.weight": "V", "2.bias": "c"}.items():
        # float32, of which the factors of values take away a digit: they add up to as little as 0.2
        torch.testing.assert_close(gradients[name].double(), by[key], rtol=0, atol=1e-5 * float(by[key].abs().max()))
    u, v = passes[0]
    first = (torch.tanh(inputs.double() @ u.T + a) @ v.T + c).float()
    torch.testing.assert_close(outputs, first, rtol=1e-5, atol=1e-5)
    assert not outputs.requires_grad
    assert not loss.requires_grad


class Nested(nn.Module):
    """A stem and a head beside a block that has weights of its own, as in a ResNet."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.head = nn.Linear(5, 4), nn.Linear(4, 3)
        self.block = nn.Sequential(nn.Linear(4, 4), nn.Tanh())

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.block(torch.tanh(self.stem(x))))


def test_only_direct_children_see_more_where_the_scope_is_the_top() -> None:
    batch = batch_of(nets.seeded(Nested()).train(), *POINTS)
    method = OVF(sigma=0.1, beta=0.2, scope="top")
    _, gradients = taught(method, batch)
    batch.run.model.zero_grad()
    passes = by_hand(batch, 0.1, [0.0, 0.05, 0.1, 0.15], top=lambda name: not name.startswith("block"))
    outputs = [batch.forward({name: weight.float() for name, weight in one.items()}) for one in passes]
    factors = [0.25, -0.2 * 0.01 / 4, -0.2 * 0.1 / 4, -0.2 / 4]
    batch.loss(sum(f * out for f, out in zip(factors, outputs, strict=True))).backward()
    for name, p in batch.run.model.named_parameters():
        torch.testing.assert_close(gradients[name], p.grad, rtol=0, atol=1e-6)
    _, everywhere = taught(method.replace(scope="all"), batch)
    assert float((everywhere["head.weight"] - gradients["head.weight"]).abs().max()) > 1e-4


class Drifting(nn.Module):
    """A buffer that the output depends on and that moves with every call."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Linear(5, 3)
        self.register_buffer("centre", torch.ones(5))

    def forward(self, x: Tensor) -> Tensor:
        out = self.mix(x - self.centre)
        with torch.no_grad():
            self.centre.mul_(0.5).add_(0.5 * x.mean(0))
        return out


def dropping() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.4), nn.ReLU(),
        nn.Flatten(), nn.Linear(144, 3), nn.BatchNorm1d(3, momentum=None),
    )  # fmt: skip


MODELS: dict[str, tuple[Callable[[], nn.Module], Tensor]] = {
    "norms and dropout": (dropping, nets.inputs(20, 2, 8, 8)),
    "norms": (nets.convnet, nets.inputs(20, 2, 8, 8)),
    "shared layer": (nets.Residual, nets.inputs(20, 2, 6, 6)),
    "lstm with dropout": (lambda: nets.Last(nn.LSTM(6, 4, 2, dropout=0.5, batch_first=True)), nets.inputs(20, 5, 6)),
    "transformer with dropout": nets.EVERY_LAYER["transformer"],
    "moving buffer": (Drifting, nets.inputs(20, 5)),
}


Teach = Callable[[Batch], Taught]


def after(model: nn.Module, inputs: Tensor, teach: Callable[[Run], Teach], **options: Any) -> tuple:
    """What was taught, gradients, buffers, and the state that dropout goes on from."""
    batch = batch_of(nets.seeded(model).train().to(inputs.dtype), inputs, torch.arange(len(inputs)) % 3, **options)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(5)
        said = teach(batch.run)(batch)
        gradients = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
        return said, gradients, dict(model.named_buffers()), torch.get_rng_state()


def in_float64(way: Callable[..., Taught], run: Run) -> Teach:
    """Five passes under errors in float64, which memories do not give."""

    def errors(batch: Batch, draw: int) -> dict[str, Tensor]:
        generator = torch.Generator().manual_seed(draw)
        return {
            name: p.detach() + 0.1 * torch.randn(p.shape, generator=generator, dtype=p.dtype)
            for name, p in batch.run.model.named_parameters()
            if p.dim() > 1
        }

    return lambda batch: way(replace(batch, step=0), [errors] * 5, [0.3, -0.1, 0.0, -0.05, 0.2])


@pytest.mark.parametrize("name", MODELS)
def test_one_graph_at_a_time_gives_the_gradient_and_the_statistics_of_all(name: str) -> None:
    make, inputs = MODELS[name]
    one, every = (after(make(), inputs.double(), partial(in_float64, way)) for way in (in_turn, together))
    # Outputs and losses are float32 and equal to the last bit; sums of float64 gradients differ by their order.
    torch.testing.assert_close(one[0], every[0], rtol=0, atol=0)
    torch.testing.assert_close(one[1], every[1], rtol=0, atol=1e-10)
    torch.testing.assert_close(one[2:], every[2:], rtol=0, atol=0)
    assert sum(float(g.abs().max()) > 1e-3 for g in one[1].values()) >= 2, "there is something to compare"


@pytest.mark.parametrize("memory", [None, MEMORY], ids=["sigma", "memory"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_so_it_does_with_the_method_s_own_errors(precision: str, memory: Memory | None) -> None:
    one, every = (
        after(
            dropping(),
            MODELS["norms"][1],
            OVF(sigma=None if memory else 0.1, beta=0.3, decay=2.0, graphs=graphs).begin,
            precision=precision,
            memory=memory,
        )
        for graphs in WAYS
    )
    torch.testing.assert_close(one[1], every[1], rtol=0, atol=1e-5)
    torch.testing.assert_close(one[2:], every[2:], rtol=0, atol=0)


def test_passes_that_repeat_do_not_move_the_statistics_again() -> None:
    """Four passes are four steps of the running mean, each under its own errors."""
    inputs, targets = MODELS["norms"][1], torch.arange(20) % 3
    batch = batch_of(nets.seeded(dropping()).train(), inputs, targets)
    norm, mean = batch.run.model[1], batch.run.model[1].running_mean.clone()
    for weights in by_hand(batch, 0.1, [0.0, 0.05, 0.1, 0.15]):
        out = nn.functional.conv2d(inputs.double(), weights["0.weight"], batch.run.model[0].bias.detach().double())
        mean = 0.9 * mean + 0.1 * out.mean((0, 2, 3))
    before = int(norm.num_batches_tracked)
    taught(OVF(sigma=0.1), batch)
    torch.testing.assert_close(norm.running_mean, mean.float(), rtol=0, atol=1e-6)
    assert int(norm.num_batches_tracked) == before + 4


class Kept:
    """A tensor that a graph keeps."""

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor


def most_kept(method: training.Method, batch: Batch) -> int:
    """Largest number of tensors that graphs kept at a time."""
    live, most = [0], [0]

    def pack(tensor: Tensor) -> Kept:
        kept = Kept(tensor)
        live[0] += 1
        most[0] = max(most[0], live[0])
        weakref.finalize(kept, lambda: live.__setitem__(0, live[0] - 1))
        return kept

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda kept: kept.tensor):
        taught(method, batch)
    return most[0]


def test_one_graph_is_all_that_is_kept() -> None:
    batch = batch_of(nets.seeded(nets.convnet()).train(), MODELS["norms"][1], torch.arange(20) % 3)
    injected = most_kept(NoiseInjection(sigma=0.1), batch)
    one, every = (most_kept(OVF(sigma=0.1, graphs=graphs), batch) for graphs in WAYS)
    assert injected > 10
    assert one <= injected + 2
    assert every > 3.5 * injected


def test_with_a_memory_every_pass_sees_a_chip_of_that_severity() -> None:
    batch = batch_of(two_layers(), *POINTS, memory=MEMORY)
    _, gradients = taught(OVF(beta=0.2, step=-0.06), batch)
    batch.run.model.zero_grad()
    outputs = []
    for draw, severity in enumerate([0.1, 0.04, 0.0, 0.0]):
        run = Run(batch.run.model, Recipe(), classifies=True, memory=MEMORY.with_sigma(severity))
        outputs.append(batch.forward(run.errors(None)(batch, draw)))
    factors = [0.25, -0.2 * 0.01 / 4, -0.2 * 0.1 / 4, -0.2 / 4]
    batch.loss(sum(f * out for f, out in zip(factors, outputs, strict=True))).backward()
    for name, p in batch.run.model.named_parameters():
        torch.testing.assert_close(gradients[name], p.grad, rtol=0, atol=1e-6)


@pytest.mark.parametrize("graphs", WAYS)
@pytest.mark.parametrize("memory", [None, MEMORY], ids=["sigma", "memory"])
def test_training_learns_classes_and_leaves_the_parameters_that_were(graphs: str, memory: Memory | None) -> None:
    samples, model = data.digits(split="train", size=8), zoo.build("mlp", inputs=64, hidden=[32])
    method = OVF(sigma=None if memory else 0.1, graphs=graphs)
    recipe = Recipe(epochs=4, batch_size=32, lr=5e-3, precision="bfloat16" if memory else "float32")
    trained = training.train(model, samples, method=method, memory=memory, recipe=recipe)
    assert [n for n, _ in trained.named_parameters()] == [n for n, _ in model.named_parameters()]
    with torch.no_grad():
        correct = (trained(samples.inputs).argmax(1) == samples.targets).float().mean()
    assert float(correct) > 0.8
    assert training.history(trained)[-1].accuracy > 0.7, "the outputs that are recorded are the network's"


def test_training_on_values_meets_them_and_not_a_multiple() -> None:
    inputs = nets.inputs(64, 2)
    targets = inputs @ torch.tensor([[2.0], [-1.0]])
    recipe = Recipe(epochs=20, batch_size=16, lr=0.1)
    method = OVF(sigma=0.05, beta=0.1)
    trained = training.train(nn.Linear(2, 1, bias=False), (inputs, targets), method=method, recipe=recipe)
    torch.testing.assert_close(trained.weight.detach(), torch.tensor([[2.0, -1.0]]), rtol=0, atol=0.2)


class Fickle(nn.Linear):
    """Random in a way that torch's generators do not tell."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) * next(self.factors)


def test_a_model_that_cannot_repeat_a_pass_is_told_so() -> None:
    model = Fickle(5, 3)
    model.factors = itertools.cycle([1.0, 2.0, 3.0])
    batch = replace(batch_of(model, nets.inputs(7, 5), torch.arange(7) % 3), step=0)
    with pytest.raises(ModelError, match="something else in it is random or counts calls: use graphs='all'"):
        taught(OVF(sigma=0.1), batch)
    taught(OVF(sigma=0.1, graphs="all"), batch)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: OVF(beta=-0.1), "beta=-0.1 must not be negative; sign='positive' adds the outputs instead"),
        (lambda: OVF(beta=0.95), "beta=0.95 must be less than 0.9009 with copies=3 and decay=10"),
        (lambda: OVF(beta=1.0, copies=1), "beta=1 must be less than 1 with copies=1"),
        (lambda: OVF(copies=0), "copies=0 must be at least 1"),
        (lambda: OVF(decay=0.5), "decay=0.5 must be at least 1; strongest= says which copy has the largest factor"),
        (lambda: OVF(sigma=5.0), "5 % is written 0.05"),
        (lambda: OVF(strongest="noisiest"), "strongest='noisiest'"),
        (lambda: OVF(scope="stem"), "scope='stem'"),
        (lambda: OVF(graphs="none"), "graphs='none'"),
        (lambda: OVF(sign="plus"), "sign='plus'"),
        (lambda: OVF().begin(batch_of(two_layers(), *POINTS).run), "sigma is missing"),
        (
            lambda: OVF(sigma=0.1, scope="top").begin(batch_of(nn.Sequential(two_layers()), *POINTS).run),
            "scope='top' means weights of direct children of Sequential, which has none (its first weight is "
            "'0.0.weight'); use scope='all'",
        ),
    ],
)
def test_bad_input_is_one_line(make: Callable[[], object], words: str) -> None:
    with pytest.raises(SpecError) as caught:
        make()
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_feedback_of_factor_one_and_more_is_for_the_positive_sign_only() -> None:
    assert OVF(beta=1.0, decay=1.0, sign="positive").shares(classifies=True) == (0.25,) * 4


def test_the_transcript_and_the_label_say_what_is_not_usual() -> None:
    method = OVF(sigma=0.1, beta=0.1, strongest="first")
    assert spec.from_dict(method.to_dict()) == method
    assert method.label == "OrientedVariationalForward(sigma=0.1, beta=0.1, strongest=first)"
