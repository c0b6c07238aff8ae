"""HOW GOOD: Monte Carlo over chips; mean, k-th percentile, yield and uncertainty, each with its interval."""

from mho.evaluation.bench import Bench, Lot
from mho.evaluation.metrics import METRICS, Metric
from mho.evaluation.monte_carlo import evaluate
from mho.evaluation.result import Population, Result
from mho.evaluation.statistics import Interval, mean_interval, percentile_interval, yield_interval

__all__ = [
    "METRICS",
    "Bench",
    "Interval",
    "Lot",
    "Metric",
    "Population",
    "Result",
    "evaluate",
    "mean_interval",
    "percentile_interval",
    "yield_interval",
]
