"""Data on the command line: how much of it, from where, and where to compute."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

if TYPE_CHECKING:
    from mho.data import Dataset


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class DataOptions:
    """Where samples come from."""

    limit: Annotated[int | None, Parameter(help="Only the first so many test samples.")] = None
    normalize: Annotated[str | None, Parameter(help="Input normalisation, where not the data set's usual one.")] = None
    root: Annotated[Path | None, Parameter(help="Folder of the data.")] = None

    def test(self, name: str) -> Dataset:
        """The test split, as far as asked for."""
        return self._load(name, "test", self.limit)

    def train(self, name: str, limit: int | None = None) -> Dataset:
        """The training split, or its first ``limit`` samples."""
        return self._load(name, "train", limit)

    def _load(self, name: str, split: Literal["train", "test"], limit: int | None) -> Dataset:
        from mho import data

        options: dict[str, Any] = {} if self.normalize is None else {"normalize": self.normalize}
        return data.load(name, split=split, root=self.root, limit=limit, **options)
