"""What is done to a model and its data once, before chips are judged: move, try out, lay out, scale."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn

from mho.data.dataset import Dataset
from mho.errors import ModelError, SpecError
from mho.evaluation.forward import call
from mho.evaluation.plan import ActivationMeter
from mho.memory.arrays import voting
from mho.memory.deployment import Chips

Dtype = Literal["float32", "bfloat16"]


def try_out(model: nn.Module, data: Dataset) -> tuple[tuple[int, int], Tensor]:
    """Run one sample: activation sizes and outputs, or one line about why the model does not take it."""
    inputs, _ = next(iter(data.batches(1)))
    meter = ActivationMeter(model)
    voted = dict.fromkeys(voting(model), False)
    watching = [m.register_forward_hook(partial(_called, voted, name)) for name, m in voting(model).items()]
    try:
        outputs = call(model, inputs)
    except ModelError:
        raise
    except (RuntimeError, ValueError, TypeError, IndexError, AssertionError) as error:
        shapes = (
            str(tuple(inputs.shape[1:]))
            if isinstance(inputs, Tensor)
            else ", ".join(f"{k} {tuple(v.shape[1:])}" for k, v in inputs.items())
        )
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(
            f"{type(model).__name__} does not take samples of {data.name}, shape {shapes}: {reason}"
        ) from None
    finally:
        activation = meter.close()
        for hook in watching:
            hook.remove()
    unseen = next((name for name, called in voted.items() if not called), None)
    if unseen is not None:
        raise ModelError(
            f"{unseen}: the network reads its weight without calling it, so that no vote would be taken on its "
            "outputs; keep it digital (a rule with None), or give it a memory without Voting"
        )
    return activation, outputs[None]


def _called(voted: dict[str, bool], name: str, *_: object) -> None:
    voted[name] = True


def scale_digital(model: nn.Module, gains: dict[str, Tensor], chips: Chips) -> nn.Module:
    """The folded ``model`` with those of its scaled weights that stay digital scaled in place."""
    with torch.no_grad():
        for name, gain in gains.items():
            if name not in chips.placements:
                model.get_parameter(name).mul_(gain)
    return model


def moved(model: nn.Module, where: torch.device) -> nn.Module:
    """``model`` on ``where``, a copy if it was elsewhere."""
    if device_of(model) == where:
        return model
    import copy

    try:
        return copy.deepcopy(model).to(where)
    except (RuntimeError, AssertionError) as error:
        raise SpecError(f"device '{where}' cannot be used: {str(error).splitlines()[0]}") from None


def laid_out(model: nn.Module, data: Dataset) -> Dataset:
    """Images in channels_last, the faster layout for small convolutions, where the model takes it; texts by length.

    Texts of one length lie in one batch, so that networks which cut what a whole batch has of padding compute little
    of it; the longest come first, by which batches are sized. No metric depends on the order of samples.
    """
    if not isinstance(data.inputs, Tensor):
        mask = data.inputs.get("attention_mask")
        if mask is None or mask.dim() != 2:
            return data
        return data.subset(mask.sum(1).argsort(descending=True, stable=True))
    if data.inputs.dim() != 4:
        return data
    # Not contiguous(): images of one channel count as both layouts; their strides alone tell a convolution which.
    changed = replace(data, inputs=data.inputs.to(memory_format=torch.channels_last))
    try:
        with torch.inference_mode():
            call(model, next(iter(changed.batches(1)))[0])
    except (RuntimeError, ModelError, TypeError, ValueError, IndexError):
        # x.view(len(x), -1) on feature maps needs contiguous ones; whatever else is wrong is said by try_out.
        return data
    return changed


def device_of(model: nn.Module) -> torch.device:
    """Where the parameters of ``model`` are."""
    return next((p.device for p in model.parameters()), torch.device("cpu"))


def autocast(where: torch.device, dtype: Dtype) -> torch.autocast | nullcontext[None]:
    """Forward passes in bfloat16, or as they are."""
    if dtype == "bfloat16":
        return torch.autocast(where.type, dtype=torch.bfloat16)
    return nullcontext()
