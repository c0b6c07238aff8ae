"""Every metric against scikit-learn or scipy, chip by chip, however the test set is cut into batches."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as sk
from torch import Tensor, nn

import mho
from mho.devices import RRAM1
from mho.errors import DataError, UnknownNameError
from mho.evaluation.metrics import EKL, METRICS, Metric, get_metric
from mho.memory import Memory, deploy

CHIPS = 3


def scored(metric: Metric, outputs: Tensor, targets: Tensor, cuts: Sequence[int] = ()) -> list[float]:
    """``metric`` of ``(chips, n, ...)`` outputs, batch by batch."""
    edges = [0, *sorted(cuts), len(targets)]
    pieces = [slice(a, b) for a, b in itertools.pairwise(edges) if b > a]
    return metric.finish([metric.batch(outputs[:, p], targets[p]) for p in pieces]).double().tolist()


@st.composite
def classified(draw) -> tuple[Tensor, Tensor, list[int]]:
    n, classes = draw(st.integers(1, 40)), draw(st.integers(2, 7))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    outputs = torch.randn(CHIPS, n, classes, generator=generator)
    targets = torch.randint(0, classes, (n,), generator=generator)
    return outputs, targets, draw(st.lists(st.integers(0, n), max_size=3))


@st.composite
def regressed(draw) -> tuple[Tensor, Tensor, list[int]]:
    n = draw(st.integers(3, 40))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    outputs = torch.randn(CHIPS, n, generator=generator)
    if draw(st.booleans()):
        outputs = outputs.round()  # ties
    return outputs, torch.randn(n, generator=generator).round(decimals=1), draw(st.lists(st.integers(0, n), max_size=3))


def top5(y, scores):
    classes = scores.shape[1]
    return 1.0 if classes <= 5 else sk.top_k_accuracy_score(y, scores, k=5, labels=range(classes))


def f1(y, scores):
    labels = range(scores.shape[1])
    average = "binary" if len(labels) == 2 else "macro"
    return sk.f1_score(y, scores.argmax(1), labels=labels, average=average, zero_division=0)


def ece(y, scores):
    """Fifteen bins, one sample after the other."""
    shares = torch.softmax(torch.from_numpy(scores), 1).numpy()
    bins: dict[int, list[tuple[float, bool]]] = {}
    for label, row in zip(y, shares, strict=True):
        bins.setdefault(math.ceil(row.max() * 15), []).append((float(row.max()), row.argmax() == label))
    gaps = [abs(sum(c for c, _ in b) / len(b) - sum(r for _, r in b) / len(b)) * len(b) for b in bins.values()]
    return sum(gaps) / len(y)


def nats(y, scores):
    return sk.log_loss(y, torch.softmax(torch.from_numpy(scores), 1).numpy(), labels=range(scores.shape[1]))


CLASSIFIED = {
    "ece": ece,
    "accuracy": lambda y, s: sk.accuracy_score(y, s.argmax(1)),
    "top5": top5,
    "f1": f1,
    "mcc": lambda y, s: sk.matthews_corrcoef(y, s.argmax(1)),
    "perplexity": lambda y, s: math.exp(nats(y, s)),
    "cross-entropy": nats,
    "bits": lambda y, s: nats(y, s) / math.log(2),
}
REGRESSED = {
    "spearman": lambda y, s: stats.spearmanr(y, s).statistic,
    "pearson": lambda y, s: stats.pearsonr(y, s).statistic,
    "mse": lambda y, s: sk.mean_squared_error(y, s),
}


def test_every_named_metric_is_compared() -> None:
    assert CLASSIFIED.keys() | REGRESSED.keys() == METRICS.keys()


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", CLASSIFIED)
@settings(max_examples=40, deadline=None)
@given(case=classified())
def test_classification_metrics_are_scikit_learn_s(name: str, case) -> None:
    outputs, targets, cuts = case
    wanted = [CLASSIFIED[name](targets.numpy(), chip.double().numpy()) for chip in outputs]
    assert scored(METRICS[name], outputs, targets, cuts) == pytest.approx(wanted, rel=1e-5, abs=1e-7)


@pytest.mark.filterwarnings("ignore::scipy.stats.ConstantInputWarning", "ignore::RuntimeWarning")
@pytest.mark.parametrize("name", REGRESSED)
@settings(max_examples=40, deadline=None)
@given(case=regressed())
def test_regression_metrics_are_scipy_s(name: str, case) -> None:
    outputs, targets, cuts = case
    wanted = [REGRESSED[name](targets.double().numpy(), chip.double().numpy()) for chip in outputs]
    wanted = [0.0 if math.isnan(w) else w for w in wanted]  # a constant correlates with nothing
    assert scored(METRICS[name], outputs, targets, cuts) == pytest.approx(wanted, rel=1e-6, abs=1e-7)
    assert scored(METRICS[name], outputs[..., None], targets, cuts) == pytest.approx(wanted, rel=1e-6, abs=1e-7)


@settings(max_examples=40, deadline=None)
@given(case=classified())
def test_ekl_is_the_mean_surprise_over_correct_samples(case) -> None:
    outputs, targets, cuts = case
    wanted = []
    for chip in outputs.double():
        right = [(s, y) for s, y in zip(chip.tolist(), targets.tolist(), strict=True) if s.index(max(s)) == y]
        losses = [math.log(sum(math.exp(v) for v in s)) - s[y] for s, y in right]
        wanted.append(sum(losses) / len(losses) if losses else math.nan)
    assert scored(EKL, outputs, targets, cuts) == pytest.approx(wanted, rel=1e-5, abs=1e-7, nan_ok=True)


def test_tokens_and_pixels_are_samples() -> None:
    """``(chips, n, tokens, classes)``; perplexity leaves labels of -100 out, as torch does."""
    generator = torch.Generator().manual_seed(0)
    outputs = torch.randn(CHIPS, 6, 5, 4, generator=generator)
    targets = torch.randint(0, 4, (6, 5), generator=generator)
    flat = scored(METRICS["accuracy"], outputs.flatten(1, 2), targets.flatten())
    assert scored(METRICS["accuracy"], outputs, targets, [2]) == flat
    targets[0, :3] = targets[5, 4] = -100
    loss = [nn.functional.cross_entropy(chip.flatten(0, 1), targets.flatten()).exp().item() for chip in outputs]
    assert scored(METRICS["perplexity"], outputs, targets, [1, 3]) == pytest.approx(loss, rel=1e-5)
    for name, base in (("cross-entropy", math.e), ("bits", 2)):
        wanted = [math.log(value, base) for value in loss]
        assert scored(METRICS[name], outputs, targets, [1, 3]) == pytest.approx(wanted, rel=1e-5)


def identity(n: int) -> nn.Module:
    model = nn.Linear(n, n, bias=False).eval()
    model.weight.data = torch.eye(n)
    return model


def evaluated(x: Tensor, y: Tensor, metric, n_chips: int = 3, **options):
    chips = deploy(identity(x.shape[1]), Memory(device=RRAM1(sigma=0.1)))
    return chips, mho.evaluate(chips, (x, y), metric=metric, n_chips=n_chips, **options)


@pytest.mark.parametrize("batch_size", [3, 100])
def test_a_user_s_function_sees_the_whole_set_of_one_chip(batch_size: int) -> None:
    x = torch.randn(20, 4, generator=torch.Generator().manual_seed(1))
    y = x[:, 0]
    seen = []

    def worst_error(outputs: Tensor, targets: Tensor) -> Tensor:
        seen.append((outputs.shape, targets.shape))
        return (outputs[:, 0] - targets).abs().max()

    chips, result = evaluated(x, y, worst_error, batch_size=batch_size)
    assert set(seen) == {((20, 4), (20,))}
    wanted = [float((x @ chips.weights(i)["weight"][0].T - x)[:, 0].abs().max()) for i in range(3)]
    assert result.values[0, 0] == pytest.approx(wanted, rel=1e-5)
    assert (result.metric, result.bounded, result.ekl) == ("worst_error", False, None)


def test_a_user_s_function_may_compare_labels_with_anything() -> None:
    x, y = torch.rand(6, 2), torch.arange(6)  # labels beyond the two outputs are the function's own business
    _, result = evaluated(x, y, lambda outputs, targets: float(targets.max()))
    assert result.values.ravel().tolist() == [5.0] * 3


@pytest.mark.parametrize("wrong", [lambda o, t: None, lambda o, t: "high", lambda o, t: o])
def test_a_user_s_function_that_gives_no_number(wrong) -> None:
    with pytest.raises(DataError, match="must return one number per test set"):
        evaluated(torch.rand(6, 2), torch.rand(6, 2), wrong)


def test_metrics_through_evaluate() -> None:
    generator = torch.Generator().manual_seed(2)
    x, y = torch.randn(50, 6, generator=generator), torch.randint(0, 6, (50,), generator=generator)
    for name, twin in CLASSIFIED.items():
        chips, result = evaluated(x, y, name, batch_size=16)
        outputs = [(x @ chips.weights(i)["weight"][0].T).numpy() for i in range(3)]
        assert result.values[0, 0] == pytest.approx([twin(y.numpy(), o) for o in outputs], rel=1e-4), name
        assert result.digital == pytest.approx(twin(y.numpy(), x.numpy()), rel=1e-4)
        assert (result.ekl is None) == (METRICS[name].compares == "tokens")
    stars = torch.randint(0, 6, (50, 6), generator=generator)  # whole numbers, and no classes
    for name, twin in REGRESSED.items():
        chips, result = evaluated(x, stars, name)
        outputs = [(x @ chips.weights(i)["weight"][0].T).numpy() for i in range(3)]
        wanted = [twin(stars.numpy().ravel(), o.ravel()) for o in outputs]
        assert result.values[0, 0] == pytest.approx(wanted, rel=1e-4), name


def test_unknown_metrics_get_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="unknown metric 'acuracy': did you mean 'accuracy'"):
        get_metric("acuracy", torch.zeros(1))


def test_chips_that_say_nothing_finite_are_wrong() -> None:
    outputs = torch.full((1, 4, 3), math.nan)
    assert scored(METRICS["f1"], outputs, torch.tensor([1, 2, 1, 2])) == [0.0]
    assert np.isnan(scored(METRICS["mse"], outputs[..., 0], torch.zeros(4))[0])
