"""Observers for the trackers that people use: TensorBoard, Weights & Biases. Each is an extra of its name."""

from __future__ import annotations

import importlib
import math
import os
from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from mho.errors import SpecError
from mho.spec import yaml_of
from mho.training.observers import Observer

if TYPE_CHECKING:
    from mho.training.record import Epoch, Origin


class TensorBoard(Observer):
    """Every number of an epoch as a curve, and at the end how the network was trained as text.

    Args:
        folder: where the event file goes; give every run a folder of its own.

    Raises:
        SpecError: tensorboard is not installed.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        # torch's adapter raises ImportError itself where tensorboard is missing, but not in one line.
        needed("tensorboard")
        self._folder = folder
        self._writer: Any = None

    def epoch(self, epoch: Epoch) -> None:
        """See :class:`Observer`."""
        if self._writer is None:
            adapter: Any = importlib.import_module("torch.utils.tensorboard")
            self._writer = adapter.SummaryWriter(os.fspath(self._folder))
        for name, value in curves(epoch).items():
            self._writer.add_scalar(name, value, epoch.number)
        self._writer.flush()  # a run that fails later is not ended, and leaves what it had

    def end(self, origin: Origin) -> None:
        """See :class:`Observer`."""
        if self._writer is not None:
            self._writer.add_text("origin", f"```yaml\n{yaml_of(origin.to_dict())}```")
            self._writer.close()
            self._writer = None


class WandB(Observer):
    """One run of Weights & Biases; every epoch is one logged row, and how the network was trained the config.

    A run that fails is not ended: Weights & Biases closes it when the process does, or the next run begins.

    Args:
        project: where the run is kept.
        settings: other keyword arguments of ``wandb.init``, such as ``name="lenet"``.

    Raises:
        SpecError: wandb is not installed.
    """

    def __init__(self, project: str = "mho", **settings: Any) -> None:
        self._wandb, self._settings = needed("wandb"), {"project": project} | settings
        self._run: Any = None

    def epoch(self, epoch: Epoch) -> None:
        """See :class:`Observer`."""
        if self._run is not None and epoch.number == 1:  # the run before failed
            self._run.finish(exit_code=1)
            self._run = None
        if self._run is None:
            self._run = self._wandb.init(**self._settings)
        self._run.log(curves(epoch), step=epoch.number)

    def end(self, origin: Origin) -> None:
        """See :class:`Observer`."""
        if self._run is not None:
            self._run.config.update(origin.to_dict())
            self._run.finish()
            self._run = None


def curves(epoch: Epoch) -> dict[str, float]:
    """The numbers of an epoch but that of the epoch itself, which is the axis; what is ``None`` is left out."""
    return numbers({field.name: getattr(epoch, field.name) for field in fields(epoch)}, but=("number",))


def numbers(values: Mapping[str, Any], but: tuple[str, ...] = ()) -> dict[str, float]:
    """The values that are finite numbers, without those called ``but``."""
    return {
        name: float(value)
        for name, value in values.items()
        if name not in but and isinstance(value, int | float) and math.isfinite(value)
    }


def needed(package: str) -> Any:
    """The module of a tracker, whose extra has the same name.

    Raises:
        SpecError: it is not installed.
    """
    try:
        return importlib.import_module(package)
    except ImportError:
        raise SpecError(f"{package} is not installed: pip install 'mho[{package}]'") from None
