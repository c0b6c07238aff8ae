"""Large weights first: what needs no data and is the usual baseline."""

from __future__ import annotations

from mho.evaluation.sensitivity.method import Found, Method
from mho.evaluation.sensitivity.task import Task


def run(task: Task) -> Found:
    """``|w|`` as it is, the full scale of its layer left in: of two layers, the larger weight goes first."""
    return Found({name: w.detach().abs() for name, w in task.weights.items()})


METHOD = Method(name="magnitude", run=run, summary="|w|; looks at no data", needs_data=False)
