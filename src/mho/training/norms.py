"""What batch norms know of their inputs, measured anew."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from mho.data.adapters import as_dataset
from mho.errors import SpecError
from mho.memory.rules import Rules
from mho.training import setup
from mho.training.fit import check_fit
from mho.training.recipe import Recipe
from mho.training.run import Batch, Run


def refresh_norms(
    model: nn.Module, data: Any, *, memory: Rules | None = None, batch_size: int = 512, seed: int = 0
) -> nn.Module:
    """Measure the running statistics of every batch norm in ``model`` anew, in one pass over ``data``.

    Statistics gathered while training belong to weights that have changed since, and, with errors injected, to
    networks with errors. The new ones are means over mini-batches of the batches' means and (unbiased) variances, every
    sample counted once, in an order decided by ``seed``. Nothing else learns or is drawn: dropout is off, and the modes
    of the modules are as before in the end.

    Args:
        model: changed in place, and only in these statistics; left alone if it has no batch norm that keeps any.
        data: training samples, anything that :func:`mho.data.as_dataset` takes.
        memory: memory (or name rules) whose errors the weights have meanwhile, a fresh chip for every mini-batch; the
            weights as they are if left out.
        batch_size: samples per mini-batch; a last batch of a single sample is left out.
        seed: of the order of the samples, and of the chips.

    Returns:
        ``model``.

    Raises:
        ModelError: the model does not take the data, or cannot be deployed.
        DataError: data that is empty, not finite or of a wrong type.
        SpecError: an argument is out of range.
    """
    setup.check_types(model, Recipe())
    norms = [m for m in model.modules() if isinstance(m, _BatchNorm) and m.running_mean is not None]
    if not norms:
        return model
    if isinstance(batch_size, bool) or not isinstance(batch_size, int) or batch_size < 2:
        raise SpecError(f"batch_size={batch_size!r} must be at least 2: one sample has no variance")
    recipe = Recipe(batch_size=batch_size, seed=seed)
    samples = as_dataset(data).to(setup.device(model, None))
    modes = [(module, module.training) for module in model.modules()]
    momenta = [norm.momentum for norm in norms]
    try:
        check_fit(model, samples)  # leaves the model in evaluation mode
        run = Run(model, recipe, classifies=not samples.targets.is_floating_point(), memory=memory)
        errors = None if memory is None else run.errors(None)
        for norm in norms:
            norm.train()
        order = torch.randperm(len(samples), generator=torch.Generator().manual_seed(seed)).to(samples.targets.device)
        seen = 0
        for step, index in enumerate(order.split(batch_size)):  # type: ignore[no-untyped-call]
            if step and len(index) == 1:
                continue
            part = samples.subset(index)
            batch = Batch(run, part.inputs, part.targets, step, 0)
            seen += len(index)
            for norm in norms:
                norm.momentum = len(index) / seen  # the first batch replaces what was known
            with torch.no_grad():
                batch.forward(None if errors is None else errors(batch))
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        for module, training in modes:
            module.training = training
    return model
