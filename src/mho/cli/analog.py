"""``mho analog``: networks that are trained on the array that holds them."""

from __future__ import annotations

from cyclopts import App

from mho.cli.analog_cost import cost
from mho.cli.analog_program import program
from mho.cli.analog_toy import toy
from mho.cli.analog_train import train

analog = App(
    name="analog",
    help="Training on the array: what an algorithm does, how exactly, at which cost, and with a network of yours.",
)
analog.command(toy)
analog.command(program)
analog.command(train)
analog.command(cost)
