"""What :func:`mho.sensitivity` returns: a mapping of parameter names to tensors, and what they say about layers."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mho.errors import CheckpointError, SpecError, unknown
from mho.evaluation.sensitivity.layers import LayerSensitivity, layer_rows, layer_table, ranking_table, strongest
from mho.files import write_bytes

_HEADER = "mho.sensitivity"


@dataclass(frozen=True, kw_only=True, eq=False)
class Sensitivity(Mapping[str, Tensor]):
    """How much each weight matters: parameter name to a non-negative tensor of the weight's shape.

    For ``"second-derivative"`` that is ``max(h, 0)``, h the second derivative of the mean loss with respect to the
    weight itself; :meth:`normalised` compares weights of different layers.

    Attributes:
        signed: the numbers as the method gave them. Where the loss curves downwards h is negative: errors there do not
            raise the expected loss, and the mapping itself has a zero.
        sampled: whether the numbers are estimates from random probes, and not the method's formula to rounding.
        error: standard errors of such estimates, parameter name to tensor; empty where they are not known.
        scales: parameter name to full scale ``S = max|w|``, one number or one a channel.
        method: what was done.
        asked: what was asked for; the same, unless ``note`` says why not.
        note: one line, where something else was done.
        power: numbers are per weight unit to this power.
        loss: name of the loss; empty where no data was looked at.
        value: mean loss.
        images: samples looked at.
        data: name of the data set.
        model: class of the network.
        references: BibTeX keys; see :func:`mho.cite`.
    """

    signed: Mapping[str, Tensor]
    sampled: bool = False
    error: Mapping[str, Tensor] = field(default_factory=dict)
    scales: Mapping[str, Tensor]
    method: str
    asked: str
    note: str = ""
    power: int = 0
    loss: str = ""
    value: float | None = None
    images: int = 0
    data: str = ""
    model: str = ""
    references: tuple[str, ...] = ()

    # The values are tensors, for which equality is no yes or no.
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def __getitem__(self, name: str) -> Tensor:
        if name not in self.signed:
            raise unknown("weight", str(name), self.signed)
        return self.signed[name].clamp(min=0)

    def __contains__(self, name: object) -> bool:
        return name in self.signed

    def __iter__(self) -> Iterator[str]:
        return iter(self.signed)

    def __len__(self) -> int:
        return len(self.signed)

    @property
    def weights(self) -> int:
        """How many weights there are."""
        return sum(t.numel() for t in self.signed.values())

    def normalised(self, scales: Mapping[str, Tensor | float] | None = None) -> dict[str, Tensor]:
        """``h S²``: second derivatives with respect to ``w / S``, which rank weights of all layers.

        A device error is a fraction of the full scale S of its layer, so that ``h S²`` is what it costs. Numbers of
        methods that have no unit of a weight (``power`` 0) stay as they are.

        Args:
            scales: parameter name to S, one number or a tensor that broadcasts to the weight; ``self.scales`` unless
                given.

        Returns:
            Parameter name to non-negative tensor.

        Raises:
            SpecError: a weight has no scale.
        """
        said = self.scales if scales is None else scales
        missing = [name for name in self if name not in said]
        if missing:
            raise SpecError(f"scales has no entry '{missing[0]}'; it takes one per weight, such as max|w|")
        return {n: self[n] * torch.as_tensor(said[n]).to(self.signed[n]) ** self.power for n in self}

    def layers(self) -> list[LayerSensitivity]:
        """One row a weight tensor, in the order of the network; shares and ranks are of :meth:`normalised` numbers."""
        return layer_rows(self.normalised(), self.signed)

    def strongest(self, n: int = 20) -> list[tuple[str, tuple[int, ...], float]]:
        """The ``n`` weights that matter most: (parameter name, index, normalised number), largest first.

        Raises:
            SpecError: ``n`` is no positive number.
        """
        return strongest(self.normalised(), n)

    def ranking(self, n: int = 20) -> str:
        """:meth:`strongest` as a table."""
        return ranking_table(self.strongest(n), self.weights)

    def __str__(self) -> str:
        return layer_table(self)

    def to_dict(self) -> dict[str, Any]:
        """Everything but the tensors, and the rows by layer, as plain data."""
        return {**self._said(), "layers": [row.to_dict() for row in self.layers()]}

    def _said(self) -> dict[str, Any]:
        plain = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("signed", "error", "scales")}
        return plain | {"references": list(self.references)}

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write everything to a safetensors file; :meth:`load` reads it back.

        Raises:
            SpecError: the name does not end in ``.safetensors``.
            OutputError: the file could not be written; nothing half-written is left behind.
        """
        from safetensors.torch import save

        if Path(path).suffix != ".safetensors":
            raise SpecError(f"path='{path}' must end in .safetensors")
        groups = {"signed": self.signed, "error": self.error, "scales": self.scales}
        tensors = {f"{g}/{n}": t.detach().cpu().contiguous().clone() for g, m in groups.items() for n, t in m.items()}
        header = {_HEADER: json.dumps(self._said() | {"names": list(self.signed)}, allow_nan=False)}
        return write_bytes(path, save(tensors, metadata=header))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Sensitivity:
        """What :meth:`save` wrote, on the CPU.

        Raises:
            CheckpointError: the file is missing, truncated, or holds something else.
        """
        from safetensors import SafetensorError, safe_open

        from mho.zoo.checkpoint import existing

        file = existing(Path(path))
        try:
            with safe_open(file, framework="pt") as opened:
                header = dict(opened.metadata() or {})
                tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
        except (SafetensorError, OSError) as error:
            raise CheckpointError(f"{file} is truncated or is no safetensors file ({error})") from None
        if _HEADER not in header:
            raise CheckpointError(f"{file} holds no sensitivity; mho.sensitivity(...).save(path) writes one")
        try:
            said = json.loads(header[_HEADER])
            names = said.pop("names")
            groups = {
                group: {name: tensors[f"{group}/{name}"] for name in names if f"{group}/{name}" in tensors}
                for group in ("signed", "error", "scales")
            }
            return cls(**{**said, **groups, "references": tuple(said["references"])})
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CheckpointError(f"{file}: what it says about itself cannot be read ({error})") from None
