"""Metrics, chip by chip: what a batch contributes, and how contributions become one number per chip."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from mho.errors import DataError, unknown
from mho.evaluation.calibration_error import counted
from mho.evaluation.calibration_error import error as calibration_error

IGNORED = -100
"""Label of tokens that perplexity leaves out, as everywhere in torch."""

UserMetric = Callable[[Tensor, Tensor], float | Tensor]


@dataclass(frozen=True)
class Metric:
    """A metric in two steps, so that summable ones never keep the outputs.

    Attributes:
        name: what tables call it.
        batch: ``(outputs (chips, n, ...), targets (n, ...)) -> (chips, ...)`` contribution of one batch.
        finish: ``list of contributions, one a batch -> (chips,)``.
        compares: what targets are: ``"classes"`` (numbers of the model's outputs), ``"tokens"`` (the same, where -100
            is left out), ``"values"`` (as many as outputs), or ``"anything"``; checked before any work.
        bounded: whether it is a fraction, shown in percent.
        higher_is_better: as of accuracy.
        keeps_outputs: contributions are as large as the outputs, not a few numbers.
        hits: ``(outputs (chips, n, classes), targets (n,) or (chips, n)) -> (chips, n)`` boolean, where the metric is
            the fraction of samples that are hit: some images then stand for all, and sampling may be adaptive.
    """

    name: str
    batch: Callable[[Tensor, Tensor], Tensor]
    finish: Callable[[Sequence[Tensor]], Tensor]
    compares: Literal["classes", "tokens", "values", "anything"] = "anything"
    bounded: bool = True
    keeps_outputs: bool = False
    higher_is_better: bool = True
    hits: Callable[[Tensor, Tensor], Tensor] | None = None


def get_metric(metric: str | Metric | UserMetric, targets: Tensor) -> Metric:
    """The metric called ``metric``, or a user's ``f(outputs (n, ...), targets (n, ...)) -> number`` on the whole set.

    Raises:
        UnknownNameError: no metric has this name.
    """
    if isinstance(metric, Metric):
        return metric
    if callable(metric):
        return _whole_set(metric, targets)
    if metric not in METRICS:
        raise unknown("metric", metric, METRICS)
    return METRICS[metric]


def class_scores(outputs: Tensor) -> Tensor:
    """Outputs as ``(chips, n, classes)``: token and pixel dimensions are folded into samples."""
    return outputs.flatten(1, -2)


def _hits(k: int) -> Callable[[Tensor, Tensor], Tensor]:
    def hits(scores: Tensor, labels: Tensor) -> Tensor:
        if k == 1:
            return scores.argmax(-1) == labels
        top = min(k, scores.shape[-1])
        return (scores.topk(top, -1).indices == labels[..., None]).any(-1)

    return hits


def _correct(k: int) -> Callable[[Tensor, Tensor], Tensor]:
    hits = _hits(k)

    def batch(outputs: Tensor, targets: Tensor) -> Tensor:
        right = hits(class_scores(outputs), targets.flatten())
        return torch.stack([right.sum(-1), torch.full_like(right.sum(-1), targets.numel())], -1)

    return batch


def _ratio(parts: Sequence[Tensor]) -> Tensor:
    total = torch.stack(list(parts)).to(torch.float64).sum(0)
    return total[:, 0] / total[:, 1]


def _confusion(outputs: Tensor, targets: Tensor) -> Tensor:
    """``(chips, classes, classes)`` counts, true class first."""
    scores = class_scores(outputs)
    classes = scores.shape[-1]
    cell = targets.flatten() * classes + scores.argmax(-1)
    counts = torch.zeros(len(scores), classes * classes, device=scores.device, dtype=torch.int64)
    counts.scatter_add_(1, cell, torch.ones_like(cell))
    return counts.view(len(scores), classes, classes)


def _f1(parts: Sequence[Tensor]) -> Tensor:
    """F1 of class 1 for two classes (GLUE), macro-averaged otherwise; 0 where a class is never right."""
    c = torch.stack(list(parts)).sum(0).to(torch.float64)
    hit = c.diagonal(dim1=1, dim2=2)
    f1 = 2 * hit / (c.sum(1) + c.sum(2)).clamp(min=1)
    return f1[:, 1] if c.shape[-1] == 2 else f1.mean(-1)


def _mcc(parts: Sequence[Tensor]) -> Tensor:
    """Matthews correlation; 0 where one class is always predicted."""
    c = torch.stack(list(parts)).sum(0).to(torch.float64)
    n, hit = c.sum((1, 2)), c.diagonal(dim1=1, dim2=2).sum(-1)
    true, said = c.sum(2), c.sum(1)
    numerator = hit * n - (true * said).sum(-1)
    root = ((n**2 - (said**2).sum(-1)) * (n**2 - (true**2).sum(-1))).sqrt()
    return torch.where(root > 0, numerator / root.clamp(min=1), torch.zeros_like(root))


def _nll(outputs: Tensor, targets: Tensor) -> Tensor:
    """Sum of ``-log p_y`` in nats, and the number of labels."""
    scores = class_scores(outputs).float()
    labels = targets.flatten().expand(scores.shape[:2])
    loss = F.cross_entropy(scores.transpose(1, 2), labels, reduction="none", ignore_index=IGNORED)
    counted = (labels != IGNORED).sum(-1)
    return torch.stack([loss.double().sum(-1), counted.double()], -1)


def _keep(outputs: Tensor, targets: Tensor) -> Tensor:
    values = outputs.squeeze(-1) if outputs.dim() == targets.dim() + 2 and outputs.shape[-1] == 1 else outputs
    return torch.stack([values.double(), targets.double().expand(values.shape)], 1)


def _pearson(parts: Sequence[Tensor]) -> Tensor:
    both = torch.cat(list(parts), 2).flatten(2)
    x, y = (both - both.mean(-1, keepdim=True)).unbind(1)
    root = (x.square().sum(-1) * y.square().sum(-1)).sqrt()
    return torch.where(root > 0, (x * y).sum(-1) / root.clamp(min=1e-300), torch.zeros_like(root))


def _spearman(parts: Sequence[Tensor]) -> Tensor:
    from scipy.stats import rankdata

    both = torch.cat(list(parts), 2).flatten(2)
    ranks = torch.from_numpy(rankdata(both.cpu().numpy(), axis=-1))
    return _pearson([ranks])


def _mse(outputs: Tensor, targets: Tensor) -> Tensor:
    x, y = _keep(outputs, targets).flatten(2).unbind(1)
    return torch.stack([(x - y).square().sum(-1), torch.full_like(x[:, 0], x.shape[1])], -1)


def _whole_set(function: UserMetric, targets: Tensor) -> Metric:
    name = getattr(function, "__name__", "metric")

    def finish(parts: Sequence[Tensor]) -> Tensor:
        outputs = torch.cat(list(parts), 1)
        values = [function(chip, targets) for chip in outputs]
        try:
            return torch.tensor([float(v) for v in values], dtype=torch.float64)
        except (TypeError, ValueError, RuntimeError):
            said = type(values[0]).__name__
            raise DataError(f"metric {name} must return one number per test set; it returned a {said}") from None

    return Metric(name, lambda outputs, _: outputs, finish, bounded=False, keeps_outputs=True)


METRICS: dict[str, Metric] = {
    "accuracy": Metric("accuracy", _correct(1), _ratio, "classes", hits=_hits(1)),
    "top5": Metric("top-5 accuracy", _correct(5), _ratio, "classes", hits=_hits(5)),
    "f1": Metric("F1", _confusion, _f1, "classes"),
    "mcc": Metric("Matthews correlation", _confusion, _mcc, "classes"),
    "spearman": Metric("Spearman correlation", _keep, _spearman, "values", keeps_outputs=True),
    "pearson": Metric("Pearson correlation", _keep, _pearson, "values", keeps_outputs=True),
    "perplexity": Metric(
        "perplexity", _nll, lambda parts: _ratio(parts).exp(), "tokens", bounded=False, higher_is_better=False
    ),
    "cross-entropy": Metric("cross-entropy", _nll, _ratio, "tokens", bounded=False, higher_is_better=False),
    "bits": Metric(
        "bits a label",
        _nll,
        lambda parts: _ratio(parts) / math.log(2),
        "tokens",
        bounded=False,
        higher_is_better=False,
    ),
    "ece": Metric(
        "ECE",
        lambda outputs, targets: counted(class_scores(outputs), targets.flatten()),
        calibration_error,
        "classes",
        higher_is_better=False,
    ),
    "mse": Metric("mean squared error", _mse, _ratio, "values", bounded=False, higher_is_better=False),
}
"""Every named metric."""


def _surprise(outputs: Tensor, targets: Tensor) -> Tensor:
    scores = class_scores(outputs).float()
    labels = targets.flatten().expand(scores.shape[:2])
    right = scores.argmax(-1) == labels
    nll = -scores.log_softmax(-1).gather(-1, labels[..., None]).squeeze(-1)
    return torch.stack([torch.where(right, nll, torch.zeros_like(nll)).double().sum(-1), right.double().sum(-1)], -1)


EKL = Metric("EKL", _surprise, _ratio, "classes", bounded=False, higher_is_better=False)
"""``KL(onehot || softmax) = -log p_y`` over correctly classified samples, nats [qin2025neft] §IV-I; nan if none is."""
