"""Converters, bounds and noise of a read: against a slow twin, by address, and on their way through a layer."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.array_reads import read_vector
from torch import Tensor, nn

from mho.analog.conversion import convert
from mho.analog.floating import FloatingPoint
from mho.analog.optimizer import SGD
from mho.analog.peripherals import Peripherals
from mho.analog.reading import read, read_noise
from mho.analog.tile import Tile
from mho.errors import SpecError

EXACT = FloatingPoint()
NOISY = Peripherals(output_noise=0.05, input_noise=0.02)


def normal(*shape: int, seed: int = 3) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def noise(vectors: int, first: int = 0, kind: str = "forward", chip: int = 0) -> object:
    return read_noise(5, "fc.weight", chip, kind, first, vectors, torch.device("cpu"))


BOUNDS = st.one_of(st.none(), st.floats(0.1, 4.0))
BITS = st.one_of(st.none(), st.integers(2, 9))


@settings(max_examples=80, deadline=None)
@given(
    st.tuples(st.integers(0, 5), st.integers(1, 5), st.integers(1, 4)),
    st.tuples(BITS, BOUNDS, BITS, BOUNDS),
    st.booleans(),
    st.integers(0, 5),
    st.integers(0, 99),
)
def test_a_read_is_the_slow_one(
    shape: tuple[int, int, int],
    converters: tuple[int | None, float | None, int | None, float | None],
    abs_max: bool,
    halvings: int,
    seed: int,
) -> None:
    input_bits, input_bound, output_bits, output_bound = converters
    spec = Peripherals(
        input_bits=input_bits,
        input_bound=input_bound,
        output_bits=output_bits if output_bound else None,
        output_bound=output_bound,
        noise_management="abs-max" if abs_max else "none",
        bound_management="iterative" if halvings else "none",
        halvings=halvings,
    )
    n, inputs, outputs = shape
    # in float64, so that the twin's sums fall on the same side of a level
    x, weight = normal(n, inputs, seed=seed).double(), normal(outputs, inputs, seed=seed + 1).double()
    x[: n // 3] = 0.0
    got = read(x, weight, 1.0, spec, noise(n))
    for row, vector in zip(got.tolist(), x.tolist(), strict=True):
        expected = read_vector(
            vector,
            weight.numpy(),
            input_bits=spec.input_bits,
            input_bound=spec.largest_input,
            output_bits=spec.output_bits,
            output_bound=spec.output_bound,
            abs_max=abs_max,
            halvings=halvings,
        )
        np.testing.assert_allclose(row, expected, rtol=1e-9, atol=1e-12)


def test_a_scale_changes_the_units_of_the_array_alone() -> None:
    x, weight = normal(4, 6), normal(3, 6)
    exact = Peripherals()
    torch.testing.assert_close(read(x, weight, 7.0, exact, noise(4)), x @ weight.T)
    coarse = Peripherals(output_bits=5, output_bound=2.0)
    torch.testing.assert_close(
        read(x, weight * 7, 7.0, coarse, noise(4)), 7 * read(x, weight, 1.0, coarse, noise(4)), rtol=1e-5, atol=1e-5
    )


def test_noise_is_that_of_the_vector_wherever_it_stands() -> None:
    x, weight = normal(6, 8), normal(3, 8)
    spec = NOISY.replace(output_bound=1.0)
    whole = read(x, weight, 1.0, spec, noise(6))
    parts = torch.cat([read(x[:2], weight, 1.0, spec, noise(2)), read(x[2:], weight, 1.0, spec, noise(4, first=2))])
    assert torch.allclose(whole, parts, atol=1e-6)
    for other in (noise(6, first=1), noise(6, kind="backward"), noise(6, chip=1)):
        assert not torch.allclose(whole, read(x, weight, 1.0, spec, other), atol=1e-3)


def test_noise_has_its_strength() -> None:
    n = 4000
    x, weight = torch.ones(n, 2), torch.tensor([[0.5, -0.5]])
    for spec, variance in (
        (Peripherals(output_noise=0.2), 0.04),
        (Peripherals(input_noise=0.2), 0.04 * 0.5),
    ):
        out = read(3 * x, weight, 1.0, spec, noise(n)) / 3
        # of n squares of normals: a standard deviation of variance * sqrt(2 / n), within 5 of them
        assert abs(float(out.square().mean()) - variance) < 5 * variance * (2 / n) ** 0.5


@pytest.mark.parametrize("make", [lambda: nn.Linear(6, 5), lambda: nn.Conv2d(2, 4, 3, padding=1, groups=2)])
def test_ideal_peripherals_are_exact_and_a_fine_converter_nearly(make: object) -> None:
    layer = make()  # type: ignore[operator]
    x = normal(3, 6) if isinstance(layer, nn.Linear) else normal(3, 2, 5, 5)
    fine = Peripherals(input_bits=20, output_bits=22, output_bound=12.0)
    outs, gradients = [], []
    for model in (layer, convert(layer, EXACT), convert(layer, EXACT, peripherals=fine)):
        inputs = x.clone().requires_grad_()
        out = model(inputs)
        (gradient,) = torch.autograd.grad(out.square().sum(), inputs)
        outs.append(out.detach())
        gradients.append(gradient)
    for values in (outs, gradients):
        assert torch.allclose(values[0], values[1], atol=1e-6)
        assert torch.allclose(values[0], values[2], atol=2e-3)
        assert not torch.equal(values[1], values[2])


def test_forward_and_backward_have_peripherals_of_their_own() -> None:
    plain, x, coarse = nn.Linear(6, 5), normal(3, 6).requires_grad_(), Peripherals(input_bits=2)
    d = normal(3, 5)

    def both(**options: Peripherals) -> tuple[bool, bool]:
        model = convert(plain, EXACT, **options)
        out = model(x)
        (gradient,) = torch.autograd.grad(out, x, d)
        return torch.allclose(out, plain(x), atol=1e-5), torch.allclose(gradient, d @ plain.weight, atol=1e-5)

    assert both() == (True, True)
    assert both(peripherals=coarse) == (False, False)
    assert both(peripherals=coarse, backward=Peripherals()) == (False, True)
    assert both(backward=coarse) == (True, False)


def test_arrays_learn_from_the_vectors_as_they_are_before_the_converters(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[Tensor, Tensor]] = []
    monkeypatch.setattr(Tile, "update", lambda tile, x, d, rate: calls.append((x, d)))
    layer = nn.Conv1d(2, 2, 3)
    seen = []
    for spec in (Peripherals(), Peripherals(input_bits=3)):
        model = convert(layer, EXACT, peripherals=spec)
        optimizer = SGD(model, lr=0.1)
        model(normal(2, 2, 7)).backward(normal(2, 2, 5))
        optimizer.step()
        seen.append(calls.pop())
    for a, b in zip(*seen, strict=True):
        torch.testing.assert_close(a, b)


def test_noise_of_training_goes_on_and_that_of_evaluation_stays() -> None:
    model = convert(nn.Linear(4, 3), EXACT, peripherals=NOISY)
    x = normal(2, 4)
    one, two = model(x), model(x)
    assert not torch.equal(one, two)
    assert model.bank("weight").reads.tolist() == [4, 0]
    one.sum().backward(inputs=[model.bias])
    model.eval()
    assert torch.equal(model(x), model(x))
    assert not torch.equal(model(x), one)
    with torch.no_grad():
        assert torch.equal(model(x), model(x))
    assert int(model.bank("weight").reads[0]) == 4


def test_gradients_in_evaluation_are_those_of_the_exact_product() -> None:
    plain, x = nn.Linear(4, 3), normal(2, 4).requires_grad_()
    model = convert(plain, EXACT, peripherals=NOISY).eval()
    (gradient,) = torch.autograd.grad(model(x).sum(), x)
    torch.testing.assert_close(gradient, plain.weight.sum(0).expand(2, 4).detach())


REFUSED = [
    ({"input_bits": 1}, "from 2 to 24"),
    ({"output_bits": 8}, "needs output_bound="),
    ({"output_bound": 0.0}, "must be positive"),
    ({"output_noise": -0.1}, "must not be negative"),
    ({"halvings": 21}, "from 0 to 20"),
    ({"noise_management": "max"}, "abs-max"),
]


@pytest.mark.parametrize(("fields", "said"), REFUSED)
def test_values_out_of_range(fields: dict[str, object], said: str) -> None:
    with pytest.raises(SpecError, match=said):
        Peripherals(**fields)  # type: ignore[arg-type]


def test_the_usual_ones() -> None:
    usual = Peripherals.usual()
    assert not usual.ideal
    assert Peripherals().ideal
    assert Peripherals.usual().to_dict() == usual.to_dict()
    model = convert(nn.Linear(20, 5), EXACT, peripherals=usual)
    out, exact = model(normal(50, 20)), nn.Linear.forward(model, normal(50, 20))
    assert 0 < float((out - exact).detach().std()) < 0.5
