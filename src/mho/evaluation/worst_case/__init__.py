"""HOW BAD CAN A CHIP BE: the worst perturbation within a bound, searched and not sampled."""

from mho.evaluation.worst_case.descent import SignedDescent
from mho.evaluation.worst_case.lagrangian import Lagrangian
from mho.evaluation.worst_case.likelihood import Likelihood, likelihood
from mho.evaluation.worst_case.method import Search
from mho.evaluation.worst_case.result import WorstCase
from mho.evaluation.worst_case.verb import worst_case

__all__ = ["Lagrangian", "Likelihood", "Search", "SignedDescent", "WorstCase", "likelihood", "worst_case"]
