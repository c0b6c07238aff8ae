"""Conformance suites: what a device, mapping, training method or executor of your own must satisfy to work here.

Call them from your tests; they raise :class:`AssertionError` with one line that says what is wrong.
"""

from mho.testing.device import check_device
from mho.testing.executor import check_executor
from mho.testing.mapping import check_mapping
from mho.testing.method import check_method

__all__ = ["check_device", "check_executor", "check_mapping", "check_method"]
