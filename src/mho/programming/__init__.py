"""WRITING: open loop, write-verify, and write-verify of those cells that matter."""

from mho.programming.base import Scheme, Written
from mho.programming.cost import Cost, cost, written_once
from mho.programming.open_loop import OpenLoop
from mho.programming.selective import CURVATURES, RANKINGS, Selective
from mho.programming.write_verify import WriteVerify

__all__ = [
    "CURVATURES",
    "RANKINGS",
    "Cost",
    "OpenLoop",
    "Scheme",
    "Selective",
    "WriteVerify",
    "Written",
    "cost",
    "written_once",
]
