"""The published CIFAR-10 ResNet checkpoints, read from a file that the user has."""

from __future__ import annotations

import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mho.errors import CheckpointError
from mho.zoo.catalog import ARCHITECTURES
from mho.zoo.checkpoint import existing, fit
from mho.zoo.registry import build


def load_published_resnet(path: str | Path) -> nn.Module:
    """The network in a ``.th`` file of github.com/akamaster/pytorch_resnet_cifar10, in eval mode.

    The depth (20, 32, 44 or 56) is read from the file. Inputs are ``(N, 3, 32, 32)`` images normalised with
    ``mho.data.cifar10(normalize="imagenet")``. It is read with ``weights_only=True``: no code in it runs.

    Args:
        path: the file, such as ``resnet20-12fca82f.th``.

    Raises:
        CheckpointError: no such file, not such a checkpoint, or tensors that do not fit.
    """
    path = existing(path)
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CheckpointError(f"{path} is not a readable PyTorch checkpoint: {reason}") from None
    state = content.get("state_dict", content) if isinstance(content, Mapping) else None
    if not isinstance(state, Mapping) or not all(isinstance(v, Tensor) for v in state.values()):
        raise CheckpointError(f"{path} holds no 'state_dict' of tensors: is it a published CIFAR ResNet?")
    tensors = {str(key).removeprefix("module."): value for key, value in state.items()}
    model = build(_name(path, tensors), classes=_classes(tensors))
    fit(model, tensors, source=str(path), optional="num_batches_tracked")
    return model.eval()


def _name(path: Path, tensors: Mapping[str, Any]) -> str:
    blocks = {int(found[1]) for key in tensors if (found := re.match(r"layer1\.(\d+)\.", key))}
    name = f"resnet{6 * (max(blocks) + 1) + 2}" if blocks else ""
    if name not in ARCHITECTURES:
        raise CheckpointError(
            f"{path} is not a CIFAR ResNet of 20, 32, 44 or 56 layers ({len(blocks)} blocks in stage 1)"
        )
    return name


def _classes(tensors: Mapping[str, Tensor]) -> int:
    bias = tensors.get("linear.bias")
    return len(bias) if bias is not None and bias.dim() == 1 and len(bias) else 10
