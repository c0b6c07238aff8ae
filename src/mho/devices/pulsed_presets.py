"""Pulsed cells of the papers, by name; each says where its numbers are from and what of its source it leaves out."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from mho.devices.pulsed import ConstantStep, LinearStep, PulsedCell, SoftBounds
from mho.errors import unknown
from mho.spec import register_kind


@dataclass(frozen=True)
class PulsedPreset:
    """A named pulsed cell: how to make it, what it is, and where its numbers were published."""

    name: str
    make: Callable[..., PulsedCell]
    summary: str
    reference: str
    place: str

    def __call__(self, **options: Any) -> PulsedCell:
        return self.make(**options)


PULSED: dict[str, PulsedPreset] = {}
_F = TypeVar("_F", bound=Callable[..., PulsedCell])


def pulsed_preset(summary: str, reference: str, place: str) -> Callable[[_F], _F]:
    """Register a function as a named pulsed cell, for :func:`mho.devices.get_pulsed` and YAML."""

    def register(make: _F) -> _F:
        PULSED[make.__name__] = PulsedPreset(make.__name__, make, summary, reference, place)
        return register_kind(make)

    return register


def get_pulsed(name: str, **options: Any) -> PulsedCell:
    """The pulsed cell called ``name`` (case does not matter), such as ``get_pulsed("reram", n_states=100)``.

    Raises:
        UnknownNameError: no preset has this name.
    """
    if name.lower() not in PULSED:
        raise unknown("pulsed cell", name, PULSED)
    return PULSED[name.lower()].make(**options)


def _both(upper: float, lower: float) -> float:
    """The one spread of two bounds that spread differently: their root mean square."""
    return math.sqrt((upper**2 + lower**2) / 2)


@pulsed_preset("ReRAM-like, soft bounds, few states", "rasch2024fast", "eqs 2-8, Figs 3-5")
def reram(*, n_states: float = 20.0) -> SoftBounds:
    """The cell of the experiments of [rasch2024fast]; 20 states, or 100 and more for a better one."""
    return SoftBounds(n_states=n_states, source="rasch2024fast")


@pulsed_preset("ReRAM array, optimised material, as measured", "gong2022reram", "fit in rasch2021aihwkit's presets")
def reram_om(*, stuck_rate: float = 0.0) -> SoftBounds:
    """21 states that differ widely from device to device.

    Of the array 13.5 % of the devices did not work (``stuck_rate=0.135``). Upper and lower bounds spread by 0.35 and
    0.57; here by their root mean square. What a weight reads besides its lasting state (1.4 steps) is no property of
    this cell, but of its reads: ``read_noise`` of the algorithm.
    """
    return SoftBounds(
        n_states=2 / 0.0949,
        bounds_dtod=_both(0.3499, 0.5695),
        step_dtod=0.7829,
        asymmetry_dtod=0.01,
        ctoc=0.4158,
        stuck_rate=stuck_rate,
        source="gong2022reram",
    )


@pulsed_preset("ReRAM array, baseline HfO2, as measured", "gong2022reram", "fit in rasch2021aihwkit's presets")
def reram_hfo2(*, stuck_rate: float = 0.0) -> SoftBounds:
    """Barely more than four states; 9.8 % of the array did not work (``stuck_rate=0.098``).

    Upper and lower bounds spread by 0.43 and 0.60; here by their root mean square. As for :func:`reram_om`, a scatter
    of reads of 0.58 steps is left out.
    """
    return SoftBounds(
        n_states=2 / 0.4622,
        bounds_dtod=_both(0.4295, 0.5990),
        step_dtod=0.7125,
        asymmetry_dtod=0.01,
        ctoc=0.2174,
        stuck_rate=stuck_rate,
        source="gong2022reram",
    )


@pulsed_preset("ReRAM of HfO2, 1000 noisy states", "gong2018signal", "loose fit in rasch2021aihwkit's presets")
def reram_noisy() -> SoftBounds:
    """Many states, but pulses that scatter by several times their step; 0 is the symmetry point.

    Bounds spread by 0.3 on both sides, which are 1.25 and 0.75 away; here by their root mean square relative to them.
    A scatter of reads of 0.112 is left out.
    """
    return SoftBounds(
        n_states=1000.0,
        w_max=1.25,
        w_min=-0.75,
        bounds_dtod=_both(0.3 / 1.25, 0.3 / 0.75),
        step_law="normal",
        asymmetry_dtod=0.01,
        ctoc=3.75,
        source="gong2018signal",
    )


@pulsed_preset("lithium ECRAM, 1000 states", "tang2018ecram", "fit in rasch2021aihwkit's presets")
def ecram() -> LinearStep:
    """Steps that shrink little upwards and by half downwards; 0 is the symmetry point.

    That slopes differ from device to device (by 0.05) is left out.
    """
    return LinearStep(
        n_states=1000.0,
        w_max=1.1724,
        w_min=-0.8276,
        slope_up=0.1153,
        slope_down=0.5085,
        bounds_dtod=0.05,
        step_dtod=0.1,
        step_law="normal",
        asymmetry_dtod=0.01,
        ctoc=0.3,
        noise="multiplicative",
        source="tang2018ecram",
    )


@pulsed_preset("metal-oxide ECRAM, 7000 states", "kim2019ecram", "fit in rasch2021aihwkit's presets")
def ecram_oxide() -> LinearStep:
    """Very small steps that scatter by twice their size; 0 is the symmetry point. Slopes do not differ, as above."""
    return LinearStep(
        n_states=2 / 2.8214e-4,
        w_max=1.1714,
        w_min=-0.8286,
        slope_up=0.4152,
        slope_down=0.7342,
        bounds_dtod=0.05,
        step_dtod=0.1,
        step_law="normal",
        asymmetry_dtod=0.01,
        ctoc=2.0,
        noise="multiplicative",
        source="kim2019ecram",
    )


@pulsed_preset(
    "PCM-like: a refreshed pair of one-way cells, seen as one", "nandakumar2020mixed", "PCM model; see the docstring"
)
def pcm_like(*, n_states: float = 40.0) -> SoftBounds:
    """A stand-in for phase-change memory, which moves gradually in one direction only.

    A weight then is a pair of cells, one for each direction, that is reset and written anew before either is full.
    Right after that a pulse moves it by a step that shrinks towards the bound, in either direction: soft bounds. What
    happens between two refreshes, when both cells of a pair are partly full, and the refreshes themselves are left out.
    The spreads, also from pulse to pulse, are those that [rasch2021aihwkit] gives the cell of the source; about 20
    pulses from zero to the bound are ours.
    """
    return SoftBounds(
        n_states=n_states,
        bounds_dtod=0.1,
        step_dtod=0.2,
        step_law="normal",
        asymmetry_dtod=0.05,
        ctoc=0.6,
        source="nandakumar2020mixed",
    )


@pulsed_preset("capacitor, 400 states, leaks", "li2018capacitor", "fit in rasch2021aihwkit's presets")
def capacitor(*, lifetime: float = 1e6) -> LinearStep:
    """Nearly constant steps, little spread, and a charge that leaks.

    The source counts ``lifetime`` in mini-batches and lets it differ from device to device; here it counts samples
    and is one for all. What it is depends on the circuit and on how long a sample takes: give your own.
    """
    return LinearStep(
        n_states=400.0,
        slope_up=0.05,
        slope_down=0.05,
        bounds_dtod=0.07,
        step_dtod=0.1,
        step_law="normal",
        asymmetry_dtod=0.06,
        ctoc=0.3,
        lifetime=lifetime,
        source="li2018capacitor",
    )


@pulsed_preset("specification of a resistive processing unit, 1200 states", "gokmen2016rpu", "RPU-baseline")
def rpu() -> ConstantStep:
    """What a cell needs for plain gradient descent: bounds 0.6 and steps 0.001, here in units of the bounds.

    All spreads are 0.3; steps up and down of one device differ by 2 % (``asymmetry_dtod`` is half of that).
    """
    return ConstantStep(n_states=1200.0, step_law="normal", asymmetry_dtod=0.01, source="gokmen2016rpu")


@pulsed_preset("nothing varies, constant steps", "gokmen2016rpu", "its ideal device, with 10,000 states")
def ideal(*, n_states: float = 10_000.0) -> ConstantStep:
    """All cells alike, all steps alike: what is left is that steps are finite and pulses random."""
    return ConstantStep(
        n_states=n_states, bounds_dtod=0.0, step_dtod=0.0, asymmetry_dtod=0.0, ctoc=0.0, source="gokmen2016rpu"
    )
