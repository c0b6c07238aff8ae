"""Error compensation: the modules, what of a network they leave as it is, how they learn, where they are put."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import correcting, nets, teaching
from torch import Tensor, nn
from torch.func import functional_call

import mho
from mho import data, devices, mapping, training, zoo
from mho.data import Dataset
from mho.errors import CheckpointError, MhoError, ModelError, SpecError, UnknownNameError
from mho.evaluation import mean_interval
from mho.evaluation.fold import fold_batchnorm
from mho.memory import Memory, deploy
from mho.training import Recipe
from mho.training.compensation.layers import DigitalMix, compensable, extra_weights, maps_of, with_compensation
from mho.training.compensation.verb import compensate, place, weights_of
from mho.training.run import DRAWS, derived

LOG_NORMAL = Memory(device=devices.LogNormal(sigma=0.5), mapping=mapping.Analog())
FAST = Recipe(epochs=1, batch_size=16, lr=1e-2)


def seeded(n: int) -> torch.Generator:
    return torch.Generator().manual_seed(n)


def images(n: int = 41, size: int = 8) -> Dataset:
    targets = torch.arange(n) % 3
    inputs = torch.randn(n, 2, size, size, generator=seeded(0)) + targets.view(-1, 1, 1, 1)
    return Dataset(inputs=inputs, targets=targets, classes=3)


def network() -> nn.Module:
    """Convolutions and a linear layer with norms and dropout in between."""
    layers = nn.Sequential(
        nn.Conv2d(2, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.5),
        nn.Conv2d(4, 6, 3, stride=2), nn.BatchNorm2d(6), nn.ReLU(), nn.Flatten(), nn.Linear(24, 3),
    )  # fmt: skip
    return nets.seeded(layers)


def shaken(model: nn.Module) -> nn.Module:
    """With generators and compensators that do something."""
    for number, module in enumerate(m for m in model.modules() if isinstance(m, DigitalMix)):
        for p in module.parameters():
            p.data = 0.3 * torch.randn(p.shape, generator=seeded(number))
    return model


@settings(max_examples=25, deadline=None)
@given(
    inputs=st.integers(1, 3),
    outputs=st.integers(1, 5),
    size=st.integers(3, 7),
    kernel=st.integers(1, 3),
    stride=st.integers(1, 2),
    padding=st.integers(0, 2),
    ratio=st.sampled_from([0.125, 0.25, 0.5, 1.0]),
)
def test_a_compensated_convolution_is_what_is_written_out(
    inputs, outputs, size, kernel, stride, padding, ratio
) -> None:
    plain = nets.seeded(nn.Conv2d(inputs, outputs, kernel, stride, padding))
    layer = shaken(with_compensation(plain, [""], ratio=ratio))
    parameters = [(m.weight.detach(), m.bias.detach()) for m in (layer.generator, layer.compensator)]
    assert layer.generator.weight.shape == (maps_of(plain, ratio), inputs + outputs)
    added = sum(p.numel() for n, p in layer.named_parameters() if n.endswith("or.weight"))
    assert added == extra_weights(plain, ratio)
    x = nets.inputs(2, inputs, size, size)
    with torch.no_grad():
        expected = torch.stack([correcting.compensated(i, y, *parameters) for i, y in zip(x, plain(x), strict=True)])
        torch.testing.assert_close(layer(x), expected, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(layer(x[0]), expected[0], rtol=1e-4, atol=1e-5)  # a single image


def test_a_compensated_linear_layer_is_a_convolution_of_one_pixel() -> None:
    plain = nets.seeded(nn.Linear(5, 4))
    layer = shaken(with_compensation(plain, [""]))
    parameters = [(m.weight.detach(), m.bias.detach()) for m in (layer.generator, layer.compensator)]
    x = nets.inputs(3, 5)
    with torch.no_grad():
        pixels = [(i[:, None, None], y[:, None, None]) for i, y in zip(x, plain(x), strict=True)]
        expected = torch.stack([correcting.compensated(i, y, *parameters).flatten() for i, y in pixels])
        torch.testing.assert_close(layer(x), expected, rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(layer(x[:, None]), expected[:, None], rtol=1e-5, atol=1e-6)  # a sequence


def test_untrained_compensation_changes_no_chip() -> None:
    """Weights keep their names, so chip i has the errors that it had; rules that name layers go on to mean them."""
    model, samples = network(), images()
    rules = {"8": None, "0": LOG_NORMAL, "*": LOG_NORMAL}
    made = with_compensation(model, ["0", "4", "8"])
    before, after = deploy(model, rules, seed=3), deploy(made, rules, seed=3)
    assert list(before.placements) == list(after.placements)
    assert {d.name for d in after.digital} > {"0.generator.weight", "4.compensator.weight", "8.weight"}
    weights = [chips.weights(range(3)) for chips in (before, after)]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    with torch.no_grad():
        torch.testing.assert_close(made(samples.inputs), model(samples.inputs), rtol=0, atol=1e-6)
    results = [mho.evaluate(chips, samples, n_chips=5).values for chips in (before, after)]
    np.testing.assert_array_equal(*results)
    assert type(model[0]) is nn.Conv2d, "the model passed in stays as it is"
    assert compensable(model) == ["0", "4", "8"]
    assert compensable(made) == []


def test_chips_of_a_compensated_network_are_judged_alike_in_every_way() -> None:
    made, samples = shaken(with_compensation(network(), ["4", "8"])), images()
    chips = deploy(made, LOG_NORMAL)
    fast = [mho.evaluate(chips, samples, n_chips=4, batching=b).ekl for b in ("vmap", "loop")]
    np.testing.assert_allclose(*fast, rtol=1e-4)
    folded, gains = fold_batchnorm(made.eval(), samples.take(5).inputs)
    assert list(gains) == ["0.weight"], "a norm after compensation is not that of a plain convolution"
    weights = {n: chips.model.get_parameter(n) * g for n, g in gains.items()}
    with torch.no_grad():
        torch.testing.assert_close(
            functional_call(folded, weights, (samples.inputs,)), made(samples.inputs), rtol=1e-3, atol=1e-4
        )
    assert set(mho.sensitivity(made, samples, images=20)) == {"0.weight", "4.weight", "8.weight"}


def test_compensated_networks_travel(tmp_path) -> None:
    model = zoo.build("lenet", image_size=8, classes=3)
    made = shaken(with_compensation(model, ["conv2", "fc1"], ratio=0.5))
    state = made.state_dict()
    assert state["conv2.generator.weight"].shape == (8, 22)
    assert set(model.state_dict()) < set(state)
    back = pickle.loads(pickle.dumps(made))
    assert all(torch.equal(t, state[n]) for n, t in back.state_dict().items())
    path = zoo.save(made, tmp_path / "made.safetensors")
    with pytest.raises(CheckpointError, match="does not say which architecture"):
        zoo.load(path)
    again = zoo.load_into(with_compensation(model, ["conv2", "fc1"], ratio=0.5), path)
    x = nets.inputs(4, 1, 8, 8)
    with torch.no_grad():
        assert torch.equal(again(x), made(x))
        assert torch.equal(back(x), made(x))


def test_a_layer_under_two_names_stays_one() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a = nn.Linear(4, 4)
            self.b = self.a

        def forward(self, x: Tensor) -> Tensor:
            return self.b(self.a(x))

    made = shaken(with_compensation(nets.seeded(Twice()), ["a"]))
    assert made.a is made.b
    assert type(made.b).__name__ == "CompensatedLinear"


def test_only_the_compensation_learns_on_fresh_chips_of_a_network_that_runs_as_on_a_chip() -> None:
    """Against a plain loop over chips, in evaluation mode: norms with running statistics, no dropout."""
    model, samples = network().train(), images()
    model[8].weight.requires_grad_(False)
    recipe = Recipe(epochs=2, batch_size=16, optimizer="sgd", lr=0.05, schedule="constant", seed=5)
    found = compensate(model, samples, LOG_NORMAL, layers=["4", "8"], recipe=recipe)

    made = with_compensation(model.eval(), ["4", "8"], seed=5)
    chips = deploy(made, LOG_NORMAL, seed=derived(5, "training"))
    learning = {n: p for n, p in made.named_parameters() if "or." in n}
    assert len(learning) == 8
    for step, part in enumerate(teaching.batches(41, 16, 2, 5)):
        weights = {n: w[0] for n, w in chips.weights(step * DRAWS).items()}
        outputs = functional_call(made, weights, (samples.inputs[part],))
        loss = nn.functional.cross_entropy(outputs, samples.targets[part])
        gradients = torch.autograd.grad(loss, list(learning.values()))
        with torch.no_grad():
            for p, gradient in zip(learning.values(), gradients, strict=True):
                p -= 0.05 * gradient
    state, original = found.model.state_dict(), model.state_dict()
    for name, tensor in made.state_dict().items():
        torch.testing.assert_close(state[name], tensor, rtol=1e-4, atol=1e-5)
    assert all(torch.equal(state[name], tensor) for name, tensor in original.items()), "statistics too"
    assert not torch.equal(state["4.generator.weight"], with_compensation(model, ["4"], seed=5)[4].generator.weight)
    frozen = [n for n, p in found.model.named_parameters() if not p.requires_grad]
    assert frozen == ["8.weight"], "what could be trained before can be again"
    assert not found.model.training
    assert training.origin(found.model) == training.origin(model), "the network's own"


@pytest.fixture(scope="module")
def trained() -> nn.Module:
    samples = data.digits(split="train", size=8)
    return training.train(zoo.build("lenet", image_size=8), samples, recipe=Recipe(epochs=20, lr=3e-3, batch_size=32))


def test_compensation_recovers_part_of_what_log_normal_variation_takes(trained: nn.Module) -> None:
    samples, test = data.digits(split="train", size=8), data.digits(split="test", size=8)
    recipe = Recipe(epochs=5, lr=3e-3, batch_size=32)
    found = compensate(trained, samples, LOG_NORMAL, layers=["conv1", "conv2"], recipe=recipe)
    before, after = (mho.evaluate(deploy(m, LOG_NORMAL), test, n_chips=60).values[0, 0] for m in (trained, found.model))
    assert mean_interval(after - before).low > 0.01, "the same chips: the difference is that of pairs"
    assert found.overhead == (14 + 48 + 88 + 320) / 19518
    assert "eldebiky2023correctnet" in mho.cite(found)
    assert str(found).splitlines()[-1].split() == ["conv2", "4", "408", "2.09", "not", "judged"]


def test_layers_are_found_within_the_budget_the_same_ones_every_time(trained: nn.Module) -> None:
    samples = data.digits(split="train", size=8)
    options = {"budget": 0.03, "recipe": Recipe(epochs=1, batch_size=32), "held_out": 0.3}
    first, second = (compensate(trained, samples, LOG_NORMAL, **options) for _ in range(2))
    assert first.layers == second.layers
    assert first.names == ("conv2",)
    assert 0 < first.overhead <= 0.03
    assert all(layer.gain is not None and layer.gain.low > 0 for layer in first.layers)
    assert all(torch.equal(a, b) for a, b in zip(first.model.parameters(), second.model.parameters(), strict=True))
    assert "gain in points" in str(first)
    assert str(first).splitlines()[-1].count("[") == 1
    none = compensate(trained, samples, LOG_NORMAL, **options | {"budget": 1e-4})
    assert (none.names, none.overhead) == ((), 0.0)
    assert "no layer gained anything within the budget" in str(none)
    assert compensable(none.model) == compensable(trained)


SCORES = {
    (): 0.50,
    ("0",): 0.55, ("4",): 0.58, ("8",): 0.49,
    ("0", "4"): 0.60, ("0", "8"): 0.62, ("4", "0"): 0.60, ("4", "8"): 0.50,
    ("0", "8", "4"): 0.63, ("0", "4", "8"): 0.70,
}  # fmt: skip
"""Of sets of layers of :func:`network`."""


@pytest.mark.parametrize(
    ("most", "wobble", "names"),
    [
        (133, 0.0, ["0", "8", "4"]),  # 0.05 / 26 is more than 0.08 / 68; then 0.07 / 39 more than 0.05 / 68
        (132, 0.0, ["0", "8"]),  # the third no longer fits
        (65, 0.0, ["0", "8"]),
        (64, 0.0, ["0"]),
        (25, 0.0, []),
        (200, 0.05, ["0", "8"]),  # chips differ so much that the last gain may be none
        (200, 1.0, []),
    ],
)
def test_the_layer_that_gains_most_per_weight_is_taken_first(most: float, wobble: float, names: list[str]) -> None:
    model = network()
    chips = np.tile([-1.0, 1.0], 10)

    def score(layers) -> np.ndarray:
        asked.append(tuple(layers))
        return SCORES[tuple(layers)] + wobble * len(layers) * chips

    asked: list[tuple[str, ...]] = []
    costs = {name: extra_weights(model.get_submodule(name), 0.25) for name in ("0", "4", "8")}
    assert costs == {"0": 26, "4": 68, "8": 39}
    found = place(model, ["0", "4", "8"], score, ratio=0.25, most=most, progress=False)
    assert [layer.name for layer in found] == names
    assert len(asked) == len(set(asked)), "nothing is tried twice"
    assert weights_of(model) == 72 + 216 + 72


class Odd(nn.Conv2d):
    pass


MODEL = network()
SOME = images()
VALUES = (torch.zeros(9, 2), torch.zeros(9, 1))


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: with_compensation(MODEL, ["9"]), UnknownNameError, "no layer '9' to compensate: valid names: 0, 4, 8"),
        (lambda: with_compensation(MODEL, ["1"]), ModelError, "nn.Linear themselves: name one of '0', '4', '8'"),
        (lambda: with_compensation(Odd(1, 1, 1), [""]), ModelError, "nn.Linear themselves: this network has none"),
        (lambda: with_compensation(MODEL, "0"), SpecError, "layers='0' is text; give a list: layers=['0']"),
        (lambda: with_compensation(MODEL, ["0"], ratio=0.0), SpecError, "ratio=0.0 must be more than zero"),
        (lambda: with_compensation(with_compensation(MODEL, ["0"]), ["0"]), ModelError, "'0' is compensated already"),
        (lambda: compensate(MODEL, SOME, None), SpecError, "compensate needs a memory"),
        (lambda: compensate(MODEL, SOME, LOG_NORMAL, budget=0.0), SpecError, "budget=0.0 must be more than zero"),
        (lambda: compensate(MODEL, SOME, LOG_NORMAL, held_out=1.0), SpecError, "held_out=1 of 41 samples leaves none"),
        (lambda: compensate(MODEL, SOME, LOG_NORMAL, trial_epochs=0), SpecError, "trial_epochs=0"),
        (lambda: compensate(MODEL, SOME, LOG_NORMAL, chips=0), SpecError, "chips=0"),
        (lambda: compensate(MODEL, SOME, {"x": LOG_NORMAL}), UnknownNameError, "rule 'x' matches no layer"),
        (lambda: compensate(nn.Linear(2, 1), VALUES, LOG_NORMAL), SpecError, "name them: layers=[...]"),
        (lambda: compensate("lenet", SOME, LOG_NORMAL), ModelError, "model='lenet' is no torch.nn.Module"),
    ],
)  # fmt: skip
def test_bad_requests_are_one_line(make, error: type[MhoError], words: str) -> None:
    with pytest.raises(error) as caught:
        make()
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_values_are_compensated_too_where_the_layers_are_named() -> None:
    x = torch.randn(64, 3, generator=seeded(1))
    model, recipe = nets.seeded(nn.Linear(3, 1)), Recipe(epochs=40, batch_size=16, lr=1e-2)
    y = model(x).detach()
    found = compensate(model, (x, y), LOG_NORMAL, layers=[""], recipe=recipe)
    # The mean factor e^(sigma^2 / 2) = 1.13 alone is worth taking back: the best gain of y is below one.
    errors = []
    for network in (model, found.model):
        weights = deploy(network, LOG_NORMAL).weights(range(200))["weight"]
        with torch.no_grad():
            errors.append(
                float(
                    np.mean([nn.functional.mse_loss(functional_call(network, {"weight": w}, (x,)), y) for w in weights])
                )
            )
    assert errors[1] < 0.9 * errors[0]
