"""The ``mho`` command and its sub-commands."""

from __future__ import annotations

from cyclopts import App

from mho import __version__
from mho.cli.analog import analog
from mho.cli.check import check
from mho.cli.cite import cite
from mho.cli.clean import clean
from mho.cli.demo import demo
from mho.cli.describe import describe
from mho.cli.design import design
from mho.cli.doctor import doctor
from mho.cli.evaluate import evaluate
from mho.cli.export import export
from mho.cli.faults import faults
from mho.cli.list import listing
from mho.cli.new import new
from mho.cli.prune import prune
from mho.cli.racetrack import racetrack
from mho.cli.report import report
from mho.cli.run import run
from mho.cli.schema import schema
from mho.cli.sensitivity import sensitivity
from mho.cli.status import status
from mho.cli.train import train
from mho.cli.verify import verify
from mho.cli.worst_case import worst_case

app = App(
    name="mho",
    help="How good are the average chip and the unlucky chip of a network on imperfect memory?",
    version=__version__,
    suppress_keyboard_interrupt=False,  # main says it in its own words
)
app.command(demo)
app.command(train)
app.command(prune)
app.command(describe)
app.command(evaluate)
app.command(sensitivity)
app.command(verify)
app.command(worst_case)
app.command(faults)
app.command(design)
app.command(racetrack)
app.command(analog)
app.command(new)
app.command(check)
app.command(schema)
app.command(run)
app.command(status)
app.command(report)
app.command(export)
app.command(cite)
app.command(clean)
app.command(listing)
app.command(doctor)
