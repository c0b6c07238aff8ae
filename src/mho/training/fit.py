"""Does the model take this data? Asked once, before any training, so that the answer is one clear line."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mho.data.dataset import Dataset, Inputs
from mho.errors import ModelError
from mho.evaluation.forward import call


def apply(model: nn.Module, inputs: Inputs) -> Tensor:
    """The output of ``model`` as it is; see :func:`mho.evaluation.forward.call`."""
    return call(model, inputs)


def check_fit(model: nn.Module, data: Dataset) -> None:
    """Run two samples through ``model`` (left in eval mode) and compare its outputs with the targets.

    Class indices are one a sample, ``(n,)`` for outputs ``(n, classes)``, or one a position, ``(n, ...)`` for outputs
    ``(n, ..., classes)``.

    Raises:
        ModelError: the model does not accept the inputs, or its outputs are not as many as the classes.
    """
    sample = data.take(2)
    shape = _shapes(sample.inputs)
    kind = type(model).__name__
    model.eval()
    try:
        with torch.no_grad():
            output = apply(model, sample.inputs)
    except ModelError as error:
        raise ModelError(f"{kind} cannot be trained: {error}") from None
    except (RuntimeError, TypeError, ValueError, IndexError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelError(f"{kind} does not take inputs of shape {shape} from {data.name}: {reason}") from None
    if not torch.isfinite(output).all():
        raise ModelError(f"{kind} gives outputs that are NaN or infinite before any training: look at its weights")
    if data.targets.is_floating_point():
        if output.shape != sample.targets.shape:
            want, got = tuple(sample.targets.shape[1:]), tuple(output.shape[1:])
            raise ModelError(f"{kind} gives outputs of shape {got}; the targets of {data.name} have {want}")
        return
    if output.dim() < 2 or output.shape[:-1] != sample.targets.shape:
        raise ModelError(
            f"{kind} gives {tuple(output.shape[1:])} outputs a sample for targets of shape "
            f"{tuple(data.targets.shape[1:])}; training takes one class index a sample or position, and there one "
            f"output a class, classes last"
        )
    if int(data.targets.min()) < 0:
        raise ModelError(f"{data.name} has the label {int(data.targets.min())}; classes are numbered from 0")
    outputs, needed = output.shape[-1], data.classes or int(data.targets.max()) + 1
    if outputs < needed or (data.classes is not None and outputs != needed):
        raise ModelError(f"{kind} has {outputs} outputs but {data.name} has {needed} classes")


def _shapes(inputs: Inputs) -> str:
    if isinstance(inputs, Tensor):
        return str(tuple(inputs.shape[1:]))
    return ", ".join(f"{key} {tuple(value.shape[1:])}" for key, value in inputs.items())
