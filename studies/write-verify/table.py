"""What the README of this folder says, from the studies' cached results.

python studies/write-verify/table.py STORE STUDY.yaml ...
"""

from __future__ import annotations

import sys
from typing import Any

from mho import studies
from mho.text import table

FRACTIONS = (0.0, 0.01, 0.1, 0.3, 0.5, 0.9, 1.0)


def main() -> None:
    for path in sys.argv[2:]:
        found = studies.run(studies.read(path), store=sys.argv[1]).found
        several = any(len(v.rankings) > 1 for v in found.values())
        means, areas = [], []
        for label, v in found.items():
            for ranking in v.rankings:
                at = [f"{100 * v.at(ranking, f).mean.value:.1f}" for f in FRACTIONS]
                speed = [_times(v.speedup(drop)[ranking]) for drop in (0.005, 0.01)]
                means.append([label, ranking, *at, *speed, _points(v.area(ranking))])
            gained = [_points(v.area(v.rankings[0], other)) for other in v.rankings[1:]]
            areas.append([label, *gained])
        header = ["", "order", *(f"{100 * f:g} %" for f in FRACTIONS), "at 0.5 points", "at 1 point", "mean over NWC"]
        print(table(header, means, left=2, title=path))
        if several:
            others = next(iter(found.values())).rankings[1:]
            print(table(["mean over NWC, second-derivative less", *others], areas, left=1))


def _times(speed: tuple[float, float, float]) -> str:
    value, low, high = (f"{x:.3g}" for x in speed)
    return f"{value} [{low}, {high}]"


def _points(interval: Any) -> str:
    return f"{100 * interval.value:.2f} [{100 * interval.low:.2f}, {100 * interval.high:.2f}]"


if __name__ == "__main__":
    main()
