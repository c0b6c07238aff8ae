"""What every device must satisfy."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from mho.devices.base import Device
from mho.errors import SpecError
from mho.rng import Draws
from mho.testing.claims import check_spec, say

AGES = (0.0, 1.0, 3.6e3, 3.2e7)
"""Seconds at which a device is tried."""


def check_device(device: Device, *, cell_bits: int = 2, chips: int = 4000) -> None:
    """Raise unless ``device`` behaves as the rest of the package expects.

    It must be a spec with a YAML transcript; read back finite numbers of the right shape; give a chip the same numbers
    whatever other chips are read with it; answer :meth:`~mho.devices.Device.gaussian` at every age or at none; and,
    where it answers, read back with just these moments. Moments are compared at six standard errors of ``chips`` draws,
    with fixed keys, so the outcome never varies.

    Args:
        device: the device.
        cell_bits: cells it is written to in this check.
        chips: draws per level.
    """
    check_spec(device, Device, "device")
    say(bool(device.label), "its label is empty")
    slices = 8 // cell_bits
    kappa = math.sqrt(sum(4.0 ** (j * cell_bits) for j in range(slices))) / sum(
        2.0 ** (j * cell_bits) for j in range(slices)
    )
    written = device.written_to(cell_bits=cell_bits, weight_bits=8, kappa=kappa)
    say(isinstance(written, Device), f"written_to returned a {type(written).__name__}, not a Device")
    levels = torch.linspace(0, 1, 2**cell_bits)
    ages = [age for age in AGES if _takes(written, levels, age)]
    say(bool(ages), "it refuses every age from 0 s to a year")
    answers = {age: written.gaussian(levels, age) for age in ages}
    say(
        len({a is None for a in answers.values()}) == 1,
        "gaussian() answers at some ages and not at others; a chip would become another chip with age",
    )
    for age in ages:
        read = _read(written, levels, range(chips), age)
        say(read.shape == (chips, len(levels)), f"read() has shape {tuple(read.shape)}, not (chips, *levels.shape)")
        say(bool(torch.isfinite(read).all()), f"read() gives NaN or infinity at age {age:g} s")
        alone = _read(written, levels, range(7, 9), age)
        say(torch.equal(alone, read[7:9]), f"chips 7 and 8 read otherwise alone than among others at age {age:g} s")
        moments = answers[age]
        if moments is not None:
            _same_moments(read, *moments, age)
    before = levels.clone()
    written.gaussian(levels, ages[-1])
    _read(written, levels, range(2), ages[-1])
    say(torch.equal(before, levels), "the target levels passed in were changed in place")


def _takes(device: Device, levels: Tensor, age: float) -> bool:
    """A measured device may refuse ages that were not measured."""
    try:
        _read(device, levels, range(1), age)
    except SpecError:
        return False
    return True


def _read(device: Device, levels: Tensor, chips: range, age: float) -> Tensor:
    draws = Draws(0, "layer", torch.tensor(list(chips)), tuple(levels.shape), levels.device)
    read = device.written_and_read(levels, draws, age)
    return read.expand(len(chips), *levels.shape) if read.dim() == levels.dim() else read


def _same_moments(read: Tensor, mean: Tensor, std: Tensor, age: float) -> None:
    n = len(read)
    std = std.expand_as(mean)
    # Standard errors of a Gaussian sample: sigma/sqrt(n) of the mean, sigma/sqrt(2n) of the standard deviation.
    off_mean = ((read.mean(0) - mean).abs() - 6 * std / math.sqrt(n)).max()
    off_std = ((read.std(0) - std).abs() - 6 * std / math.sqrt(2 * n)).max()
    say(float(off_mean) <= 1e-5, f"read() has another mean than gaussian() says at age {age:g} s")
    say(float(off_std) <= 1e-5, f"read() has another spread than gaussian() says at age {age:g} s")
