"""Curves of ``mho faults --json`` as a CSV of means and a table of tolerated rates.

python studies/faults/tables.py CURVES.json OUT.csv
"""

from __future__ import annotations

import argparse
import csv

from mho.evaluation.faults import FaultCurves


def main() -> None:
    """Write one, print the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("curves")
    parser.add_argument("out")
    asked = parser.parse_args()
    found = FaultCurves.load(asked.curves)
    with open(asked.out, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["scheme", "rate", "mean", "low", "high", "sd", "least", "most"])
        for scheme in found.schemes:
            for rate in found.rates:
                chips = found.at(scheme, rate)
                mean, ordered = chips.mean, sorted(chips.values)
                numbers = [mean.value, mean.low, mean.high, chips.std, ordered[0], ordered[-1]]
                writer.writerow([scheme, f"{rate:g}", *(f"{n:.5f}" for n in numbers)])
    print("| scheme | tolerated rate, % [95 %] | times none | extra cells, % |")
    print("| --- | --- | --- | --- |")
    for i, scheme in enumerate(found.schemes):
        rate, gain = found.tolerated(scheme), found.gain(scheme, "none")
        said = f"{rate.sign}{100 * rate.value:.3g} [{100 * rate.low:.3g}, {100 * rate.high:.3g}]"
        times = f"{gain.sign}{gain.value:.3g} [{gain.low:.3g}, {gain.high:.3g}]"
        print(f"| {scheme} | {said} | {times} | {100 * found.overhead[i]:.2f} |")


if __name__ == "__main__":
    main()
