"""Chips that were judged, on disk: a long measurement is interrupted and goes on, or is added to."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from math import isfinite, nan
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mho.data.dataset import Dataset
from mho.errors import OutputError, SpecError
from mho.evaluation.metrics import METRICS
from mho.files import write_json
from mho.memory.rules import Rules, normalise
from mho.zoo.registry import built_as


@dataclass(frozen=True)
class Store:
    """A folder with a file a scheme and rate: the metric of every chip judged so far.

    A file is found by a hash of everything that decides its numbers (weights, samples, memory, seed, metric), and so
    never read for another question.

    Attributes:
        folder: where files are.
        asked: what all files of a call have in common, as plain data.
    """

    folder: Path
    asked: dict[str, Any]

    @classmethod
    def of(
        cls, folder: str | os.PathLike[str], model: nn.Module, data: Dataset, metric: object, dtype: str, seed: int
    ) -> Store:
        """The store of a call, its folder made if need be.

        Raises:
            SpecError: the metric has no name that says what it is.
            OutputError: the folder cannot be made.
        """
        if not isinstance(metric, str):
            raise SpecError(
                f"folder= keeps chips by the name of their metric; metric must be one of {', '.join(METRICS)}"
            )
        path = Path(folder)
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"cannot make the folder {folder}: {error.strerror or error}") from None
        inputs = {"inputs": data.inputs} if isinstance(data.inputs, Tensor) else dict(data.inputs)
        asked = {
            "network": [type(model).__qualname__, repr(built_as(model)), _digest(repr(model).encode())],
            "weights": _hashed(model.state_dict()),
            "data": _hashed({**inputs, "targets": data.targets}),
            "metric": metric,
            "dtype": dtype,
            "seed": seed,
        }
        return cls(path, asked)

    def known(self, rules: Rules) -> dict[int, float]:
        """Chip number to metric of the chips on these memories that were judged; ``nan`` where it was no number."""
        try:
            kept = json.loads(self._file(rules).read_text())
            return {int(chip): nan if value is None else float(value) for chip, value in kept["chips"].items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            raise OutputError(
                f"{self._file(rules)} cannot be read; delete it, and its chips are judged again"
            ) from None

    def keep(self, rules: Rules, chips: Mapping[int, float]) -> None:
        """Write what is known of the chips on these memories.

        Raises:
            OutputError: it cannot be written; nothing half-written is left behind.
        """
        plain = {str(chip): value if isfinite(value) else None for chip, value in sorted(chips.items())}
        write_json(self._file(rules), {**self.asked, "rules": self._rules(rules), "chips": plain})

    def _file(self, rules: Rules) -> Path:
        text = json.dumps({**self.asked, "rules": self._rules(rules)}, sort_keys=True)
        return self.folder / f"{_digest(text.encode())}.json"

    @staticmethod
    def _rules(rules: Rules) -> list[list[str | None]]:
        """Pairs, not a mapping: the first match wins, so their order counts."""
        return [[pattern, None if m is None else m.digest()] for pattern, m in normalise(rules).items()]


def _digest(content: bytes) -> str:
    return blake2b(content, digest_size=12).hexdigest()


def _hashed(tensors: Mapping[str, Tensor]) -> str:
    """Of names, types, shapes and every byte."""
    state = blake2b(digest_size=12)
    for name, tensor in sorted(tensors.items()):
        state.update(f"{name}:{tensor.dtype}:{tuple(tensor.shape)};".encode())
        # As bytes: numpy has no bfloat16.
        state.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return state.hexdigest()
