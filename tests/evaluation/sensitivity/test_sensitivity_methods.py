"""Each method against its slow twin; sampled ones within the error that they state."""

from __future__ import annotations

import math

import pytest
import torch
from reference import nets
from reference import second_derivative as slow
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F  # noqa: N812

from mho.errors import ModelError, SpecError
from mho.evaluation.sensitivity import (
    METHODS,
    Found,
    Method,
    Sensitivity,
    Task,
    methods,
    per_sample,
    register,
    sensitivity,
)
from mho.evaluation.sensitivity.losses import LOSSES
from mho.evaluation.sensitivity.replicates import Replicates

X, Y = nets.inputs(12, 6), torch.arange(12) % 3


def measured(model: nn.Module, x: Tensor, y: Tensor, **options: object) -> Sensitivity:
    return sensitivity(model, (x, y), show_progress=False, **options)  # type: ignore[arg-type]


def hessians(model: nn.Module, x: Tensor, y: Tensor, names: list[str]) -> dict[str, Tensor]:
    """Diagonal of the dense Hessian of the mean cross-entropy, parameter by parameter."""
    given = {n: p.detach() for n, p in model.named_parameters()}
    return {
        n: slow.diagonal(
            lambda w, n=n: LOSSES["cross-entropy"].total(functional_call(model, {**given, n: w}, (x,)), y) / len(x),
            given[n],
        )
        for n in names
    }


def close(got: Tensor, want: Tensor) -> None:
    torch.testing.assert_close(got, want, rtol=1e-3, atol=1e-5 * float(want.abs().max()))


def curved() -> nn.Module:
    return nets.seeded(nn.Sequential(nn.Linear(6, 4), nn.Tanh(), nn.Linear(4, 3)))


@pytest.mark.parametrize("name", ["batch norms", "conv1d", "conv2d", "transposed 2d"])
def test_exact_gauss_newton_is_the_hessian_of_a_relu_network(name: str) -> None:
    """With the cross terms between the positions of a convolution, which the recursion drops."""
    make, x = nets.EVERY_LAYER[name]
    x = x[:8]
    model, y = nets.seeded(make()), torch.arange(len(x)) % 3
    got = measured(model, x, y, method="gauss-newton-exact")
    for n, h in hessians(model, x, y, list(got)).items():
        close(got[n], h)
    recursion = measured(model, x, y)
    first = next(iter(got))
    assert not torch.allclose(recursion[first], got[first], rtol=0.05), "else this test says nothing"


def test_exact_gauss_newton_is_the_hessian_of_a_trained_lenet(trained_lenet: tuple[nn.Module, Tensor, Tensor]) -> None:
    """Twelve weights a layer, each by one product of the Hessian with its unit vector."""
    model, x, y = trained_lenet
    x, y = x[:50], y[:50]
    got = measured(model, x, y, method="gauss-newton-exact")
    parameters = {n: model.get_parameter(n).requires_grad_() for n in got}
    slopes = torch.autograd.grad(F.cross_entropy(model(x), y), list(parameters.values()), create_graph=True)
    for (name, weight), slope in zip(parameters.items(), slopes, strict=True):
        alive = (got[name].flatten() > 0).nonzero().flatten()
        for i in alive[:: max(1, len(alive) // 12)].tolist():
            (row,) = torch.autograd.grad(slope.view(-1)[i], weight, retain_graph=True)
            want = float(row.view(-1)[i])
            assert float(got[name].view(-1)[i]) == pytest.approx(want, rel=1e-3, abs=1e-9)


@pytest.mark.parametrize("method", ["gauss-newton", "hutchinson"])
def test_sampled_methods_are_unbiased_within_their_errors(method: str) -> None:
    """Of some thirty weights, each a mean of 3 x 600 independent estimates, none is five standard errors off.

    The chance of that is below 1e-4 if the estimates are unbiased and the errors right. The mean square of (estimate -
    truth) / error is 1 if the errors are; over 30 weights, whose estimates hang together, it has a spread of at most
    sqrt(2 / 3) if they were only three independent ones.
    """
    activation = nn.Tanh() if method == "hutchinson" else nn.ReLU()
    model = nets.seeded(nn.Sequential(nn.Linear(6, 4), activation, nn.Linear(4, 3)))
    got = measured(model, X, Y, method=method, samples=600, batch_size=4)
    assert got.sampled
    truth = hessians(model, X, Y, list(got))
    score = torch.cat([((got.signed[n] - truth[n]) / got.error[n].clamp(min=1e-9)).flatten() for n in got])
    assert float(score.abs().max()) < 5
    assert 1 / 5 < float(score.square().mean()) < 1 + 4 * math.sqrt(2 / 3)


def test_hutchinson_of_a_quadratic_needs_one_probe() -> None:
    """v (h v) = h where nothing is off the diagonal: no error at all."""

    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.w = nn.Parameter(torch.arange(1.0, 5.0))

        def forward(self, x: Tensor) -> Tensor:
            return x * self.w

    x = torch.eye(4)
    got = measured(Own().eval(), x, torch.zeros(4, 4), method="hutchinson", loss="mse", parameters="w", samples=2)
    close(got["w"], torch.full((4,), 2 / 4 / 4))
    assert not got.error["w"].any()


def test_every_batch_has_probes_of_its_own() -> None:
    """The same batch twice is estimated twice, and better."""
    for method in ("gauss-newton", "hutchinson"):
        once = measured(curved(), X, Y, method=method, batch_size=12, samples=50)
        twice = measured(curved(), torch.cat([X, X]), torch.cat([Y, Y]), method=method, batch_size=12, samples=50)
        ratio = torch.cat([(twice.error[n] / once.error[n]).flatten() for n in once]).median()
        assert float(ratio) == pytest.approx(math.sqrt(0.5), rel=0.1)
        assert not any(torch.equal(once.signed[n], twice.signed[n]) for n in once)


def test_probes_depend_on_the_seed_alone() -> None:
    for method in ("gauss-newton", "hutchinson", "random"):
        one, same, other = (measured(curved(), X, Y, method=method, seed=s) for s in (0, 0, 1))
        assert all(torch.equal(one.signed[n], same.signed[n]) for n in one)
        assert not any(torch.equal(one.signed[n], other.signed[n]) for n in one)


@pytest.mark.parametrize(("at_once", "vmapped"), [(2**26, True), (0, False)])
@pytest.mark.parametrize("name", ["batch norms", "transformer", "gru cell", "lstm", "residual"])
def test_fisher_squares_each_samples_own_gradient(
    name: str, at_once: int, vmapped: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(per_sample, "AT_ONCE", at_once)
    make, x = nets.EVERY_LAYER[name]
    model, y = nets.seeded(make()), torch.arange(len(x)) % 3
    got = measured(model, x, y, method="fisher", batch_size=7)
    for n in got:
        weight = model.get_parameter(n)
        want = slow.fisher(lambda i: F.cross_entropy(model(x[i : i + 1]), y[i : i + 1]), weight, len(x))
        close(got[n], want)
    batch = torch.autograd.grad(F.cross_entropy(model(x), y), model.get_parameter(next(iter(got))))[0].square()
    assert float(got[next(iter(got))].sum()) > 2 * float(batch.sum()), "else this test says nothing"


def test_magnitude_saliency_and_random() -> None:
    model = curved()
    h = measured(model, X, Y)
    assert torch.equal(sensitivity(model, method="magnitude")["0.weight"], model[0].weight.abs())
    close(
        measured(model, X, Y, method="saliency").signed["0.weight"],
        h.signed["0.weight"] * model[0].weight.detach().square(),
    )
    wide = nets.seeded(nn.Linear(100, 100))
    drawn = sensitivity(wide, method="random")["weight"]
    # 10,000 uniform numbers: mean 1/2 with error 0.0029, all in [0, 1).
    assert abs(float(drawn.mean()) - 0.5) < 5 * 0.0029
    assert 0 <= float(drawn.min()) < 0.01
    assert 0.99 < float(drawn.max()) < 1


class Odd(nn.Module):
    """A network with an operation that has no rule."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(6, 5), nn.Linear(5, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.b(torch.atan(self.a(x)))


def test_an_operation_without_a_rule_falls_back_and_says_so() -> None:
    model = nets.seeded(Odd())
    with pytest.warns(UserWarning, match=r"^no rule for AtanBackward0: method 'gauss-newton' with 4 random probes"):
        got = measured(model, X, Y)
    assert (got.asked, got.method, got.sampled) == ("second-derivative", "gauss-newton", True)
    assert got.note.startswith("no rule for AtanBackward0")
    assert "\n" not in got.note
    assert got.note in str(got)
    assert {"yan2022swim", "schraudolph2002"} <= set(got.references)
    same = measured(model, X, Y, method="gauss-newton")
    assert torch.equal(got["a.weight"], same["a.weight"])
    with pytest.warns(UserWarning, match="AtanBackward0: method 'hutchinson' with 3 random probes"):
        own = measured(model, X, Y, loss=nn.CrossEntropyLoss(), samples=3)
    assert own.method == "hutchinson"
    with pytest.warns(UserWarning, match="no rule for AtanBackward0"):
        saliency = measured(model, X, Y, method="saliency")
    close(saliency["b.weight"], got["b.weight"] * model.b.weight.detach().square())
    # The last layer has a rule, and nothing before it is asked about.
    close(measured(model, X, Y, parameters="b")["b.weight"], hessians(model, X, Y, ["b.weight"])["b.weight"])


class Once(torch.autograd.Function):
    """Differentiable once."""

    @staticmethod
    def forward(ctx: object, x: Tensor) -> Tensor:
        return 2 * x

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: object, g: Tensor) -> Tensor:
        return 2 * g


def test_what_has_no_second_derivative_has_a_first() -> None:
    class Net(Odd):
        def forward(self, x: Tensor) -> Tensor:
            return self.b(Once.apply(self.a(x)))

    model = nets.seeded(Net())
    with pytest.raises(ModelError, match=r"an operation without second derivative .*method='fisher'"):
        measured(model, X, Y, method="hutchinson")
    with pytest.warns(UserWarning, match="no rule for OnceBackward"):
        assert measured(model, X, Y).method == "gauss-newton"
    assert float(measured(model, X, Y, method="fisher")["a.weight"].max()) > 0


def test_a_method_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(methods, "METHODS", dict(METHODS))

    def ones(task: Task) -> Found:
        return Found({n: torch.ones_like(w) for n, w in task.weights.items()})

    register(Method(name="ones", run=ones, power=2))
    got = measured(curved(), X, Y, method="ones")
    assert float(got["0.weight"].sum()) == 24
    close(got.normalised()["0.weight"], torch.full((4, 6), float(curved()[0].weight.detach().abs().max()) ** 2))
    with pytest.raises(SpecError, match="the name 'ones' is taken"):
        register(methods.METHODS["ones"])
    with pytest.raises(SpecError, match="register takes a Method"):
        register(lambda task: None)  # type: ignore[arg-type]


def test_replicates_add_batches_and_their_variances() -> None:
    values = nets.inputs(3, 8, 5)  # batches, estimates, weights
    sums = Replicates()
    for batch in values:
        sums.add({"w": estimate} for estimate in batch)
    torch.testing.assert_close(sums.total["w"], values.mean(1).sum(0))
    torch.testing.assert_close(sums.errors(10)["w"], (values.var(1) / 8).sum(0).sqrt() / 10)
