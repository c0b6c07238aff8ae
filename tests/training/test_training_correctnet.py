"""CorrectNet: the penalty and its gradient, what it draws weights to, and what is not penalised."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import correcting, teaching
from torch import Tensor, nn

from mho import data, devices, training, zoo
from mho.errors import MhoError, SpecError
from mho.mapping import Analog
from mho.memory import Memory, deploy
from mho.training import NoiseInjection, Recipe
from mho.training.methods.correctnet import CorrectNet
from mho.training.run import DRAWS, Batch, Run, derived

MEMORY = Memory(device=devices.RRAM1(sigma=0.2))
FAST = Recipe(epochs=2, batch_size=16, lr=2e-3)


def seeded(n: int) -> torch.Generator:
    return torch.Generator().manual_seed(n)


def filled(model: nn.Module, scale: float = 0.7) -> nn.Module:
    for number, p in enumerate(model.parameters()):
        p.data = scale * torch.randn(p.shape, generator=seeded(number))
    return model


def penalty(method: CorrectNet, model: nn.Module) -> Tensor:
    """Without ``beta``, of all weights."""
    return method.penalty(Run(model, Recipe(), classifies=True).chips)


def cost(method: CorrectNet, model: nn.Module) -> float:
    return penalty(method, model).item()


def same(a: nn.Module, b: nn.Module) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


@settings(max_examples=40, deadline=None)
@given(
    kind=st.sampled_from(["linear", "conv1d", "conv2d", "transposed"]),
    outputs=st.integers(1, 3),
    inputs=st.integers(1, 3),
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    groups=st.integers(1, 2),
    method=st.sampled_from(
        [
            CorrectNet(),
            CorrectNet(lipschitz=0.3),
            CorrectNet(variant="layer"),
            CorrectNet(variant="layer", gamma=0.1, lipschitz=2.0),
        ]
    ),
)
def test_the_penalty_and_its_gradient_are_those_written_out(kind, outputs, inputs, kernel, groups, method) -> None:
    outputs, inputs = (outputs * groups, inputs * groups) if kind != "linear" else (outputs, inputs)
    layer = filled(
        {
            "linear": lambda: nn.Linear(inputs, outputs),
            "conv1d": lambda: nn.Conv1d(inputs, outputs, kernel[0], groups=groups),
            "conv2d": lambda: nn.Conv2d(inputs, outputs, kernel, groups=groups),
            "transposed": lambda: nn.ConvTranspose2d(inputs, outputs, kernel, groups=groups),
        }[kind]()
    )
    weight = layer.weight.detach().double()
    if method.variant == "slice":
        matrices = correcting.slices(weight)
    else:
        groups = groups if kind != "linear" else 1
        matrices = correcting.rows_of_outputs(weight, groups=groups, transposed=kind == "transposed")
    found = penalty(method, layer)
    assert found.item() == pytest.approx(correcting.penalty(matrices, method.level), rel=1e-4, abs=1e-5)
    found.backward()
    gradients = [correcting.penalty_gradient(matrix, method.level) for matrix in matrices]
    if method.variant == "slice":
        expected = torch.stack(gradients).view(weight.shape)
    elif kind == "transposed":
        parts = [g.view(len(g), -1, *weight.shape[2:]).transpose(0, 1) for g in gradients]
        expected = torch.cat(parts)
    else:
        expected = torch.cat(gradients).view(weight.shape)
    torch.testing.assert_close(layer.weight.grad.double(), expected, rtol=1e-4, atol=1e-4)
    assert layer.bias.grad is None


def orthogonal(rows: int, columns: int, seed: int = 0) -> Tensor:
    q = torch.linalg.qr(torch.randn(max(rows, columns), min(rows, columns), generator=seeded(seed)).double())[0]
    return (q if rows >= columns else q.T).float()


def test_orthogonal_matrices_of_the_right_size_cost_nothing() -> None:
    kernels = nn.Conv2d(2, 4, 3)
    kernels.weight.data = torch.stack([orthogonal(3, 3, i) for i in range(8)]).view(4, 2, 3, 3)
    assert cost(CorrectNet(), kernels) == pytest.approx(0, abs=1e-9)
    assert cost(CorrectNet(variant="layer"), kernels) > 1, "what one variant likes the other does not"
    kernels.weight.data *= math.sqrt(0.3)
    assert cost(CorrectNet(lipschitz=0.3), kernels) == pytest.approx(0, abs=1e-9)
    layer = CorrectNet(variant="layer", gamma=0.2)
    for rows, columns in [(4, 18), (24, 18)]:
        conv = nn.Conv2d(2, rows, 3)
        conv.weight.data = math.sqrt(layer.level) * orthogonal(rows, columns).view(rows, 2, 3, 3)
        assert cost(layer, conv) == pytest.approx(0, abs=1e-9)
    for shape in [(3, 7), (7, 3)]:
        linear = nn.Linear(shape[1], shape[0])
        linear.weight.data = orthogonal(*shape)
        assert cost(CorrectNet(), linear) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("gamma", [0.0, 0.2, 0.5])
def test_a_layer_keeps_its_gain_at_three_deviations_of_log_normal_variation(gamma: float) -> None:
    factors = torch.exp(gamma * torch.randn(1_000_000, generator=seeded(1), dtype=torch.float64))
    most = float(factors.mean() + 3 * factors.std())
    gain = math.sqrt(CorrectNet(variant="layer", gamma=gamma, lipschitz=0.9).level) * most
    # The deviation of e^v is known to about half a per cent from a million draws at gamma 0.5.
    assert gain == pytest.approx(0.9, rel=0.02)


def points(n: int = 23) -> tuple[Tensor, Tensor]:
    targets = torch.arange(n) % 3
    return torch.randn(n, 5, generator=seeded(0)) + targets.view(-1, 1), targets


@pytest.mark.parametrize("errors", ["none", "sigma", "memory"])
@pytest.mark.parametrize("step", [0, 4])
def test_the_gradient_is_that_of_the_batch_with_errors_and_of_the_clean_weights(errors: str, step: int) -> None:
    inputs, targets = points()
    model, memory = filled(nn.Linear(5, 3)), MEMORY if errors == "memory" else None
    method = CorrectNet(beta=0.3, sigma=0.2 if errors == "sigma" else None)
    run = Run(model, Recipe(seed=5), classifies=True, memory=memory)
    part = slice(step, step + 7)  # the penalty is the same whatever the batch
    batch = Batch(run, inputs[part], targets[part], step, 0)
    taught = method.begin(run)(batch)

    weight, bias = model.weight.detach(), model.bias.detach()
    if errors == "none":
        seen = weight
    elif errors == "sigma":
        seen = weight + 0.2 * weight.abs().max() * batch.draws("weight").normal("training noise")[0]
    else:
        seen = deploy(model.eval(), MEMORY, seed=derived(5, "training")).weights(step * DRAWS)["weight"][0]
    loss, by_weight, by_bias = teaching.gradient(seen.double(), bias.double(), inputs[part].double(), targets[part])
    gram = correcting.penalty([weight], 1.0)
    assert float(taught.loss.detach()) == pytest.approx(loss + 0.3 * gram, rel=1e-5)
    expected = by_weight + 0.3 * correcting.penalty_gradient(weight, 1.0)
    torch.testing.assert_close(model.weight.grad.double(), expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(model.bias.grad.double(), by_bias, rtol=1e-4, atol=1e-5)
    assert torch.equal(model.weight.detach(), weight)


def images(n: int = 41) -> tuple[Tensor, Tensor]:
    targets = torch.arange(n) % 3
    return torch.randn(n, 1, 8, 8, generator=seeded(0)) + targets.view(-1, 1, 1, 1), targets


def small() -> nn.Module:
    return zoo.build("lenet", image_size=8, classes=3)


def test_without_a_penalty_it_is_plain_training_or_noise_injection_bit_for_bit() -> None:
    plain = training.train(small(), images(), recipe=FAST)
    assert same(plain, training.train(small(), images(), method=CorrectNet(beta=0.0), recipe=FAST))
    noisy = training.train(small(), images(), method=NoiseInjection(sigma=0.1), recipe=FAST)
    assert same(noisy, training.train(small(), images(), method=CorrectNet(beta=0.0, sigma=0.1), recipe=FAST))
    chips = training.train(small(), images(), method=NoiseInjection(), memory=MEMORY, recipe=FAST)
    assert same(chips, training.train(small(), images(), method=CorrectNet(beta=0.0), memory=MEMORY, recipe=FAST))
    assert not same(plain, training.train(small(), images(), method=CorrectNet(), recipe=FAST))


@pytest.mark.parametrize("variant", ["slice", "layer"])
@pytest.mark.parametrize("memory", [None, MEMORY, {"fc*": None, "*": MEMORY}], ids=["none", "memory", "rules"])
def test_training_with_it_draws_the_stored_weights_to_orthogonality(variant: str, memory) -> None:
    method = CorrectNet(beta=0.1, variant=variant)
    model, samples = small(), images()
    recipe = FAST.replace(epochs=15, lr=2e-2, schedule="constant", precision="bfloat16")
    trained = training.train(model, samples, method=method, memory=memory, recipe=recipe)
    assert [n for n, _ in trained.named_parameters()] == [n for n, _ in model.named_parameters()]

    def of_layer(network: nn.Module, layer: str) -> float:
        of = deploy(network.eval(), {layer: Memory(device=devices.RRAM1(sigma=0.0), mapping=Analog())})
        return method.penalty(of).item()

    assert of_layer(trained, "conv2") < 0.5 * of_layer(model, "conv2")
    kept_digital = isinstance(memory, dict)
    assert (of_layer(trained, "fc1") > 0.8 * of_layer(model, "fc1")) == kept_digital


def test_slices_make_kernels_large_and_layers_do_not() -> None:
    """The reason why the published baseline is an odd one: each 3x3 kernel tends to a norm of sqrt(3)."""
    samples = data.digits(split="train", size=8, limit=300)
    recipe = Recipe(epochs=15, batch_size=32, lr=2e-2)
    norms = {}
    for variant in ("slice", "layer"):
        method = CorrectNet(beta=0.05, variant=variant)
        trained = training.train(zoo.build("lenet", image_size=8), samples, method=method, recipe=recipe)
        norms[variant] = float(trained.conv2.weight.detach().flatten(2).norm(dim=2).mean())
    assert norms["slice"] == pytest.approx(math.sqrt(3), rel=0.1)
    assert norms["layer"] < 0.5


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: CorrectNet(beta=-1.0), SpecError, "beta=-1.0 must not be negative"),
        (lambda: CorrectNet(lipschitz=0.0), SpecError, "lipschitz=0.0 must be more than zero"),
        (lambda: CorrectNet(gamma=0.1), SpecError, "gamma=0.1 is for variant='layer'"),
        (lambda: CorrectNet(variant="layer", gamma=-0.1), SpecError, "gamma=-0.1 must be from 0 to 2"),
        (lambda: CorrectNet(variant="kernel"), SpecError, "variant='kernel'"),
        (lambda: CorrectNet(sigma=20.0), SpecError, "20 % is written 0.2"),
        (
            lambda: training.train(small(), images(), method=CorrectNet(noise=training.GaussianNoise()), recipe=FAST),
            SpecError,
            "sigma is missing",
        ),
    ],
)
def test_bad_requests_are_one_line(make, error: type[MhoError], words: str) -> None:
    with pytest.raises(error) as caught:
        make()
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
