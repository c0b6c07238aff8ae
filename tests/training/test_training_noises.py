"""Noises that training injects: what they are, their moments, and training with right-censored noise."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import noises as slow
from reference import teaching
from torch import Tensor, nn

from mho import training
from mho.errors import SpecError
from mho.rng import Draws
from mho.spec import from_dict
from mho.training.methods.noise_injection import NoiseInjection
from mho.training.methods.right_censored import RightCensored
from mho.training.noises.base import GaussianNoise, IndependentNoise
from mho.training.noises.censored import (
    CentredCensoredNoise,
    DoublyCensoredNoise,
    LeftCensoredNoise,
    RightCensoredNoise,
    ShiftedGaussianNoise,
    ShiftNoise,
)
from mho.training.noises.distributions import RightTruncatedNoise, SaltAndPepperNoise, UniformNoise
from mho.training.noises.level_dependent import LevelDependentNoise
from mho.training.recipe import Recipe
from mho.training.run import DRAWS, Run, derived

SHIFT = {0.0: -0.39894, 0.5: -0.19780, 0.7: -0.14288, 1.0: -0.08332, 1.5: -0.02931, 2.0: -0.00849}
"""Printed means of min(z, C)."""
SPREAD = {0.0: 0.5838, 0.5: 0.7439, 0.7: 0.7985, 1.0: 0.8667, 1.5: 0.9425, 2.0: 0.9799}
"""Their printed standard deviations."""


@dataclass
class Row:
    """A noise, and the same written the slow way; ``kinks`` is where its curve is not smooth."""

    make: Callable[[float], IndependentNoise]
    slow: Callable[[float, float], float]
    kinks: Callable[[float], tuple[float, ...]] = lambda c: (c,)


@cache
def shift(c: float) -> float:
    return slow.moments(lambda z: slow.right_censored(z, c), (c,))[0]


def edges(rate: float) -> tuple[float, ...]:
    return (slow.NORMAL.inv_cdf(rate / 2), slow.NORMAL.inv_cdf(1 - rate / 2)) if 0 < rate < 1 else (0.0,)


ROWS = {
    "Gaussian": Row(lambda c: GaussianNoise(), lambda z, c: z),
    "right": Row(lambda c: RightCensoredNoise(censor=c), slow.right_censored),
    "left": Row(lambda c: LeftCensoredNoise(censor=c), slow.left_censored, lambda c: (-c,)),
    "doubly": Row(lambda c: DoublyCensoredNoise(censor=c), slow.doubly_censored, lambda c: (-c, c)),
    "centred": Row(lambda c: CentredCensoredNoise(censor=c), lambda z, c: slow.right_censored(z, c) - shift(c)),
    "shifted": Row(lambda c: ShiftedGaussianNoise(censor=c), lambda z, c: z + shift(c)),
    "shift": Row(lambda c: ShiftNoise(censor=c), lambda z, c: shift(c)),
    "truncated": Row(lambda c: RightTruncatedNoise(truncate=c), slow.right_truncated),
    "uniform": Row(lambda c: UniformNoise(), lambda z, c: slow.uniform(z)),
    "pepper": Row(
        lambda c: SaltAndPepperNoise(rate=min(c, 1.0)), lambda z, c: slow.salt_and_pepper(z, min(c, 1)), edges
    ),
}


def addressed(shape: tuple[int, ...], step: int = 0, layer: str = "fc") -> Draws:
    return Draws(3, layer, torch.tensor([step]), shape, torch.device("cpu"))


def draw(noise: IndependentNoise, shape: tuple[int, ...], step: int = 0) -> Tensor:
    return noise.draw(addressed(shape, step), torch.zeros(shape), torch.tensor(1.0))


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
@settings(max_examples=15, deadline=None)
@given(
    c=st.sampled_from([0.0, 0.01, 0.3, 1.0, 2.5]),
    shape=st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple),
    step=st.integers(0, 2**20),
)
def test_errors_are_a_function_of_the_numbers_that_gaussian_noise_has(row: Row, c: float, shape, step: int) -> None:
    z = draw(GaussianNoise(), shape, step)
    assert torch.equal(z, addressed(shape, step).normal("training noise"))
    u = draw(row.make(c), shape, step)
    assert (u.shape, u.dtype) == ((1, *shape), torch.float32)
    wanted = torch.tensor([row.slow(float(v), c) for v in z.flatten()]).view_as(u)
    torch.testing.assert_close(u, wanted, rtol=0, atol=3e-6)


@pytest.mark.parametrize("c", [0.0, 0.2, 0.5, 1.0, 2.0, 4.0])
@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_moments_are_the_integrals(row: Row, c: float) -> None:
    noise = row.make(c)
    mean, std, _ = slow.moments(lambda z: row.slow(z, c), row.kinks(c))
    assert noise.mean == pytest.approx(mean, abs=1e-9)
    assert noise.std == pytest.approx(std, abs=1e-7)


@pytest.mark.parametrize("c", SHIFT)
def test_moments_of_right_censored_noise_are_those_printed(c: float) -> None:
    noise = RightCensoredNoise(censor=c)
    assert (round(noise.mean, 5), round(noise.std, 4)) == (SHIFT[c], SPREAD[c])
    for other in (LeftCensoredNoise(censor=c), CentredCensoredNoise(censor=c)):
        assert other.std == noise.std
    assert LeftCensoredNoise(censor=c).mean == -noise.mean == -ShiftNoise(censor=c).mean
    assert ShiftedGaussianNoise(censor=c).mean == noise.mean


@pytest.mark.parametrize("c", [0.0, 0.7, 1.0])
@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_moments_of_many_draws_are_those_said(row: Row, c: float) -> None:
    noise, n = row.make(c), 1 << 18
    u = draw(noise, (n,)).double()
    # The mean has standard error std/sqrt(n), E[(u - mean)^2] has sqrt((E[(u - mean)^4] - std^4)/n); five of them are
    # exceeded once in 1.7 million tests. Rounding to single precision is far less than the slack.
    fourth = slow.moments(lambda z: row.slow(z, c), row.kinks(c))[2]
    assert float(u.mean()) == pytest.approx(noise.mean, abs=5 * noise.std / math.sqrt(n) + 1e-6)
    slack = 5 * math.sqrt(max(fourth - noise.std**4, 0) / n) + 1e-6
    assert float((u - noise.mean).square().mean()) == pytest.approx(noise.std**2, abs=slack)


@pytest.mark.parametrize("c", [0.0, 0.5, 1.0])
def test_truncated_noise_is_distributed_as_if_drawn_again(c: float) -> None:
    n = 1 << 17
    z = addressed((n,), layer="drawn again").normal("training noise").flatten()
    kept = z[z <= c]  # drawing again until a number is below C keeps just these
    truncated = draw(RightTruncatedNoise(truncate=c), (n,)).flatten()
    censored = draw(RightCensoredNoise(censor=c), (n,)).flatten()
    assert float(truncated.max()) <= c
    points = torch.linspace(-4, c, 400)
    found, wanted, other = (
        torch.searchsorted(x.sort().values, points, right=True) / len(x) for x in (truncated, kept, censored)
    )
    # Dvoretzky, Kiefer and Wolfowitz: an empirical distribution of n numbers is off by more than e with probability
    # 2 exp(-2 n e^2) at most, here a millionth.
    off = sum(math.sqrt(math.log(2e6) / (2 * size)) for size in (n, len(kept)))
    assert float((found - wanted).abs().max()) < off
    assert float((other - wanted).abs().max()) > 5 * off, "far from what setting to C makes"


@pytest.mark.parametrize("z", [-6.7, -5.0, 5.0, 6.7])
def test_truncated_far_out_nothing_is_lost(z: float) -> None:
    for c in (0.0, 1.0, 6.0, 50.0):
        got = float(RightTruncatedNoise(truncate=c).of(torch.tensor([z])))
        wanted = min(z, c) if c > 40 else slow.right_truncated(float(torch.tensor(z)), c)
        assert got == pytest.approx(wanted, abs=2e-5)
        assert got <= c


def test_a_higher_rate_hits_the_same_weights_and_more() -> None:
    rates = (0.0, 0.001, 0.1, 0.5, 1.0)
    hit = [draw(SaltAndPepperNoise(rate=rate), (4096,)) for rate in rates]
    for fewer, more in pairwise(hit):
        assert torch.equal(more[fewer != 0], fewer[fewer != 0])
    assert not hit[0].any()
    assert hit[-1].abs().min() == 1


@settings(max_examples=30, deadline=None)
@given(
    shape=st.lists(st.integers(1, 5), min_size=1, max_size=4).map(tuple),
    s=st.sampled_from([0.5, 1.0, 2.0, 4.0, 6.0]),
    normalised=st.booleans(),
    seed=st.integers(0, 2**30),
)
def test_level_dependent_errors_have_the_factor_of_their_weight(shape, s: float, normalised: bool, seed: int) -> None:
    weight = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    scale = weight.abs().amax()
    noise = LevelDependentNoise(of=RightCensoredNoise(censor=1.0), mid_factor=s, normalised=normalised)
    plain = noise.of.draw(addressed(shape), weight, scale)[0].flatten()
    wanted = [
        float(u) * slow.level_factor(float(w), float(scale), s, normalised)
        for u, w in zip(plain, weight.flatten(), strict=True)
    ]
    got = noise.draw(addressed(shape), weight, scale)
    assert got.shape == (1, *shape)
    torch.testing.assert_close(got.flatten(), torch.tensor(wanted), rtol=1e-5, atol=1e-6)


def test_level_factors_are_those_printed_and_keep_the_power_of_four_in_ten() -> None:
    weight = torch.tensor([0.0, -0.2, 0.25, 0.75, 0.9, -1.0, 0.26, -0.3, 0.5, 0.74])
    for s, ends, middle in ((2.0, 0.6742, 1.3484), (4.0, 0.3780, 1.5119), (6.0, 0.2582, 1.5492)):
        factor = LevelDependentNoise(of=GaussianNoise(), mid_factor=s).factor(weight, torch.tensor(1.0))
        assert [round(float(f), 4) for f in factor] == [ends] * 6 + [middle] * 4
        assert float(factor.square().mean()) == pytest.approx(1, rel=1e-6)
    zeros = torch.zeros(3)
    noise = LevelDependentNoise(of=GaussianNoise(), mid_factor=4.0)
    assert noise.draw(addressed((3,)), zeros, zeros.amax()).isfinite().all(), "a tensor of zeros has no full scale"


STEEP = Recipe(epochs=3, batch_size=8, optimizer="sgd", lr=0.3, momentum=0.5, schedule="constant", seed=5)


def points(n: int = 23) -> tuple[Tensor, Tensor]:
    targets = torch.arange(n) % 3
    return torch.randn(n, 5, generator=torch.Generator().manual_seed(0)) + targets.view(-1, 1), targets


def linear() -> nn.Linear:
    model, generator = nn.Linear(5, 3), torch.Generator().manual_seed(1)
    for p in model.parameters():
        p.data = torch.randn(p.shape, generator=generator)
    return model


@pytest.mark.parametrize("mid_factor", [1.0, 4.0])
def test_training_takes_the_gradient_at_the_censored_weights(mid_factor: float) -> None:
    inputs, targets = points()
    model, sigma, c = linear(), 0.4, 0.5

    def censored(step: int, weight: Tensor, bias: Tensor, part: list[int]) -> Tensor:
        draws = Draws(derived(5, "training"), "weight", torch.tensor([step * DRAWS]), (3, 5), torch.device("cpu"))
        z, out, scale = draws.normal("training noise")[0], weight.clone(), float(weight.abs().max())
        for i in range(3):
            for j in range(5):
                factor = slow.level_factor(float(weight[i, j]), scale, mid_factor, True)
                out[i, j] += sigma * scale * factor * slow.right_censored(float(z[i, j]), c)
        return out

    method = RightCensored(sigma=sigma, censor=c, mid_factor=mid_factor)
    trained = training.train(model, (inputs, targets), method=method, recipe=STEEP)
    weight, bias = teaching.taught(
        model.weight.detach(),
        model.bias.detach(),
        inputs,
        targets,
        teaching.batches(23, 8, 3, 5),
        censored,
        lr=0.3,
        momentum=0.5,
    )
    torch.testing.assert_close(trained.weight.double(), weight, rtol=0, atol=2e-5)
    torch.testing.assert_close(trained.bias.double(), bias, rtol=0, atol=2e-5)
    assert float((trained.weight - model.weight).detach().abs().max()) > 0.1


def test_without_censoring_it_is_noise_injection() -> None:
    far, plain = (
        training.train(linear(), points(), method=method, recipe=STEEP)
        for method in (RightCensored(sigma=0.2, censor=100.0), NoiseInjection(sigma=0.2))
    )
    assert torch.equal(far.weight, plain.weight)


def test_right_censored_training_is_cited_and_written_down() -> None:
    method = RightCensored(sigma=0.1, censor=0.7, mid_factor=4.0)
    assert from_dict(method.to_dict()) == method
    assert from_dict(RightCensored().to_dict()) == RightCensored()
    assert from_dict(method.noise.to_dict()) == method.noise
    assert method.label == "RightCensored(censor=0.7, sigma=0.1, mid_factor=4)"
    assert RightCensored().label == "RightCensored"
    assert method.references == ("yan2023trice",)
    assert RightCensored(censor=0.7).noise == RightCensoredNoise(censor=0.7)


def test_looking_at_noises_costs_no_torch() -> None:
    code = (
        "import sys; from mho.training.methods.right_censored import RightCensored as R; import mho.training.trackers; "
        "R(mid_factor=2.0).noise.to_yaml(); R(mid_factor=2.0).noise.of.std; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: RightCensoredNoise(censor=-1.0), "RightCensoredNoise: censor=-1.0 must be zero or more standard dev"),
        (lambda: LeftCensoredNoise(censor=math.inf), "LeftCensoredNoise: censor=inf is not a finite number"),
        (lambda: RightTruncatedNoise(truncate=-0.1), "RightTruncatedNoise: truncate=-0.1 must be zero or more"),
        (lambda: SaltAndPepperNoise(rate=1.5), "SaltAndPepperNoise: rate=1.5 must be a probability, 0 to 1"),
        (lambda: SaltAndPepperNoise(rate=math.nan), "SaltAndPepperNoise: rate=nan"),
        (lambda: LevelDependentNoise(of=GaussianNoise(), mid_factor=0.0), "mid_factor=0.0 must be more than zero"),
        (lambda: LevelDependentNoise(of=1.0, mid_factor=2.0), "LevelDependentNoise: of=1.0 is a float; it takes"),
        (lambda: RightCensored(censor=-0.5), "RightCensored: censor=-0.5 must be zero or more standard deviations"),
        (lambda: RightCensored(sigma=20.0), "20 % is written 0.2"),
        (lambda: RightCensored(sigma=None), "RightCensored: sigma is null"),
        (lambda: RightCensored(mid_factor=-2.0), "RightCensored: mid_factor=-2.0 must be more than zero"),
        (lambda: RightCensored().begin(Run(linear(), Recipe(), classifies=True)), "a SigmaSearch"),
    ],
)
def test_bad_noises_are_one_line(make, words: str) -> None:
    with pytest.raises(SpecError) as caught:
        make()
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
