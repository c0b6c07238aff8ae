"""Plain training: the loss of the weights as they are, what every method is compared with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mho.training.method import Method, Step

if TYPE_CHECKING:
    from mho.training.run import Run


@dataclass(frozen=True, kw_only=True)
class Plain(Method):
    """No errors, no tricks; the same as no method at all."""

    def begin(self, run: Run) -> Step:
        from mho.training.plain import plain

        return plain
