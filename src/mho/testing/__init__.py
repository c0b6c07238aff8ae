"""Conformance suites: what a device or a mapping of your own must satisfy to work with everything else.

Call them from your tests; they raise :class:`AssertionError` with one line that says what is wrong.
"""

from mho.testing.device import check_device
from mho.testing.mapping import check_mapping

__all__ = ["check_device", "check_mapping"]
