"""Figures as themed SVG text: one drawing serves light pages, dark pages and paper."""

from mho.reports.figures.ageing import ageing
from mho.reports.figures.distribution import distribution
from mho.reports.figures.lines import limits, swatch
from mho.reports.figures.severity import severity

__all__ = ["ageing", "distribution", "limits", "severity", "swatch"]
