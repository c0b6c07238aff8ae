"""Networks on disk: safetensors that also say which architecture to rebuild."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import load as from_bytes
from safetensors.torch import save as to_bytes
from torch import Tensor, nn

from mho.errors import CheckpointError, MhoError, SpecError
from mho.files import write_bytes
from mho.zoo.hub import fetch
from mho.zoo.registry import build, built_as

_ARCHITECTURE, _OPTIONS, _METADATA = "mho.architecture", "mho.options", "mho.metadata"
_ON_ARRAYS = "_mho_was_built_as"
"""Attribute that ``analog.convert`` leaves on the networks it makes."""


def save(model: nn.Module, path: str | Path, **metadata: Any) -> Path:
    """Write all parameters and buffers of ``model``, and what it is, to a safetensors file.

    A network made by :func:`mho.zoo.build` is rebuilt by :func:`load`; for any other network the file holds
    the tensors alone and :func:`load_into` reads them back. The file appears whole or not at all. Of a network on
    arrays (``analog.convert``) it holds the arrays too, which one line warns of.

    Args:
        model: the network, on any device.
        path: file to write, ending in ``.safetensors``; an existing file is replaced.
        metadata: plain data kept with the weights, such as ``data="mnist", accuracy=0.99``.

    Returns:
        The path written.

    Raises:
        SpecError: the file name does not end in ``.safetensors``, or the metadata is not plain data.
        OutputError: the file could not be written (disk full, no such folder, no permission).
    """
    path = Path(path)
    if path.suffix != ".safetensors":
        raise SpecError(f"path='{path}' must end in .safetensors: weights are never pickled")
    if _ON_ARRAYS in vars(model):
        warnings.warn(
            f"{path}: this network is on arrays, and zoo.load_into of one converted alike is all that reads the file; "
            "for zoo.load and mho evaluate save analog.extract(model)",
            stacklevel=2,
        )
    return write_bytes(path, pack(model, **metadata))


def pack(model: nn.Module, **metadata: Any) -> bytes:
    """What :func:`save` writes, as bytes."""
    said = built_as(model)
    header = {_METADATA: _plain("metadata", metadata)}
    if said is not None:
        header |= {_ARCHITECTURE: said.name, _OPTIONS: _plain("options", dict(said.options))}
    # clone: tied weights share memory, which safetensors refuses
    tensors = {name: t.detach().cpu().clone().contiguous() for name, t in model.state_dict().items()}
    return to_bytes(tensors, metadata=header)


def unpack(content: bytes, *, source: str = "the network") -> nn.Module:
    """The network that :func:`pack` wrote, in eval mode on the CPU; ``source`` is its name in errors.

    Raises:
        CheckpointError: as :func:`load`.
    """
    try:
        size = int.from_bytes(content[:8], "little")
        header = json.loads(content[8 : 8 + size]).get("__metadata__", {})
        tensors = from_bytes(content)
    except (SafetensorError, ValueError, AttributeError) as error:
        raise CheckpointError(f"{source} is truncated or is no safetensors file ({error})") from None
    return _rebuilt(tensors, header, source)


def load(path: str | Path) -> nn.Module:
    """The network in ``path``, rebuilt from what the file says it is, in eval mode on the CPU.

    Args:
        path: a file written by :func:`save`, or ``hf://owner/name/file.safetensors`` on the Hugging Face hub.

    Raises:
        CheckpointError: missing, truncated or pickled file, unknown architecture, tensors that do not fit.
    """
    file = fetch(path)
    return _rebuilt(*read(file), str(file))


def _rebuilt(tensors: dict[str, Tensor], header: dict[str, str], file: str) -> nn.Module:
    if _ARCHITECTURE not in header:
        raise CheckpointError(
            f"{file} does not say which architecture it holds: build the model and use mho.zoo.load_into(model, path)"
        )
    name = header[_ARCHITECTURE]
    try:
        model = build(name, **_parse(file, header, _OPTIONS))
    except MhoError as error:
        raise CheckpointError(f"{file} cannot be rebuilt: {error}") from None
    return fit(model, tensors, source=file).eval()


def load_into(model: nn.Module, path: str | Path) -> nn.Module:
    """Copy the tensors of ``path`` into ``model`` (changed in place, unless they do not fit) and return it.

    Args:
        model: any network with the names and shapes of the file.
        path: a safetensors file, or ``hf://owner/name/file.safetensors``.

    Raises:
        CheckpointError: missing, truncated or pickled file, or tensors that do not fit (``model`` is then
            unchanged).
    """
    file = fetch(path)
    return fit(model, read(file)[0], source=str(file))


def metadata(path: str | Path) -> dict[str, Any]:
    """The metadata that :func:`save` kept with the weights, and ``architecture`` where the file names one.

    Raises:
        CheckpointError: missing, truncated or pickled file.
    """
    file = fetch(path)
    header = read(file, tensors=False)[1]
    out = _parse(file, header, _METADATA)
    return out | ({"architecture": header[_ARCHITECTURE]} if _ARCHITECTURE in header else {})


def existing(path: str | Path) -> Path:
    """``path`` if it is a file, else a :class:`~mho.errors.CheckpointError` naming the nearest one there."""
    path = Path(path).expanduser()
    if path.is_file():
        return path
    if path.is_dir():
        raise CheckpointError(f"{path} is a folder; name the file in it")
    if not path.parent.is_dir():
        raise CheckpointError(f"no file {path}: there is no folder {path.parent}")
    files = sorted(p.name for p in path.parent.iterdir() if p.is_file())
    close = get_close_matches(path.name, files, n=1, cutoff=0.5)
    raise CheckpointError(f"no file {path}" + (f": did you mean '{close[0]}'?" if close else ""))


def fit(model: nn.Module, tensors: Mapping[str, Tensor], *, source: str, optional: str | None = None) -> nn.Module:
    """Copy ``tensors`` into ``model`` after checking every name and shape; nothing is copied unless all fit.

    Args:
        model: network to fill, in place.
        tensors: its state by name.
        source: what to call the tensors in an error.
        optional: tensors whose name ends so may be missing.

    Raises:
        CheckpointError: a tensor is missing, unexpected or of another shape.
    """
    want = model.state_dict()
    faults = [f"'{n}' is missing" for n in want if n not in tensors and not (optional and n.endswith(optional))]
    faults += [f"'{n}' is not in the model" for n in tensors if n not in want]
    faults += [
        f"'{n}' has shape {tuple(t.shape)}, the model {tuple(want[n].shape)}"
        for n, t in tensors.items()
        if n in want and t.shape != want[n].shape
    ]
    if faults:
        more = f" (and {len(faults) - 3} more)" if len(faults) > 3 else ""
        raise CheckpointError(f"{source} does not fit {type(model).__name__}: {'; '.join(faults[:3])}{more}")
    model.load_state_dict(dict(tensors), strict=False)
    return model


def read(path: str | Path, tensors: bool = True) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors of a safetensors file, if wanted, and the text that goes with them.

    Raises:
        CheckpointError: missing, truncated or pickled file.
    """
    path = existing(path)
    try:
        with path.open("rb") as stream:
            start = stream.read(9)
        # byte 8 of safetensors opens its JSON; the length before it can look like the magic of a pickle
        if start[8:] != b"{" and start.startswith((b"PK", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")):
            raise CheckpointError(
                f"{path} is a pickled PyTorch file, which can run code when read: convert it once with "
                f"safetensors.torch.save_file(torch.load(path, weights_only=True), 'model.safetensors')"
            )
        with safe_open(path, framework="pt") as file:
            header = dict(file.metadata() or {})
            return {n: file.get_tensor(n) for n in file.keys()} if tensors else {}, header  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} is truncated or is no safetensors file ({error})") from None


def _parse(path: str | Path, header: Mapping[str, str], key: str) -> dict[str, Any]:
    try:
        value = json.loads(header.get(key, "{}"))
    except json.JSONDecodeError:
        value = None
    if not isinstance(value, dict):
        raise CheckpointError(f"{path}: its '{key}' entry is not a JSON object")
    return value


def _plain(what: str, value: dict[str, Any]) -> str:
    for key, item in value.items():
        try:
            json.dumps(item, allow_nan=False)
        except (TypeError, ValueError):
            raise SpecError(f"{what} {key}={item!r} is not plain data: use numbers, text and lists") from None
    return json.dumps(value, sort_keys=True)
