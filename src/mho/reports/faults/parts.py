"""Parts of a network in words: layers and planes that fail, what pruning left, where copies sit, how weights lie."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mho.reports.answer import POINT
from mho.reports.faults.phrases import NAMED, lost, part, rate
from mho.reports.labels import listed
from mho.reports.wording import NBSP, share

if TYPE_CHECKING:
    from mho.evaluation.faults import FaultSensitivity
    from mho.mapping.plane_statistics import PlaneStatistics
    from mho.memory.description import Description
    from mho.memory.redundancy import Embedding
    from mho.training.gates.result import Pruned

HALF = 0.01  # of the weights: fewer than these above half of the largest leave the top plane nearly empty
OUTLYING = 8.0  # standard deviations: larger weights are what makes steps coarse


def sensitive(found: FaultSensitivity) -> list[str]:
    """What costs most alone, what next, what nearly nothing, and what all cost together."""
    ranked = [name for name in found.ranking() if not math.isnan(found.drop(name).value)]
    if not ranked:
        return []
    first, fraction = ranked[0], found.bounded
    alone = f"Stuck cells in {part(found, first)} alone cost {lost(found.drop(first), fraction)}"
    out = [f"{alone} at {rate(found.rates[-1])}; in all together, {lost(found.drop('all'), fraction)}."]
    level = [n for n in ranked[1:] if not found.difference(first, n).low > 0]
    if level and found.chips > 1:
        who = listed([part(found, n) for n in level]) if len(level) <= NAMED else f"{len(level)} {found.of}s"
        out.append(f"These chips do not tell {who} from it.")
    free = [n for n in ranked[1:] if fraction and found.drop(n).value < POINT]
    next_ = [n for n in ranked[1:] if n not in level and n not in free][: NAMED // 2]
    if next_:
        said = [f"{part(found, n)} {lost(found.drop(n), fraction)}" for n in next_]
        out.append(f"Next, each by itself: {listed(said)}.")
    if free:
        names = [part(found, n) for n in free]
        who = listed(names) if len(free) <= NAMED else f"{len(free)} of {len(ranked)} {found.of}s"
        out.append(f"Less than one{NBSP}point{' each' * (len(free) > 1)}: {who}.")
    return out


def pruning(found: Pruned) -> list[str]:
    """How much is gone, where least, and what that cost."""
    least = min(found.layers, key=lambda row: row.column_sparsity)
    out = [
        f"{share(found.columns, 3)} of the columns of {len(found.layers)} layers are pruned; fewest in {least.name}, "
        f"{least.pruned_columns:,} of {least.columns:,}."
    ]
    rows = sum(row.pruned_rows for row in found.layers)
    out += [f"{rows:,} of {sum(row.rows for row in found.layers):,} rows are, too."] * bool(rows)
    if found.before is not None and found.after is not None:
        (loss, right), (loss_after, right_after) = found.before, found.after
        if right is not None and right_after is not None:
            out.append(f"Accuracy on held-out samples: {share(right)} before, {share(right_after)} after.")
        else:
            out.append(f"Loss on held-out samples: {loss:.4g} before, {loss_after:.4g} after.")
    return out


def embeddings(description: Description) -> tuple[Embedding, ...]:
    """Where duplicates sit, pool by pool; empty where a memory has none."""
    return description.embeddings


def embedding(description: Description) -> list[str]:
    """How many copies there are, how many fit into pruned columns, and where there was no room."""
    found = embeddings(description)
    needed, missing = sum(e.needed for e in found), sum(e.missing for e in found)
    if not needed:
        added = sum(s.added * s.cells / (1 + s.added) for s in description.stored)
        share_ = share(added / (description.cells - added), 3) if added else ""
        return [f"Redundancy adds {added:,.0f} cells, {share_} of those of the weights."] if added else []
    inside = share((needed - missing) / needed, 3)
    out = [f"{needed:,} columns of copies; {inside} of them sit in columns that pruning left empty."]
    if not missing:
        out[0] = f"All {needed:,} columns of copies sit in columns that pruning left empty: they take no more cells."
    short = [e for e in found if e.missing]
    if short:
        names = [f"{', '.join(e.layers)} ({share(e.sparsity, 3)} pruned)" for e in short[:NAMED]]
        names += [f"{len(short) - NAMED} more"] * (len(short) > NAMED)
        least = max(e.least_sparsity for e in short)
        out.append(f"Too few columns are pruned, less than {share(least, 3)}, in {listed(names)}.")
    return out


def weights(found: PlaneStatistics) -> list[str]:
    """How far the largest weights lie out, how empty the top plane is, and which planes gain by being flipped."""
    outer = max(found.tensors, key=lambda t: t.ratio)
    few = [t for t in found.tensors if t.above_half < HALF * t.weights]
    out = [
        f"The largest weight of {outer.name.removesuffix('.weight')} is {outer.ratio:.3g} standard deviations"
        + (": such weights make the steps of all others coarse." if outer.ratio > OUTLYING else ".")
    ]
    if few:
        who = "every tensor" if len(few) == len(found.tensors) else f"{len(few)} of {len(found.tensors)} tensors"
        out.append(f"In {who}, fewer than {share(HALF)} of the weights exceed half of the largest one.")
    total = sum(t.weights for t in found.tensors)
    mean = [sum(t.density[b] * t.weights for t in found.tensors) / total for b in range(found.bits)]
    empty = [b for b in range(found.bits) if mean[b] < 0.5]
    if len(empty) == found.bits:
        said = f"{share(mean[0], 2)} in the lowest, {share(mean[-1], 2)} in the highest"
        out.append(f"All {found.bits} planes hold fewer ones than zeros ({said}): flipped, each errs less often.")
    elif empty:
        names = listed([f"plane {b}" for b in empty])
        out.append(f"Fewer ones than zeros are in {names}: these err less often if flipped.")
    return out
