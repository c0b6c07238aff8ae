"""Methods: one file each. What a method gets from a run, what is kept of it, and what is refused."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

import mho
from mho import devices, spec, training, zoo
from mho.errors import MhoError, ModelError, SpecError, UnknownNameError
from mho.memory import Memory
from mho.spec import from_dict
from mho.training import METHODS, AdversarialWeights, GaussianNoise, Method, Noise, NoiseInjection, Recipe
from mho.training.method import Step, Taught
from mho.training.run import Batch, Run

FAST = Recipe(epochs=2, batch_size=16, lr=2e-3)
MEMORY = Memory(device=devices.RRAM1(sigma=0.1))


@pytest.fixture(autouse=True)
def _forgotten(monkeypatch) -> None:
    """Kinds that tests register are forgotten afterwards."""
    monkeypatch.setattr(spec, "_KINDS", dict(spec._KINDS))


def blobs(n: int = 41) -> tuple[Tensor, Tensor]:
    targets = torch.arange(n) % 3
    generator = torch.Generator().manual_seed(0)
    return torch.randn(n, 1, 8, 8, generator=generator) + targets.view(-1, 1, 1, 1), targets


def small() -> nn.Module:
    return zoo.build("lenet", image_size=8, classes=3)


def same(a: nn.Module, b: nn.Module) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


def test_several_noisy_passes_and_their_outputs_make_one_loss() -> None:
    """The shape of methods that feed back noisier outputs, or average over chips."""

    @dataclass(frozen=True, kw_only=True)
    class Average(Method):
        sigmas: tuple[float, ...]

        def begin(self, run: Run) -> Step:
            sources = [run.errors(sigma) for sigma in self.sigmas]

            def step(batch: Batch) -> Taught:
                outputs = [batch.forward(errors(batch, draw)) for draw, errors in enumerate(sources)]
                total = torch.stack(outputs).mean(0)
                loss = batch.loss(total)
                loss.backward()
                return Taught(loss, total)

            return step

    plain = training.train(small(), blobs(), recipe=FAST)
    quiet = training.train(small(), blobs(), method=Average(sigmas=(0.0, 0.0)), recipe=FAST)
    for a, b in zip(plain.parameters(), quiet.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-4)
    noisy = training.train(small(), blobs(), method=Average(sigmas=(0.1, 0.2)), recipe=FAST)
    assert not same(noisy, quiet)
    one = training.train(small(), blobs(), method=Average(sigmas=(0.1,)), recipe=FAST)
    assert same(one, training.train(small(), blobs(), method=NoiseInjection(sigma=0.1), recipe=FAST))


def test_helping_heads_on_intermediate_outputs_are_trained_along_and_forgotten() -> None:
    heads: list[nn.Linear] = []

    @dataclass(frozen=True, kw_only=True)
    class Snapshot(Method):
        sigma: float

        def begin(self, run: Run) -> Step:
            head = nn.Linear(84, 3)
            torch.nn.init.zeros_(head.weight)
            heads.append(run.help(head))
            seen: list[Tensor] = []
            hook = run.model.fc2.register_forward_hook(lambda _, __, out: seen.append(out))
            run.at_end.callback(hook.remove)
            backbone, snapshot = run.errors(self.sigma), run.errors(self.sigma, of=head, name="snapshot")

            def step(batch: Batch) -> Taught:
                seen.clear()
                outputs = batch.forward(backbone(batch))
                early = run.forward(seen[0], snapshot(batch), of=head)
                loss = batch.loss(outputs + 0.1 * early)
                loss.backward()
                return Taught(loss, outputs)

            return step

    model = small()
    trained = training.train(model, blobs(), method=Snapshot(sigma=0.1), recipe=FAST)
    assert float(heads[0].weight.detach().abs().max()) > 0, "the head learnt"
    assert [n for n, _ in trained.named_parameters()] == [n for n, _ in model.named_parameters()]
    assert not trained.fc2._forward_hooks
    assert not same(trained, training.train(model, blobs(), method=NoiseInjection(sigma=0.1), recipe=FAST))


def test_a_regulariser_sees_the_clean_weights() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Small(Method):
        strength: float

        def begin(self, run: Run) -> Step:
            def step(batch: Batch) -> Taught:
                outputs = batch.forward()
                loss = batch.loss(outputs) + self.strength * sum(w.square().sum() for w in run.stored.values())
                loss.backward()
                return Taught(loss, outputs)

            return step

    recipe = FAST.replace(
        optimizer="sgd", lr=0.05
    )  # six steps: 0.9^6 of the weights would be left of the penalty alone
    plain, shrunk = (training.train(small(), blobs(), method=m, recipe=recipe) for m in (None, Small(strength=1.0)))
    norms = [float(trained.fc1.weight.detach().norm()) for trained in (plain, shrunk)]
    assert norms[1] < 0.7 * norms[0]


def test_another_distribution_of_noise_is_one_small_class() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Censored(Noise):
        """Of the shape of right-censored noise."""

        references: ClassVar[tuple[str, ...]] = ("yan2023trice",)
        at: float

        def draw(self, draws: Any, weight: Tensor, scale: Tensor) -> Tensor:
            return draws.normal("training noise").clamp(max=self.at)

    def seen(noise: Noise | None) -> Tensor:
        run = Run(model, Recipe(), classifies=True)
        return run.errors(0.1, noise)(Batch(run, *blobs(), 0, 0))["fc1.weight"] - model.fc1.weight.detach()

    model = small()
    plain, censored, never = seen(None), seen(Censored(at=0.5)), seen(Censored(at=100.0))
    most = 0.05 * float(model.fc1.weight.detach().abs().max())
    torch.testing.assert_close(censored, plain.clamp(max=most), rtol=0, atol=1e-6)
    assert torch.equal(never, plain)
    assert torch.equal(seen(GaussianNoise()), plain)
    assert (
        "yan2023trice"
        in training.origin(
            training.train(model, blobs(), method=NoiseInjection(sigma=0.1, noise=Censored(at=1.0)), recipe=FAST)
        ).references
    )


def test_what_a_network_came_from_is_kept_and_cited() -> None:
    trained = training.train(small(), blobs(), method=NoiseInjection(), memory=MEMORY, recipe=FAST)
    origin = training.origin(copy.deepcopy(trained))
    assert origin is not None
    assert (origin.recipe, origin.method, origin.memories) == (FAST, NoiseInjection(), (MEMORY,))
    assert origin.epochs == training.history(trained)
    assert "joshi2020pcm" in mho.cite(origin)
    assert "qin2025neft" in mho.cite(origin), "the device's"
    kept = origin.to_dict()
    assert from_dict(kept["method"]) == NoiseInjection()
    assert from_dict(kept["memory"]["*"]) == MEMORY
    plain = training.origin(training.train(small(), blobs(), recipe=FAST))
    assert plain is not None
    assert (plain.method, plain.memory, plain.references) == (None, None, ())
    assert training.origin(small()) is None
    assert training.origin(pickle.loads(pickle.dumps(trained))) == origin, "processes may send networks to each other"
    assert "yan2022worst" in mho.cite(AdversarialWeights(bound=0.03))


@pytest.mark.parametrize(
    ("method", "label"),
    [
        (NoiseInjection(), "NoiseInjection"),
        (NoiseInjection(sigma=0.1, noise=GaussianNoise()), "NoiseInjection(sigma=0.1, noise=GaussianNoise)"),
        (AdversarialWeights(bound=0.03, start="zero"), "AdversarialWeights(bound=0.03, start=zero)"),
    ],
)
def test_tables_call_a_method_by_what_is_not_usual(method: Method, label: str) -> None:
    assert method.label == label


@pytest.mark.parametrize(
    ("method", "digest"),
    [
        (NoiseInjection(sigma=0.1), "754f2e4011d63ca3"),
        (NoiseInjection(sigma=1, noise=GaussianNoise()), "d85e5b86ce1bcfb1"),
        (AdversarialWeights(bound=0.03), "701d204d7819f964"),
        (training.OrientedVariationalForward(sigma=0.1), "03af0f23e291844f"),
        (training.Temperature(sigma=0.1), "c29ecb97e83b69d0"),
        (training.AveragedNoise(sigma=0.1), "ba1fbce047a2155a"),
        (training.CorrectNet(), "7d9bee53811f444a"),
        (training.IntermediateSnapshots(sigma=0.1), "0dce5a43c79cf057"),
        (training.RightCensored(), "0f26831ac1a6ae18"),
    ],
)
def test_digests_are_what_they_always_were(method: Method, digest: str) -> None:
    """Studies keep networks by them: if one changes, so must ``version``, or the numbers have stayed the same."""
    assert method.digest() == digest
    assert from_dict(method.to_dict()) == method
    assert method.replace() == method


def test_every_method_of_the_command_line_is_a_kind_that_yaml_knows() -> None:
    named = [kind.__name__ for kind in METHODS.values()]
    assert sorted([*named, "Gates"]) == sorted(spec.kinds_of(Method)), "gates have a command of their own: mho prune"


def test_looking_at_methods_costs_no_torch() -> None:
    code = "import sys, mho; mho.training.NoiseInjection(sigma=0.1).to_yaml(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


class NotOurs:
    pass


REGRESSION = (torch.zeros(8, 2), torch.zeros(8, 1))


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: NoiseInjection(sigma=-0.1), SpecError, "NoiseInjection: sigma=-0.1 must be zero or more"),
        (lambda: NoiseInjection(sigma=10.0), SpecError, "10 % is written 0.1"),
        (lambda: NoiseInjection(sigma="0.1"), SpecError, "sigma='0.1' is a str"),
        (lambda: NoiseInjection(sigma=0.1, noise="gauss"), SpecError, "noise='gauss' is a str"),
        (lambda: AdversarialWeights(bound=0.0), SpecError, "AdversarialWeights: bound=0.0 must be more than zero"),
        (lambda: AdversarialWeights(bound=-0.03), SpecError, "bound=-0.03 must be more than zero"),
        (lambda: AdversarialWeights(bound=3.0), SpecError, "3 % is written 0.03"),
        (lambda: AdversarialWeights(bound=0.1, steps=0), SpecError, "steps=0 must be at least 1"),
        (lambda: AdversarialWeights(bound=0.1, step_size=0.0), SpecError, "step_size=0.0 must be more than zero"),
        (lambda: AdversarialWeights(bound=0.1, clean_weight=-1.0), SpecError, "clean_weight=-1.0"),
        (lambda: AdversarialWeights(bound=0.1, objective="hing"), SpecError, "objective='hing'"),
        (lambda: AdversarialWeights(bound=0.1, start="none"), SpecError, "start='none'"),
        (lambda: NoiseInjection(sigma=0.1).replace(sgma=0.2), SpecError, "did you mean 'sigma'?"),
    ],
)
def test_bad_methods_are_one_line(make, error: type[MhoError], words: str) -> None:
    with pytest.raises(error) as caught:
        make()
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"method": "NoiseInjecton"}, SpecError, "'NoiseInjecton' is a name that no training method has: did you mean"),
        ({"method": "NoiseInjecton"}, SpecError, "did you mean 'NoiseInjection'?"),
        ({"method": "NoiseInjection"}, SpecError, "is a name; give mho.training.NoiseInjection(...)"),
        ({"method": NoiseInjection}, SpecError, "NoiseInjection is a class; give one of it: NoiseInjection(...)"),
        ({"method": 0.1}, SpecError, "method=0.1 is no training method; such are"),
        ({"method": NotOurs()}, SpecError, "is no training method"),
        ({"memory": MEMORY}, SpecError, "memory= says which errors chips have, but plain training injects none"),
        ({"method": AdversarialWeights(bound=0.1), "memory": MEMORY}, SpecError, "AdversarialWeights takes no memory"),
        ({"method": NoiseInjection()}, SpecError, "sigma is missing: give it as a fraction of max|W|"),
        ({"method": NoiseInjection(noise=GaussianNoise()), "memory": MEMORY}, SpecError, "both say what errors are"),
        ({"method": NoiseInjection(), "memory": "RRAM1"}, SpecError, "rules are a Memory or a dict"),
        ({"method": NoiseInjection(), "memory": {"fc9*": MEMORY}}, UnknownNameError, "rule 'fc9*' matches no layer"),
        ({"method": NoiseInjection(), "memory": {"*": None}}, SpecError, "keep every weight digital"),
        (
            {"method": NoiseInjection(sigma=0.1), "memory": Memory(device=devices.PCM())},
            SpecError,
            "no stage with a sigma to vary",
        ),
        (
            {"method": AdversarialWeights(bound=0.1, objective="hinge"), "data": REGRESSION, "model": nn.Linear(2, 1)},
            SpecError,
            "objective='hinge' needs classes",
        ),
        (
            {"method": NoiseInjection(sigma=0.1), "data": REGRESSION, "model": weight_norm(nn.Linear(2, 1))},
            ModelError,
            "parametr",
        ),
    ],
)
def test_bad_requests_are_one_line(options: dict, error: type[MhoError], words: str) -> None:
    asked = {"model": small(), "data": blobs(), "recipe": FAST} | options
    model, samples = asked.pop("model"), asked.pop("data")
    with pytest.raises(error) as caught:
        training.train(model, samples, **asked)
    assert words in str(caught.value)


def test_a_method_that_forgets_the_gradient_is_told_so() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Idle(Method):
        def begin(self, run: Run) -> Step:
            return lambda batch: Taught(batch.loss(batch.forward()), batch.forward())

    with pytest.raises(ModelError, match="Idle left no gradient on any parameter"):
        training.train(small(), blobs(), method=Idle(), recipe=FAST)


def test_methods_train_regression_and_named_inputs() -> None:
    class Sum(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.mix = nn.Linear(2, 1, bias=False)

        def forward(self, a: Tensor, b: Tensor) -> Tensor:
            return self.mix(torch.cat([a, b], 1))

    generator = torch.Generator().manual_seed(1)
    a, b = torch.randn(64, 1, generator=generator), torch.randn(64, 1, generator=generator)
    recipe = Recipe(epochs=20, batch_size=16, lr=0.1)
    for method in (NoiseInjection(sigma=0.05), AdversarialWeights(bound=0.02)):
        trained = training.train(Sum(), ({"a": a, "b": b}, 2 * a - b), method=method, recipe=recipe)
        torch.testing.assert_close(trained.mix.weight.detach(), torch.tensor([[2.0, -1.0]]), rtol=0, atol=0.2)
        assert training.history(trained)[-1].accuracy is None
