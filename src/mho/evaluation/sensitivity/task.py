"""What every method starts from: a copy of the network, the weights asked for, the data, the loss."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mho.data.dataset import Dataset, Inputs
from mho.errors import ModelError, SpecError, UnknownNameError, nearest
from mho.evaluation.forward import call
from mho.evaluation.prepare import moved
from mho.evaluation.sensitivity.losses import Loss
from mho.memory.deployment import Chips
from mho.memory.layers import full_name, matrices
from mho.memory.rules import matches
from mho.memory.validation import require_valid


@dataclass(frozen=True, kw_only=True)
class Task:
    """One question to a method.

    Attributes:
        model: a private copy in evaluation mode, in which only ``weights`` require a gradient.
        weights: name to parameter, those asked about.
        data: the samples, on the device of the model; ``None`` for methods that look at none.
        loss: what is differentiated.
        batch_size: samples per forward pass.
        samples: random probes of a sampled estimate.
        seed: seed of all that is random.
        advance: told how many samples are done.
    """

    model: nn.Module
    weights: dict[str, nn.Parameter]
    data: Dataset | None
    loss: Loss
    batch_size: int
    samples: int
    seed: int
    advance: Callable[[int], None]

    def batches(self) -> Iterator[tuple[int, Inputs, Tensor]]:
        """``(number, inputs, targets)`` of every batch."""
        assert self.data is not None
        for number, (inputs, targets) in enumerate(self.data.batches(self.batch_size)):
            yield number, inputs, targets
            self.advance(len(targets))

    def outputs(self, inputs: Inputs) -> Tensor:
        """Outputs of the network under autograd.

        Raises:
            ModelError: no weight reaches them.
        """
        with torch.enable_grad():
            out = call(self.model, inputs)
        if not out.requires_grad:
            raise ModelError(
                f"the outputs of {type(self.model).__name__} have no gradient: an operation on the way has none "
                "(argmax, round, detach, no_grad)"
            )
        return out

    def checked(self, total: Tensor, number: int) -> float:
        """The summed loss of batch ``number`` as a number.

        Raises:
            ModelError: it is not finite.
        """
        value = float(total.detach())
        if not math.isfinite(value):
            first = number * self.batch_size
            raise ModelError(f"{self.loss.name} is {value} on samples {first} to {first + self.batch_size - 1}")
        return value

    def complete(self, found: dict[str, Tensor]) -> dict[str, Tensor]:
        """``found`` in the order of the weights, divided by the number of samples.

        Raises:
            ModelError: a weight got nothing, or something that is no number.
        """
        assert self.data is not None
        without = [name for name in self.weights if name not in found]
        if without:
            shown = ", ".join(without[:5]) + (f", ... ({len(without)} in all)" if len(without) > 5 else "")
            raise ModelError(
                f"no gradient reaches {shown}: unused, or cut off by an operation without one; "
                "parameters= names the weights to look at"
            )
        for name, value in found.items():
            if not bool(torch.isfinite(value).all()):
                raise ModelError(f"the derivatives of {name} are not finite; an operation has an infinite slope there")
        return {name: found[name] / len(self.data) for name in self.weights}


def private(model: nn.Module | Chips, where: torch.device | None) -> nn.Module:
    """A copy of ``model`` (on ``where``, if given) in evaluation mode without gradients; of chips the quantised one.

    Raises:
        ModelError: no module, or one that cannot be deployed.
    """
    if isinstance(model, Chips):
        copied = model.ideal()
    elif isinstance(model, nn.Module):
        require_valid(model)
        copied = copy.deepcopy(model)
    else:
        raise ModelError(f"sensitivity takes a torch.nn.Module or chips, not a {type(model).__name__}")
    return (copied if where is None else moved(copied, where)).eval().requires_grad_(False)


def chosen(
    model: nn.Module | Chips, copied: nn.Module, patterns: str | Sequence[str] | None
) -> dict[str, nn.Parameter]:
    """Name to parameter of ``copied``, those that are asked about.

    Without ``patterns`` they are the weights on the chips, or those that :func:`mho.deploy` would store there. Of what
    a pattern matches (a parameter or its module, as in name rules) it means the matrices; where it matches none, as
    ``"*.bias"`` does, all.

    Raises:
        UnknownNameError: a pattern matches nothing.
        ModelError: the model has no such weight.
    """
    if isinstance(model, Chips):
        known = matrix_names = usual = list(model.placements)
    else:
        known = [name for name, p in copied.named_parameters() if p.is_floating_point()]
        matrix_names, usual = _matrices(copied, opt_in=True), _matrices(copied, opt_in=False)
    if patterns is None:
        names = usual
        if not names:
            raise ModelError(
                f"{type(copied).__name__} has no weight matrix that a memory would store; parameters= names others"
            )
    else:
        listed = [patterns] if isinstance(patterns, str) else list(patterns)
        if not listed:
            raise SpecError("parameters is an empty list; give a name pattern such as 'conv*'")
        wanted: set[str] = set()
        for pattern in listed:
            found = {name for name in known if matches(pattern, name)}
            if not found:
                modules = sorted({n.rpartition(".")[0] or n for n in known})
                near = nearest(pattern.rstrip(".*"), modules)
                raise UnknownNameError(f"parameters='{pattern}' matches no weight: {near}")
            wanted |= found & set(matrix_names) or found
        names = [name for name in known if name in wanted]
    weights = {name: copied.get_parameter(name) for name in names}
    for weight in weights.values():
        weight.requires_grad_()
    return weights


def _matrices(model: nn.Module, *, opt_in: bool) -> list[str]:
    return [
        full_name(prefix, leaf)
        for prefix, module in model.named_modules()
        for leaf, layer in matrices(module)
        if opt_in or not layer.opt_in
    ]
