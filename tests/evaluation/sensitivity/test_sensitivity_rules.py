"""Every rule against its slow twin, which pushes one number at a time; every rule has a row."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import SimpleNamespace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import second_derivative as slow
from reference.operations import MANY, ONE, SHAPE, drawn
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from mho.evaluation.sensitivity import graph, route
from mho.evaluation.sensitivity.graph import LEAF, RULES, NoRule, Squares, Step, propagate


def names(outputs: Tensor) -> set[str]:
    """Names of every node behind ``outputs``."""
    found, todo = set(), [outputs.grad_fn]
    while todo:
        node = todo.pop()
        if node is not None and node not in found:
            found.add(node)
            todo += [before for before, _ in node.next_functions]
    return {node.name() for node in found} - {LEAF}


def check(f: Callable[..., Tensor], *inputs: Tensor, seed: int = 9) -> set[str]:
    """Compare every input's h with the twin's, for any h and g at the outputs; returns the nodes met."""
    leaves = [x.clone().requires_grad_() for x in inputs]
    y = f(*leaves)
    h, g = drawn(*y.shape, seed=seed).abs(), drawn(*y.shape, seed=seed + 1)
    got = propagate(y, h, g, leaves)
    want = slow.recursion(f, inputs, h, g)
    for mine, twin in zip(got, want, strict=True):
        assert mine is not None
        torch.testing.assert_close(mine, twin, rtol=2e-6, atol=2e-6)
    # Each input alone: what is not wanted is not saved, and must not be missed.
    for i, twin in enumerate(want):
        alone = [x.clone().requires_grad_(i == j) for j, x in enumerate(inputs)]
        (mine,) = propagate(f(*alone), h, g, [alone[i]])
        assert mine is not None
        torch.testing.assert_close(mine, twin, rtol=2e-6, atol=2e-6)
    return names(y)


@pytest.mark.parametrize("name", ONE)
def test_an_operation_of_one_tensor(name: str) -> None:
    check(ONE[name], drawn(*SHAPE))


@pytest.mark.parametrize("name", MANY)
def test_an_operation_of_several_tensors(name: str) -> None:
    f, shapes = MANY[name]
    check(f, *(drawn(*shape, seed=i) for i, shape in enumerate(shapes)))


def test_every_rule_has_a_row() -> None:
    seen = {"FusedRmsNormBackward0", "CudnnBatchNormBackward0", "MiopenBatchNormBackward0", "ToCopyBackward0"}
    for f in ONE.values():
        seen |= names(f(drawn(*SHAPE).requires_grad_()))
    for f, shapes in MANY.values():
        seen |= names(f(*(drawn(*shape, seed=i).requires_grad_() for i, shape in enumerate(shapes))))
    assert set(RULES) == seen


@st.composite
def convolutions(draw: st.DrawFn) -> tuple[dict[str, object], Tensor, Tensor, Tensor | None]:
    """A convolution that fits its input: options, input, weight, bias."""
    d, groups, transposed = draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.booleans())
    into, out = groups * draw(st.integers(1, 2)), groups * draw(st.integers(1, 2))
    kernel = [draw(st.integers(1, 3 if d < 3 else 2)) for _ in range(d)]
    dilation = [draw(st.integers(1, 2)) for _ in range(d)]
    stride = [draw(st.integers(1, 3)) for _ in range(d)]
    padding = [draw(st.integers(0, 1 if not transposed else min(1, k - 1))) for k in kernel]
    size = [
        max(1, s * (k - 1) + 1 - 2 * p) + draw(st.integers(0, 2))
        for k, s, p in zip(kernel, dilation, padding, strict=True)
    ]
    options: dict[str, object] = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    if transposed:
        options["output_padding"] = [draw(st.integers(0, min(s, t) - 1)) for s, t in zip(stride, dilation, strict=True)]
    shape = (into, out // groups) if transposed else (out, into // groups)
    x, weight = drawn(2, into, *size), drawn(*shape, *kernel, seed=1)
    return {"d": d, "transposed": transposed, **options}, x, weight, draw(st.sampled_from([None, drawn(out, seed=2)]))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(convolutions())
def test_convolutions(drawn_convolution: tuple[dict[str, object], Tensor, Tensor, Tensor | None]) -> None:
    options, x, weight, bias = drawn_convolution
    f = getattr(F, f"conv{'_transpose' if options.pop('transposed') else ''}{options.pop('d')}d")
    check(lambda x, w, *b: f(x, w, *b, **options), x, weight, *([] if bias is None else [bias]))


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 2), st.booleans(), st.booleans(), st.integers(3, 7))
def test_average_pooling(kernel: int, stride: int, padding: int, ceil: bool, count: bool, size: int) -> None:
    padding = min(padding, kernel // 2)
    kernel = min(kernel, size + 2 * padding)
    check(
        lambda x: F.avg_pool2d(x, kernel, stride, padding, ceil_mode=ceil, count_include_pad=count),
        drawn(1, 1, size, size + 1),
    )


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.integers(1, 5), st.integers(1, 5), st.integers(1, 6), st.integers(1, 6))
def test_adaptive_average_pooling(rows: int, columns: int, height: int, width: int) -> None:
    check(lambda x: F.adaptive_avg_pool2d(x, (rows, columns)), drawn(1, 2, height, width))


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from([1, 2, 3]), min_size=1, max_size=3), st.data())
def test_broadcasting(shape: list[int], data: st.DataObject) -> None:
    other = [size if data.draw(st.booleans()) else 1 for size in shape][data.draw(st.integers(0, len(shape))) :]
    f = data.draw(st.sampled_from([torch.add, torch.mul, torch.div, torch.sub, torch.maximum]))
    check(lambda a, b: f(a, b), drawn(*shape), drawn(*other, seed=1).abs() + 0.5)


def test_other_types_of_number() -> None:
    """A half or single precision part of a network takes and hands on its own type."""
    x = drawn(3, 4).requires_grad_()
    y = (x.to(torch.float32) * 2).to(torch.float64)
    (h,) = propagate(y, torch.ones_like(y), torch.ones_like(y), [x])
    assert h is not None
    assert h.dtype == torch.float64
    assert h.tolist() == [[4.0] * 4] * 3


def test_fused_rms_norm() -> None:
    """Its node exists on accelerators alone: a stand-in here, against the same norm in small steps."""
    x, weight = drawn(2, 3, 4), drawn(4, seed=1)
    h, g = drawn(2, 3, 4, seed=2).abs(), drawn(2, 3, 4, seed=3)
    inverse = torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-3)
    node = SimpleNamespace(
        _saved_input=x, _saved_result1=inverse, _saved_normalized_shape=(4,), _saved_weight=weight, name=lambda: "rms"
    )
    step = Step(node, (h,), (g,), (True, True), (True, True), Squares())
    got = RULES["FusedRmsNormBackward0"].rule(step)
    want = slow.recursion(lambda x, w: x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-3) * w, [x, weight], h, g)
    for pair, twin in zip(got, want, strict=False):
        assert pair is not None
        torch.testing.assert_close(pair[0], twin, rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize("name", ["CudnnBatchNormBackward0", "MiopenBatchNormBackward0"])
def test_batch_norm_of_an_accelerator(name: str) -> None:
    """It keeps what the processor's keeps, by another name: a stand-in here."""
    x, weight, bias, mean, var = drawn(*SHAPE), drawn(4, seed=1), drawn(4, seed=2), drawn(4, seed=3), drawn(4).abs()
    h, g = drawn(*SHAPE, seed=4).abs(), drawn(*SHAPE, seed=5)
    node = SimpleNamespace(
        _saved_input=x, _saved_weight=weight, _saved_running_mean=mean, _saved_running_var=var, _saved_training=False,
        _saved_epsilon=1e-3, name=lambda: name,
    )  # fmt: skip
    got = RULES[name].rule(Step(node, (h,), (g,), (True,) * 3, (True,) * 3, Squares()))
    f = lambda x, w, b: F.batch_norm(x, mean, var, w, b, eps=1e-3)  # noqa: E731
    for pair, twin in zip(got, slow.recursion(f, [x, weight, bias], h, g), strict=True):
        assert pair is not None
        torch.testing.assert_close(pair[0], twin, rtol=2e-6, atol=2e-6)


def test_a_padding_row_is_read_like_any_other() -> None:
    table = drawn(3, 2).requires_grad_()
    y = F.embedding(torch.tensor([0, 2, 2]), table, padding_idx=2, scale_grad_by_freq=True)
    (h,) = propagate(y, torch.ones_like(y), torch.ones_like(y), [table])
    assert h is not None
    assert h.tolist() == [[1, 1], [0, 0], [2, 2]]


class Round(torch.autograd.Function):
    """A quantiser, straight through."""

    @staticmethod
    def forward(ctx: object, x: Tensor) -> Tensor:
        return x.round()

    @staticmethod
    def backward(ctx: object, g: Tensor) -> Tensor:
        return g


def test_an_operation_without_a_rule_is_named_and_can_be_given_one(monkeypatch: pytest.MonkeyPatch) -> None:
    x = drawn(3, 4).requires_grad_()
    y = torch.atan(Round.apply(2 * x)).cumprod(1)
    ones = torch.ones_like(y)
    with pytest.raises(NoRule, match=r"^CumprodBackward0, AtanBackward0, RoundBackward$"):
        propagate(y, ones, ones, [x])
    y = Round.apply(2 * x)
    monkeypatch.setattr(graph, "RULES", dict(RULES))
    graph.rule("RoundBackward")(route)
    (h,) = propagate(y, ones, ones, [x])
    assert h is not None
    assert h.tolist() == [[4.0] * 4] * 3


def test_a_norm_of_another_order_has_no_rule() -> None:
    x = drawn(3, 4).requires_grad_()
    y = torch.linalg.vector_norm(x, 1, dim=1)
    with pytest.raises(NoRule, match="ord=1"):
        propagate(y, torch.ones_like(y), torch.ones_like(y), [x])


def test_squares_of_weights_are_taken_once() -> None:
    weight, other = drawn(3, 4), drawn(3, 4)
    square = Squares([weight])
    assert square(weight) is square(weight)
    assert square(weight.t()) is square(weight.t())
    assert torch.equal(square(weight.t()), weight.t() ** 2)
    assert square(other) is not square(other)
    assert torch.equal(square(weight[1:]), weight[1:] ** 2)
    whole = drawn(3, 3)
    square = Squares([whole])
    assert torch.equal(square(whole), whole**2)
    assert torch.equal(square(whole.t()), whole.t() ** 2)


def test_g_is_carried_only_where_something_curves() -> None:
    """A network that is linear in pieces is not asked for first derivatives: theirs may be anything."""
    x, w = drawn(2, 3), drawn(3, 3).requires_grad_()
    y = F.relu(x @ w) @ drawn(3, 2)
    nothing = torch.full_like(y, math.nan)
    (h,) = propagate(y, torch.ones_like(y), nothing, [w])
    assert h is not None
    assert torch.isfinite(h).all()
    y = torch.tanh(x @ w) @ drawn(3, 2)
    (h,) = propagate(y, torch.ones_like(y), nothing, [w])
    assert h is not None
    assert torch.isnan(h).any()


def test_what_the_outputs_do_not_depend_on() -> None:
    x, unused = drawn(3).requires_grad_(), drawn(3).requires_grad_()
    assert propagate(2 * x, torch.ones(3), torch.ones(3), [unused]) == [None]
