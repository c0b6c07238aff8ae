"""How good are the chips of a network that is still in training?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from torch import nn

from mho.data.dataset import Dataset
from mho.errors import SpecError
from mho.evaluation import evaluate
from mho.evaluation.metrics import METRICS
from mho.memory import Memory, deploy
from mho.memory.rules import Rules
from mho.spec import Spec
from mho.training.fresh import check_fresh
from mho.training.gates.layers import without_gates
from mho.training.run import derived


@dataclass(frozen=True, kw_only=True)
class Monitor(Spec):
    """Judge chips on the validation samples while training, and perhaps keep the best epoch.

    Attributes:
        memory: what the chips are made of; the memory given to ``mho.train`` if ``None``.
        chips: how many; the same ones (same random numbers) after every epoch.
        percentile: of the accuracy over chips, that the record shows besides the mean.
        every: epochs between two looks; the last epoch is always looked at.
        keep: the epoch whose network is returned: the ``"last"``, or the best by validation ``"accuracy"`` (of the
            network as it is), by the ``"mean"`` over the chips, or by their ``"percentile"``.
    """

    memory: Memory | None = None
    chips: int = 20
    percentile: float = 1.0
    every: int = 1
    keep: Literal["last", "accuracy", "mean", "percentile"] = "last"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check(self.chips >= 1, "chips", "must be at least 1")
        self.check(0 < self.percentile < 100, "percentile", "must be between 0 and 100")
        self.check(self.every >= 1, "every", "must be at least 1")

    def due(self, epoch: int, epochs: int) -> bool:
        """Whether chips are judged after ``epoch`` (from 0) of ``epochs``."""
        return (epoch + 1) % self.every == 0 or epoch + 1 == epochs


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """What chips of a network are worth.

    Attributes:
        mean: of the metric over the chips.
        percentile: the unlucky tail of the metric.
        ekl: mean surprise of the correct answers, nats; ``None`` of no classifier, or where nothing is correct.
        score: the percentile, or less it where the metric is an error: the higher, the better.
    """

    mean: float
    percentile: float
    ekl: float | None
    score: float


@dataclass(frozen=True, kw_only=True)
class Judge:
    """Chips of a memory and the samples that they are judged on.

    Attributes:
        rules: the memory.
        data: held out.
        chips: how many.
        percentile: which one to tell.
        seed: of the training run.
    """

    rules: Rules
    data: Dataset
    chips: int
    percentile: float
    seed: int

    def __call__(self, model: nn.Module) -> Judgement:
        """The judgement of chips of ``model``, which does not change."""
        # Neither the chips that train, nor those that the network will be judged on in the end.
        chips = deploy(without_gates(model).eval(), self.rules, seed=derived(self.seed, "monitor"))
        metric = METRICS["mse" if self.data.targets.is_floating_point() else "accuracy"]
        result = evaluate(chips, self.data, n_chips=self.chips, metric=metric, show_progress=False)
        values = result.values[0, 0]
        unlucky = self.percentile if metric.higher_is_better else 100 - self.percentile
        ekl = None if result.ekl is None or np.isnan(result.ekl).all() else float(np.nanmean(result.ekl))
        tail = float(np.percentile(values, unlucky))
        score = tail if metric.higher_is_better else -tail
        return Judgement(mean=float(values.mean()), percentile=tail, ekl=ekl, score=score)


def judge(monitor: Monitor, memory: Rules | None, data: Dataset | None, seed: int, model: nn.Module) -> Judge | None:
    """The judge that ``monitor`` asks for; ``None`` where it keeps by plain accuracy and has no memory.

    Raises:
        SpecError: something that it needs is missing.
        ModelError: ``model`` cannot be deployed on its memory.
    """
    if data is None:
        raise SpecError("a Monitor judges on validation samples; give validation=, such as 0.1 of the training samples")
    rules = memory if monitor.memory is None else monitor.memory
    if rules is None:
        if monitor.keep == "accuracy":
            return None
        raise SpecError(
            f"Monitor(keep='{monitor.keep}') judges chips; give it memory=, or give train one whose errors are injected"
        )
    check_fresh(rules, "Monitor", "give it memory= of another device")
    deploy(without_gates(model).eval(), rules)  # what it refuses, it refuses before the long work
    return Judge(rules=rules, data=data, chips=monitor.chips, percentile=monitor.percentile, seed=seed)
