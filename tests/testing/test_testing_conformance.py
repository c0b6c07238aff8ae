"""The conformance suites accept everything that comes with mho, and catch what they are there to catch."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from torch import Tensor

from mho import devices, mapping
from mho.devices import Device
from mho.mapping import Encoded
from mho.rng import Draws
from mho.testing import check_device, check_mapping

TABLE = devices.MeasuredTable(
    states=(0.0, 0.5, 1.0),
    ages=(0.0, 10.0),
    mean=((0.0, 0.5, 1.0), (0.02, 0.45, 0.9)),
    std=((0.0, 0.01, 0.02), (0.02, 0.05, 0.04)),
)
QUANTILES = devices.MeasuredQuantiles(
    states=(0.1, 0.9),
    ages=(0.0, 10.0),
    probabilities=(0.0, 0.5, 1.0),
    errors=(((0.0, 0.0, 0.0), (0.0, 0.0, 0.0)), ((-0.2, 0.0, 0.1), (-0.1, 0.0, 0.3))),
)
DRIFTING = devices.Stack(stages=(devices.RRAM1(sigma=0.1), devices.PowerLawDrift(nu=0.05, nu_std=0.01)))
SOUND = [
    devices.RRAM1(sigma=0.1),
    devices.RRAM2(sigma=0.2, normalised=False),
    devices.FeFET1(sigma=0.1, convention="swim"),
    devices.FeFET2(sigma=0.1, level_scope="weight"),
    devices.LogNormal(sigma=0.3),
    devices.PCM(),
    devices.StuckAt.at_rate(0.05),
    devices.ReadNoise(q=0.01, exponent=0.5),
    TABLE,
    TABLE.with_sigma(0.1),
    QUANTILES,
    QUANTILES.with_sigma(0.1),
    DRIFTING,
]


@pytest.mark.parametrize("device", SOUND, ids=lambda d: d.label)
@pytest.mark.parametrize("cell_bits", [1, 2])
def test_every_device_conforms(device: Device, cell_bits: int) -> None:
    check_device(device, cell_bits=cell_bits)


@pytest.mark.parametrize("granularity", ["tensor", "channel"])
@pytest.mark.parametrize(
    "make",
    [
        lambda g: mapping.SlicedMagnitude(granularity=g),
        lambda g: mapping.SlicedMagnitude(weight_bits=4, cell_bits=1, granularity=g),
        lambda g: mapping.Differential(granularity=g),
        lambda g: mapping.Offset(granularity=g),
        lambda g: mapping.Analog(granularity=g),
    ],
)
def test_every_mapping_conforms(make, granularity: str) -> None:
    check_mapping(make(granularity))


@dataclass(frozen=True, kw_only=True)
class _Lying(Device):
    """Says a smaller spread than it has."""

    def gaussian(self, level: Tensor, age: float) -> tuple[Tensor, Tensor]:
        return level, 0.05 + 0 * level

    def write(self, level: Tensor, draws: Draws) -> Tensor:
        return level + 0.1 * draws.normal("lying")


@dataclass(frozen=True, kw_only=True)
class _Moody(Device):
    """Gaussian when young only."""

    def gaussian(self, level: Tensor, age: float) -> tuple[Tensor, Tensor] | None:
        return (level, 0 * level) if age < 1 else None

    def write(self, level: Tensor, draws: Draws) -> Tensor:
        return level + 0 * draws.normal("moody")


@dataclass(frozen=True, kw_only=True)
class _Crowded(Device):
    """A chip depends on the chips beside it."""

    def write(self, level: Tensor, draws: Draws) -> Tensor:
        z = draws.normal("crowded")
        return level + z - z.mean(0)


@pytest.mark.parametrize(
    ("broken", "what"),
    [(_Lying, "spread"), (_Moody, "answers at some ages"), (_Crowded, "alone")],
)
def test_broken_devices_are_caught(broken: type[Device], what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from mho import spec

    monkeypatch.setitem(spec._KINDS, broken.__name__, broken)
    with pytest.raises(AssertionError, match=what):
        check_device(broken())


@dataclass(frozen=True, kw_only=True)
class _Shrinking(mapping.Mapping):
    """Reads back nine tenths of what was written."""

    @property
    def cells_per_weight(self) -> int:
        return 1

    @property
    def kappa(self) -> float:
        return 1.0

    def encode(self, weight: Tensor, channel_dim: int = 0) -> Encoded:
        sound = mapping.Analog().encode(weight, channel_dim)
        return Encoded(sound.levels, sound.coefficients, 0.9 * sound.gain)


def test_a_mapping_that_loses_gain_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    from mho import spec

    monkeypatch.setitem(spec._KINDS, "_Shrinking", _Shrinking)
    with pytest.raises(AssertionError, match="largest weight"):
        check_mapping(_Shrinking())
