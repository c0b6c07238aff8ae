"""Do the intervals of an adaptive evaluation cover, and what does it save? Trials on tables that are known entirely.

    python studies/adaptive/run.py FOLDER [TRIALS]      (first: table.py, for sigma 0.2 and 0.18)

A trial draws chips from the table, with replacement, so that they are iid from a distribution of which the mean, every
percentile, the yield and the difference between the tables are known; images are drawn by the library in the order of
a seed of their own; and the library's own loop decides on both. Writes results.json and results.md beside itself.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mho.evaluation.adaptive import Asked, explore
from mho.evaluation.cohort import Cohort
from mho.evaluation.quantities import Mean, Percentile, Quantity, Yield
from mho.evaluation.sequential import chip_error
from mho.evaluation.statistics import mean_interval, percentile_interval, yield_interval
from mho.text import table

HERE = Path(__file__).parent
IMAGES = 10_000
COST = 30.0  # what cost.chip_cost says of this LeNet
THRESHOLD = 0.7
CASES: dict[str, tuple[Quantity, float, float | None]] = {
    "mean": (Mean(), 0.01, None),
    "p1": (Percentile(1), 0.05, 1),
    "p5": (Percentile(5), 0.04, 5),
    "p50": (Percentile(50), 0.02, 50),
    "yield": (Yield(THRESHOLD), 0.04, None),
    "difference": (Mean(), 0.005, None),
}


class Table:
    """Chips drawn from a table of hits, as a source of hits."""

    def __init__(self, packed: NDArray[np.uint8], rows: NDArray[np.int64]) -> None:
        self.packed, self.rows = packed, rows

    def hits(self, chips: Sequence[int], images: NDArray[np.int64]) -> NDArray[np.bool_]:
        """See :class:`mho.evaluation.cohort.Source`."""
        found = self.packed[self.rows[np.asarray(chips)][:, None], images >> 3]
        return ((found >> (7 - (images & 7)).astype(np.uint8)) & 1).astype(bool)

    def measure(self, chips: Sequence[int]) -> NDArray[np.float64]:
        """See :class:`mho.evaluation.cohort.Source`."""
        raise NotImplementedError


def accuracies(packed: NDArray[np.uint8]) -> NDArray[np.float64]:
    """``(chips,)`` on all images."""
    return np.unpackbits(packed, axis=1).sum(axis=1) / IMAGES


def truth(name: str, values: list[NDArray[np.float64]]) -> float:
    """The number that the intervals are to cover."""
    quantity = CASES[name][0]
    if isinstance(quantity, Percentile):
        return float(np.sort(values[0])[int(np.ceil(quantity.k / 100 * len(values[0]))) - 1])
    if isinstance(quantity, Yield):
        return float((values[0] >= THRESHOLD).mean())
    return float(values[0].mean() if name == "mean" else (values[1] - values[0]).mean())


def plain_width(name: str, values: list[NDArray[np.float64]], rows: NDArray[np.int64]) -> float:
    """Half the width of the plain interval of these chips, all judged on all images."""
    if name == "difference":
        return mean_interval((values[1] - values[0])[rows]).half_width
    quantity, chosen = CASES[name][0], values[0][rows]
    if isinstance(quantity, Percentile):
        return percentile_interval(chosen, quantity.k).half_width
    return (yield_interval(chosen, THRESHOLD) if isinstance(quantity, Yield) else mean_interval(chosen)).half_width


def trials(folder: str, name: str, seeds: range) -> list[list[float]]:
    """A row a trial: covered, half-width, chips, chip-images, images of the first look, plain chips of equal width."""
    torch.set_num_threads(1)
    packed = [np.load(Path(folder) / f"lenet-{s}.npy", mmap_mode="r") for s in ("0.2", "0.18")]
    size = min(map(len, packed))
    packed = [np.ascontiguousarray(p[:size]) for p in packed]
    values = [accuracies(p) for p in packed]
    quantity, precision, k = CASES[name]
    wanted, out = truth(name, values), []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        rows = rng.integers(0, size, 100_000)
        sources = [Table(p, rows) for p in (packed if name == "difference" else packed[:1])]
        cohort = Cohort(sources, seed=seed, images=IMAGES, error=chip_error([] if k is None else [k]))
        asked = Asked(
            {name: quantity}, {name: precision}, 0.95, 100_000, None, 16 if isinstance(quantity, Mean) else 64
        )
        found = quantity.interval(cohort, explore(cohort, asked, COST))
        # The plain protocol at this width: its width falls with the root of its chips (4 x as many for a steady width).
        steady = plain_width(name, values, rng.integers(0, size, 4 * len(cohort)))
        equal = len(sources) * 4 * len(cohort) * (steady / found.half_width) ** 2
        covered = found.low <= wanted <= found.high
        out.append([covered, found.half_width, len(cohort), cohort.spent, cohort.m, equal, found.value - wanted])
    return out


def wilson(hits: int, n: int) -> tuple[float, float]:
    """95 % interval of a proportion."""
    z, p = 1.96, hits / n
    centre, half = p + z * z / (2 * n), z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return float((centre - half) / (1 + z * z / n)), float((centre + half) / (1 + z * z / n))


def write(results: dict[str, dict[str, Any]]) -> None:
    """results.json and results.md, of the cases so far."""
    (HERE / "results.json").write_text(json.dumps(results, indent=2) + "\n")
    header = [
        "interval",
        "wanted ±",
        "covered",
        "95 % interval",
        "±",
        "chips",
        "images",
        "chip-images",
        "plain",
        "saved",
        "of asked",
    ]
    lines = [
        [
            name,
            r["precision"],
            f"{100 * r['covered']:.1f} %",
            "{:.1f} to {:.1f}".format(*(100 * x for x in r["wilson"])),
            f"{r['half_width']:.4f}",
            f"{r['chips']:.0f}",
            f"{r['images_first']:.0f}",
            f"{r['chip_images']:,.0f}",
            f"{r['plain_chip_images']:,.0f}",
            f"{r['saved']:.1f} x",
            f"{r['saved_for_asked']:.1f} x",
        ]
        for name, r in results.items()
    ]
    text = table(header, lines)
    (HERE / "results.md").write_text(f"```text\n{text}\n```\n")


def main() -> None:
    folder, count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    names = sys.argv[3].split(",") if len(sys.argv) > 3 else list(CASES)
    results, started = {}, time.perf_counter()
    for name in names:
        step = max(1, count // 20)
        with ProcessPoolExecutor(2) as pool:
            parts = [range(i, min(count, i + step)) for i in range(0, count, step)]
            found = pool.map(trials, [folder] * len(parts), [name] * len(parts), parts)
            rows = np.array([row for part in found for row in part])
        covered, saved = int(rows[:, 0].sum()), IMAGES * rows[:, 5].sum() / rows[:, 3].sum()
        results[name] = {
            "precision": CASES[name][1],
            "trials": len(rows),
            "covered": covered / len(rows),
            "wilson": wilson(covered, len(rows)),
            "half_width": float(np.median(rows[:, 1])),
            "chips": float(np.median(rows[:, 2])),
            "images_first": float(np.median(rows[:, 4])),
            "chip_images": float(rows[:, 3].mean()),
            "plain_chip_images": float(IMAGES * rows[:, 5].mean()),
            "saved": float(saved),
            "saved_for_asked": float(
                IMAGES * (rows[:, 5] * (rows[:, 1] / CASES[name][1]) ** 2).sum() / rows[:, 3].sum()
            ),
            "bias": float(rows[:, 6].mean()),
        }
        print(name, results[name], f"{time.perf_counter() - started:.0f} s", flush=True)
        write(results)


if __name__ == "__main__":
    main()
