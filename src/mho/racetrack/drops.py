"""What single layers cost, left open or behind the code, as far as their curves foretell it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mho.devices.position_codes import PositionCode
from mho.mapping.codes import error_weights
from mho.memory import Memory
from mho.racetrack.additive import remaining
from mho.racetrack.counting import outcomes
from mho.racetrack.exposure import on_tracks


@dataclass(frozen=True)
class Drops:
    """How much worse the metric is when one layer alone ages; positive is worse.

    Attributes:
        unprotected: layer name to the drop without a code.
        protected: to the drop behind the code, by the errors that it leaves.
    """

    unprotected: Mapping[str, float]
    protected: Mapping[str, float]

    @property
    def gains(self) -> dict[str, float]:
        """What protecting each layer saves."""
        return {layer: drop - max(0.0, self.protected[layer]) for layer, drop in self.unprotected.items()}

    @property
    def least(self) -> float:
        """The summed drops with every layer protected."""
        return remaining(tuple(self.protected), self.protected, ())

    def lost(self, protected: Sequence[str]) -> float:
        """The summed drops with these layers protected."""
        known = tuple(self.unprotected)
        others = [layer for layer in known if layer not in protected]
        return remaining(known, self.unprotected, protected) + remaining(known, self.protected, others)


def residual(memory: Memory, code: PositionCode, planes: int | None = None) -> float:
    """Share of the position errors of a layer that act on it behind ``code``.

    Those are the errors that the code leaves (:meth:`PositionCode.net`), by two positions where it undoes one. The jump
    by several positions that such an error leaves counts as one error, so that this is an approximation. Where the code
    guards the top bit planes alone, planes count by the mean square of what a wrong bit does to a weight.

    Args:
        memory: what the layer is on without protection.
        code: the position-error code.
        planes: how many of the most significant bit planes it guards; ``None`` for all.
    """
    device, mapping = on_tracks(memory)
    left = outcomes(code, device.double)["undetected"]
    if planes is None or planes >= mapping.weight_bits:
        return left
    bits = mapping.weight_bits
    worth = [1.0] if bits == 1 else [w * w for w in error_weights(bits, mapping.encoding)]
    return left + (1 - left) * sum(worth[planes:]) / sum(worth)


def leaves(memories: Sequence[Memory], code: PositionCode, planes: int | None = None) -> str:
    """Which errors act on layers behind ``code``, in words; empty where none do.

    Args:
        memories: of the layers, without protection.
        code: the position-error code.
        planes: as for :func:`residual`.
    """
    found = []
    double = max(on_tracks(m)[0].double for m in memories)
    most = max(on_tracks(m)[1].weight_bits for m in memories)
    if code.net(1):
        found.append(f"{code.name} notices no error")
    elif code.net(2) and double > 0:
        found.append(f"errors by two positions ({100 * double:.3g} % of all) pass {code.name}")
    if planes is not None and planes < most:
        found.append(f"{code.name} guards {planes} of {most} bit planes")
    return "; ".join(found)
