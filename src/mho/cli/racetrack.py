"""``mho racetrack``: networks on racetrack memory, whose bits slip when they are shifted."""

from __future__ import annotations

from cyclopts import App

from mho.cli.racetrack_evaluate import evaluate
from mho.cli.racetrack_protect import protect
from mho.cli.racetrack_sensitivity import sensitivity

racetrack = App(
    name="racetrack",
    help="Racetrack memory: how fast a network fails, which layers do it, and what protecting them costs.",
)
racetrack.command(evaluate)
racetrack.command(sensitivity)
racetrack.command(protect)
