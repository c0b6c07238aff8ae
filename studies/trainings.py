"""Tables over several trainings of each method, from a study's cached results.

python studies/trainings.py STORE STUDY.yaml [ROW:ROW ...]

Intervals are Student's at 95 % over trainings, not over chips; differences are paired by seed.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from statistics import mean, stdev

from scipy.stats import t as student

from mho import studies
from mho.errors import MhoError
from mho.evaluation.result import Result
from mho.text import table

SEED = "model.recipe.seed"


def main() -> None:
    """Print one row a method, then one a pair."""
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    try:
        study = studies.read(sys.argv[2])
    except MhoError as error:
        sys.exit(f"trainings.py: {error}")
    if SEED not in study.axes:
        sys.exit(f"trainings.py: {sys.argv[2]} has no axis {SEED}, over which to take intervals")
    found = studies.run(study, store=sys.argv[1]).results
    results: dict[str, dict[str, Result]] = defaultdict(dict)
    for point in study.points:
        row = ", ".join(value for axis, value in point.axes.items() if axis != SEED)
        results[row][point.axes[SEED]] = found[point.label]
    bounded = next(iter(found.values())).bounded
    columns: dict[str, Callable[[Result], float]] = {
        "clean": lambda r: r.digital,
        "mean over chips": lambda r: r.at().mean.value,
        **{f"percentile {k:g}": _percentile(k) for k in study.percentiles},
        "EKL": lambda r: r.at().ekl.value if r.at().ekl is not None else float("nan"),
    }
    rows = []
    for method, by_seed in results.items():
        means = [r.at().mean.value for r in by_seed.values()]
        fallen = sum(value < mean(means) - 0.1 for value in means)  # as the NeFT paper counts
        told = [_interval([read(r) for r in by_seed.values()]) for read in columns.values()]
        rows.append([method, *told, f"{fallen} of {len(means)}"])
    unit = "%, EKL in hundredths of a nat" if bounded else ""
    print(table(["trained", *columns, "fell short"], rows, left=1, title=f"{study.name}: {unit}"))
    pairs = [pair.partition(":")[::2] for pair in sys.argv[3:]]
    gaps = []
    for unknown in {name for pair in pairs for name in pair} - results.keys():
        sys.exit(f"trainings.py: no row is called '{unknown}': {', '.join(results)}")
    for a, b in pairs:
        seeds = sorted(results[a].keys() & results[b].keys())
        told = [_interval([read(results[a][s]) - read(results[b][s]) for s in seeds]) for read in columns.values()]
        gaps.append([f"{a} - {b}", *told, len(seeds)])
    if gaps:
        print(table(["difference", *columns, "trainings"], gaps, left=1))


def _percentile(k: float) -> Callable[[Result], float]:
    return lambda result: result.at().percentile(k).value


def _interval(values: Sequence[float]) -> str:
    middle = 100 * mean(values)
    if len(values) < 2:
        return f"{middle:.2f}"
    half = 100 * student.ppf(0.975, len(values) - 1) * stdev(values) / len(values) ** 0.5
    return f"{middle:.2f} [{middle - half:.2f}, {middle + half:.2f}]"


if __name__ == "__main__":
    main()
