"""The ``mho`` command and its sub-commands."""

from __future__ import annotations

from cyclopts import App

from mho import __version__
from mho.cli.demo import demo
from mho.cli.describe import describe
from mho.cli.doctor import doctor
from mho.cli.evaluate import evaluate
from mho.cli.list import listing
from mho.cli.train import train

app = App(
    name="mho",
    help="How good are the average chip and the unlucky chip of a network on imperfect memory?",
    version=__version__,
    suppress_keyboard_interrupt=False,  # main says it in its own words
)
app.command(demo)
app.command(train)
app.command(describe)
app.command(evaluate)
app.command(listing)
app.command(doctor)
