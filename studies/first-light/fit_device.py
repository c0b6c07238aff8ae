"""Fit two devices to the measured RRAM relaxation data of technology B: a Gaussian per state, and the quantiles.

    python studies/first-light/fit_device.py rram_relaxation.npz

writes gaussian.yaml and quantiles.yaml beside this file. The data (conductance of 16,000 cells, followed for up to
10^4 s after programming) are those of A. Levy's RRAM-Relaxation-Master-Model (MIT), repacked into one NPZ. Targets
above the nominal top level (128 uS) are left out.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import kurtosis

from mho.devices import MeasuredQuantiles, MeasuredTable
from mho.files import write_text
from mho.spec import Spec, from_dict

HERE = Path(__file__).parent
G_MAX = 128e-6
STATES = 16
NAME = "RRAM relaxation B"


def rounded(value: Any) -> Any:
    """Six digits are more than 16,000 cells can tell."""
    if isinstance(value, dict):
        return {k: rounded(v) for k, v in value.items()}
    if isinstance(value, list):
        return [rounded(v) for v in value]
    return float(f"{value:.6g}") if isinstance(value, float) else value


def save(device: Spec, name: str, comment: str) -> None:
    write_text(HERE / name, f"# {comment}\n{device.to_yaml()}")


def main() -> None:
    with np.load(sys.argv[1], allow_pickle=False) as file:
        target, read, age = (np.asarray(file[f"techB_relax_{name}"], np.float64) for name in ("gi", "g", "timept"))
    kept = target <= G_MAX
    target, read, age = target[kept], read[kept], np.round(age[kept], 6)
    groups = np.searchsorted(np.quantile(target, np.linspace(0, 1, STATES + 1)[1:-1]), target, side="right")
    last = age == age.max()
    tails = [kurtosis((read - target)[last & (groups == g)]) for g in range(STATES)]
    comment = (
        f"{len(target)} samples; excess kurtosis of the errors per state at {age.max():g} s: "
        f"median {np.median(tails):.1f}, largest {np.max(tails):.1f} (a Gaussian has 0)"
    )
    print(comment)
    save(MeasuredTable.from_samples(target, read, age, g_max=G_MAX, states=STATES, name=NAME), "gaussian.yaml", comment)
    exact = MeasuredQuantiles.from_samples(target, read, age, g_max=G_MAX, states=STATES, name=f"{NAME}, quantiles")
    save(from_dict(rounded(exact.to_dict())), "quantiles.yaml", comment)


if __name__ == "__main__":
    main()
