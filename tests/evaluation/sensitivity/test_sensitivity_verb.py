"""What the verb takes and refuses, what it leaves alone, and what it returns."""

from __future__ import annotations

import math

import pytest
import torch
from reference import nets
from reference import second_derivative as slow
from reference.operations import drawn
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

import mho
from mho import mapping
from mho.devices import RRAM1
from mho.errors import DataError, MhoError, ModelError, SpecError, UnknownNameError
from mho.evaluation.orders import image_orders
from mho.evaluation.sensitivity import METHODS, Sensitivity, sensitivity
from mho.evaluation.sensitivity.losses import LOSSES, get_loss

X, Y = nets.inputs(12, 6), torch.arange(12) % 3


def net() -> nn.Sequential:
    return nets.seeded(nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3)))  # type: ignore[return-value]


def measured(model: object, x: object = X, y: object = Y, **options: object) -> Sensitivity:
    return sensitivity(model, (x, y), show_progress=False, **options)  # type: ignore[arg-type]


def close(got: Tensor, want: Tensor) -> None:
    torch.testing.assert_close(got, want, rtol=1e-4, atol=1e-6 * float(want.detach().abs().max()))


# Losses


@pytest.mark.parametrize("name", LOSSES)
def test_the_curvature_of_a_loss(name: str) -> None:
    """First and second derivative, and the root of the Hessian, sample by sample."""
    z = drawn(5, 4).requires_grad_()
    y = torch.tensor([0, 3, 1, -100, 2]) if name == "cross-entropy" else drawn(5, 4, seed=1)
    loss = LOSSES[name]
    h, g = loss.curvature(z.detach(), y)
    torch.testing.assert_close(g, torch.autograd.grad(loss.total(z, y), z)[0])
    torch.testing.assert_close(h, slow.diagonal(lambda z: loss.total(z, y), z.detach()))
    assert loss.factor is not None
    root = loss.factor(z.detach(), y)
    columns = torch.stack([root(torch.eye(4, dtype=torch.float64)[k].expand(5, 4)) for k in range(4)], -1)
    for i in range(5):
        dense = torch.autograd.functional.hessian(lambda one, i=i: loss.total(one[None], y[i : i + 1]), z[i].detach())
        torch.testing.assert_close(columns[i] @ columns[i].T, dense)


def test_tokens_count_equally_within_their_sample() -> None:
    z, y = drawn(3, 4, 5).requires_grad_(), torch.tensor([[0, 1, 2, 3], [4, -100, -100, 1], [-100] * 4])
    loss = LOSSES["cross-entropy"]
    total = loss.total(z, y)
    apart = F.cross_entropy(z[0], y[0]) + F.cross_entropy(z[1], y[1])
    assert float(total.detach()) == pytest.approx(float(apart.detach()))
    h, g = loss.curvature(z.detach(), y)
    torch.testing.assert_close(g, torch.autograd.grad(total, z)[0])
    torch.testing.assert_close(h, slow.diagonal(lambda z: loss.total(z, y), z.detach()))
    assert not h[2].any()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_network_that_is_very_sure_still_has_curvature(dtype: torch.dtype) -> None:
    """1 - p would be zero in single precision, and all weights alike."""
    z = torch.tensor([[30.0, 0.0, 1.0]], dtype=dtype)
    h, g = LOSSES["cross-entropy"].curvature(z, torch.tensor([0]))
    rest = math.exp(-30) + math.exp(-29)
    assert h[0].tolist() == pytest.approx([rest, math.exp(-30), math.exp(-29)], rel=1e-5, abs=0)
    assert g[0].tolist() == pytest.approx([-rest, math.exp(-30), math.exp(-29)], rel=1e-5, abs=0)
    factor = LOSSES["cross-entropy"].factor
    assert factor is not None
    root = factor(z, torch.tensor([0]))
    length = sum(float(root(unit[None])[0, 0]) ** 2 for unit in torch.eye(3, dtype=dtype))
    assert length == pytest.approx(rest, rel=1e-5, abs=0)


def test_a_loss_of_ones_own() -> None:
    same = measured(net(), loss=lambda outputs, targets: F.cross_entropy(outputs, targets))
    close(same["0.weight"], measured(net())["0.weight"])
    assert same.loss == "<lambda>"
    values = nets.inputs(12, 3, seed=2)
    close(measured(net(), X, values, loss=nn.MSELoss())["0.weight"], measured(net(), X, values, loss="mse")["0.weight"])
    assert not measured(net(), X, values, loss=nn.L1Loss())["0.weight"].any(), "linear in pieces"
    own = get_loss(lambda z, y: (z.sin() * z[..., :1]).square().mean())
    z = drawn(3, 2, 2)
    h, _ = own.curvature(z, z)
    torch.testing.assert_close(h, slow.diagonal(lambda z: own.total(z, z), z))


def test_mse_of_one_number_a_sample() -> None:
    model = nets.seeded(nn.Sequential(nn.Linear(6, 1)))
    close(measured(model, X, X[:, 0], loss="mse")["0.weight"], 2 * X.square().mean(0, keepdim=True))


# What is asked about


def test_the_weights_that_a_memory_would_store() -> None:
    make, x = nets.EVERY_LAYER["embedding"]
    model, y = nets.seeded(make()), torch.arange(len(x)) % 3
    assert list(measured(model, x, y)) == ["head.weight"]
    assert list(measured(model, x, y, parameters="emb")) == ["emb.weight"]
    assert list(measured(model, x, y, parameters="*")) == ["emb.weight", "head.weight"]
    assert list(measured(model, x, y, parameters=["head", "emb.*", "*.bias"])) == [
        "emb.weight",
        "head.weight",
        "head.bias",
    ]
    chips = mho.deploy(model, {"emb": mho.Memory(device=RRAM1(sigma=0.1)), "*": None})
    assert list(measured(chips, x, y)) == ["emb.weight"]


def test_of_chips_the_quantised_weights_are_looked_at() -> None:
    memory = mho.Memory(device=RRAM1(sigma=0.1), mapping=mapping.SlicedMagnitude(weight_bits=2, granularity="channel"))
    chips = mho.deploy(net(), {"0": memory, "*": None})
    got = measured(chips)
    assert list(got) == ["0.weight"]
    close(got["0.weight"], measured(chips.ideal())["0.weight"])
    assert not torch.allclose(got["0.weight"], measured(net())["0.weight"], rtol=1e-3)
    scale = net()[0].weight.abs().amax(1, keepdim=True)
    close(got.scales["0.weight"], scale)
    close(got.normalised()["0.weight"], got["0.weight"] * scale**2)
    with pytest.raises(UnknownNameError, match=r"parameters='2' matches no weight"):
        measured(chips, parameters="2")


def test_some_images_in_an_order_of_the_seed() -> None:
    for seed in (0, 1):
        index = torch.from_numpy(image_orders(seed, [0], 5, 12)[0])
        got = measured(net(), images=5, seed=seed)
        assert got.images == 5
        close(got["0.weight"], measured(net(), X[index], Y[index])["0.weight"])
    assert measured(net(), images=100).images == 12


@pytest.mark.parametrize("method", ["second-derivative", "gauss-newton-exact", "fisher"])
@pytest.mark.parametrize("batch_size", [1, 5, 12])
def test_batches_do_not_matter(method: str, batch_size: int) -> None:
    whole = measured(net(), method=method)
    parts = measured(net(), method=method, batch_size=batch_size)
    assert parts.value == pytest.approx(whole.value)
    for name in whole:
        close(parts[name], whole[name])
    first, last = measured(net(), X[:5], Y[:5], method=method), measured(net(), X[5:], Y[5:], method=method)
    close((5 * first["0.weight"] + 7 * last["0.weight"]) / 12, whole["0.weight"])


# What is left alone


class Careless(nn.Module):
    """Draws from the global generator and counts its calls."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.norm, self.drop = nn.Linear(6, 5), nn.BatchNorm1d(5), nn.Dropout(0.5)
        self.head = nn.Linear(5, 3)
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return self.head(F.dropout(self.drop(self.norm(self.layer(x))), 0.1))


@pytest.mark.parametrize("method", METHODS)
def test_nothing_is_changed(method: str) -> None:
    model = nets.seeded(Careless())
    model.drop.train()  # unlike a batch norm, no reason to refuse: the copy is put in evaluation mode
    model.head.weight.requires_grad_(False)
    before = {n: t.clone() for n, t in model.state_dict().items()}
    flags = [(m.training, *(p.requires_grad for p in m.parameters())) for m in model.modules()]
    torch.manual_seed(1)
    state, enabled = torch.get_rng_state(), torch._C._get_mkldnn_enabled()
    with torch.no_grad():
        measured(model, method=method)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch._C._get_mkldnn_enabled() == enabled
    assert all(torch.equal(t, before[n]) for n, t in model.state_dict().items())
    assert flags == [(m.training, *(p.requires_grad for p in m.parameters())) for m in model.modules()]
    assert all(p.grad is None for p in model.parameters())


def test_an_error_leaves_everything_as_it_was() -> None:
    """Also while somebody keeps the error, and with it the frames that it went through."""
    make, x = nets.EVERY_LAYER["lstm"]
    model = nets.seeded(nn.Sequential(make(), Blows(8, 3)))
    state, enabled = torch.get_rng_state(), torch._C._get_mkldnn_enabled()
    fused = torch.backends.cuda.flash_sdp_enabled()
    with pytest.raises(ModelError, match="cross-entropy is") as error:
        measured(model, x, torch.arange(20) % 3, batch_size=4)
    assert error.value.__traceback__ is not None
    assert torch._C._get_mkldnn_enabled() == enabled
    assert torch.backends.cuda.flash_sdp_enabled() == fused
    assert torch.equal(torch.get_rng_state(), state)


# What is refused


class Cut(nn.Module):
    """Gradients that do not reach a weight."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.a, self.b, self.unused = nn.Linear(6, 5), nn.Linear(5, 3), nn.Linear(2, 2)
        self.kind = kind

    def forward(self, x: Tensor) -> Tensor:
        y = self.a(x)
        if self.kind == "detached":
            y = y.detach()
        y = self.b(y)
        return F.one_hot(y.argmax(-1), 3).float() if self.kind == "argmax" else y


REFUSED: list[tuple[object, dict[str, object], type[MhoError], str]] = [
    ("a path", {}, ModelError, "sensitivity takes a torch.nn.Module or chips, not a str"),
    (net().train().append(nn.BatchNorm1d(3)), {}, ModelError, "BatchNorm1d is in training mode"),
    (nn.Sequential(nn.LazyLinear(3)), {}, ModelError, "has no shape yet"),
    (net().half(), {}, ModelError, "only float32"),
    (nn.Sequential(nn.ReLU()), {}, ModelError, "Sequential has no weight matrix that a memory would store"),
    (net(), {"method": "second-derivativ"}, UnknownNameError, "did you mean 'second-derivative'?"),
    (net(), {"loss": "crossentropy"}, SpecError, "loss='crossentropy': did you mean 'cross-entropy'?"),
    (net(), {"loss": lambda z, y: 3}, SpecError, "must return one number, the mean over the samples"),
    (net(), {"loss": nn.CrossEntropyLoss(reduction="none")}, SpecError, "it returned shape (4,)"),
    (net(), {"loss": nn.CrossEntropyLoss(reduction="sum")}, SpecError, "must return the mean over the samples"),
    (net(), {"loss": lambda z, y: z.detach().mean()}, SpecError, "has no gradient with respect to the outputs"),
    (net(), {"loss": nn.CrossEntropyLoss(), "method": "gauss-newton"}, SpecError, "takes loss='cross-entropy' or"),
    (net(), {"loss": "mse"}, ModelError, "mse compares number by number"),
    (net(), {"parameters": "conv*"}, UnknownNameError, "parameters='conv*' matches no weight"),
    (net(), {"parameters": []}, SpecError, "parameters is an empty list"),
    (net(), {"images": 0}, SpecError, "images=0 must be one or more"),
    (net(), {"images": 2.0}, SpecError, "images=2.0 is a float"),
    (net(), {"batch_size": 0}, SpecError, "batch_size=0 must be one or more"),
    (net(), {"samples": 0}, SpecError, "samples=0 must be one or more"),
    (net(), {"samples": 1, "method": "hutchinson"}, SpecError, "samples=1 must be two or more"),
    (net(), {"device": "gpu"}, SpecError, "device='gpu' is none that torch knows"),
    (nets.seeded(nn.Linear(5, 3)), {}, ModelError, "does not take samples of data, shape (6,)"),
    (nets.seeded(nn.Linear(6, 2)), {}, ModelError, "data has label 2, but the model has 2 outputs"),
    (nets.seeded(nn.Sequential(nn.Linear(6, 1), nn.Flatten(0))), {}, ModelError, "one score per class"),
    (nets.seeded(Cut("argmax")), {}, ModelError, "have no gradient: an operation on the way has none"),
    (nets.seeded(Cut("detached")), {}, ModelError, "no gradient reaches a.weight, unused.weight: unused, or cut off"),
    (nets.seeded(Cut("")), {"method": "fisher"}, ModelError, "no gradient reaches unused.weight"),
    (nets.seeded(Cut("")), {"method": "hutchinson"}, ModelError, "no gradient reaches unused.weight"),
    (nets.seeded(Cut("")), {"method": "gauss-newton"}, ModelError, "no gradient reaches unused.weight"),
]  # fmt: skip


@pytest.mark.parametrize(("model", "options", "kind", "said"), REFUSED, ids=[f"{i}" for i in range(len(REFUSED))])
def test_what_is_refused(model: object, options: dict[str, object], kind: type[MhoError], said: str) -> None:
    with pytest.raises(kind) as error:
        measured(model, **options)
    assert said in str(error.value)
    assert len(str(error.value).splitlines()) <= (1 if kind is not ModelError else 3), "a line for each problem"


def test_data_that_is_refused() -> None:
    with pytest.raises(DataError, match="this method looks at data: give a data set"):
        sensitivity(net())
    with pytest.raises(DataError, match="try loss='mse'"):
        measured(net(), X, X)
    with pytest.raises(ModelError, match=r"cross-entropy is (nan|inf) on samples 4 to 7"):
        measured(nets.seeded(Blows()), X, Y, batch_size=4)
    with pytest.raises(ModelError, match=r"the derivatives of 0.weight are not finite"):
        measured(nets.seeded(nn.Sequential(nn.Linear(6, 5), Root(), nn.Linear(5, 3))))


class Blows(nn.Module):
    """Divides by zero on the sixth sample of its first batches."""

    def __init__(self, inputs: int = 6, outputs: int = 3) -> None:
        super().__init__()
        self.layer, self.seen = nn.Linear(inputs, outputs), 0

    def forward(self, x: Tensor) -> Tensor:
        number = torch.arange(self.seen, self.seen + len(x))
        self.seen += len(x) if len(x) == 4 and torch.is_grad_enabled() else 0
        return self.layer(x) / (number != 5)[:, None]


class Root(nn.Module):
    """An infinite slope at zero."""

    def forward(self, x: Tensor) -> Tensor:
        return (0 * x).sqrt()
