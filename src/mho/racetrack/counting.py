"""How many nanowires of which length hold a layer, and how they move: all that costs and tallies depend on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import numpy as np

from mho.devices.nanowires import Nanowires, cut
from mho.devices.position_codes import Outcome, PositionCode
from mho.devices.racetrack import Racetrack
from mho.errors import ModelError, SpecError
from mho.memory import Chips
from mho.racetrack.exposure import NOT_ON_NANOWIRES, on_tracks
from mho.racetrack.published import published_nanowires
from mho.racetrack.selections import layers

Counting = Literal["physical", "published"]
"""The nanowires that weights need, or those that the simulator of 2024 counts."""


class TrackGroup(NamedTuple):
    """Nanowires of one layer that are alike.

    Attributes:
        nanowires: how many that move on their own.
        bits: that each holds.
        shifts: S of one pass; the first bit needs none.
        plane: the bit plane it holds, 0 the most significant; -1 where it holds several.
    """

    nanowires: int
    bits: int
    shifts: int
    plane: int = 0


@dataclass(frozen=True, kw_only=True)
class LayerTracks:
    """The nanowires of one layer.

    Attributes:
        name: parameter name.
        groups: nanowires by length and bit plane.
    """

    name: str
    groups: tuple[TrackGroup, ...]

    @property
    def nanowires(self) -> int:
        """That move on their own."""
        return sum(g.nanowires for g in self.groups)

    @property
    def bits(self) -> int:
        """Domains in use."""
        return sum(g.nanowires * g.bits for g in self.groups)

    @property
    def shifts(self) -> int:
        """Of one pass, without rewinding."""
        return sum(g.nanowires * g.shifts for g in self.groups)


def tracks_of(name: str, wires: Nanowires) -> LayerTracks:
    """The nanowires of a layer, counted by length, shifts and bit plane."""
    bits = np.zeros(wires.units, np.int64)
    np.add.at(bits, np.arange(wires.tracks) % max(1, wires.units), wires.lengths)
    rows, counts = np.unique(np.stack([wires.planes, bits, wires.shifts]), axis=1, return_counts=True)
    groups = (TrackGroup(int(n), int(b), int(s), int(p)) for n, p, b, s in zip(counts, *rows, strict=True) if n and b)
    return LayerTracks(name=name, groups=tuple(groups))


def counts(name: str, nanowires: int, bits: int, *, remainder: Iterable[int] = (), ports: int = 1) -> LayerTracks:
    """A layer of ``nanowires`` full tracks of ``bits``, by numbers alone.

    Args:
        name: of the layer.
        nanowires: full tracks.
        bits: K, of a full track.
        remainder: bits of each further, shorter track.
        ports: evenly spaced access ports of a track; it then shifts over one segment only.

    Raises:
        SpecError: a number is out of range.
    """
    if nanowires < 0 or bits < 1 or ports < 1:
        raise SpecError(f"{name}: {nanowires} nanowires of {bits} bits with {ports} ports; the least is 0, 1 and 1")
    sizes = Counter({bits: nanowires})
    sizes.update(remainder)
    segment = -(-bits // ports)
    groups = tuple(TrackGroup(n, b, min(b, segment) - 1) for b, n in sizes.items() if n)
    return LayerTracks(name=name, groups=groups)


class Operations(NamedTuple):
    """Shift operations of one kind in one pass over a nanowire.

    Attributes:
        number: of operations.
        distance: positions that each goes.
        rate: probability of a position error of each.
    """

    number: int
    distance: int
    rate: float


def operations(device: Racetrack, shifts: int) -> list[Operations]:
    """How ``device`` moves a nanowire that needs ``shifts`` to be read once: position by position, then back."""
    rates, step = device.rates, device.rewind_step
    out = [Operations(shifts, 1, rates[0])]
    if device.rewind == "faulty":
        whole, rest = divmod(shifts, step)
        out += [Operations(whole, step, rates[step])] + [Operations(1, rest, rates[rest])] * (rest > 0)
    return [o for o in out if o.number]


def outcomes(code: PositionCode, double: float) -> dict[Outcome, float]:
    """What becomes of a position error, as shares, where a share ``double`` is by two positions."""
    shares: dict[Outcome, float] = dict.fromkeys(get_args(Outcome), 0.0)
    for size, share in ((1, 1 - double), (2, double)):
        shares[code.outcome(size)] += share
    return shares


def acted_upon(code: PositionCode, double: float) -> float:
    """Share of position errors that the controller moves back, rightly or not."""
    return sum(share for size, share in ((1, 1 - double), (2, double)) if code.moves(size))


@dataclass(frozen=True, kw_only=True)
class StoredLayer:
    """One layer on nanowires of a deployed model.

    Attributes:
        name: what tables call it.
        parameter: parameter name.
        device: of its memory.
        tracks: its nanowires, counted.
        wires: where they lie; ``None`` where they are numbers alone.
    """

    name: str
    parameter: str
    device: Racetrack
    tracks: LayerTracks
    wires: Nanowires | None = None

    def guards(self, group: TrackGroup, code: PositionCode | None) -> bool:
        """Whether ``code`` guards these nanowires."""
        planes = self.device.protected_planes
        return code is not None and (planes is None or 0 <= group.plane < planes)


def stored_layers(chips: Chips, counting: Counting = "physical") -> list[StoredLayer]:
    """Every layer on nanowires, in the order of the model.

    Raises:
        ModelError: there is none.
        SpecError: ``counting`` is none; the simulator's counting is asked for what it cannot count.
    """
    if counting not in get_args(Counting):
        raise SpecError(f"counting={counting!r} must be {' or '.join(map(repr, get_args(Counting)))}")
    found = []
    for name, parameter in layers(chips).items():
        placement = chips.placements[parameter]
        device, mapping = on_tracks(placement.memory)
        weight = chips.model.get_parameter(parameter)
        if counting == "published":
            if mapping.weight_bits != 1 or mapping.ports != 1:
                raise SpecError("counting='published' knows binary weights and one port; use counting='physical'")
            number = published_nanowires(tuple(weight.shape), mapping.bits, undivided=_opens_block(chips, parameter))
            wires = cut(number, mapping.bits, mapping.bits)
        else:
            wires = mapping.nanowires(weight, placement.layer.channel_dim)
        device.guards(wires)  # says what cannot be guarded
        tracks = tracks_of(name, wires)
        found.append(StoredLayer(name=name, parameter=parameter, device=device, tracks=tracks, wires=wires))
    if not found:
        raise ModelError(NOT_ON_NANOWIRES)
    return found


def _opens_block(chips: Chips, parameter: str) -> bool:
    """Whether this is ``conv1`` of a residual block: a module called so inside one of a class ``...Block``."""
    block, _, leaf = parameter.rpartition(".")[0].rpartition(".")
    return leaf == "conv1" and type(chips.model.get_submodule(block)).__name__.endswith("Block")
