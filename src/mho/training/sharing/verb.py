"""A tiny shared block: a few verified weights, trained to steady a network whose other weights are written once."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from mho.data.adapters import as_dataset
from mho.errors import SpecError
from mho.frozen import FrozenDict
from mho.memory.deployment import deploy
from mho.memory.rules import Rules, normalise
from mho.memory.spec import Memory
from mho.programming import WriteVerify
from mho.training import setup
from mho.training.compensation.verb import weights_of
from mho.training.fit import check_fit
from mho.training.fresh import check_fresh
from mho.training.on_chips import train_added
from mho.training.recipe import Recipe
from mho.training.sharing.block import PlaceNorm, TinyBlock, shared_parameters
from mho.training.sharing.insertion import Followed, with_shared_block
from mho.training.sharing.result import PATTERN, Place, SharedBlock

TOLERANCE = 0.06
"""Largest error that verification usually leaves; of RRAM that is a residual of about 0.03."""


def share_block(
    model: nn.Module,
    data: Any,
    memory: Rules,
    *,
    verified: Memory | None = None,
    recipe: Recipe | None = None,
    taps: Sequence[str] = (),
    channels: int | None = None,
    device: torch.device | str | None = None,
    progress: bool = True,
) -> SharedBlock:
    """A copy of a trained ``model`` with one tiny block after all its blocks of convolutions; that alone is verified.

    Features are split into groups of c channels, and every group at every place goes through the same block, a 1x1
    convolution of c channels whose output is added to its input; a digital scale and shift per channel and place, what
    a batch norm is on a chip, follow. At first all this does nothing. It alone is trained, on a fresh chip in every
    mini-batch, the block with the errors of ``verified`` and the network with those of ``memory``; the network itself
    does not change, keeps its names and so its chips, and runs as on a chip: its batch norms use and keep their running
    statistics, and nothing is dropped. Train it with noise for a few epochs before.

    On a chip the block is one array, read many times: its errors are the same everywhere.

    Source: the idea of [qin2024tsb], of which only the abstract could be read: a small 1x1 convolution shared across
    layers, put in after pretraining to an early convergence, and verified in place of the network. Groups, sum, norms,
    start and places are a formulation of this package, and no number of the paper is reproduced by it.

    Args:
        model: a trained network, which does not change; best trained with noise.
        data: training samples, anything that :func:`mho.data.as_dataset` takes.
        memory: memory (or name rules, as :func:`mho.deploy` takes them) of the network.
        verified: memory of the block; the one in ``memory``, written with verification to a tolerance of 0.06 of the
            full range, if left out.
        recipe: how to train; five epochs of :class:`Recipe` if left out. Its seed decides all that is random.
        taps: modules that the block follows, such as ``("layer1", "relu:2")`` for the second call of ``relu``, with
            outputs ``(n, c)``, ``(n, tokens, c)`` or ``(n, c, h, w)``; the ends of the blocks of convolutions if left
            out.
        channels: c; the fewest channels of any place if left out, or, where these do not divide those of all others,
            their greatest common divisor.
        device: where to train; the model's own device if left out.
        progress: show a bar on stderr, if it is a terminal and the work lasts more than two seconds.

    Returns:
        The network, the rules that deploy it, and what it costs; ``print`` shows it as a table.

    Raises:
        ModelError: the model does not take the data, cannot be deployed, or has no places for a block.
        DataError: data that is empty, not finite or of a wrong type.
        SpecError: an argument is out of range.
        UnknownNameError: no module of such a name.
    """
    recipe = recipe or Recipe(epochs=5)
    setup.check_types(model, recipe)
    if memory is None:
        raise SpecError("share_block needs a memory: its errors are what the block learns to live with")
    check_fresh(memory, "share_block")
    if isinstance(taps, str):
        raise SpecError(f"taps='{taps}' is text; give a tuple: taps=('{taps}',)")
    careful = _verified(memory, verified)
    where = setup.device(model, device)
    samples = as_dataset(data).to(where)
    source = copy.deepcopy(model).to(where).eval()
    deploy(source, memory)  # refuses here what it would refuse later
    check_fit(source, samples)
    made = with_shared_block(source, samples.take(2).inputs, taps=taps, channels=channels)
    rules = FrozenDict({PATTERN: careful, **normalise(memory)})
    trained = train_added(made, shared_parameters(made), samples, rules, recipe, progress=progress)
    block = next(module for module in trained.modules() if isinstance(module, TinyBlock))
    return SharedBlock(
        model=trained,
        rules=rules,
        verified=careful,
        channels=block.in_features,
        places=places_of(trained),
        weights=weights_of(source),
        data=samples.name,
    )


def places_of(model: nn.Module) -> tuple[Place, ...]:
    """Where ``model`` uses its shared block, module by module as they were registered."""
    found = []
    for name, module in model.named_modules():
        if not isinstance(module, Followed):
            continue
        for number, norm in module.tiny_norms.items():
            assert isinstance(norm, PlaceNorm)
            spelt = name if module.tiny_calls is None else f"{name}:{number}"
            channels = norm.weight.shape[0]
            found.append(Place(name=spelt, channels=channels, groups=channels // module.tiny_block.in_features))
    return tuple(found)


def _verified(memory: Rules, verified: Memory | None) -> Memory:
    """The memory of the block."""
    if verified is not None:
        if not isinstance(verified, Memory):
            raise SpecError(f"verified is a {type(verified).__name__}; it takes mho.Memory(...)")
        return verified
    known = list(dict.fromkeys(m for m in normalise(memory).values() if m is not None))
    if len(known) != 1:
        raise SpecError(f"memory= holds {len(known)} memories; say which one the block is on: verified=mho.Memory(...)")
    return known[0].replace(programming=WriteVerify(tolerance=TOLERANCE))
