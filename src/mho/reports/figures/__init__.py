"""Figures drawn once: as themed SVG for light pages, dark pages and paper, and as PDF for a column of a paper."""

from mho.reports.figures.ageing import ageing
from mho.reports.figures.bars import Bar, bars
from mho.reports.figures.canvas import Drawing, thinned
from mho.reports.figures.courses import Course, courses
from mho.reports.figures.distribution import crowd, distribution
from mho.reports.figures.errors import Known, errors, extent
from mho.reports.figures.front import Spot, Trial, front, side_by_side
from mho.reports.figures.front import reach as front_reach
from mho.reports.figures.heat import Tint, heat
from mho.reports.figures.keys import Key, swatch
from mho.reports.figures.multiples import grouping, multiples, sparse
from mho.reports.figures.paper import pdf
from mho.reports.figures.pareto import Choice, pareto
from mho.reports.figures.ranking import WIDE, cut, ranking
from mho.reports.figures.rates import rates, reach
from mho.reports.figures.rows import Row, rows
from mho.reports.figures.severity import severity
from mho.reports.figures.slots import Run, slots
from mho.reports.figures.steps import Step, steps
from mho.reports.figures.traces import Band, asked, traces
from mho.reports.figures.verification import TOGETHER, verification
from mho.reports.figures.worst import shade, worst

__all__ = [
    "TOGETHER",
    "WIDE",
    "Band",
    "Bar",
    "Choice",
    "Course",
    "Drawing",
    "Key",
    "Known",
    "Row",
    "Run",
    "Spot",
    "Step",
    "Tint",
    "Trial",
    "ageing",
    "asked",
    "bars",
    "courses",
    "crowd",
    "cut",
    "distribution",
    "errors",
    "extent",
    "front",
    "front_reach",
    "grouping",
    "heat",
    "multiples",
    "pareto",
    "pdf",
    "ranking",
    "rates",
    "reach",
    "rows",
    "severity",
    "shade",
    "side_by_side",
    "slots",
    "sparse",
    "steps",
    "swatch",
    "thinned",
    "traces",
    "verification",
    "worst",
]
