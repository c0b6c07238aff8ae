"""Results of training on arrays shaped like real ones, from numpy with a fixed seed: no array, no training."""

from __future__ import annotations

from typing import Any

import numpy as np

from mho.analog import AGAD, Algorithm, ChoppedTTv2, InMemorySGD, MixedPrecision, TTv2
from mho.analog.experiments.programming_result import Level, Programming
from mho.analog.experiments.sweep_result import Sweep, Trained
from mho.analog.experiments.toy import Toy
from mho.analog.retention import Retention, TileRetention
from mho.analog.wear import ArrayWear, Wear
from mho.devices import SoftBounds
from mho.training.recipe import Recipe

ALGORITHMS = (InMemorySGD, TTv2, ChoppedTTv2, AGAD, MixedPrecision)
ERRORS = {"InMemorySGD": 0.21, "TTv2": 0.048, "ChoppedTTv2": 0.046, "AGAD": 0.047, "MixedPrecision": 0.0577}
GROWS = {"TTv2": 0.9, "ChoppedTTv2": 0.02}
"""Of algorithms with a reference: by how much errors grow for each unit that it is off."""
STDS = (0.0, 0.1, 0.25, 0.5)


def algorithm(kind: type[Algorithm], n_states: float = 20, std: float = 0.0) -> Algorithm:
    return kind(cell=SoftBounds(n_states=n_states)).with_reference(0.0, std)  # type: ignore[call-arg]


def programming(
    kinds: tuple[type[Algorithm], ...] = ALGORITHMS,
    *,
    n_states: tuple[float, ...] = (20.0, 100.0),
    stds: tuple[float, ...] = STDS,
    chips: int = 10,
    spread: float = 0.01,
    falls: float = 0.0,
    **changes: Any,
) -> Programming:
    """``falls``: how much smaller errors still get over the last quarter of the samples, as a part of them."""
    at = np.linspace(0, 40_000, 101).round().astype(np.int64)
    levels = []
    for kind in kinds:
        for n in n_states:
            drawn = np.random.default_rng(ALGORITHMS.index(kind)).standard_normal(chips)
            for std in stds:
                mean = ERRORS[kind.__name__] * (20 / n) ** 0.8 + GROWS.get(kind.__name__, 0.0) * std
                errors = mean * (1 + spread * drawn)
                down = np.where(at > 30_000, 1 - falls * (at - 30_000) / 10_000, 1.0) * (1 + 6 * np.exp(-at / 4_000))
                way = algorithm(kind, n, std)
                pulses = (np.nan, np.nan) if not hasattr(way, "gradient_cell") else (0.45, 0.7)
                levels.append(
                    Level(
                        label=way.label, algorithm=way, n_states=n, reference_std=std,
                        has_reference=way.with_reference(1.0, 1.0) != way, errors=errors,
                        course=down[:, None] * errors, gradient_mean=pulses[0], gradient_max=pulses[1],
                        weight_mean=2e-4, weight_max=1.3e-3,
                    )
                )  # fmt: skip
    made = {
        "levels": tuple(levels), "at": at, "size": 20, "samples": 40_000, "rate": 0.1, "inputs": "uniform",
        "loss": "sum", "target_std": 0.3, "average_last": 0.25, "seed": 0, "setting": "uniform",
        "provenance": {"torch": "2.13", "seconds": 300.0},
    }  # fmt: skip
    return Programming(**(made | changes))


def toy(kind: type[Algorithm] = AGAD, end: float = 0.9, *, samples: int = 600, chips: int = 2, **changes: Any) -> Toy:
    """W goes straight to ``end``, in steps of 0.05; the chopper of the second chip never turns."""
    way = algorithm(kind)
    grow = np.linspace(0, 1, samples + 1)
    w = np.sign(end) * np.floor(np.abs(end) * grow / 0.05 + 1e-9) * 0.05
    names = {"TTv2": ("reference",), "ChoppedTTv2": ("reference",), "AGAD": ("average", "baseline")}
    others = names.get(kind.__name__, ())
    rng = np.random.default_rng(0)
    traces = {"gradient": rng.uniform(-1, 1, samples + 1), "hidden": (20 * grow) % 1.0, "weight": w}
    if kind is InMemorySGD:
        traces = {"weight": w}
    traces |= {name: np.full(samples + 1, 0.1) for name in others}
    flips = np.zeros((samples + 1, chips), bool)
    if kind in (AGAD, ChoppedTTv2):
        flips[100::100, 0] = True
    made = {
        "algorithm": way, "offset": 0.0, "gradient": True, "sample": np.arange(samples + 1), "flips": flips,
        "traces": {name: np.tile(t[:, None], (1, chips)).astype(np.float32) for name, t in traces.items()},
        "alpha": 0.4, "rate": 0.1, "size": 5, "seed": 0, "first_chip": 0, "label": way.label, "provenance": {},
    }  # fmt: skip
    return Toy(**(made | changes))


def sweep(
    axis: str = "reference_std",
    values: tuple[float, ...] = STDS,
    *,
    seeds: int = 3,
    floating: float | None = 0.04,
    kinds: tuple[type[Algorithm], ...] = ALGORITHMS[:4],
    **changes: Any,
) -> Sweep:
    points = []
    for kind in kinds:
        for value in values:
            place = {"n_states": 20.0, "reference_std": 0.0, "bounds": 1.0} | {axis: value}
            way = algorithm(kind, place["n_states"], place["reference_std"])
            mean = ERRORS[kind.__name__] + GROWS.get(kind.__name__, 0.0) * place["reference_std"]
            points.append(trained(way, mean, seeds, **place))
    made = {
        "points": tuple(points),
        "floating": None if floating is None else trained(None, floating, seeds, None, None, None),
        "model": "mlp", "data": "digits", "images": 355, "recipe": Recipe(optimizer="sgd", lr=0.3, epochs=3),
        "seeds": tuple(range(seeds)), "provenance": {"torch": "2.13", "seconds": 60.0},
    }  # fmt: skip
    return Sweep(**(made | changes))


def trained(
    way: Algorithm | None,
    mean: float,
    seeds: int,
    n_states: float | None = 20.0,
    reference_std: float | None = 0.0,
    bounds: float | None = 1.0,
) -> Trained:
    errors = mean * (1 + 0.05 * np.linspace(-1, 1, seeds)) if seeds > 1 else np.array([mean])
    one = np.ones(seeds)
    return Trained(
        label="floating point" if way is None else way.label, algorithm=way, n_states=n_states,
        reference_std=reference_std, bounds=bounds,
        has_reference=way is not None and way.with_reference(1.0, 1.0) != way, errors=errors, losses=5 * errors,
        gradient_pulses=0.9 * one, weight_pulses=0.0015 * one, seconds=one,
    )  # fmt: skip


def wear() -> Wear:
    def array(tile: str, name: str, mean: float, most: int, vectors: int) -> ArrayWear:
        return ArrayWear(
            tile=tile, array=name, devices=1000, vectors=vectors, samples=5000.0, mean=mean, maximum=most,
            percentiles={50: mean, 90: 2 * mean, 99: 3 * mean}, counts=(500, 500), edges=(0.0, most / 2, most),
            bound=5.0 if name == "gradient" else 0.01,
        )  # fmt: skip

    arrays = (
        array("conv.weight", "weight", 1.0, 8, 20_000),
        array("conv.weight", "gradient", 500.0, 9000, 20_000),
        array("fc.weight", "weight", 1.0, 2, 5000),
        array("fc.weight", "gradient", 200.0, 3500, 5000),
    )
    return Wear(arrays=arrays, samples=5000.0)


def retention(**changes: Any) -> Retention:
    made = {
        "tile": "fc.weight", "algorithm": "c-TTv2", "period": 1568, "chopper_period": 15680.0,
        "vector_seconds": 260e-9, "gradient_leak": 0.0, "reference_drift": 0.25, "run": 5000, "weight_leak": 0.0,
    }  # fmt: skip
    return Retention(tiles=(TileRetention(**(made | changes)),))
