"""The recursion through whole networks: exact where theory says so, adding up where tensors are shared."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import pytest
import torch
from reference import nets
from reference import second_derivative as slow
from reference.operations import drawn
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F  # noqa: N812

from mho import zoo
from mho.evaluation.sensitivity import Sensitivity, propagate, sensitivity
from mho.evaluation.sensitivity.losses import LOSSES


def measured(model: nn.Module, x: Tensor, y: Tensor, **options: object) -> Sensitivity:
    """The numbers without the progress bar; a fallback is an error."""
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="no rule")
        return sensitivity(model, (x, y), show_progress=False, **options)  # type: ignore[arg-type]


def everything(model: nn.Module) -> list[str]:
    """Patterns that name every parameter, biases and norms included."""
    return [name for name, _ in model.named_parameters()]


def hessian(model: nn.Module, name: str, x: Tensor, y: Tensor, loss: str = "cross-entropy") -> Tensor:
    """Diagonal of the dense Hessian in one parameter, of the mean loss."""
    rest = {n: p.detach() for n, p in model.named_parameters() if n != name}

    def mean(weight: Tensor) -> Tensor:
        return LOSSES[loss].total(functional_call(model, {**rest, name: weight}, (x,)), y) / len(x)

    return slow.diagonal(mean, model.get_parameter(name).detach())


def close(got: Tensor, want: Tensor) -> None:
    torch.testing.assert_close(got, want, rtol=1e-3, atol=1e-5 * float(want.abs().max()))


X, Y = nets.inputs(12, 6), torch.arange(12) % 3
ACTIVATIONS = [nn.ReLU(), nn.Tanh(), nn.GELU(), nn.GELU("tanh"), nn.SiLU(), nn.Softplus(), nn.ELU()]


@pytest.mark.parametrize("loss", ["cross-entropy", "mse"])
def test_the_last_layer_is_exact(loss: str) -> None:
    model = nets.seeded(nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 3)))
    y = Y if loss == "cross-entropy" else nets.inputs(12, 3, seed=2)
    got = measured(model, X, y, loss=loss, parameters=["4.weight", "4.bias"])
    assert list(got) == ["4.weight", "4.bias"]
    for name in got:
        close(got.signed[name], hessian(model, name, X, y, loss))


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=str)
def test_one_hidden_layer_before_a_single_output_is_exact(activation: nn.Module) -> None:
    model = nets.seeded(nn.Sequential(nn.Linear(6, 5), activation, nn.Linear(5, 1)))
    y = nets.inputs(12, seed=2)
    got = measured(model, X, y, loss="mse", parameters=everything(model))
    assert len(got) == 4
    for name in got:
        close(got.signed[name], hessian(model, name, X, y[:, None], "mse"))


def test_a_curved_loss_at_the_outputs_is_exact_through_softmax() -> None:
    """log_softmax inside the network and its own cross-entropy outside: the exact diagonal of both."""
    model = nets.seeded(nn.Sequential(nn.Linear(6, 3), nn.LogSoftmax(-1)))
    got = measured(model, X, Y, loss=nn.NLLLoss())
    plain = nets.seeded(nn.Sequential(nn.Linear(6, 3)))
    close(got["0.weight"], hessian(plain, "0.weight", X, Y))


def test_a_chain_equals_the_recursion_by_dense_jacobians() -> None:
    """Convolution, batch norm, ReLU, pooling, linear, GELU, layer norm, linear, one sample at a time."""
    torch_norm = nets.seeded(nn.BatchNorm2d(3)).double()
    scale, shift = (p.detach() for p in torch_norm.parameters())
    mean, var = torch_norm.running_mean, torch_norm.running_var
    weights = [drawn(3, 2, 3, 3) / 3, drawn(5, 12, seed=1) / 3, drawn(4, 5, seed=2)]
    steps: list[tuple[Callable[..., Tensor], list[Tensor]]] = [
        (lambda x, w: F.conv2d(x, w, padding=1, stride=2), [weights[0]]),
        (lambda x: F.relu(F.batch_norm(x, mean, var, scale, shift)), []),
        (lambda x: F.avg_pool2d(x, 2, 1).flatten(1), []),
        (F.linear, [weights[1]]),
        (F.gelu, []),
        (lambda x: F.layer_norm(x, (5,)), []),
        (F.linear, [weights[2]]),
    ]
    wanted = [torch.zeros_like(w) for w in weights]
    leaves = [w.clone().requires_grad_() for w in weights]
    images, labels = drawn(4, 2, 5, 5, seed=5), torch.tensor([0, 1, 2, 3])
    flow, used = images, iter(leaves)
    for f, own in steps:
        flow = f(flow, *(next(used) for _ in own))
    h, g = LOSSES["cross-entropy"].curvature(flow.detach(), labels)
    got = propagate(flow, h, g, leaves)
    for i in range(len(images)):
        found = [w for step in slow.stages(steps, images[i : i + 1], h[i : i + 1], g[i : i + 1]) for w in step]
        wanted = [total + part for total, part in zip(wanted, found, strict=True)]
    for mine, twin in zip(got, wanted, strict=True):
        assert mine is not None
        torch.testing.assert_close(mine, twin, rtol=1e-5, atol=1e-6)


class Scaled(nn.Module):
    """A network whose outputs are multiplied by s."""

    def __init__(self, s: float) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3))
        self.s = s

    def forward(self, x: Tensor) -> Tensor:
        return self.s * self.body(x)


def test_a_scale_layer_multiplies_h_by_its_square() -> None:
    one, three = (measured(nets.seeded(Scaled(s)), X, nets.inputs(12, 3, seed=2), loss="mse") for s in (1.0, 3.0))
    for name in one:
        close(three.signed[name], 9 * one.signed[name])


def test_a_relu_network_has_no_negative_number() -> None:
    for name in ("batch norms", "residual", "conv2d", "transposed 2d"):
        make, x = nets.EVERY_LAYER[name]
        got = measured(nets.seeded(make()), x, torch.arange(len(x)) % 3)
        assert all(bool((h >= 0).all()) for h in got.signed.values())
        assert all(bool((h > 0).any()) for h in got.signed.values())


class Branches(nn.Module):
    """``[W x, relu(V W x) + W x]``: a residual and a concatenation."""

    def __init__(self) -> None:
        super().__init__()
        self.w, self.v = nn.Linear(6, 4, bias=False), nn.Linear(4, 4, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        u = self.w(x)
        return torch.cat([u, torch.relu(self.v(u)) + u], 1)


def test_branches_add_up() -> None:
    model = nets.seeded(Branches())
    y = nets.inputs(12, 8, seed=2)
    got = measured(model, X, y, loss="mse")
    w, v = model.w.weight.detach(), model.v.weight.detach()
    u = X @ w.T
    h = 2 / 8  # at every output
    gate = (u @ v.T > 0).float()
    at_u = h + h + (gate * h) @ v.square()
    close(got["w.weight"], at_u.T @ X.square() / 12)
    close(got["v.weight"], (gate * h).T @ u.square() / 12)


class Twice(nn.Module):
    """Two layers, which may be one."""

    def __init__(self, shared: bool) -> None:
        super().__init__()
        self.first = nn.Linear(6, 6)
        self.second = self.first if shared else nn.Linear(6, 6)
        self.head = nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(torch.relu(self.second(torch.relu(self.first(x)))))


def test_a_layer_that_is_used_twice_gets_the_sum_of_its_uses() -> None:
    shared, apart = nets.seeded(Twice(True)), Twice(False).eval()
    state = shared.state_dict()
    apart.load_state_dict(state | {n.replace("first", "second"): t for n, t in state.items() if "first" in n})
    one, two = measured(shared, X, Y), measured(apart, X, Y)
    assert list(one) == ["first.weight", "head.weight"]
    close(one["first.weight"], two["first.weight"] + two["second.weight"])


def test_a_convolution_is_the_linear_layer_on_its_patches() -> None:
    """As many independent layers as positions, added up: the terms between positions are those that are dropped."""
    x = nets.inputs(8, 2, 5, 5)
    conv = nets.seeded(nn.Sequential(nn.Conv2d(2, 3, 3, stride=2, bias=False), nn.Flatten()))
    y = nets.inputs(8, 12, seed=2)
    patches = F.unfold(x, 3, stride=2)  # (n, 18, positions)
    want = (2 / 12) * patches.square().sum((0, 2)).expand(3, 18) / 8
    close(measured(conv, x, y, loss="mse")["0.weight"].flatten(1), want)


def test_spearman_with_the_exact_diagonal_of_a_trained_lenet(trained_lenet: tuple[nn.Module, Tensor, Tensor]) -> None:
    """Above 0.9 in every layer but the first, whose positions (784 of them) curve the loss together."""
    from scipy.stats import spearmanr

    model, x, y = trained_lenet
    got = measured(model, x, y)
    exact = measured(model, x, y, method="gauss-newton-exact")
    ranks = {}
    for name in got:
        alive = exact[name] > 0
        ranks[name] = float(spearmanr(got[name][alive], exact[name][alive]).statistic)
    first = ranks.pop("conv1.weight")
    assert min(ranks.values()) > 0.9, ranks
    assert 0.6 < first < 0.9, "better now? then say so in the decision"
    assert ranks["fc3.weight"] > 0.9999


@pytest.mark.parametrize("name", ["lenet", "mlp", "convnet", "vgg8", "resnet18", "resnet20"])
def test_the_networks_of_the_zoo_have_all_rules(name: str) -> None:
    shape = {"lenet": (1, 28, 28), "mlp": (1, 28, 28)}.get(name, (3, 32, 32))
    model = zoo.build(name).eval()
    got = measured(model, torch.rand(1, *shape, generator=torch.Generator().manual_seed(0)), torch.tensor([3]))
    weights = [n for n, p in model.named_parameters() if n.endswith("weight") and p.dim() > 1]
    assert list(got) == weights
    assert all(float(h.max()) > 0 for h in got.values())


@pytest.mark.filterwarnings("ignore:LSTM with projections")
@pytest.mark.parametrize("name", nets.EVERY_LAYER)
def test_every_kind_of_layer_has_its_rules(name: str) -> None:
    make, x = nets.EVERY_LAYER[name]
    model = nets.seeded(make())
    got = measured(model, x, torch.arange(len(x)) % 2, parameters=everything(model))
    assert set(got) == {n for n, _ in model.named_parameters()}
    for n, h in got.signed.items():
        assert h.shape == model.get_parameter(n).shape
        assert torch.isfinite(h).all()


class Words(nn.Module):
    """A small decoder as libraries write them: rotary positions, grouped queries, masks of the smallest number."""

    def __init__(self) -> None:
        super().__init__()
        self.emb = nn.Embedding(11, 8)
        self.norm, self.weight = nn.LayerNorm(8), nn.Parameter(torch.ones(8))
        self.q, self.kv, self.out = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 8, bias=False)
        self.gate, self.up, self.down = (nn.Linear(8, 12), nn.Linear(8, 12), nn.Linear(12, 8))
        self.head = nn.Linear(8, 11, bias=False)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> dict[str, Tensor]:
        x = self.emb(input_ids)
        n, t, _ = x.shape
        y = self.norm(x)
        q = self.q(y).view(n, t, 4, 2).transpose(1, 2)
        k, v = self.kv(y).view(n, t, 2, 4).transpose(1, 2).chunk(2, -1)
        angle = torch.arange(t)[:, None] * 0.3
        q = q * angle.cos() + torch.cat([-q[..., 1:], q[..., :1]], -1) * angle.sin()
        k, v = k.repeat_interleave(2, 1), v.repeat_interleave(2, 1)
        scores = q @ k.transpose(-1, -2) / 2**0.5
        allowed = torch.ones(t, t).tril().bool() & attention_mask[:, None, None, :].bool()
        scores = scores.masked_fill(~allowed, torch.finfo(scores.dtype).min)
        mixed = F.dropout(F.softmax(scores, -1, dtype=torch.float32), 0.1, self.training) @ v
        x = x + self.out(mixed.transpose(1, 2).reshape(n, t, 8))
        y = self.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6))
        x = x + self.down(F.silu(self.gate(y)) * self.up(y))
        return {"logits": self.head(x)}


def test_a_language_model_with_masks_and_left_out_labels() -> None:
    model = nets.seeded(Words())
    ids = torch.arange(30).reshape(5, 6) % 11
    mask = (torch.arange(6) < torch.tensor([[6], [6], [4], [3], [6]])).long()
    labels = torch.where(mask.bool(), (ids * 3) % 11, -100)
    data = ({"input_ids": ids, "attention_mask": mask}, labels)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="no rule")
        got = sensitivity(model, data, parameters=everything(model), batch_size=2, show_progress=False)
    assert len(got) == sum(1 for _ in model.named_parameters())
    weight = torch.where(labels == -100, 0.0, 1.0) / mask.sum(1, keepdim=True) / 5
    (captured := {}).clear()
    model.head.register_forward_pre_hook(lambda _, args: captured.update(x=args[0]))
    with torch.no_grad():
        p = model(**data[0])["logits"].softmax(-1)
    at_logits = p * (1 - p) * weight[..., None]
    close(got["head.weight"], torch.einsum("ntc,ntk->ck", at_logits, captured["x"].square()))
    # What is masked does not count: other ids and labels there change nothing.
    other = ({"input_ids": torch.where(mask.bool(), ids, (ids + 1) % 11), "attention_mask": mask}, labels)
    again = sensitivity(model, other, show_progress=False)
    for name in again:
        close(again[name], got[name])


class Vision(nn.Module):
    """Parts as vision libraries write them: depthwise, squeeze and excitation, dense, shifted windows, class token."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.norm = nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8)
        self.deep, self.point = nn.Conv2d(8, 8, 3, 1, 1, groups=8), nn.Conv2d(8, 8, 1)
        self.squeeze, self.excite = nn.Conv2d(8, 2, 1), nn.Conv2d(2, 8, 1)
        self.dense = nn.Conv2d(8, 4, 3, padding="same")
        self.group, self.scale = nn.GroupNorm(2, 12), nn.Parameter(torch.full((12, 1, 1), 0.3))
        self.token, self.place = nn.Parameter(torch.ones(1, 1, 12)), nn.Parameter(torch.ones(1, 17, 12))
        self.encoder = nn.TransformerEncoderLayer(12, 3, 24, batch_first=True, norm_first=True, activation="gelu")
        self.last, self.head = nn.LayerNorm(12), nn.Linear(12, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = F.hardswish(self.norm(self.stem(x)))
        y = F.relu6(self.deep(x), inplace=True)
        gate = F.hardsigmoid(self.excite(F.relu(self.squeeze(F.adaptive_avg_pool2d(y, 1)), inplace=True)))
        x = x + self.point(y * gate)
        x = torch.cat([F.max_pool2d(x, 3, 1, 1), F.silu(self.dense(x))], 1)
        x = x + self.scale * self.group(F.avg_pool2d(x, 3, 1, 1).roll((1, 1), (2, 3)))
        x = F.interpolate(x, size=4, mode="bilinear").flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(len(x), -1, -1), x], 1) + self.place
        return self.head(self.last(self.encoder(x))[:, 0])


def test_a_vision_model_with_a_bit_of_everything() -> None:
    model, x, y = nets.seeded(Vision()), nets.inputs(6, 3, 10, 10), torch.arange(6) % 5
    got = measured(model, x, y, parameters=everything(model))
    for name, h in got.signed.items():
        assert torch.isfinite(h).all()
        # A constant added to all keys changes no attention, and nothing at all is the curvature of a dead unit.
        assert (h != 0).any() or "bias" in name
    for name in ("head.weight", "head.bias"):
        close(got.signed[name], hessian(model, name, x, y))


def test_frozen_layers_before_those_asked_about_change_nothing() -> None:
    """torch runs attention without gradients on fused kernels; the numbers of what follows are the same."""
    make, x = nets.EVERY_LAYER["transformer"]
    model = nets.seeded(nn.Sequential(make(), nn.Linear(8, 3)))
    y = torch.arange(len(x)) % 3
    close(measured(model, x, y, parameters="1")["1.weight"], measured(model, x, y, parameters="*")["1.weight"])
