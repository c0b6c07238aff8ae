"""What removing a weight would cost: the measure of Optimal Brain Damage."""

from __future__ import annotations

from dataclasses import replace

from mho.evaluation.sensitivity import second_derivative
from mho.evaluation.sensitivity.method import Found, Method
from mho.evaluation.sensitivity.task import Task


def run(task: Task) -> Found:
    """``h w²``, twice the change of the loss where w becomes zero [lecun1990obd]; h as of ``"second-derivative"``."""
    found = second_derivative.run(task)
    squared = {name: w.detach().square() for name, w in task.weights.items()}
    return replace(
        found,
        method="",  # h may be sampled, the note says how; what is done with it is this method
        values={name: value * squared[name] for name, value in found.values.items()},
        error={name: value * squared[name] for name, value in found.error.items()},
    )


METHOD = Method(
    name="saliency", run=run, summary="h w², h the second derivative", references=("lecun1990obd", "yan2022swim")
)
