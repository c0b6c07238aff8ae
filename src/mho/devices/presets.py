"""Devices of the papers, by name; each says which paper and where in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

from mho.devices.ageing import ReadNoise
from mho.devices.base import Device
from mho.devices.level_gaussian import LevelGaussian, SigmaConvention
from mho.devices.pcm import PCMDrift, PCMProgramming
from mho.devices.stack import Stack
from mho.spec import register_kind

LevelScope = Literal["device", "weight"]


@dataclass(frozen=True)
class Preset:
    """A named device: how to make it, what it is, and where it was published."""

    name: str
    make: Callable[..., Device]
    summary: str
    reference: str
    place: str


PRESETS: dict[str, Preset] = {}
_F = TypeVar("_F", bound=Callable[..., Device])


def preset(summary: str, reference: str, place: str) -> Callable[[_F], _F]:
    """Register a function as a named device, for :func:`mho.devices.get`, YAML and ``mho list devices``."""

    def register(make: _F) -> _F:
        PRESETS[make.__name__] = Preset(make.__name__, make, summary, reference, place)
        return register_kind(make)

    return register


def _levels(
    name: str,
    factor: float,
    sigma: float,
    normalised: bool,
    level_scope: LevelScope,
    convention: SigmaConvention,
) -> LevelGaussian:
    return LevelGaussian(
        name=name,
        mid_factor=factor,
        sigma=sigma,
        normalised=normalised,
        level_scope=level_scope,
        convention=convention,
    )


@preset("RRAM, the same Gaussian error on every level", "qin2025neft", "§IV-A, eq. 15 (s=1)")
def RRAM1(
    *,
    sigma: float,
    normalised: bool = True,
    level_scope: LevelScope = "device",
    convention: SigmaConvention = "fullscale",
) -> LevelGaussian:
    """RRAM with the same Gaussian error on every level."""
    return _levels("RRAM1", 1.0, sigma, normalised, level_scope, convention)


@preset(
    "RRAM, middle levels 4x noisier ('RRAM4' in the published code)",
    "qin2025neft",
    "§IV-F, eq. 16 (t=4), Table I",
)
def RRAM2(
    *,
    sigma: float,
    normalised: bool = True,
    level_scope: LevelScope = "device",
    convention: SigmaConvention = "fullscale",
) -> LevelGaussian:
    """RRAM whose middle levels are 4x noisier; ``RRAM4`` in the published code."""
    return _levels("RRAM2", 4.0, sigma, normalised, level_scope, convention)


@preset(
    "FeFET, middle levels 2x noisier ('FeFET2' in the published code)",
    "qin2025neft",
    "§IV-F, eq. 16 (t=2), Table I",
)
def FeFET1(
    *,
    sigma: float,
    normalised: bool = True,
    level_scope: LevelScope = "device",
    convention: SigmaConvention = "fullscale",
) -> LevelGaussian:
    """FeFET whose middle levels are 2x noisier; ``FeFET2`` in the published code."""
    return _levels("FeFET1", 2.0, sigma, normalised, level_scope, convention)


@preset(
    "FeFET, middle levels 6x noisier ('FeFET6' in the published code)",
    "qin2025neft",
    "§IV-F, eq. 16 (t=6), Table I",
)
def FeFET2(
    *,
    sigma: float,
    normalised: bool = True,
    level_scope: LevelScope = "device",
    convention: SigmaConvention = "fullscale",
) -> LevelGaussian:
    """FeFET whose middle levels are 6x noisier; ``FeFET6`` in the published code."""
    return _levels("FeFET2", 6.0, sigma, normalised, level_scope, convention)


@preset(
    "PCM: programming error, drift and 1/f read noise of a 1M-cell array",
    "joshi2020pcm",
    "Methods; nandakumar2019pcm",
)
def PCM(*, scale: float = 1.0, t0: float = 20.0) -> Stack:
    """Phase-change memory with programming error, drift from ``t0`` seconds on, and read noise."""
    read_noise = ReadNoise(q=0.0088, exponent=0.65, q_max=0.2, t_read=250e-9)
    return Stack(stages=(PCMProgramming(scale=scale), PCMDrift(t0=t0), read_noise), name="PCM")


ALIASES = {"RRAM4": "RRAM2", "FeFET6": "FeFET2"}
"""Names in the published code that are unambiguous -> names in the paper. The code's ``FeFET2`` is the paper's FeFET1;
here ``FeFET2`` always means the paper's."""

for _alias, _name in ALIASES.items():
    register_kind(PRESETS[_name].make, _alias)
