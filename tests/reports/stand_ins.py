"""Worst cases and verifications shaped like real ones, from numpy with a fixed seed: no search, no network, no torch.

The numbers follow pilot runs of a small perceptron on MNIST: a searched chip collapses within a few per cent of the
full scale while random chips hardly change, and a tenth of the weights, well chosen, is worth nine tenths at random.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mho.evaluation.verification import Verification
from mho.evaluation.writing import Writing

BOUNDS = (0.005, 0.01, 0.02, 0.03, 0.06)
FRACTIONS = (0.0, 0.01, 0.03, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0)
RANKINGS = ("second-derivative", "magnitude", "random", "layer", "in-situ")
FOUND = {
    "no noise": (0.932, (0.838, 0.567, 0.102, 0.096, 0.089)),
    "Gaussian 0.1": (0.916, (0.880, 0.774, 0.420, 0.184, 0.065)),
    "Gaussian 0.2": (0.887, (0.874, 0.816, 0.633, 0.434, 0.092)),
}
MEANS = {
    "second-derivative": (54.2, 80.1, 89.3, 90.3, 91.2, 92.5, 93.3, 93.6, 93.7, 93.7),
    "magnitude": (54.2, 61.8, 68.0, 71.3, 75.3, 78.8, 82.4, 87.0, 89.9, 93.7),
    "random": (54.2, 54.5, 55.2, 55.6, 56.8, 60.3, 63.7, 72.9, 82.3, 93.7),
    "layer": (54.2, 54.9, 57.0, 59.1, 63.2, 69.8, 75.5, 83.0, 88.8, 93.7),
    "in-situ": (54.2, 55.1, 58.3, 62.2, 70.4, 78.1, 82.0, 85.7, 87.3, 88.9),
}


@dataclass(frozen=True, kw_only=True)
class WorstCase:
    bounds: tuple[float, ...]
    tolerances: tuple[float, ...] | None
    metric: str
    bounded: bool
    higher_is_better: bool
    digital: float
    ideal: float
    found: Any
    searched: Any
    reached: Any
    won: tuple[str, ...]
    random: dict[str, Any]
    label: str
    data: str
    images: int
    search_data: str
    search_images: int
    seed: int
    passes: int
    provenance: dict[str, Any] = field(default_factory=dict)
    references: tuple[str, ...] = ("yan2022worst",)


def worst_case(network: str = "no noise", *, tolerances: bool = False, chips: int = 100, **changes: Any) -> WorstCase:
    """One of the networks of ``FOUND``."""
    rng = np.random.default_rng(len(network))
    digital, found = FOUND[network]
    spread = {"gaussian": 0.5, "uniform": 0.6, "corners": 1.0}
    random = {
        kind: np.stack([digital - 6 * (s * b) ** 2 - s * b * 0.3 * rng.standard_exponential(chips)
                        for b in BOUNDS])
        for kind, s in spread.items()
    }  # fmt: skip
    made = {
        "bounds": BOUNDS, "tolerances": tuple(3 * b for b in BOUNDS) if tolerances else None, "metric": "accuracy",
        "bounded": True, "higher_is_better": True, "digital": digital, "ideal": digital - 0.001,
        "found": np.array(found), "searched": np.array(found) - 0.004, "reached": np.array(BOUNDS),
        "won": ("hinge, uniform", "hinge, zero", "cross-entropy, uniform", "hinge, zero", "cross-entropy, zero"),
        "random": random, "label": network, "data": "MNIST test", "images": 2000, "search_data": "MNIST train",
        "search_images": 4000, "seed": 0, "passes": 960, "provenance": {"torch": "2.13", "wall_s": 61.2},
    }  # fmt: skip
    return WorstCase(**(made | changes))


def verification(
    label: str = "sigma 0.2",
    *,
    chips: int = 300,
    rankings: tuple[str, ...] = RANKINGS,
    ease: float = 1.0,
    **changes: Any,
) -> Verification:
    rng = np.random.default_rng(7)
    means = np.array([MEANS[r] for r in rankings]) / 100
    means = 0.937 - ease * (0.937 - means)
    lost = 0.945 - means
    values = np.round(means[..., None] - lost[..., None] * (rng.gamma(4.0, 0.09, (*means.shape, chips)) - 0.36), 4)
    cells, cycles = 423_672, 6.31
    nwc = np.tile(FRACTIONS, (len(rankings), 1)) * (1 + 0.01 * rng.standard_normal((len(rankings), 1)) * (means < 0.93))
    first = nwc + (1 - np.array(FRACTIONS)) / cycles
    needed = rng.choice(FRACTIONS[2:8], (len(rankings), chips)) * np.linspace(0.5, 1.0, len(rankings))[:, None]
    needed[:, :3] = math.nan
    made = {
        "rankings": rankings, "fractions": FRACTIONS, "values": values, "nwc": nwc, "nwc_with_first_write": first,
        "cycles": first * cells * cycles, "failures": 0.7 * nwc, "seconds": first * cells * cycles * 1e-6,
        "joules": first * cells * cycles * 1e-11, "cells": cells, "target_drop": 0.005, "needed": needed,
        "reached": 0.93 + 0.004 * rng.standard_normal(needed.shape), "digital": 0.938, "ideal": 0.9375,
        "metric": "accuracy", "bounded": True, "confidence": 0.95, "label": label, "data": "MNIST test",
        "images": 1000, "calibration": "MNIST train", "needed_nwc": needed,
        "sensitivity": "4000 samples of MNIST train", "calibration_images": 2000, "seed": 0,
        "provenance": {"torch": "2.13", "wall_s": 182.0},
    }  # fmt: skip
    return Verification(**(made | changes))


def writing(sigmas: int, *, verifies: bool = True, timed: bool = False) -> Writing:
    """What programming costs, a little more at every sigma."""

    def rising(first: float) -> tuple[float, ...]:
        return tuple(first * (1 + i) for i in range(sigmas))

    return Writing(
        cells=423_672, cycles=rising(1.3e6), nwc=rising(0.11 if verifies else 0.0), nwc_with_first_write=rising(0.15),
        failures=rising(0.4), seconds=rising(1.3) if timed else None, joules=rising(1.1e-5) if timed else None,
    )  # fmt: skip
