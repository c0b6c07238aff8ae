"""First-match-wins name rules: which parameter goes to which memory."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase

from torch import nn

from mho.errors import SpecError, UnknownNameError, nearest
from mho.memory.spec import Memory

Rules = Memory | Mapping[str, Memory | None]
"""One memory for the whole model, or patterns of names to memories; ``None`` keeps a tensor digital."""


def normalise(rules: Rules) -> dict[str, Memory | None]:
    """Rules as a dictionary of patterns.

    Raises:
        SpecError: a value is neither a Memory nor None, or there is no rule.
    """
    if isinstance(rules, Memory):
        return {"*": rules}
    if not isinstance(rules, Mapping):
        raise SpecError(f"rules are a Memory or a dict of name patterns to memories, not a {type(rules).__name__}")
    if not rules:
        raise SpecError("rules are empty; give a Memory, or a pattern such as {'*': memory}")
    for pattern, memory in rules.items():
        if memory is not None and not isinstance(memory, Memory):
            raise SpecError(
                f"rule '{pattern}' is a {type(memory).__name__}; it takes mho.Memory(...) or None (digital)"
            )
    return dict(rules)


def matches(pattern: str, parameter: str) -> bool:
    """Whether ``pattern`` names the parameter ``block.conv.weight``, or its module ``block.conv``."""
    module = parameter.rpartition(".")[0]
    return fnmatchcase(parameter, pattern) or fnmatchcase(module, pattern)


def first_match(rules: Mapping[str, Memory | None], parameter: str) -> str | None:
    """The first pattern that matches, or ``None``."""
    return next((pattern for pattern in rules if matches(pattern, parameter)), None)


def check_all_used(rules: Mapping[str, Memory | None], model: nn.Module) -> None:
    """Refuse a pattern that matches nothing: it is misspelt more often than meant.

    Raises:
        UnknownNameError: naming the nearest module or parameter.
        SpecError: an earlier rule matches everything that a later one names.
    """
    parameters = [name for name, _ in model.named_parameters(remove_duplicate=False)]
    modules = sorted({name.rpartition(".")[0] for name in parameters} - {""})
    for pattern in rules:
        if pattern == "*":
            continue
        named = [name for name in parameters if matches(pattern, name)]
        if not named:
            raise UnknownNameError(f"rule '{pattern}' matches no layer: {nearest(pattern.rstrip('.*'), modules)}")
        if all(first_match(rules, name) != pattern for name in named):
            earlier = first_match(rules, named[0])
            raise SpecError(f"rule '{pattern}' is never reached: '{earlier}' comes first and matches all it names")
