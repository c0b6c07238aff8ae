"""What sharing a block returns: the network, the places of the block, what it costs, where its weights go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mho.spec import references
from mho.text import table
from mho.units import percent

if TYPE_CHECKING:
    from torch import nn

    from mho.frozen import FrozenDict
    from mho.memory import Memory


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the block is used.

    Attributes:
        name: of the module that it follows, ``"relu:2"`` for the second call of one.
        channels: of the features there; their scale and shift are digital and of this place alone.
        groups: of c channels, each of which goes through the block.
    """

    name: str
    channels: int
    groups: int


@dataclass(frozen=True, kw_only=True)
class SharedBlock:
    """A network with a tiny shared block.

    Attributes:
        model: the network, in eval mode.
        rules: the block on the verified memory, everything else where it was: ``mho.deploy(model, rules)``.
        verified: memory of the block.
        channels: c that the block takes; it has ``c * c`` weights.
        places: where it is used, module by module as they are registered.
        weights: of the network as it was, biases not counted.
        data: name of the training data.
    """

    model: nn.Module
    rules: FrozenDict
    verified: Memory
    channels: int
    places: tuple[Place, ...]
    weights: int
    data: str

    @property
    def overhead(self) -> float:
        """Weights of the block over weights there were."""
        return self.channels**2 / self.weights

    @property
    def references(self) -> tuple[str, ...]:
        """BibTeX keys; see :func:`mho.cite`."""
        memories = [memory for memory in self.rules.values() if memory is not None]
        return tuple(dict.fromkeys(["qin2024tsb", *(key for memory in memories for key in references(memory))]))

    def __str__(self) -> str:
        label = ", ".join(dict.fromkeys(m.label for p, m in self.rules.items() if m is not None and p != PATTERN))
        digital = 2 * sum(place.channels for place in self.places)
        c, n = self.channels, len(self.places)
        title = (
            f"{type(self.model).__name__} on {label}, block of {c} x {c} shared by {n} place{'s' if n != 1 else ''}, "
            f"learnt on {self.data}: {percent(self.overhead)} % of its {self.weights:,} weights to verify, "
            f"{digital} digital numbers"
        )
        rows = [[place.name, place.channels, place.groups] for place in self.places]
        return table(["after", "channels", "groups"], rows, title=title)


PATTERN = "*.tiny_block"
"""The name rule that means the block, under whichever of its places it is stored."""
