"""What compensation returns: the network, and what each compensated layer costs and gains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mho.evaluation.statistics import Interval
from mho.spec import references
from mho.text import table
from mho.units import percent

if TYPE_CHECKING:
    from torch import nn

    from mho.memory import Memory


@dataclass(frozen=True, kw_only=True)
class CompensatedLayer:
    """A layer that was chosen.

    Attributes:
        name: of the layer.
        maps: that its generator makes.
        weights: that generator and compensator add, biases not counted.
        gain: in mean accuracy on the samples that placement judged by, over the layers chosen before (a fraction), with
            its 95 % interval over chips; ``None`` where the user named the layers.
    """

    name: str
    maps: int
    weights: int
    gain: Interval | None = None


@dataclass(frozen=True, kw_only=True)
class Compensation:
    """A compensated network.

    Attributes:
        model: the network, in eval mode; generators and compensators stay digital when it is deployed.
        layers: what was compensated, in the order of choice.
        weights: of the network as it was, biases not counted.
        memories: those whose errors it learnt to compensate.
        data: name of the training data.
    """

    model: nn.Module
    layers: tuple[CompensatedLayer, ...]
    weights: int
    memories: tuple[Memory, ...]
    data: str

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the compensated layers."""
        return tuple(layer.name for layer in self.layers)

    @property
    def overhead(self) -> float:
        """Weights added over weights there were."""
        return sum(layer.weights for layer in self.layers) / self.weights

    @property
    def references(self) -> tuple[str, ...]:
        """BibTeX keys; see :func:`mho.cite`."""
        return tuple(dict.fromkeys(["eldebiky2023correctnet", *(k for m in self.memories for k in references(m))]))

    def __str__(self) -> str:
        label = ", ".join(dict.fromkeys(memory.label for memory in self.memories))
        title = (
            f"{type(self.model).__name__} on {label}, compensation learnt on {self.data}: "
            f"{percent(self.overhead)} % more than its {self.weights:,} weights"
        )
        if not self.layers:
            return f"{title}; no layer gained anything within the budget"
        rows = [
            [layer.name, layer.maps, f"{layer.weights:,}", percent(layer.weights / self.weights), _points(layer.gain)]
            for layer in self.layers
        ]
        return table(["layer", "maps", "weights added", "overhead %", "gain in points"], rows, title=title)


def _points(gain: Interval | None) -> str:
    if gain is None:
        return "not judged"
    return f"{percent(gain.value)} [{percent(gain.low)}, {percent(gain.high)}]"
