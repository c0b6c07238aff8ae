"""Does the claim of a design hold on chips of other seeds? Evaluates what was chosen again, seed by seed.

    python studies/design/again.py studies/design/mnist.yaml --seeds 3

The design itself is read from its store if it was made there (``mho design``), else made first.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import mho
from mho import codesign
from mho.evaluation import Interval


def spelt(found: Interval) -> str:
    """An interval in numbers."""
    return f"{found.value:.4f} [{found.low:.4f}, {found.high:.4f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("design", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--store")
    asked = parser.parse_args()
    design = codesign.read(asked.design)
    choice = mho.design(design, store=asked.store)
    certificate, (target,) = choice.certificate, design.targets
    assert certificate is not None, "nothing was claimed"
    (claimed,) = certificate.values.values()
    print(f"{choice.name(certificate)}: claimed {target.name} {spelt(claimed)}")
    test, inside, reached = design.data.load(), 0, 0
    for seed in range(101, 101 + asked.seeds):
        found = mho.evaluate(choice.chips(seed=seed), test, precision={target.name: design.precision})
        again = found.at().percentile(target.k)
        inside += again.low <= claimed.high and claimed.low <= again.high
        reached += target.margin(again.value) >= 0
        print(f"seed {seed}: {target.name} {spelt(again)}, {found.chips} chips", flush=True)
    print(f"{reached} of {asked.seeds} reach the target; {inside} of {asked.seeds} intervals meet the claimed one")


if __name__ == "__main__":
    main()
