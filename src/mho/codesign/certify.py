"""The claim: the cheapest candidate that reaches its targets on test data and chips that nothing was chosen on."""

from __future__ import annotations

import math
from collections.abc import Sequence

from mho.codesign.candidate import Candidate, Certificate
from mho.codesign.design import Design
from mho.codesign.front import affordable, cheapest_first
from mho.codesign.prober import Look, Prober

TRIES = 5
"""Candidates that are tried at most."""
CLEAR = 0.75
"""Half-width wanted of an interval, as a share of the distance to the target that held-out data show."""
FINEST = 5
"""How much narrower than the precision of the design that may be."""


def certify(design: Design, prober: Prober, found: Sequence[Candidate]) -> tuple[list[Certificate], list[Candidate]]:
    """Certificates of the cheapest hopeful candidates, up to the first that meets all targets; and those that were
    looked at more closely on the way, as they then were seen.

    To try another one when the first has failed is to choose on the test chips. Try i may be wrong with
    ``(1 - confidence) / 2^i``, i = 1, 2, ..., so that all tries together are with ``1 - confidence`` at most. A false
    claim misses one of its targets, whose interval must then lie wholly on the other side: a single side of a single
    interval, whatever the number of targets. An interval at ``1 - 2 error`` has the error on each side. A worst case is
    searched, and has neither chips nor an error: nothing worse was found.
    """
    out: list[Certificate] = []
    closer: list[Candidate] = []
    for seen in cheapest_first(design, [c for c in affordable(design, found) if c.best >= 0]):
        candidate = seen
        if seen.stage == "screened":
            (candidate,) = prober.judge([seen.chosen], prober.refine)
            closer.append(candidate)
            if candidate.best < 0:
                continue
        error = (1 - design.confidence) / 2 ** (len(out) + 1)
        width = _width(design, candidate)
        look = Look("refined", design.data, design.seed + 1, width, design.chips, 1 - 2 * error)
        out.append(_certificate(design, prober, candidate, look))
        if out[-1].met or len(out) == TRIES:
            break
    return out, closer


def _width(design: Design, candidate: Candidate) -> float:
    """How narrow an interval has to be to clear the target, as far as held-out data say; they are no test data."""
    if not 0 < candidate.margin < math.inf:
        return design.precision
    return max(design.precision / FINEST, min(design.precision, CLEAR * candidate.margin))


def _certificate(design: Design, prober: Prober, candidate: Candidate, look: Look) -> Certificate:
    (judged,) = prober.judge([candidate.chosen], look)
    assert judged.costs is not None, "it was possible a moment ago"
    result = prober.results[candidate.chosen, look]
    values = {t.label(design.clock): t for t in design.targets}
    return Certificate(
        chosen=candidate.chosen,
        values=judged.values,
        confidence=look.confidence,
        met=not judged.unbounded and all(target.proven(judged.values[name]) for name, target in values.items()),
        seed=look.seed,
        chips=result.chips,
        images=result.images,
        digital=result.digital,
        costs=judged.costs,
    )
