"""Results shaped like a study's, from numpy with a fixed seed: no network, no torch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from mho.evaluation.result import Result
from mho.memory.description import Description, DigitalTensor, StoredLayer

YEAR = 31_557_600.0
Make = Callable[..., Result]


def _make(
    label: str = "RRAM1",
    *,
    softness: float = 1.0,
    seed: int = 1,
    sigma: tuple[float | None, ...] = (0.02, 0.05, 0.1, 0.15, 0.2),
    age: tuple[float, ...] = (0.0, YEAR),
    chips: int = 100,
    threshold: float | None = 0.97,
    percentiles: tuple[float, ...] = (1.0, 5.0),
    provenance: dict[str, object] | None = None,
) -> Result:
    rng = np.random.default_rng(seed)
    luck = rng.standard_exponential(chips)
    spread = np.array([s or 0.1 for s in sigma])[:, None, None]
    drift = np.array([1 + 0.033 * np.log10(1 + a) for a in age])[None, :, None]
    values = np.round(0.9887 - (softness * spread * drift) ** 2 * (0.6 + 0.35 * luck), 4)
    return Result(
        values=values,
        ekl=0.02 + 1.5 * (0.99 - values),
        sigma=sigma,
        age=age,
        metric="accuracy",
        ideal=0.9889,
        digital=0.9891,
        images=10_000,
        percentiles=percentiles,
        threshold=threshold,
        label=label,
        provenance={"torch": "2.11", "wall_s": 48.37} if provenance is None else provenance,
    )


@pytest.fixture(scope="session")
def make() -> Make:
    return _make


@pytest.fixture(scope="session")
def results() -> dict[str, Result]:
    """Two devices x 5 sigmas x 2 ages x 100 chips."""
    return {"RRAM1": _make("RRAM1"), "FeFET1": _make("FeFET1", softness=1.55, seed=2)}


@pytest.fixture(scope="session")
def description() -> Description:
    layer = StoredLayer(
        name="fc.weight", kind="Linear", shape=(10, 84), rows=84, columns=10, matrices=1, cells=6720, tiles=1,
        scale="tensor", rms_error=0.0044, max_error=0.007, memory="rram",
    )  # fmt: skip
    kept = tuple(
        DigitalTensor(name=f"norm{i}.bias", kind="BatchNorm2d", shape=(16,), reason="normalisation stays digital")
        for i in range(20)
    )
    return Description(
        model="LeNet", stored=(layer,), digital=kept, tile=(128, 128), memories={"rram": "kind: Memory\n"}
    )
