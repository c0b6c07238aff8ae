"""The tiny shared block: what it computes, where it is put, what it leaves alone, how chips store it, how it learns."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import nets, sharing, teaching
from torch import Tensor, nn
from torch.func import functional_call

import mho
from mho import data, devices, mapping, training, zoo
from mho.data import Dataset
from mho.errors import CheckpointError, MhoError, ModelError, SpecError, UnknownNameError
from mho.evaluation import mean_interval
from mho.evaluation.fold import fold_batchnorm
from mho.memory import Memory, deploy
from mho.programming import WriteVerify
from mho.training import Recipe
from mho.training.run import DRAWS, derived
from mho.training.sharing.block import PlaceNorm, TinyBlock, channels_for, shared_parameters
from mho.training.sharing.insertion import with_shared_block
from mho.training.sharing.verb import places_of, share_block

LOG_NORMAL = Memory(device=devices.LogNormal(sigma=0.5), mapping=mapping.Analog())
CAREFUL = Memory(device=devices.LogNormal(sigma=0.05), mapping=mapping.Analog())


def seeded(n: int) -> torch.Generator:
    return torch.Generator().manual_seed(n)


def images(n: int = 41, size: int = 8) -> Dataset:
    targets = torch.arange(n) % 3
    inputs = torch.randn(n, 2, size, size, generator=seeded(0)) + targets.view(-1, 1, 1, 1)
    return Dataset(inputs=inputs, targets=targets, classes=3)


class Network(nn.Module):
    """Two blocks of convolutions that end in one and the same pooling layer, which is called for a vector too."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(2, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4)
        self.conv2, self.norm2 = nn.Conv2d(4, 8, 3, padding=1), nn.BatchNorm2d(8)
        self.pool, self.drop, self.fc = nn.MaxPool2d(2), nn.Dropout(0.5), nn.Linear(32, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(torch.relu(self.norm1(self.conv1(x))))
        x = self.pool(torch.relu(self.norm2(self.conv2(x))))
        return self.fc(self.drop(torch.flatten(x, 1)))


def chain() -> nn.Module:
    """The same network as a chain of chains, with pooling layers of its own."""
    layers = [
        [nn.Conv2d(i, o, 3, padding=1), nn.BatchNorm2d(o), nn.ReLU(), nn.MaxPool2d(2)] for i, o in ((2, 4), (4, 8))
    ]
    blocks = [nn.Sequential(*block) for block in layers]
    return nets.seeded(nn.Sequential(*blocks, nn.Flatten(), nn.Linear(32, 3)))


def network() -> nn.Module:
    return nets.seeded(Network())


def shaken(model: nn.Module, size: float = 0.3) -> nn.Module:
    """With a block and norms that do something."""
    for number, p in enumerate(shared_parameters(model)):
        p.data = p.data + size * torch.randn(p.shape, generator=seeded(number))
    return model


@settings(max_examples=25, deadline=None)
@given(
    c=st.integers(1, 4),
    groups=st.integers(1, 3),
    shape=st.sampled_from([(), (3,), (2, 3)]),
    seed=st.integers(0, 99),
)
def test_a_block_and_its_norm_are_what_is_written_out(c, groups, shape, seed) -> None:
    like = torch.zeros(())
    block, norm = TinyBlock(c, like), PlaceNorm(c * groups, len(shape) == 2, like)
    shaken(nn.Sequential(block, norm))
    axes = (c * groups, *shape) if norm.images else (*shape, c * groups)
    x = nets.inputs(2, *axes, seed=seed)
    with torch.no_grad():
        out = norm(block.images(x) if norm.images else block(x))
        parts = [p.tolist() for p in (block.weight, block.bias, norm.weight, norm.bias)]
        vectors = (x.movedim(1, -1) if norm.images else x).reshape(-1, c * groups)
        expected = torch.tensor([sharing.shared(v, *parts) for v in vectors.tolist()])
    found = (out.movedim(1, -1) if norm.images else out).reshape(-1, c * groups)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def written_out(model: nn.Module, x: Tensor, block: TinyBlock, norms: list[PlaceNorm]) -> Tensor:
    """What :class:`Network` computes with ``block`` after both calls of its pooling layer."""
    for conv, norm, place in ((model.conv1, model.norm1, norms[0]), (model.conv2, model.norm2, norms[1])):
        x = torch.relu(norm(conv(x)))
        x = nn.functional.max_pool2d(x, 2)
        x = place(block.images(x))
    return model.fc(torch.flatten(x, 1))


def test_the_block_follows_every_call_it_should_and_no_other() -> None:
    model, x = network(), images().inputs
    made = shaken(with_shared_block(model, x))
    assert [(p.name, p.channels, p.groups) for p in places_of(made)] == [("pool:1", 4, 1), ("pool:2", 8, 2)]
    block, norms = made.pool.tiny_block, list(made.pool.tiny_norms.values())
    with torch.no_grad():
        torch.testing.assert_close(made(x), written_out(model, x, block, norms))
        with pytest.raises(RuntimeError):
            made(torch.zeros(1, 2, 2, 8))  # breaks off between the calls
        torch.testing.assert_close(made(x), written_out(model, x, block, norms))

    only = shaken(with_shared_block(model, x, taps=("pool:2",)))
    with torch.no_grad():
        first = nn.functional.max_pool2d(torch.relu(model.norm1(model.conv1(x))), 2)
        second = nn.functional.max_pool2d(torch.relu(model.norm2(model.conv2(first))), 2)
        expected = model.fc(torch.flatten(only.pool.tiny_norms["2"](only.pool.tiny_block.images(second)), 1))
        torch.testing.assert_close(only(x), expected)
    assert only.pool.tiny_block.in_features == 8


@pytest.mark.parametrize("make", [network, chain])
def test_an_untrained_block_changes_no_chip(make) -> None:
    """Weights keep their names, so chip i has the errors that it had."""
    model, samples = make(), images()
    made = with_shared_block(model, samples.inputs)
    assert len(places_of(made)) == 2
    with torch.no_grad():
        assert torch.equal(made(samples.inputs), model(samples.inputs))
    before, after = (deploy(m, {"*": LOG_NORMAL}, seed=3) for m in (model, made))
    assert set(after.placements) - set(before.placements) == {n for n in after.placements if "tiny_block" in n}
    weights = [chips.weights(range(3)) for chips in (before, after)]
    assert all(torch.equal(weights[1][name], weight) for name, weight in weights[0].items())
    results = [mho.evaluate(chips, samples, n_chips=5).values for chips in (before, after)]
    np.testing.assert_array_equal(*results)
    assert not any(isinstance(m, TinyBlock) for m in model.modules()), "the model passed in stays as it is"
    assert set(model.state_dict()) < set(made.state_dict())


def test_a_chip_holds_the_block_once_and_reads_it_everywhere() -> None:
    model, samples = chain(), images()
    made = shaken(with_shared_block(model, samples.inputs))
    chips = deploy(made, {"*.tiny_block": CAREFUL, "*": LOG_NORMAL}, seed=4)
    placed = {name: place.memory for name, place in chips.placements.items()}
    assert placed == {
        "0.0.weight": LOG_NORMAL, "0.3.tiny_block.weight": CAREFUL, "1.0.weight": LOG_NORMAL, "3.weight": LOG_NORMAL,
    }  # fmt: skip
    assert {d.reason for d in chips.digital if "tiny" in d.name} == {"bias", "normalisation"}
    chip = chips.chip(2)
    first, second = chip[0][3].tiny_block, chip[1][3].tiny_block
    assert first is second
    assert not torch.equal(first.weight, made[0][3].tiny_block.weight)
    x, model = samples.inputs, chip
    with torch.no_grad():
        by_hand = x
        for number in (0, 1):
            layers = model[number]
            by_hand = nn.functional.max_pool2d(torch.relu(layers[1](layers[0](by_hand))), 2)
            by_hand = layers[3].tiny_norms["1"](first.images(by_hand))
        torch.testing.assert_close(chip(x), model[3](torch.flatten(by_hand, 1)))
        weights = {name: w[0] for name, w in chips.weights(2).items()}
        outputs = functional_call(made, weights, (x,), tie_weights=False)
        torch.testing.assert_close(outputs, chip(x))


@pytest.mark.parametrize("make", [network, chain])
def test_chips_of_a_network_with_a_block_are_judged_alike_in_every_way(make) -> None:
    samples = images()
    made = shaken(with_shared_block(make(), samples.inputs))
    chips = deploy(made, LOG_NORMAL)
    by_hand = []
    for number in range(4):
        with torch.no_grad():
            logits = chips.chip(number)(samples.inputs)
        by_hand.append(float((logits.argmax(1) == samples.targets).float().mean()))
    for batching in ("vmap", "loop"):
        found = mho.evaluate(chips, samples, n_chips=4, batching=batching).values[0, 0]
        np.testing.assert_allclose(found, by_hand, atol=1.01 / len(samples))  # one image may lie on the border
    folded, gains = fold_batchnorm(made.eval(), samples.take(5).inputs)
    assert len(gains) == 2, "norms of the network fold as before, and tracing sees the block"
    weights = {n: w * gains.get(n, 1.0) for n, w in ((n, w[0]) for n, w in chips.weights(1).items())}
    with torch.no_grad():
        out = functional_call(folded, weights, (samples.inputs,), tie_weights=False)
        torch.testing.assert_close(out, chips.chip(1)(samples.inputs), rtol=1e-3, atol=1e-4)
    assert set(mho.sensitivity(made, samples, images=20)) == set(chips.placements)


def test_networks_with_a_block_travel(tmp_path) -> None:
    model, x = zoo.build("lenet", image_size=8, classes=3), nets.inputs(4, 1, 8, 8)
    made = shaken(with_shared_block(model.eval(), x))
    back = pickle.loads(pickle.dumps(made))
    path = zoo.save(made, tmp_path / "made.safetensors")
    with pytest.raises(CheckpointError, match="does not say which architecture"):
        zoo.load(path)
    again = zoo.load_into(with_shared_block(model, x), path)
    third = with_shared_block(model, x)
    third.load_state_dict(made.state_dict())
    with torch.no_grad():
        for other in (back, again, third):
            assert torch.equal(other(x), made(x))
    assert [n for n, _ in back.named_parameters()] == [n for n, _ in made.named_parameters()]


def test_only_the_block_learns_on_fresh_chips_of_a_network_that_runs_as_on_a_chip() -> None:
    """Against a plain loop over chips, in evaluation mode: norms with running statistics, no dropout."""
    model, samples = network().train(), images()
    model.fc.weight.requires_grad_(False)
    recipe = Recipe(epochs=2, batch_size=16, optimizer="sgd", lr=0.05, schedule="constant", seed=5)
    found = share_block(model, samples, LOG_NORMAL, verified=CAREFUL, recipe=recipe)

    made = with_shared_block(model.eval(), samples.inputs)
    learning = shared_parameters(made)
    assert len(learning) == 2 + 2 * 2
    chips = deploy(made, {"pool.tiny_block": CAREFUL, "*": LOG_NORMAL}, seed=derived(5, "training"))
    for step, part in enumerate(teaching.batches(41, 16, 2, 5)):
        with torch.no_grad():
            chips.model.get_parameter("pool.tiny_block.weight").copy_(made.pool.tiny_block.weight)
        weights = {n: w[0] for n, w in chips.weights(step * DRAWS).items()}
        # Straight through: the gradient of the erroneous weight is that of the clean one.
        erroneous = (
            made.pool.tiny_block.weight + (weights["pool.tiny_block.weight"] - made.pool.tiny_block.weight).detach()
        )
        outputs = functional_call(
            made, weights | {"pool.tiny_block.weight": erroneous}, (samples.inputs[part],), tie_weights=False
        )
        gradients = torch.autograd.grad(nn.functional.cross_entropy(outputs, samples.targets[part]), learning)
        with torch.no_grad():
            for p, gradient in zip(learning, gradients, strict=True):
                p -= 0.05 * gradient
    state, original = found.model.state_dict(), model.state_dict()
    for name, tensor in made.state_dict().items():
        torch.testing.assert_close(state[name], tensor, rtol=1e-4, atol=1e-5)
    assert all(torch.equal(state[name], tensor) for name, tensor in original.items()), "statistics too"
    assert bool(state["pool.tiny_block.weight"].any())
    frozen = [n for n, p in found.model.named_parameters() if not p.requires_grad]
    assert frozen == ["fc.weight"], "what could be trained before can be again"
    assert not found.model.training
    assert training.origin(found.model) == training.origin(model), "the network's own"


def test_a_verified_block_recovers_part_of_what_log_normal_variation_takes() -> None:
    samples, test = data.digits(split="train", size=8).take(700), data.digits(split="test", size=8)
    recipe = Recipe(epochs=8, lr=3e-3, batch_size=32)
    model = training.train(zoo.build("lenet", image_size=8), samples, recipe=recipe)
    found = share_block(model, samples, LOG_NORMAL, taps=("pool:2", "relu:3"), recipe=recipe.replace(epochs=2))
    careful = LOG_NORMAL.replace(programming=WriteVerify(tolerance=0.06))
    assert dict(found.rules) == {"*.tiny_block": careful, "*": LOG_NORMAL}
    assert found.verified == careful
    results = [mho.evaluate(chips, test, n_chips=40).values[0, 0] for chips in (
        deploy(model, LOG_NORMAL), deploy(found.model, found.rules),
    )]  # fmt: skip
    assert mean_interval(results[1] - results[0]).low > 0.01, "the same chips: the difference is that of pairs"
    assert (found.channels, found.overhead) == (8, 64 / 19518)
    assert {"qin2024tsb", "yan2022swim"} <= set(found.references)
    assert "LeNet on" in str(found)
    assert "0.33 % of its 19,518 weights to verify, 272 digital numbers" in str(found)
    assert [line.split() for line in str(found).splitlines()[-2:]] == [["pool:2", "16", "2"], ["relu:3", "120", "15"]]


def test_vectors_and_values_are_served_too() -> None:
    x = nets.inputs(64, 6)
    model = nets.seeded(nn.Sequential(nn.Linear(6, 4), nn.Tanh(), nn.Linear(4, 2)))
    found = share_block(model, (x, model(x).detach()), LOG_NORMAL, taps=("0", "2"), recipe=Recipe(epochs=1))
    assert [(p.name, p.channels, p.groups) for p in found.places] == [("0", 4, 2), ("2", 2, 1)]
    assert found.channels == 2
    assert set(deploy(found.model, found.rules).placements) == {"0.weight", "0.tiny_block.weight", "2.weight"}


@pytest.mark.parametrize(
    ("counts", "wanted", "c"),
    [((16, 32, 64), None, 16), ((6, 16), None, 2), ((12, 8, 20), None, 4), ((5,), None, 5), ((1,), None, 1),
     ((6, 16), 1, 1), ((16, 32), 8, 8)],
)  # fmt: skip
def test_channels_are_the_fewest_or_what_divides_all(counts, wanted, c) -> None:
    assert channels_for([(str(i), n) for i, n in enumerate(counts)], wanted) == c


class Greedy(nn.Module):
    """Runs whatever it contains."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(2, 4, 1), nn.Conv2d(4, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.children():
            x = layer(x)
        return x


MODEL, SOME = network(), images()
X = SOME.inputs[:2]
GREEDY = nn.Sequential(Greedy(), nn.Flatten(), nn.Linear(256, 3))
DENSE = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3))
TWO = {"fc": CAREFUL, "*": LOG_NORMAL}


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: with_shared_block(MODEL, X, taps=("pol",)), UnknownNameError, "Network has no module 'pol' to tap"),
        (lambda: with_shared_block(MODEL, X, taps=("pool",)), ModelError, "is called 2 times: say which in taps="),
        (lambda: with_shared_block(MODEL, X, channels=3), SpecError, "4 channels of 'pool:1'; it takes a divisor of 4"),
        (lambda: with_shared_block(MODEL, X, channels=0), SpecError, "channels=0 must be a whole number, at least 1"),
        (lambda: with_shared_block(MODEL, X, taps=("pool:1", "fc")), ModelError, "fits all places (pool:1 4, fc 3)"),
        (lambda: with_shared_block(DENSE, X[:, 0, 0, :4]), ModelError, "name modules, such as taps=('1',)"),
        (lambda: with_shared_block(with_shared_block(MODEL, X), X), ModelError, "has a shared block already"),
        (lambda: with_shared_block(GREEDY, X, taps=("0",)), ModelError, "cannot be followed there; name layers"),
        (lambda: share_block(MODEL, SOME, None), SpecError, "share_block needs a memory"),
        (lambda: share_block(MODEL, SOME, LOG_NORMAL, taps="pool:1"), SpecError, "give a tuple: taps=('pool:1',)"),
        (lambda: share_block(MODEL, SOME, TWO), SpecError, "holds 2 memories; say which one the block is on"),
        (lambda: share_block(MODEL, SOME, LOG_NORMAL, verified=0.03), SpecError, "verified is a float; it takes"),
        (lambda: share_block(MODEL, SOME, {"x": LOG_NORMAL}), UnknownNameError, "rule 'x' matches no layer"),
        (lambda: share_block("lenet", SOME, LOG_NORMAL), ModelError, "model='lenet' is no torch.nn.Module"),
    ],
)  # fmt: skip
def test_bad_requests_are_one_line(make, error: type[MhoError], words: str) -> None:
    with pytest.raises(error) as caught:
        make()
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
