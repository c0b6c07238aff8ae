"""The settings of published experiments: devices, parameters of the algorithms, inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any, Literal

from mho.analog.agad import AGAD
from mho.analog.algorithm import Algorithm
from mho.analog.chopped import ChoppedTTv2
from mho.analog.mixed import MixedPrecision
from mho.analog.naming import class_of
from mho.analog.sgd import InMemorySGD
from mho.analog.ttv2 import TTv2
from mho.devices import PulsedCell, SoftBounds
from mho.errors import unknown

Inputs = Literal["normal", "uniform"]
Loss = Literal["mean", "sum"]

ALGORITHMS: Mapping[str, type[Algorithm]] = MappingProxyType(
    {"sgd": InMemorySGD, "ttv2": TTv2, "c-ttv2": ChoppedTTv2, "agad": AGAD, "mp": MixedPrecision}
)
"""Every algorithm by the name that the command line gives it."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Everything about an experiment but the number of states and the error of the reference.

    Attributes:
        description: one line, for tables.
        cell: the cell of the weight array W.
        gradient_cell: the cell of the gradient array A.
        granularity, transfer_every, fast_rate, flip_rate, beta, multiple_read_correction, write_every: fields of the
            algorithms that have them.
        inputs: the law of the inputs: standard "normal", or "uniform" on [-1, 1].
        loss: whether the loss is the "mean" of squares over the outputs, or half their "sum".
    """

    description: str
    cell: PulsedCell
    gradient_cell: PulsedCell
    granularity: float = 200.0
    transfer_every: int = 5
    fast_rate: float = 1.0
    flip_rate: float = 0.1
    beta: float = 0.5
    multiple_read_correction: bool = False
    write_every: int = 100
    inputs: Inputs = "normal"
    loss: Loss = "mean"

    def algorithm(self, name: str, **changes: Any) -> Algorithm:
        """One algorithm in this setting.

        Args:
            name: one of :data:`ALGORITHMS`, or the class of one.
            **changes: fields that shall have other values.

        Raises:
            UnknownNameError: no algorithm has this name, or it has no such field.
        """
        wanted = class_of(name)
        kind = next(kind for kind in ALGORITHMS.values() if kind.__name__ == wanted)
        has = [f.name for f in fields(kind)]
        for key in changes:
            if key not in has:
                raise unknown(f"field of {kind.__name__}", key, has)
        said = {f.name: getattr(self, f.name) for f in fields(self) if f.name in has}
        return kind(**(said | changes))

    def algorithms(self, names: Sequence[str] = ("sgd", "ttv2", "c-ttv2", "agad", "mp")) -> tuple[Algorithm, ...]:
        """Several algorithms in this setting; all of them unless named."""
        return tuple(self.algorithm(name) for name in names)


_UNIFORM_BOUNDS = SoftBounds(bounds_dtod=0.0)
"""W of [rasch2024fast] Fig. 4: all devices reach -1 and 1, so that every target can be written."""

SETTINGS: Mapping[str, Setting] = MappingProxyType(
    {
        "caption": Setting(
            description="as the captions of Figs. 3 and 4 say",
            cell=_UNIFORM_BOUNDS,
            gradient_cell=SoftBounds(),
        ),
        "corrected": Setting(
            description="the same, the k-th read of a chopper period divided by k",
            cell=_UNIFORM_BOUNDS,
            gradient_cell=SoftBounds(),
            multiple_read_correction=True,
        ),
        "granularity-1000": Setting(
            description="the same, H a fifth as fast",
            cell=_UNIFORM_BOUNDS,
            gradient_cell=SoftBounds(),
            granularity=1000.0,
        ),
        "uniform": Setting(
            description="uniform inputs, a read every two samples, half the rate of A",
            cell=_UNIFORM_BOUNDS,
            gradient_cell=SoftBounds(),
            granularity=1000.0,
            transfer_every=2,
            fast_rate=0.5,
            # W stands still between writes: 100 samples of these errors at a rate of 0.1 would overshoot.
            write_every=10,
            inputs="uniform",
            loss="sum",
        ),
        "toy": Setting(
            description="one crosspoint, as the caption of Fig. 3 says",
            cell=SoftBounds(n_states=40.0, asymmetry_dtod=0.3),
            gradient_cell=SoftBounds(n_states=40.0, asymmetry_dtod=0.3),
        ),
    }
)
"""Settings of [rasch2024fast] by name; what its text leaves open has the variants "corrected" to "uniform"."""


def setting(name: str) -> Setting:
    """The setting of this name.

    Raises:
        UnknownNameError: there is none.
    """
    if name not in SETTINGS:
        raise unknown("setting", name, SETTINGS)
    return SETTINGS[name]
