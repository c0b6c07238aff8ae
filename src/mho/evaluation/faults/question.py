"""What :func:`mho.faults` may be asked, checked before any work: schemes, rates, and what stays digital."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from torch import nn

from mho.errors import SpecError
from mho.evaluation.arguments import axis
from mho.evaluation.faults.rating import rules_at_rate
from mho.memory.layers import full_name, matrices
from mho.memory.rules import Rules, matches, normalise
from mho.memory.spec import Memory

Schemes = str | Memory | Sequence[str] | Mapping[str, str | Rules]
"""Names in :data:`mho.memory.redundancy.SCHEMES`, or names of your own to memories (or to name rules)."""

Digital = Sequence[str] | Callable[[Memory], Rules] | None
"""Patterns of layers that stay digital, or what makes name rules of a memory; ``None`` for :data:`USUAL`."""

USUAL = ("*classifier*", "*pooler*", "*lm_head*", "score", "head", "head.*")
"""What stays digital unless it is said: the layers behind the blocks of a transformer, as [li2024zerospace] does."""


def rates_of(said: float | Iterable[float], name: str = "rates") -> tuple[float, ...]:
    """Rates of stuck cells, ascending.

    Raises:
        SpecError: one is no fraction, or comes twice.
    """
    must = "more than 0 and at most 1 (a fraction: 0.1 % is 0.001; without faults is measured anyway)"
    return tuple(sorted(r for r in axis(name, said, lambda r: 0 < r <= 1, must) if r is not None))


def schemes_of(said: Schemes) -> dict[str, Rules]:
    """Every scheme by its name.

    Raises:
        UnknownNameError: no scheme has this name.
        SpecError: it is no memory, or has no stuck cells; a name comes twice.
    """
    if isinstance(said, Memory):
        said = {said.label: said}
    if isinstance(said, str):
        said = (said,)
    if isinstance(said, Mapping):
        found = {str(name): one if not isinstance(one, str) else named(one) for name, one in said.items()}
    elif isinstance(said, Iterable):
        listed = list(said)
        for name in listed:
            if not isinstance(name, str):
                raise SpecError(f"schemes hold a {type(name).__name__}; name it: schemes={{'mine': memory}}")
            if listed.count(name) > 1:
                raise SpecError(f"schemes lists '{name}' twice")
        found = {name: named(name) for name in listed}
    else:
        raise SpecError(f"schemes={said!r} must be names such as ('none', 'paper'), or a dict of names to memories")
    if not found:
        raise SpecError("schemes is empty; give one or more, such as ('none', 'paper')")
    for name, one in found.items():
        try:
            normalise(one)
            rules_at_rate(one, 1e-3)
        except SpecError as error:
            raise SpecError(f"scheme '{name}': {error}") from None
    return found


def named(name: str) -> Memory:
    """The scheme of this name.

    Raises:
        UnknownNameError: naming the nearest.
    """
    from mho.memory.redundancy.schemes import scheme

    return scheme(name, 1e-3)


def placed(scheme: Rules, digital: Digital, model: nn.Module) -> Rules:
    """``scheme`` as name rules; rules are taken as they are.

    Args:
        scheme: one memory, or name rules.
        digital: what stays digital of one memory.
        model: that it is for.

    Raises:
        SpecError: ``digital`` is neither patterns nor a function.
    """
    if not isinstance(scheme, Memory):
        return scheme
    if callable(digital):
        return digital(scheme)
    if isinstance(digital, str) or not (digital is None or isinstance(digital, Iterable)):
        raise SpecError(f"digital={digital!r} must be patterns such as ('classifier*',), or a function of a memory")
    kept = usual(model) if digital is None else tuple(digital)
    return {**dict.fromkeys(kept), "*": scheme} if kept else scheme


def usual(model: nn.Module) -> tuple[str, ...]:
    """Those of :data:`USUAL` that ``model`` has, as long as something else is left to store."""
    stored = [full_name(prefix, leaf) for prefix, m in model.named_modules() for leaf, r in matrices(m) if not r.opt_in]
    kept = tuple(p for p in USUAL if any(matches(p, name) for name in stored))
    return kept if any(not any(matches(p, name) for p in kept) for name in stored) else ()
