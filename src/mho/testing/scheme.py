"""What every programming scheme must satisfy."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from mho import devices as cells
from mho.devices.base import Device
from mho.errors import SpecError
from mho.mapping.encodings import SlicedMagnitude
from mho.programming import Scheme, Written
from mho.programming.moments import CELLS
from mho.rng import Draws
from mho.testing.claims import check_spec, say

DEVICES: tuple[Device, ...] = (
    cells.RRAM1(sigma=0.1),
    cells.LogNormal(sigma=0.2),
    cells.StuckAt.at_rate(0.02),
    cells.Stack(stages=(cells.RRAM2(sigma=0.1), cells.PowerLawDrift(nu=0.05, nu_std=0.02))),
)
"""A Gaussian cell, one that is not, one with defects that no write mends, one that ages."""
ROWS = 250
"""Cells of one level that a chip has in this check."""
LATER = 1e5
"""Seconds after which cells that age are read."""


def check_scheme(scheme: Scheme, *, devices: tuple[Device, ...] = DEVICES, chips: int = 100) -> None:
    """Raise unless a programming scheme behaves as the rest of the package expects.

    It must be a spec with a YAML transcript; give levels, cycles and failures of every cell; give a chip the same
    numbers whatever other chips are written with it, and a cell the same fate whichever other cells are chosen; write
    what is not chosen once, as the device alone would; see a cell as it is right after its write, however late it is
    read; and do on average what :meth:`~mho.programming.Scheme.moments` says, at six standard errors, with fixed keys,
    so that the outcome never varies. A scheme that says it does not verify must do just what one write does, because
    then it is not asked. Cycles are not compared where ``mean_cycles`` charges what was measured elsewhere.

    Args:
        scheme: how cells are written; of one that selects, how those that are chosen are.
        devices: the cells that it is tried on.
        chips: that are written, of 1000 cells each.

    Raises:
        AssertionError: one line that says what is wrong.
    """
    check_spec(scheme, Scheme, "scheme")
    for device in devices:
        mapping = SlicedMagnitude()
        resolved = device.written_to(cell_bits=mapping.cell_bits, weight_bits=mapping.weight_bits, kappa=mapping.kappa)
        on = f" on {device.label}"
        _writes(scheme, resolved, on)
        _says_what_it_does(scheme, resolved, chips, on)


def _writes(scheme: Scheme, device: Device, on: str) -> None:
    level = torch.linspace(0, 1, 4).repeat(ROWS, 1)
    before = level.clone()
    every, none = torch.ones(level.shape, dtype=torch.bool), torch.zeros((), dtype=torch.bool)
    whole = _write(scheme, device, level, range(10), every)
    say(torch.equal(before, level), f"the target levels passed in were changed in place{on}")
    _shapes(whole, (10, *level.shape), on)
    _same(whole, _write(scheme, device, level, range(10), every), f"the same chips are written otherwise again{on}")
    try:
        unasked = _write(scheme, device, level, range(10), None)
    except SpecError:  # it has to be told which cells are verified
        pass
    else:
        _same(whole, unasked, f"chosen=None is not the same as all cells chosen{on}")
    alone = _write(scheme, device, level, range(7, 9), every)
    _same(alone, _rows(whole, slice(7, 9)), f"chips 7 and 8 are written otherwise alone than among others{on}")
    old = _write(scheme, device, level, range(10), every, LATER)
    same = torch.equal(old.cycles, whole.cycles) and torch.equal(old.failed, whole.failed)
    say(same, f"cycles or failures depend on the age of the read, which nobody knows when writing{on}")

    once = _write(scheme, device, level, range(10), none)
    held = device.written_and_read(level, _draws(level, range(10)), 0.0).expand(once.read.shape)
    # A device that is asked by its moments rounds otherwise.
    plain = torch.allclose(once.read, held, atol=1e-6) and bool((once.cycles == 1).all()) and not once.failed.any()
    say(plain, f"a cell that is not chosen is not just written once{on}")
    if not scheme.verifies:
        plain = torch.allclose(whole.read, held, atol=1e-6) and bool((whole.cycles == 1).all())
        say(plain and not whole.failed.any(), f"it says that it does not verify, but does more than one write{on}")
        return
    for chosen in (torch.arange(ROWS)[:, None] % 3 == 0, torch.arange(4) > 1):
        some, wide = _write(scheme, device, level, range(10), chosen), chosen.expand(1, *level.shape)
        mixed = (torch.where(wide, a, b) for a, b in zip(_parts(whole), _parts(once), strict=True))
        _same(some, Written(*mixed), f"a cell's fate depends on which other cells are chosen{on}")


def _says_what_it_does(scheme: Scheme, device: Device, chips: int, on: str) -> None:
    targets = torch.linspace(0, 1, 4)
    said = scheme.moments(device, targets)
    odd = torch.rand(3, 5, generator=torch.Generator().manual_seed(0))
    for name, moment in vars(scheme.moments(device, odd)).items():
        say(moment.shape == odd.shape, f"moments() of (3, 5) levels give {name} of the shape {tuple(moment.shape)}{on}")
        say(bool(torch.isfinite(moment).all()), f"moments() give NaN or infinity for {name}{on}")
    level = targets.expand(ROWS, 4)
    done = _write(scheme, device, level, range(chips), torch.ones(level.shape, dtype=torch.bool))
    found = {"error": (done.read - level).square(), "cycles": done.cycles, "failed": done.failed}
    written = getattr(scheme, "verify", scheme)
    for name, each in found.items():
        if name == "cycles" and getattr(written, "mean_cycles", None) is not None:
            continue
        each = each.double().reshape(-1, 4)
        # Bernstein's bound, so that what is rare is not taken for impossible; the moments may be simulated themselves.
        spread, most = each.std(0), each.max()
        few = 1 / len(each) + len(targets) / CELLS
        tolerance = 6 * spread * math.sqrt(few) + 12 * most.clamp(min=1 if name == "failed" else 0) * few
        off = (each.mean(0) - getattr(said, name).double()).abs() - tolerance
        worst = int(off.argmax())
        mean, claimed = float(each.mean(0)[worst]), float(getattr(said, name)[worst])
        at = f"at level {float(targets[worst]):.2f}{on}"
        say(float(off.max()) <= 1e-6, f"write() has a mean {name} of {mean:.4g}, moments() say {claimed:.4g} {at}")


def _draws(level: Tensor, chips: range) -> Draws:
    return Draws(0, "layer", torch.tensor(list(chips)), tuple(level.shape), level.device)


def _write(
    scheme: Scheme, device: Device, level: Tensor, chips: range, chosen: Tensor | None, age: float = 0.0
) -> Written:
    return scheme.write(device, level, _draws(level, chips), age if device.clock else 0.0, chosen)


def _shapes(written: Written, shape: tuple[int, ...], on: str) -> None:
    kinds = {"read": torch.float32, "cycles": torch.int32, "failed": torch.bool}
    for name, kind in kinds.items():
        part = getattr(written, name)
        say(part.shape == shape, f"write() gives {name} of the shape {tuple(part.shape)}, not (chips, *shape){on}")
        say(part.dtype == kind, f"write() gives {name} as {part.dtype}, not {kind}{on}")
    say(bool(torch.isfinite(written.read).all()), f"write() leaves NaN or infinity{on}")
    say(bool((written.cycles >= 1).all()), f"a cell takes less than one write cycle{on}")


def _parts(written: Written) -> tuple[Tensor, Tensor, Tensor]:
    return written.read, written.cycles, written.failed


def _rows(written: Written, rows: slice) -> Written:
    return Written(*(part[rows] for part in _parts(written)))


def _same(one: Written, other: Written, otherwise: str) -> None:
    say(all(torch.equal(a, b) for a, b in zip(_parts(one), _parts(other), strict=True)), otherwise)
