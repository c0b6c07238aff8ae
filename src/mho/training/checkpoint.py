"""A training run on disk, after its last whole epoch: written whole or not at all, never pickled."""

from __future__ import annotations

import json
from hashlib import blake2b
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save as to_bytes
from torch import Tensor, nn

from mho.data.dataset import Dataset
from mho.errors import CheckpointError, MhoError, SpecError
from mho.files import check_writable, write_bytes
from mho.spec import from_dict, plain
from mho.zoo.checkpoint import fit, read

_FORMAT, _STATE = "mho.training.1", "state"
START = "starting weights"
_SAMPLED = 1024
"""Samples that stand for a data set when it is told from another, besides all targets."""


def check_path(path: str | Path) -> Path:
    """``path``, if a checkpoint could be written there; asked before the long work.

    Raises:
        SpecError: another ending.
        OutputError: the folder is missing.
    """
    path = Path(path)
    if path.suffix != ".safetensors":
        raise SpecError(f"checkpoint='{path}' must end in .safetensors: nothing is pickled")
    check_writable(path)
    return path


def save(path: Path, state: dict[str, Any]) -> None:
    """Write ``state``: dicts, lists, tensors, text and numbers, nested at will."""
    tensors: dict[str, Tensor] = {}
    text = json.dumps(_taken_apart(state, tensors))
    write_bytes(path, to_bytes(tensors, metadata={"format": _FORMAT, _STATE: text}))


def load(path: Path, identity: dict[str, Any] | None = None) -> dict[str, Any]:
    """What :func:`save` wrote to ``path``.

    Args:
        path: the file.
        identity: what run it must belong to; see :func:`identity`.

    Raises:
        CheckpointError: it is no such file, or belongs to another run.
    """
    tensors, header = read(path)
    said = header.get("format", "")
    if said.startswith("mho.training.") and said != _FORMAT:
        raise CheckpointError(f"{path} was written by another version of mho ({said}, this one {_FORMAT}); start anew")
    if said != _FORMAT or _STATE not in header:
        raise CheckpointError(
            f"{path} holds no training run; if it is a network, start from it with mho.zoo.load and give checkpoint= "
            f"a new name"
        )
    state: dict[str, Any] = _put_together(json.loads(header[_STATE]), tensors)
    if identity is not None:
        _check_same(path, state["identity"], identity)
    return state


def load_checkpoint(model: nn.Module, path: str | Path) -> nn.Module:
    """Copy the weights of a training run into ``model``, and return it in eval mode.

    Of a run that keeps the best epoch they are those of the best epoch, else those after the last whole one. To go on
    with a run, call :func:`mho.train` with the same arguments.

    Args:
        model: the network that was given to :func:`mho.train`, or one like it.
        path: what was given to it as ``checkpoint``.

    Raises:
        CheckpointError: the file is no training checkpoint, or of another network.
    """
    state = load(Path(path))
    learner = state["learner"]
    weights = (state["best"] or learner.get("course", learner))["model"]
    return fit(model, weights, source=str(path)).eval()


def identity(model: nn.Module, data: Dataset, held_out: Dataset | None, **specs: Any) -> dict[str, Any]:
    """What tells a run from others: its specs as plain data, and hashes of the samples and the first weights."""
    start = blake2b(digest_size=8)
    for name, tensor in model.state_dict().items():
        start.update(name.encode())
        start.update(_bytes(tensor))
    held = None if held_out is None else _hashed(held_out)
    return {**specs, "data": _hashed(data), "validation data": held, START: start.hexdigest()}


def _hashed(data: Dataset) -> list[Any]:
    """Name, size, and a hash of all targets and some inputs."""
    samples = blake2b(_bytes(data.targets), digest_size=8)
    some = data.subset(torch.arange(0, len(data), -(-len(data) // _SAMPLED), device=data.targets.device))
    for part in [some.inputs] if isinstance(some.inputs, Tensor) else some.inputs.values():
        samples.update(_bytes(part))
    return [data.name, len(data), samples.hexdigest()]


def _check_same(path: Path, theirs: dict[str, Any], ours: dict[str, Any]) -> None:
    for key, value in ours.items():
        said = _today(theirs.get(key))
        if said == value:
            continue
        what = f"its {key} differ{'' if key.endswith('s') else 's'}"
        if isinstance(value, dict) and isinstance(said, dict):
            field = next(f for f in (*value, *said) if value.get(f) != said.get(f))
            what = f"its {key} has {field}={said.get(field)}, this one {value.get(field)}"
        raise CheckpointError(f"{path} belongs to another run: {what}; give checkpoint= another name, or delete it")


def _today(said: Any) -> Any:
    """A spec as an older file has it, with the fields that came later."""
    try:
        return plain(from_dict(said)) if isinstance(said, dict) and "kind" in said else said
    except MhoError:
        return said


def _bytes(tensor: Tensor) -> bytes:
    flat = tensor.detach().cpu().contiguous().reshape(-1)
    return flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b""


def _taken_apart(value: Any, tensors: dict[str, Tensor]) -> Any:
    """``value`` as JSON has it; tensors go to ``tensors`` and leave their names."""
    if isinstance(value, Tensor):
        name = str(len(tensors))
        # clone: tied weights share memory, which safetensors refuses
        tensors[name] = value.detach().cpu().clone(memory_format=torch.contiguous_format)
        return {"t": name}
    if isinstance(value, dict):
        # pairs: the keys of an optimiser's state are numbers, which JSON would turn into text
        return {"d": [[key, _taken_apart(item, tensors)] for key, item in value.items()]}
    if isinstance(value, list | tuple):
        return [_taken_apart(item, tensors) for item in value]
    return value


def _put_together(value: Any, tensors: dict[str, Tensor]) -> Any:
    if isinstance(value, list):
        return [_put_together(item, tensors) for item in value]
    if isinstance(value, dict):
        if "t" in value:
            return tensors[value["t"]]
        return {key: _put_together(item, tensors) for key, item in value["d"]}
    return value
