"""Conformance suites: what a class of your own must satisfy to work here.

Of devices, mappings, programming schemes, redundancies, training methods and executors. Call them from your tests; they
raise :class:`AssertionError` with one line that says what is wrong.
"""

from mho.testing.device import check_device
from mho.testing.executor import check_executor
from mho.testing.mapping import check_mapping
from mho.testing.method import check_method
from mho.testing.redundancy import check_redundancy
from mho.testing.scheme import check_scheme

__all__ = ["check_device", "check_executor", "check_mapping", "check_method", "check_redundancy", "check_scheme"]
