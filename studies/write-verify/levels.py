"""Paired differences of the study of devices whose error depends on the level.

python studies/write-verify/levels.py STORE
"""

from __future__ import annotations

import sys
from pathlib import Path

from mho import studies
from mho.evaluation import mean_interval
from mho.text import table

DEVICES = ("s=2 (FeFET1)", "s=4 (RRAM2)", "s=6 (FeFET2)")


def main() -> None:
    study = studies.read(Path(__file__).with_name("levels.yaml"))
    found = studies.run(study, store=sys.argv[1]).found

    def areas(device: str, weighting: str, unit: str):
        told = "weighting none" if weighting == "none" else weighting
        return found[f"{device}, {told}, {unit}"].areas("second-derivative")

    rows = []
    for device in DEVICES:
        for unit in ("weight", "cell"):
            best = areas(device, "variance", unit)
            others = [best - areas(device, weighting, unit) for weighting in ("deviation", "none")]
            rows.append([device, unit, *map(_points, others)])
        gained = areas(device, "variance", "cell") - areas(device, "variance", "weight")
        rows.append([device, "cell less weight", _points(gained), ""])
    header = ["device", "unit", "variance less deviation", "variance less none"]
    print(table(header, rows, left=2, title="mean over NWC, points, paired over chips"))


def _points(differences) -> str:
    interval = mean_interval(differences, 0.95)
    return f"{100 * interval.value:.3f} [{100 * interval.low:.3f}, {100 * interval.high:.3f}]"


if __name__ == "__main__":
    main()
