"""Draws the figures of the tutorials, with the numbers that they print: ``python docs/assets/tutorial-figures.py``."""

from __future__ import annotations

from pathlib import Path

import mho
from mho import data, devices, programming, zoo
from mho.data import Dataset
from mho.reports.figures import Drawing, distribution, verification, worst
from mho.reports.figures.canvas import PRINT, style
from mho.reports.summary import Summary
from mho.reports.verified.view import Verifications
from mho.reports.worst.view import WorstCases

DPI = 220


def save(name: str, drawing: Drawing) -> None:
    """Write one drawing as PNG beside this file."""
    from matplotlib.figure import Figure

    with style(PRINT):
        figure = Figure(figsize=(drawing.width / 72, drawing.height / 72), facecolor="white")
        drawing.paint(figure)
        path = Path(__file__).with_name(f"tutorial-{name}.png")
        figure.savefig(path, dpi=DPI, metadata={"Software": None})
    print(f"{path.name}: {path.stat().st_size / 1024:.0f} KiB")


def main() -> None:
    train, test = data.digits(split="train"), data.digits(split="test")
    assert isinstance(train, Dataset)
    model = mho.train(zoo.build("mlp", hidden=[64]), train)
    cell = devices.RRAM1(sigma=0.2)

    found = mho.evaluate(mho.deploy(model, mho.Memory(device=cell)), test, n_chips=1000, sigma=[0.05, 0.1, 0.2, 0.3])
    summary = Summary.of({"RRAM1": found})
    save("unlucky", distribution(summary, summary.entries[0]))

    verified = mho.Memory(device=cell, programming=programming.WriteVerify(tolerance=0.06))
    bounds = [0.01, 0.03, 0.06]
    case = mho.worst_case(mho.deploy(model, verified), train.take(700), test=test, tolerance=bounds, random=100)
    save("worst", worst(WorstCases.of([case])))

    fractions = (0, 0.01, 0.1, 0.3, 1)
    curve = mho.verify(model, verified, test, calibration=train.take(700), fractions=fractions, n_chips=20)
    view = Verifications.of([curve])
    save("verify", verification(view, view.entries[0]))


if __name__ == "__main__":
    main()
