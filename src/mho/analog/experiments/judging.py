"""Networks that were trained on arrays, tested."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import nn

from mho.analog.algorithm import Algorithm
from mho.analog.experiments.asking import provenance
from mho.analog.experiments.folder import Record
from mho.analog.experiments.programming import pulses, states_of
from mho.analog.experiments.sweep_result import Sweep, Trained
from mho.analog.tile import Tile
from mho.data.dataset import Dataset
from mho.training.plain import measure
from mho.training.recipe import Recipe
from mho.training.run import Run

NAN = float("nan")


@dataclass(frozen=True)
class Point:
    """One combination of the axes of a sweep; ``None`` is whatever the algorithm has, or floating point."""

    label: str
    algorithm: Algorithm | None
    n_states: float | None = None
    reference_std: float | None = None
    bounds: float | None = None

    def trained(self, records: Sequence[Record]) -> Trained:
        """The trainings of all seeds as a result."""
        way, n_states, reference_std = self.algorithm, self.n_states, self.reference_std
        if way is not None and n_states is None and (own := states_of(way)) is not None:
            # Wider bounds make more states in all; what counts is how many there were on the old range.
            n_states = own / (self.bounds or 1.0)
        if way is not None and reference_std is None:
            reference_std = getattr(way, "reference_std", 0.0)
        arrays = {name: np.array([record[name] for record in records], dtype=np.float64) for name in records[0]}
        return Trained(
            label=self.label,
            algorithm=way,
            n_states=n_states,
            reference_std=reference_std,
            bounds=self.bounds,
            has_reference=way is not None and way.has_reference,
            **arrays,
        )


def judged(trained: nn.Module, recipe: Recipe, test: Dataset, seconds: float) -> Record:
    """Test error and loss of a network, and the pulses of its devices that got most.

    Args:
        trained: on arrays or not.
        recipe: how; it decides the loss.
        test: samples.
        seconds: that training took.
    """
    classifies = not test.targets.is_floating_point()
    loss, accuracy = measure(Run(trained, recipe, classifies=classifies), test)
    tiles = [module for module in trained.modules() if isinstance(module, Tile)]
    return {
        "errors": NAN if accuracy is None else 1 - accuracy,
        "losses": loss,
        "gradient_pulses": _most(tiles, "gradient"),
        "weight_pulses": _most(tiles, "weight"),
        "seconds": seconds,
    }


def single(
    algorithm: Algorithm, record: Record, floating: Record | None, *, model: str, data: str, images: int, recipe: Recipe
) -> Sweep:
    """One network as a sweep of one point, with one in floating point beside it."""
    return Sweep(
        points=(Point(algorithm.label, algorithm, bounds=1.0).trained([record]),),
        floating=None if floating is None else Point("floating point", None).trained([floating]),
        model=model,
        data=data,
        images=images,
        recipe=recipe,
        seeds=(recipe.seed,),
        provenance=provenance(record["seconds"]),
    )


def _most(tiles: Sequence[Tile], array: str) -> float:
    """Pulses per vector of the device that got most; ``nan`` without any."""
    found = [most for tile in tiles if (most := pulses(tile, array).most) == most]
    return max(found, default=NAN)
