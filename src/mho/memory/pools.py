"""Layers that have their inputs in common: their arrays may take each other's duplicates."""

from __future__ import annotations

import re
from collections.abc import Iterable

from mho.errors import ModelError


def find(patterns: tuple[tuple[str, ...], ...], names: Iterable[str]) -> list[tuple[str, ...]]:
    """The pools that ``patterns`` make of ``names`` of parameters; layers in none make one of their own.

    Args:
        patterns: of each pool, a pattern a layer; ``*`` stands for the same text in all of them. A pattern names a
            parameter or its module.
        names: of parameters.

    Raises:
        ModelError: patterns that name nothing, or a layer twice.
    """
    listed = list(names)
    pools: list[tuple[str, ...]] = []
    for group in patterns:
        found: dict[tuple[str, ...], dict[int, str]] = {}
        for i, pattern in enumerate(group):
            shape = re.compile("(.*)".join(re.escape(part) for part in pattern.split("*")))
            for name in listed:
                match = shape.fullmatch(name.rpartition(".")[0]) or shape.fullmatch(name)
                if match:
                    found.setdefault(match.groups(), {})[i] = name
        pools += [tuple(members.values()) for members in found.values() if len(members) == len(group)]
        named = {i for members in found.values() for i in members if len(members) == len(group)}
        seen = {i for members in found.values() for i in members}
        # What matches nothing at all is named before what lacks a partner.
        missed = next((p for known in (seen, named) for i, p in enumerate(group) if i not in known), None)
        if missed is not None:
            raise ModelError(
                f"pools {', '.join(group)}: {missed} names no layer of this memory that goes with the others; "
                f"its layers are {_some(listed)}"
            )
    members = [name for pool in pools for name in pool]
    twice = next((name for name in members if members.count(name) > 1), None)
    if twice:
        raise ModelError(f"pools: {twice} is in two of them, or named twice")
    return pools + [(name,) for name in listed if name not in members]


def _some(names: list[str]) -> str:
    return ", ".join(names[:4]) + (" ..." if len(names) > 4 else "")
