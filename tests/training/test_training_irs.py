"""Intermediate snapshots: where networks are tapped, what the classifiers read, and the loss that they all make."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import snapshots as reference
from torch import Tensor, nn

from mho import training, zoo
from mho.devices import RRAM2
from mho.errors import MhoError, ModelError, SpecError, UnknownNameError
from mho.memory import Memory
from mho.rng import Draws
from mho.training import Recipe
from mho.training.methods.irs import IntermediateSnapshots
from mho.training.methods.snapshots import Classifier, side
from mho.training.methods.taps import listening
from mho.training.run import DRAWS, Batch, Run, derived

MEMORY = Memory(device=RRAM2(sigma=0.1))
CPU = torch.device("cpu")


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def began(method: IntermediateSnapshots, model: nn.Module, samples: Tensor, **options: Any) -> tuple[Run, Any]:
    run = Run(model, Recipe(seed=3), classifies=True, sample=samples[:1], **options)
    return run, method.begin(run)


# Where networks are tapped


@pytest.mark.parametrize(
    ("name", "taps"),
    [
        ("vgg8", [("features.2", 64, 2304), ("features.6", 128, 2048), ("features.13", 256, 2304)]),
        ("resnet18", [("relu", 64, 2304), ("layer1", 64, 2304), ("layer2", 128, 2048), ("layer3", 256, 2304)]),
    ],
)
def test_the_papers_networks_are_tapped_as_in_its_code(name: str, taps: list[tuple[str, int, int]]) -> None:
    model = zoo.build(name, classes=7)
    run, _ = began(IntermediateSnapshots(sigma=0.1), model, torch.zeros(1, 3, 32, 32))
    found, classifiers = IntermediateSnapshots(sigma=0.1).classifiers(run)
    assert [(t.spelt, t.shape[1], c.hidden.in_features) for t, c in zip(found, classifiers, strict=True)] == taps
    assert [(c.hidden.out_features, c.last.out_features) for c in classifiers] == [(512, 7)] * len(taps)


def test_vectors_and_tokens_can_be_tapped() -> None:
    encoder = nn.TransformerEncoderLayer(6, 2, 8, batch_first=True, dropout=0.0)

    class Tokens(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed, self.encoder, self.head = nn.Linear(4, 6), encoder, nn.Linear(6, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.encoder(self.embed(x))[:, 0])

    x, y = torch.rand(5, 7, 4, generator=seeded(0)), torch.tensor([0, 1, 2, 0, 1])
    method = IntermediateSnapshots(sigma=0.1, taps=("embed", "encoder", "head"), hidden=9)
    run, step = began(method, Tokens(), x)
    assert [h.hidden.in_features for h in run.helpers] == [6, 6, 3]
    assert step(Batch(run, x, y, 0, 0)).outputs.shape == (5, 3)
    tokens, vector = torch.rand(2, 4, 6, generator=seeded(1)), torch.rand(2, 6, generator=seeded(2))
    torch.testing.assert_close(run.helpers[0](tokens), run.helpers[0](tokens.sum(1) / 4))
    assert run.helpers[1](vector).shape == (2, 3)


# What the classifiers read


@settings(max_examples=40, deadline=None)
@given(
    channels=st.integers(1, 12),
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    hidden=st.integers(1, 5),
    n=st.integers(1, 3),
)
def test_a_classifier_pools_and_has_two_layers(channels: int, height: int, width: int, hidden: int, n: int) -> None:
    features = torch.randn(n, channels, height, width, generator=seeded(n), dtype=torch.float64)
    classifier = Classifier((n, channels, height, width), 4, hidden, seed=5).double()
    first, last = [(m.weight.detach(), m.bias.detach()) for m in (classifier.hidden, classifier.last)]
    side_ = min(height, width)  # so few channels are never pooled below 13 pixels
    for one, said in zip(features, classifier(features), strict=True):
        flat = reference.pooled(one, side_).flatten()
        want = reference.layer(last, reference.layer(first, flat).clamp(min=0))
        torch.testing.assert_close(said, want, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("shape", "want"),
    [((64, 32, 32), 6), ((128, 16, 16), 4), ((256, 8, 8), 3), ((512, 4, 4), 2), ((16, 32, 32), 12), ((64, 4, 5), 4)],
)
def test_maps_are_pooled_to_the_table_and_never_enlarged(shape: tuple[int, int, int], want: int) -> None:
    assert side(*shape) == want
    assert side(100_000, 3, 3) == 1


def test_the_start_of_classifiers_is_hes_and_comes_from_the_seed_of_the_run() -> None:
    state = torch.random.get_rng_state()
    starts = []
    for seed in (3, 3, 4):
        run = Run(zoo.build("vgg8", width=8), Recipe(seed=seed), classifies=True)
        IntermediateSnapshots(sigma=0.1).begin(run)
        starts.append([copy.deepcopy(h.state_dict()) for h in run.helpers])
    assert torch.equal(torch.random.get_rng_state(), state)
    same = [all(torch.equal(a[k], b[k]) for a, b in zip(starts[0], other, strict=True) for k in a) for other in starts]
    assert same == [True, True, False]
    first, second = starts[0][0]["hidden.weight"], starts[0][2]["hidden.weight"]
    assert not torch.equal(first[:8, :8], second[:8, :8]), "each classifier has its own start"
    # variance 2 / fan_out; its estimate from k numbers deviates by sqrt(2 / k), here with 5 deviations
    assert float(first.var()) == pytest.approx(2 / 512, rel=5 * (2 / first.numel()) ** 0.5)
    assert not starts[0][0]["hidden.bias"].any()


# The loss


def perceptron() -> nn.Sequential:
    layers = nn.Sequential(nn.Linear(5, 6), nn.ReLU(), nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 3))
    for p in layers.parameters():
        p.data = 0.6 * torch.randn(p.shape, generator=seeded(p.numel()))
    return layers


@pytest.mark.parametrize(
    ("changes", "factors"),
    [
        ({"beta": 0.5}, (-0.5, -0.05)),
        ({"beta": 0.5, "sign": "positive", "decay": 4.0}, (0.5, 0.125)),
        ({"beta": 0.5, "strongest": "last", "decay": 4.0}, (-0.125, -0.5)),
        ({"beta": 0.5, "classifier_noise": False}, (-0.5, -0.05)),
        ({"beta": 1.0, "snapshots": 1}, (-1.0,)),
        ({"beta": 0.0}, (0.0, 0.0)),
    ],
)
def test_loss_and_gradients_are_those_of_the_equations(changes: dict, factors: tuple[float, ...]) -> None:
    sigma, number = 0.2, 7
    inputs, targets = torch.randn(4, 5, generator=seeded(1)), torch.tensor([0, 1, 2, 1])
    model = perceptron()
    method = IntermediateSnapshots(sigma=sigma, taps=("1", "3"), hidden=6).replace(**changes)
    run, step = began(method, model, inputs)
    taught = step(Batch(run, inputs, targets, number, 0))

    def noisy(layer: nn.Linear, name: str, seed: int) -> reference.Dense:
        weight = layer.weight.detach()
        draws = Draws(seed, name, torch.tensor([number * DRAWS]), tuple(weight.shape), CPU)
        error = sigma * float(weight.abs().max()) * draws.normal("training noise")[0]
        return (weight + error).double(), layer.bias.detach().double()

    def own(helper: Classifier, n: int) -> tuple[reference.Dense, reference.Dense]:
        if not method.classifier_noise:
            return tuple((m.weight.detach().double(), m.bias.detach().double()) for m in (helper.hidden, helper.last))
        seed = derived(run.seed, f"snapshot {n}")
        return noisy(helper.hidden, "hidden.weight", seed), noisy(helper.last, "last.weight", seed)

    backbone = [noisy(model[i], f"{i}.weight", run.seed) for i in (0, 2, 4)]
    snapshots = [own(helper, n) for n, helper in enumerate(run.helpers, 1)]
    assert len(snapshots) == len(factors)
    loss, by_backbone, by_snapshots = reference.objective(backbone, snapshots, factors, inputs.double(), targets)
    close = {"rtol": 1e-4, "atol": 1e-6, "check_dtype": False}  # single against double precision
    assert float(taught.loss.detach()) == pytest.approx(loss, rel=1e-5)
    for said, x in zip(taught.outputs.detach(), inputs.double(), strict=True):
        for dense in backbone[:-1]:
            x = reference.layer(dense, x).clamp(min=0)
        torch.testing.assert_close(said, reference.layer(backbone[-1], x), **close)
    for i, (weight, bias) in zip((0, 2, 4), by_backbone, strict=True):
        torch.testing.assert_close(model[i].weight.grad, weight, **close)
        torch.testing.assert_close(model[i].bias.grad, bias, **close)
    for helper, pair in zip(run.helpers, by_snapshots, strict=True):
        for layer, (weight, bias) in zip((helper.hidden, helper.last), pair, strict=True):
            torch.testing.assert_close(layer.weight.grad, weight, **close)
            torch.testing.assert_close(layer.bias.grad, bias, **close)


def blobs(n: int = 48, size: int = 8) -> tuple[Tensor, Tensor]:
    targets = torch.arange(n) % 3
    return torch.randn(n, 3, size, size, generator=seeded(0)) + targets.view(-1, 1, 1, 1), targets


def test_the_sign_is_a_matter_of_the_last_layers_of_the_classifiers() -> None:
    """The two signs are one model class: with last layers negated, one objective is the other."""
    inputs, targets = blobs()
    runs, steps, optimizers = [], [], []
    for sign in ("negative", "positive"):
        method = IntermediateSnapshots(sigma=0.2, beta=0.5, sign=sign, classifier_noise=False, hidden=16)
        run, step = began(method, zoo.build("vgg8", width=4, image_size=8, classes=3), inputs)
        runs.append(run.model.train() and run)
        steps.append(step)
        helped = [p for m in (run.model, *run.helpers) for p in m.parameters()]
        optimizers.append(torch.optim.Adam(helped, lr=1e-3))
    for helper in runs[1].helpers:
        for p in helper.last.parameters():
            p.data.neg_()
    for number in range(5):
        for optimizer in optimizers:
            optimizer.zero_grad()
        ours, theirs = (step(Batch(run, inputs, targets, number, 0)) for run, step in zip(runs, steps, strict=True))
        assert torch.equal(ours.loss, theirs.loss)
        for optimizer in optimizers:
            optimizer.step()
    for a, b in zip(runs[0].model.parameters(), runs[1].model.parameters(), strict=True):
        assert torch.equal(a, b)
    for a, b in zip(runs[0].helpers, runs[1].helpers, strict=True):
        assert torch.equal(a.hidden.weight, b.hidden.weight)
        assert torch.equal(a.last.weight, -b.last.weight)


def test_classifiers_come_to_help_whatever_the_sign() -> None:
    inputs, targets = blobs()
    said = {}
    for sign in ("negative", "positive"):
        model = zoo.build("vgg8", width=4, image_size=8, classes=3)
        method = IntermediateSnapshots(sigma=0.05, beta=1.0, sign=sign, hidden=64)
        run, step = began(method, model.train(), inputs)
        optimizer = torch.optim.Adam([p for m in (model, *run.helpers) for p in m.parameters()], lr=1e-2)
        for number in range(60):
            optimizer.zero_grad()
            step(Batch(run, inputs, targets, number, 0))
            optimizer.step()
        taps, _ = method.classifiers(Run(model, Recipe(), classifies=True))
        with torch.no_grad(), listening(model, taps) as heard:
            model(inputs)
        said[sign] = run.helpers[0](heard[taps[0].spelt])
    assert accuracy(said["positive"], targets) > 0.8
    assert accuracy(-said["negative"], targets) > 0.8
    assert accuracy(said["negative"], targets) < 1 / 3, "below chance"


def accuracy(outputs: Tensor, targets: Tensor) -> float:
    return float((outputs.argmax(1) == targets).double().mean())


# In mho.train

FAST = Recipe(epochs=1, batch_size=16, lr=1e-3)


def small(**options: Any) -> nn.Module:
    return zoo.build("resnet18", width=4, classes=3, **options)


def hooks(model: nn.Module) -> int:
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in model.modules())


@pytest.mark.parametrize("changes", [{}, {"precision": "bfloat16"}, {"channels_last": True}])
@pytest.mark.parametrize("memory", [None, MEMORY])
def test_nothing_but_the_weights_is_left_of_training(memory: Memory | None, changes: dict) -> None:
    recipe, method = FAST.replace(**changes), IntermediateSnapshots(sigma=None if memory else 0.1, hidden=16)
    model = small()
    trained = training.train(model, blobs(), method=method, memory=memory, recipe=recipe)
    assert [(n, p.shape) for n, p in trained.named_parameters()] == [(n, p.shape) for n, p in model.named_parameters()]
    assert hooks(trained) == 0
    for change in ({"beta": 0.0}, {"classifier_noise": False}):
        other = training.train(model, blobs(), method=method.replace(**change), memory=memory, recipe=recipe)
        assert not torch.equal(trained.conv1.weight, other.conv1.weight)
    again = training.train(model, blobs(), method=method, memory=memory, recipe=recipe)
    assert all(torch.equal(a, b) for a, b in zip(trained.parameters(), again.parameters(), strict=True))


def test_any_network_of_classes_can_be_trained() -> None:
    samples = torch.randn(30, 5, generator=seeded(2)), torch.arange(30) % 3
    method = IntermediateSnapshots(sigma=0.1, taps=("1", "3"), hidden=4)
    trained = training.train(perceptron(), samples, method=method, recipe=FAST)
    assert not torch.equal(trained[0].weight, perceptron()[0].weight)
    assert hooks(trained) == 0


def test_hooks_go_when_training_fails() -> None:
    model = small()
    inputs, targets = blobs()
    run, step = began(IntermediateSnapshots(sigma=0.1, hidden=16), model, inputs)
    step(Batch(run, inputs, targets, 0, 0))
    assert hooks(model) == 0
    assert not any(hooks(h) for h in run.helpers)
    with pytest.raises(RuntimeError):
        step(Batch(run, inputs[:, :1], targets, 1, 0))
    assert hooks(model) == 0


def test_one_snapshot_more_than_are_found_reads_the_last_block() -> None:
    inputs, _ = blobs(size=16)
    for number, names in [(1, ["relu"]), (5, ["relu", "layer1", "layer2", "layer3", "layer4"])]:
        method = IntermediateSnapshots(sigma=0.1, snapshots=number, hidden=4)
        run, _ = began(method, small(), inputs)
        assert [t.spelt for t in method.classifiers(run)[0]] == names


class Odd(nn.Module):
    """With modules that cannot be tapped."""

    def __init__(self) -> None:
        super().__init__()
        self.pair, self.never, self.fc = Pair(), nn.ReLU(), nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.pair(x)[0])


class Pair(nn.Module):
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x, x


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"beta": -0.1}, SpecError, "IntermediateSnapshots: beta=-0.1 must not be negative; sign='positive' adds"),
        ({"beta": 10.0}, SpecError, "beta=10.0 must be at most 1"),
        ({"decay": 0.1}, SpecError, "decay=0.1 must be at least 1; strongest= says"),
        ({"snapshots": 0}, SpecError, "snapshots=0 must be at least 1"),
        ({"hidden": 0}, SpecError, "hidden=0 must be at least 1"),
        ({"sigma": 10.0}, SpecError, "10 % is written 0.1"),
        ({"sign": "minus"}, SpecError, "sign='minus'"),
        ({"taps": ("relu", "relu")}, SpecError, "names a module twice"),
        ({"taps": ("relu",), "snapshots": 2}, SpecError, "snapshots=2 is more than the 1 taps (relu)"),
        ({"snapshots": 6}, SpecError, "snapshots=6 is more than the 5 taps (relu, layer1, layer2, layer3, layer4)"),
        ({"taps": ("layr2",)}, UnknownNameError, "ResNet18 has no module 'layr2' to tap: did you mean 'layer2'?"),
        ({"taps": ("",)}, UnknownNameError, "ResNet18 has no module '' to tap"),
        ({"taps": ("layer1.0.relu",)}, ModelError, "is called 2 times: say which in taps=(...), 'layer1.0.relu:1'"),
        ({"model": Odd(), "taps": ("never",)}, ModelError, "tap 'never' is not called when Odd runs: "),
        ({"model": Odd(), "taps": ("pair",)}, ModelError, "tap 'pair' of Odd gives no tensor; taps=(...) takes"),
        ({"model": Odd()}, ModelError, "Odd has fewer than two blocks of convolutions to tap between"),
        ({"model": nn.Sequential(nn.Flatten(), nn.Linear(768, 3))}, ModelError, "such as taps=('1',)"),
        ({"memory": {"fc": None, "*": MEMORY}, "sigma": None}, SpecError, "give one memory for all, or classifier_no"),
    ],
)
def test_bad_requests_are_one_line(options: dict, error: type[MhoError], words: str) -> None:
    options = {"sigma": 0.1, "hidden": 4} | options
    model, memory = options.pop("model", None) or small(), options.pop("memory", None)
    samples = torch.zeros(1, 4) if isinstance(model, Odd) else blobs(size=16)[0]
    with pytest.raises(error) as caught:
        began(IntermediateSnapshots(**options), model, samples, memory=memory)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_values_and_networks_that_nothing_is_known_of_are_refused() -> None:
    with pytest.raises(SpecError, match="IntermediateSnapshots needs classes"):
        IntermediateSnapshots(sigma=0.1).begin(Run(small(), Recipe(), classifies=False))
    odd = zoo.build("lenet", image_size=8)
    odd.conv1 = nn.Conv2d(3, 3, 1)  # not what it was built with
    for model in (perceptron(), odd):
        with pytest.raises(ModelError, match=r"has no sample; give one: Teacher\(\.\.\., sample=inputs\[:2\]\)"):
            IntermediateSnapshots(sigma=0.1).begin(Run(model, Recipe(), classifies=True))


@pytest.mark.parametrize("name", ["lenet", "convnet", "resnet20"])
def test_networks_of_the_zoo_say_themselves_what_they_take(name: str) -> None:
    """As in a study that is rehearsed without data."""
    run = Run(zoo.build(name), Recipe(), classifies=True)
    IntermediateSnapshots(sigma=0.1, hidden=4).begin(run)
    assert run.helpers
