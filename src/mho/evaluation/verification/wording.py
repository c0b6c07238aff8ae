"""A verification in words: the table of its points, and what the loop of selective write-verify came to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mho.evaluation.statistics import mean_interval
from mho.text import table
from mho.units import format_age, format_duration, percent, significant

if TYPE_CHECKING:
    from mho.evaluation.verification.result import Verification


def points(result: Verification) -> str:
    """One line for every ranking and fraction."""
    show = percent if result.bounded else significant
    timed = [name for name in ("seconds", "joules") if getattr(result, name) is not None]
    rows = []
    for row in result.rows():
        spelled = [f"{show(row[k])} [{show(row[f'{k}_low'])}, {show(row[f'{k}_high'])}]" for k in ("mean", "p1")]
        costs = [format_duration(row[k]) if k == "seconds" else f"{row[k]:.3g}" for k in timed]
        counted = [f"{row['nwc']:.3f}", f"{row['cycles']:,.0f}", *costs]
        rows.append([row["ranking"], f"{row['fraction']:g}", *counted, *spelled, show(row["min"])])
    where = "" if result.sigma is None else f"sigma {result.sigma:g}, "
    where += f"age {format_age(result.age, result.clock, unit=True)}, " if result.age else ""
    title = (
        f"{result.label}: {result.metric}{' in %' if result.bounded else ''}, {result.chips} chips x {result.images} "
        f"samples, {where}seed {result.seed}; digital {show(result.digital)}, noiseless cells {show(result.ideal)}; "
        f"[{100 * result.confidence:g} % intervals over chips]"
    )
    return table(
        ["ranking", f"{result.unit}s", "NWC", "cycles", *timed, "mean", "p1", "min"], rows, left=1, title=title
    )


def loop(result: Verification) -> list[str]:
    """Where chips stopped, and how good they then are; nothing where the loop was not run."""
    if result.needed is None or result.reached is None or result.needed_nwc is None:
        return []
    show = percent if result.bounded else significant
    drop = f"{show(result.target_drop or 0.0)}{' points' if result.bounded else ''}"
    out = [f"until within {drop} of the digital network on {result.calibration_images} of {result.calibration}:"]
    for i, name in enumerate(result.rankings):
        done = ~np.isnan(result.needed[i])
        said = f"  {name}: {int(done.sum())} of {result.chips} chips got there"
        if done.any():
            needed, nwc = (mean_interval(x[i][done], result.confidence) for x in (result.needed, result.needed_nwc))
            said += (
                f", with {percent(needed.value, 1)} % of the {result.unit}s and NWC {nwc.value:.3f} on average of these"
            )
        reached = mean_interval(result.reached[i], result.confidence)
        out.append(f"{said}; all chips on test data {show(reached.value)} [{show(reached.low)}, {show(reached.high)}]")
    return out
