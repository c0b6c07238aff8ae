"""Ways to train a tiny network on one mini-batch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from torch import nn

from mho.analog import convert, extract
from mho.analog.algorithm import Algorithm
from mho.codesign.compatibility_questions import Samples
from mho.errors import MhoError
from mho.memory import Memory
from mho.memory.rules import Rules
from mho.programming import OpenLoop, Selective, WriteVerify
from mho.training import (
    Gates,
    GaussianNoise,
    Method,
    NoisyMethod,
    Recipe,
    SigmaSearch,
    compensate,
    prune,
    share_block,
    train,
)

VERIFY = WriteVerify(tolerance=0.1, max_cycles=4)
SEARCH = SigmaSearch(high=0.2, chips=2, held_out=1 / 3)
_RECIPE: dict[str, Any] = {"recipe": Recipe(epochs=1, batch_size=6, optimizer="sgd", lr=0.05), "progress": False}


@dataclass(frozen=True)
class Learnt:
    """A trained network.

    Attributes:
        model: the network.
        rules: what deploys it; ``None`` for any memory.
        apart: why it was not trained on that very memory; empty if it was, or on none.
    """

    model: nn.Module
    rules: Rules | None = None
    apart: str = ""


def uses_memory(how: Any) -> bool:
    """Whether the errors of a memory are trained with, or chips of one judged."""
    if isinstance(how, Method):
        return how.injects_memory or how.sigma_search is not None
    return how in (compensated, with_block)


def trained(how: Any, model: nn.Module, data: Samples, memory: Memory | None) -> Learnt:
    """``model`` trained in one way.

    Args:
        how: a method, gates, an algorithm on arrays, or a function such as :func:`compensated`.
        model: where training starts.
        data: what it learns from.
        memory: whose errors to train with; ``None`` where :func:`uses_memory` says that there are none.

    Raises:
        MhoError: what a user would be told who trains for that memory in the first place.
    """
    if isinstance(how, Gates):
        return Learnt(prune(model, data, method=how, **_RECIPE).model)
    if isinstance(how, Algorithm):
        return Learnt(extract(train(convert(model, how), data, **_RECIPE)))
    first: MhoError | None = None
    for method, on in _ways(how, memory):
        try:
            if isinstance(method, Method):
                made = Learnt(train(model, data, method=method, memory=on, **_RECIPE))
            else:
                made = method(model, data, on, memory)
        except MhoError as error:
            first = first or error
        else:
            return made if first is None else replace(made, apart=str(first))
    assert first is not None, "there is a way, so it was refused"
    raise first


def _ways(how: Any, memory: Memory | None) -> Iterator[tuple[Any, Memory | None]]:
    """How to train for ``memory``: on it; else on it without redundancy; else with errors of the method's own."""
    yield how, memory
    if memory is None:
        return
    scheme = OpenLoop() if isinstance(memory.programming, Selective) else memory.programming
    unguarded = memory.replace(redundancy=None, programming=scheme)
    if unguarded != memory:
        yield how, unguarded
    if isinstance(how, NoisyMethod):
        own = how.replace(noise=GaussianNoise())
        yield (own.replace(sigma=0.1), None) if how.sigma_search is None else (own, unguarded)


def compensated(model: nn.Module, data: Samples, on: Memory, memory: Memory) -> Learnt:
    """A network with compensation after its first layer, learnt with the errors of ``on``."""
    return Learnt(compensate(model, data, on, layers=["0"], **_RECIPE).model)


def with_block(model: nn.Module, data: Samples, on: Memory, memory: Memory) -> Learnt:
    """A network with a tiny shared block after its first layer, learnt with the errors of ``on``."""
    verified = on.replace(programming=VERIFY)
    found = share_block(model, data, on, verified=verified, taps=("1",), **_RECIPE)
    return Learnt(found.model, {**found.rules, "*": memory})
