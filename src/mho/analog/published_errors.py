"""Errors of programmed arrays that others report, for a column beside ours; nothing is computed from them."""

from __future__ import annotations

from typing import Literal, NamedTuple

Source = Literal["paper", "aihwkit"]
SIZE = 20
"""Rows and columns of the array that all of these are of."""


class PublishedError(NamedTuple):
    """Standard deviation of w - w^ that somebody else found.

    Attributes:
        source: "paper", read off a figure of [rasch2024fast] or its text; "aihwkit", measured with
            [rasch2021aihwkit] by benchmarks/compare_aihwkit.py, whose settings are its own.
        kind: class of the algorithm.
        n_states: of all cells.
        reference_std: error of the reference (sigma_r); ``None`` where it makes no difference.
        error: in units of weights, whose nominal range is -1 to 1.
        at_least: it is more than this.
    """

    source: Source
    kind: str
    n_states: float
    reference_std: float | None
    error: float
    at_least: bool = False

    def is_of(self, kind: str, n_states: float | None, reference_std: float, has_reference: bool) -> bool:
        """Whether it may stand beside a level of :class:`~mho.analog.experiments.programming_result.Programming`.

        Ours without a reference may only be compared with exact ones: theirs, when off, are another device.
        """
        if (self.kind, self.n_states) != (kind, n_states):
            return False
        return self.reference_std in (None, reference_std if has_reference else 0.0)


_SPREADS = (0.0, 0.1, 0.2, 0.3)
_AIHWKIT = {
    ("InMemorySGD", 20): (0.172, 0.179, 0.202, 0.240),
    ("TTv2", 20): (0.042, 0.049, 0.139, 0.337),
    ("ChoppedTTv2", 20): (0.041, 0.041, 0.043, 0.046),
    ("AGAD", 20): (0.043, 0.042, 0.044, 0.044),
    ("InMemorySGD", 100): (0.067, 0.078, 0.111, 0.165),
    ("TTv2", 100): (0.011, 0.012, 0.109, 0.308),
    ("ChoppedTTv2", 100): (0.013, 0.013, 0.015, 0.016),
    ("AGAD", 100): (0.010, 0.010, 0.009, 0.009),
}

PROGRAMMING_ERRORS: tuple[PublishedError, ...] = (
    PublishedError("paper", "InMemorySGD", 20, None, 0.25, at_least=True),
    PublishedError("paper", "TTv2", 20, 0.0, 0.05),
    PublishedError("paper", "TTv2", 20, 0.1, 0.09),
    PublishedError("paper", "AGAD", 20, None, 0.045),
    PublishedError("paper", "AGAD", 100, None, 0.012),
    *(
        PublishedError("aihwkit", kind, states, std, error)
        for (kind, states), errors in _AIHWKIT.items()
        for std, error in zip(_SPREADS, errors, strict=True)
    ),
)
"""[rasch2024fast] Fig. 4 and its text, where TTv2 and SGD are said to have about, and more than, so much."""
