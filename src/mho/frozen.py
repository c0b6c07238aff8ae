"""A mapping that never changes: hashable, ordered, so that specs may hold one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


class FrozenDict(Mapping[str, Any]):
    """An immutable mapping of text to hashable values, in the order given; equal only if the order is equal too.

    Name rules are why the order counts: the first match wins.
    """

    __slots__ = ("_items",)

    def __init__(self, items: Mapping[str, Any] | None = None) -> None:
        self._items: dict[str, Any] = dict(items or {})

    def __getitem__(self, key: str) -> Any:
        return self._items[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __hash__(self) -> int:
        return hash(tuple(self._items.items()))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FrozenDict) and tuple(self._items.items()) == tuple(other._items.items())

    def __repr__(self) -> str:
        return repr(self._items)
