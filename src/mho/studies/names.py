"""The names of a store's files: what they hold is in them, and what is named otherwise is none of the store's."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

FOLDERS = ("cells", "models", "failures", "studies")
PREFIX = re.compile(r"[0-9a-f]{2}")
KEY = re.compile(r"[0-9a-f]{24}")
SHARD = re.compile(r"(\d+)\+(\d+)\.([0-9a-f]{16})\.json", re.ASCII)
NETWORK = re.compile(r"([0-9a-f]{24})\.([0-9a-f]{16})\.safetensors")
FAILURE = re.compile(r"([0-9a-f]{24})\.json")
DAMAGED = re.compile(r"(\d+\+\d+|[0-9a-f]{24})\.[0-9a-f]{16}\.damaged", re.ASCII)
HALF = re.compile(r"\.mho-[0-9a-f]{12}\.tmp")
"""What :func:`mho.files.write_bytes` leaves when it is killed."""


@dataclass(frozen=True, order=True)
class Shard:
    """Chips ``first`` to ``first + count - 1`` of one cell, in one file.

    Attributes:
        cell: key of the cell.
        first: number of the first chip.
        count: how many chips; of a cell that is computed in one piece, 0.
        checksum: of the file's bytes.
    """

    cell: str
    first: int
    count: int
    checksum: str

    @property
    def path(self) -> Path:
        """Where it is, below the store's folder."""
        return cell_folder(self.cell) / f"{self.first}+{self.count}.{self.checksum}.json"


def shard(cell: str, name: str) -> Shard | None:
    """The shard of a cell that a file of this name is; ``None`` if it is none."""
    said = SHARD.fullmatch(name)
    return Shard(cell, int(said[1]), int(said[2]), said[3]) if said else None


def cell_folder(cell: str) -> Path:
    """Where a cell's shards are, below the store's folder."""
    return Path("cells") / cell[:2] / cell


def network(key: str, checksum: str) -> Path:
    """Where a network is, below the store's folder."""
    return Path("models") / key[:2] / f"{key}.{checksum}.safetensors"
