"""Errors a person can act on: one line that names the key, the value, the nearest valid name and the remedy."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Self


class MhoError(Exception):
    """Base of every error that mho raises on purpose; the command line prints its one line and exits with 2.

    ``place`` leads to what is wrong in nested data, such as ``("memory", "device", "sigma")``; a reader of files turns
    it into a line number.
    """

    place: tuple[str | int, ...] = ()

    def at(self, *place: str | int) -> Self:
        """This error, found further in: ``place`` goes before the place it has."""
        self.place = (*place, *self.place)
        return self


class SpecError(MhoError, ValueError):
    """A value given to a spec (device, mapping, memory, recipe) is out of range or of the wrong type."""


class UnknownNameError(MhoError, LookupError):
    """A name (rule, device, model, data set, metric) that does not exist; carries the nearest one that does."""


class ModelError(MhoError, ValueError):
    """The model cannot be deployed, or does not fit the data."""


class DataError(MhoError, ValueError):
    """Data that is missing, empty, corrupt, mislabelled or of the wrong shape."""


class CheckpointError(MhoError, ValueError):
    """A checkpoint that is missing, truncated, of the wrong format or of another architecture."""


class OutputError(MhoError, OSError):
    """A result could not be written; nothing half-written is left behind."""


def nearest(name: str, options: Iterable[str]) -> str:
    """A phrase naming what the user probably meant: ``"did you mean 'conv1'?"``, else the valid names."""
    names = list(options)
    by_lower = {n.lower(): n for n in names}
    close = [by_lower[n] for n in get_close_matches(name.lower(), by_lower, n=1, cutoff=0.5)]
    if close:
        return f"did you mean '{close[0]}'?"
    shown = ", ".join(names[:12]) + (f", ... ({len(names)} in all)" if len(names) > 12 else "")
    return f"valid names: {shown}" if names else "there are none"


def unknown(what: str, name: str, options: Iterable[str]) -> UnknownNameError:
    """The :class:`UnknownNameError` for ``name``, ready to raise."""
    return UnknownNameError(f"unknown {what} '{name}': {nearest(name, options)}")
