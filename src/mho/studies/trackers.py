"""Observers for the trackers that people use: TensorBoard, Weights & Biases, MLflow. Each is an extra of its name."""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

from mho.errors import unknown
from mho.studies.observers import Observer
from mho.training.trackers import needed, numbers
from mho.units import AGE_COLUMNS, age_column

if TYPE_CHECKING:
    from mho.studies.cells import Cell
    from mho.studies.plan import Plan


class TensorBoard(Observer):
    """Every finished cell as scalars, one curve a result and statistic; the step is the number of the severity.

    Args:
        folder: where the event files go; ``runs/<study>`` if empty.
    """

    def __init__(self, folder: str | os.PathLike[str] = "") -> None:
        # torch's adapter raises ImportError itself where tensorboard is missing, but not in one line.
        needed("tensorboard")
        self._folder = folder
        self._writer: Any = None

    def started(self, plan: Plan, chips: int) -> None:
        """See :class:`Observer`."""
        adapter: Any = importlib.import_module("torch.utils.tensorboard")
        self._writer = adapter.SummaryWriter(str(self._folder or os.path.join("runs", plan.study.name)))
        self._writer.add_text("study", f"```yaml\n{plan.study.to_yaml()}```")

    def finished(self, cell: Cell, row: dict[str, Any]) -> None:
        """See :class:`Observer`."""
        severities = cell.point.study.sigma or (cell.sigma,)
        for name, value in _statistics(row).items():
            self._writer.add_scalar(f"{cell.point.label}/{name}", value, severities.index(cell.sigma))

    def ended(self) -> None:
        """See :class:`Observer`."""
        if self._writer is not None:
            self._writer.close()


class WandB(Observer):
    """One run of Weights & Biases a study; every finished cell is one logged row.

    Args:
        options: keyword arguments of ``wandb.init``, such as ``project="chips"``.
    """

    def __init__(self, **options: Any) -> None:
        self._wandb, self._options = needed("wandb"), options
        self._run: Any = None

    def started(self, plan: Plan, chips: int) -> None:
        """See :class:`Observer`."""
        named = {"project": "mho", "name": plan.study.name} | self._options
        self._run = self._run or self._wandb.init(config=plan.study.to_dict(), **named)

    def finished(self, cell: Cell, row: dict[str, Any]) -> None:
        """See :class:`Observer`."""
        self._run.log({**cell.point.axes, **_place(cell), **_statistics(row)})

    def failed(self, what: str, error: str) -> None:
        """See :class:`Observer`."""
        self._run.alert(title=f"failed: {what}", text=error[-2000:])

    def ended(self) -> None:
        """See :class:`Observer`."""
        if self._run is not None:
            self._run.finish()
            self._run = None


class MLflow(Observer):
    """One run of MLflow a study, and in it one nested run a finished cell."""

    def __init__(self) -> None:
        self._mlflow = needed("mlflow")

    def started(self, plan: Plan, chips: int) -> None:
        """See :class:`Observer`."""
        self._mlflow.set_experiment(plan.study.name)
        self._mlflow.start_run(run_name=plan.study.name)
        self._mlflow.log_text(plan.study.to_yaml(), "study.yaml")

    def finished(self, cell: Cell, row: dict[str, Any]) -> None:
        """See :class:`Observer`."""
        with self._mlflow.start_run(run_name=str(cell), nested=True):
            self._mlflow.log_params({**cell.point.axes, **_place(cell)})
            # MLflow takes no comparison signs in names.
            self._mlflow.log_metrics({k.replace(">=", "_at_"): v for k, v in _statistics(row).items()})

    def ended(self) -> None:
        """See :class:`Observer`."""
        self._mlflow.end_run()


TRACKERS: dict[str, type[Observer]] = {"tensorboard": TensorBoard, "wandb": WandB, "mlflow": MLflow}
"""What ``mho run --track`` knows."""


def tracker(name: str) -> Observer:
    """The tracker called ``name``.

    Raises:
        UnknownNameError: there is none of that name.
        SpecError: its package is not installed.
    """
    if name not in TRACKERS:
        raise unknown("tracker", name, TRACKERS)
    return TRACKERS[name]()


def _place(cell: Cell) -> dict[str, float | None]:
    return {"sigma": cell.sigma, age_column(cell.point.clock): cell.age}


def _statistics(row: dict[str, Any]) -> dict[str, float]:
    """The numbers of a row that exist: a limit that the chips are too few for does not."""
    return numbers(row, but=("label", "sigma", *AGE_COLUMNS))
