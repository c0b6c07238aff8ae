"""Controls of negative feedback: the same passes, averaged; the same logits, divided."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import feedback, nets
from torch import Tensor, nn

from mho import data, devices, training, zoo
from mho.errors import SpecError
from mho.memory import Memory
from mho.training import Method, NoiseInjection, Recipe
from mho.training.method import Taught
from mho.training.methods.averaged import AveragedNoise
from mho.training.methods.ovf import OrientedVariationalForward
from mho.training.methods.temperature import Temperature
from mho.training.run import Batch, Run

MEMORY = Memory(device=devices.RRAM2(sigma=0.1))
VALUES = nets.inputs(7, 3, seed=2)
CLASSES = torch.arange(7) % 3


def batch_of(targets: Tensor, model: nn.Module | None = None, memory: Memory | None = None) -> Batch:
    layers = (nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 3))
    model = nets.seeded(nn.Sequential(*layers)).train() if model is None else model
    run = Run(model, Recipe(), classifies=not targets.is_floating_point(), memory=memory)
    return Batch(run, nets.inputs(len(targets), 5), targets, 3, 0)


def taught(method: Method, batch: Batch) -> tuple[Taught, dict[str, Tensor]]:
    batch.run.model.zero_grad()
    out = method.begin(batch.run)(batch)
    return out, {name: p.grad.clone() for name, p in batch.run.model.named_parameters()}


def passes_of(batch: Batch, sigmas: list[float]) -> list[tuple[Tensor, Tensor]]:
    """Weights of the two layers under errors of the given strengths, draw 0, 1, ..."""
    each = [batch.run.errors(sigma)(batch, draw) for draw, sigma in enumerate(sigmas)]
    return [(weights["0.weight"], weights["2.weight"]) for weights in each]


def assert_by_hand(batch: Batch, found: dict[str, Tensor], wanted: feedback.Gradients) -> None:
    for name, key in {"0.weight": "U", "0.bias": "a", "2.weight": "V", "2.bias": "c"}.items():
        torch.testing.assert_close(
            found[name].double(), wanted[key], rtol=0, atol=1e-5 * float(wanted[key].abs().max())
        )


@settings(max_examples=12, deadline=None)
@given(copies=st.integers(1, 4), step=st.sampled_from([0.05, 0.0, -0.04]), targets=st.sampled_from([CLASSES, VALUES]))
def test_averaged_noise_is_the_mean_over_the_passes(copies: int, step: float, targets: Tensor) -> None:
    batch = batch_of(targets)
    (loss, outputs), gradients = taught(AveragedNoise(sigma=0.1, copies=copies, step=step), batch)
    model, passes = batch.run.model, passes_of(batch, [max(0.1 + n * step, 0.0) for n in range(copies + 1)])
    a, c = model[0].bias.detach(), model[2].bias.detach()
    wanted, by = feedback.averaged(passes, a, c, batch.inputs, targets)
    assert float(loss.detach()) == pytest.approx(wanted, rel=1e-5)
    assert_by_hand(batch, gradients, by)
    torch.testing.assert_close(outputs, taught(NoiseInjection(sigma=0.1), batch)[0].outputs)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
def test_temperature_divides_the_logits_before_the_loss(temperature: float) -> None:
    batch = batch_of(CLASSES)
    (loss, outputs), gradients = taught(Temperature(sigma=0.1, temperature=temperature), batch)
    model = batch.run.model
    a, c = model[0].bias.detach(), model[2].bias.detach()
    wanted, by = feedback.fed_back(passes_of(batch, [0.1]), [1 / temperature], a, c, batch.inputs, CLASSES)
    assert float(loss.detach()) == pytest.approx(wanted, rel=1e-5)
    assert_by_hand(batch, gradients, by)
    torch.testing.assert_close(outputs, taught(NoiseInjection(sigma=0.1), batch)[0].outputs)


@pytest.mark.parametrize("memory", [None, MEMORY], ids=["sigma", "memory"])
def test_feedback_without_strength_is_the_temperature(memory: Memory | None) -> None:
    batch, sigma = batch_of(CLASSES, memory=memory), None if memory else 0.1
    for copies in (1, 3):
        fed = taught(OrientedVariationalForward(sigma=sigma, beta=0.0, copies=copies), batch)
        control = taught(Temperature(sigma=sigma, temperature=copies + 1.0), batch)
        torch.testing.assert_close(fed, control, rtol=0, atol=1e-7)


def test_every_pass_of_averaged_noise_moves_the_statistics_as_feedback_does() -> None:
    moved = []
    for method in (AveragedNoise(sigma=0.1), OrientedVariationalForward(sigma=0.1)):
        layers = (nn.Linear(5, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 3))
        batch = batch_of(CLASSES, nets.seeded(nn.Sequential(*layers)).train())
        taught(method, batch)
        moved.append(dict(batch.run.model.named_buffers()))
    torch.testing.assert_close(*moved, rtol=0, atol=0)


@pytest.mark.parametrize("make", [Temperature, AveragedNoise])
def test_controls_train_with_a_memory_in_low_precision(make: type[Temperature] | type[AveragedNoise]) -> None:
    samples, model = data.digits(split="train", size=8), zoo.build("mlp", inputs=64, hidden=[32])
    recipe = Recipe(epochs=4, batch_size=32, lr=5e-3, precision="bfloat16")
    trained = training.train(model, samples, method=make(), memory=MEMORY, recipe=recipe)
    assert [n for n, _ in trained.named_parameters()] == [n for n, _ in model.named_parameters()]
    with torch.no_grad():
        assert float((trained(samples.inputs).argmax(1) == samples.targets).float().mean()) > 0.8


TABLE = devices.MeasuredTable(states=(0.0, 1.0), mean=((0.0, 1.0),), std=((0.1, 0.1),))


@pytest.mark.parametrize("device", [devices.PCM(), TABLE, devices.StuckAt.at_rate(0.1)], ids=lambda d: d.label)
@pytest.mark.parametrize("make", [AveragedNoise, OrientedVariationalForward])
def test_stronger_errors_need_a_severity_that_is_a_number(make: type[AveragedNoise], device: devices.Device) -> None:
    samples, model = data.digits(split="train", size=8), zoo.build("mlp", inputs=64, hidden=[32])
    told = rf"^train: memory= has device={device.label}, which has no sigma that step= .* give the method sigma=0.1$"
    with pytest.raises(SpecError, match=told):
        training.train(model, samples, method=make(), memory=Memory(device=device))


def test_a_temperature_makes_logits_larger_and_not_better() -> None:
    """What the control is for: the likelihood rises though decisions stay."""
    samples, model = data.digits(split="train", size=8), zoo.build("mlp", inputs=64, hidden=[32])
    sizes = []
    for temperature in (1.0, 4.0):
        method = Temperature(sigma=0.05, temperature=temperature)
        trained = training.train(model, samples, method=method, recipe=Recipe(epochs=8, batch_size=32, lr=5e-3))
        with torch.no_grad():
            outputs = trained(samples.inputs)
        assert float((outputs.argmax(1) == samples.targets).float().mean()) > 0.9
        sizes.append(float(outputs.std()))
    assert sizes[1] > 2 * sizes[0]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Temperature(temperature=0.0), "Temperature: temperature=0.0 must be more than zero"),
        (lambda: Temperature(temperature=math.inf), "temperature=inf is not a finite number"),
        (lambda: AveragedNoise(copies=0), "AveragedNoise: copies=0 must be at least 1; NoiseInjection has one pass"),
        (lambda: AveragedNoise(sigma=20.0), "20 % is written 0.2"),
        (lambda: AveragedNoise().begin(batch_of(CLASSES).run), "sigma is missing"),
        (
            lambda: Temperature(sigma=0.1).begin(batch_of(VALUES).run),
            "Temperature divides the logits of classes; values have none: use NoiseInjection",
        ),
    ],
)
def test_bad_input_is_one_line(make: Callable[[], object], words: str) -> None:
    with pytest.raises(SpecError) as caught:
        make()
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
