"""What tracks of skyrmions read after so many passes: the door to :mod:`mho.kernels.cpu_skyrmions`."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from mho.kernels import cpu_skyrmions
from mho.kernels.threads import in_parts

Key = tuple[int, int]


@dataclass(frozen=True)
class Rates:
    """Probabilities per shift.

    Attributes:
        slip: the whole track goes one position too far, or too few.
        vanish: a skyrmion is lost.
        vanish_end: that, in the first or last domain of a track.
        move: a skyrmion goes one domain ahead of, or behind, the others.
        appear: an empty domain gets a skyrmion.
    """

    slip: float
    vanish: float
    vanish_end: float
    move: float
    appear: float

    @property
    def largest(self) -> float:
        """Of whatever may befall a domain."""
        return max(self.vanish + self.move, self.vanish_end + self.move, self.appear)


@dataclass(frozen=True)
class Reading:
    """How a track is read; see :func:`mho.kernels.cpu_skyrmions.read`."""

    passes: int
    margin: int
    rewinds: bool
    progressive: bool
    edge: bool


def read(
    out: Tensor,
    bits: Tensor,
    chips: Tensor,
    rates: Rates,
    reading: Reading,
    *,
    starts: NDArray[np.int64],
    places: NDArray[np.int64],
    shifts: NDArray[np.int32],
    segment: int,
    slip_key: Key,
    event_key: Key,
) -> None:
    """Bring ``out`` from the bits as written to what the last of ``reading.passes`` passes reads.

    Args:
        out: ``(chips, cells)`` contiguous float32 on the CPU that holds the bits as written.
        bits: ``(1 or chips, cells)`` contiguous float32 on the CPU, those bits.
        chips: ``(chips,)`` int64 numbers.
        rates: what may happen in a shift.
        reading: the pass and how it is read.
        starts: where cells lie, as in :class:`mho.devices.nanowires.Nanowires`; so are the next three.
        places: where a storage position's cell is.
        shifts: of a pass, by nanowire.
        segment: domains of a port.
        slip_key: of collective slips, by (event, nanowire, chip).
        event_key: of what befalls domains, by (event, track, chip).
    """
    tracks = len(starts) - 1
    if tracks == 0 or len(chips) == 0:
        return
    largest = rates.largest
    by = 1 / largest if largest else 0.0
    shifted = float(shifts.mean()) * reading.passes * (2 if reading.rewinds else 1)
    expected = len(chips) * tracks * shifted * (rates.slip + largest * int(starts[-1]) / tracks)
    in_parts(
        cpu_skyrmions.read, len(chips) * -(-tracks // cpu_skyrmions.TILE), int(4 * (len(chips) * tracks + expected)),
        out.numpy(), bits.numpy(), starts, places, shifts, segment, chips.cpu().numpy(),
        *map(np.uint32, slip_key), *map(np.uint32, event_key), _scale(rates.slip), _scale(largest),
        rates.vanish * by, rates.vanish_end * by, rates.move * by, rates.appear * by,
        reading.margin, reading.passes, reading.rewinds, reading.progressive, reading.edge,
    )  # fmt: skip


def _scale(rate: float) -> float:
    """What a logarithm is multiplied with to become a gap."""
    if rate == 0:
        return cpu_skyrmions.NEVER
    return 1 / math.log1p(-rate) if rate < 1 else 0.0
