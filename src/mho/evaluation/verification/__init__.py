"""The cheapest verification: how good chips are when only some of their weights are verified, in which order."""

from mho.evaluation.verification.result import Verification
from mho.evaluation.verification.verb import FRACTIONS, verify

__all__ = ["FRACTIONS", "Verification", "verify"]
