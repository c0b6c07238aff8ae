"""Short names of the algorithms, as tables and the command line have them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from mho.errors import unknown

NAMES: Mapping[str, str] = MappingProxyType(
    {
        "sgd": "InMemorySGD",
        "ttv2": "TTv2",
        "c-ttv2": "ChoppedTTv2",
        "agad": "AGAD",
        "mp": "MixedPrecision",
    }
)
"""Name to class of the algorithm, in the order of the published table."""

TITLES: Mapping[str, str] = MappingProxyType(
    {
        "InMemorySGD": "in-memory SGD",
        "TTv2": "TTv2",
        "ChoppedTTv2": "c-TTv2",
        "AGAD": "AGAD",
        "MixedPrecision": "mixed precision",
    }
)
"""Class of the algorithm to what tables call it."""


def class_of(name: str) -> str:
    """The class behind a short name, or behind itself.

    Raises:
        UnknownNameError: no algorithm is called so; the nearest one is named.
    """
    said = name.strip()
    if said in TITLES:
        return said
    found = NAMES.get(said.lower())
    if found is None:
        raise unknown("algorithm", said, NAMES)
    return found
