"""Algorithms and pulsed cells from YAML files."""

from __future__ import annotations

from mho.analog.algorithm import Algorithm
from mho.devices import PulsedCell
from mho.errors import SpecError
from mho.studies.reading import Source


class AnalogSource(Source):
    """A YAML file of one algorithm or cell, for errors that say in which line they are."""

    def algorithm(self) -> Algorithm:
        """The algorithm in it."""
        spec = self.spec(Algorithm, "'kind: AGAD' or another algorithm, and its fields")
        if not isinstance(spec, Algorithm):
            raise SpecError(f"{self._name}: holds a {type(spec).__name__}; it must be an algorithm, such as kind: AGAD")
        return spec

    def cell(self) -> PulsedCell:
        """The cell in it."""
        spec = self.spec(PulsedCell, "'kind: SoftBounds' or another pulsed cell, and its fields")
        if not isinstance(spec, PulsedCell):
            raise SpecError(f"{self._name}: holds a {type(spec).__name__}; it must be a pulsed cell (SoftBounds, ...)")
        return spec


def read_algorithm(path: str) -> Algorithm:
    """The algorithm in a YAML file.

    Raises:
        SpecError, UnknownNameError: in one line: file, line, place, message.
    """
    return AnalogSource.of(path).algorithm()


def read_cell(path: str) -> PulsedCell:
    """The pulsed cell in a YAML file; errors as for :func:`read_algorithm`."""
    return AnalogSource.of(path).cell()
