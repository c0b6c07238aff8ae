"""HOW GOOD: Monte Carlo over chips; mean, k-th percentile, yield and uncertainty, each with its interval."""

from mho.evaluation.bench import Bench, Lot
from mho.evaluation.comparison import Comparison
from mho.evaluation.metrics import METRICS, Metric
from mho.evaluation.monte_carlo import evaluate
from mho.evaluation.paired import compare
from mho.evaluation.population import Population
from mho.evaluation.result import Result
from mho.evaluation.sampled import Sampled, Screening
from mho.evaluation.statistics import Interval, mean_interval, percentile_interval, yield_interval

__all__ = [
    "METRICS",
    "Bench",
    "Comparison",
    "Interval",
    "Lot",
    "Metric",
    "Population",
    "Result",
    "Sampled",
    "Screening",
    "compare",
    "evaluate",
    "mean_interval",
    "percentile_interval",
    "yield_interval",
]
