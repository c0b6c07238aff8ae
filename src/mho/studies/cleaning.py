"""What of a store nobody needs: leftovers, and cells of studies that are gone."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mho.studies.store import Store


@dataclass(frozen=True)
class Waste:
    """Files that could go, and why.

    Attributes:
        why: one line.
        files: the files.
    """

    why: str
    files: tuple[Path, ...]

    @property
    def size(self) -> int:
        """Bytes that they take."""
        return sum(path.stat().st_size for path in self.files if path.exists())

    def remove(self) -> None:
        """Delete them, and folders that are empty then."""
        for path in self.files:
            path.unlink(missing_ok=True)
            for folder in list(path.parents)[:2]:
                with contextlib.suppress(OSError):
                    folder.rmdir()


def leftovers(store: Store) -> list[Waste]:
    """Damaged files, and halves of files that a killed process left."""
    damaged = tuple(sorted(store.root.rglob("*.damaged")))
    halves = tuple(sorted(store.root.rglob(".mho-*.tmp")))
    return [w for w in (Waste("damaged, computed again since", damaged), Waste("half-written", halves)) if w.files]


def unused(store: Store, records: Iterable[dict[str, Any]]) -> list[Waste]:
    """Cells, networks and failures that no study of ``records`` has."""
    cells: set[str] = set()
    networks: set[str] = set()
    for record in records:
        cells |= {key for key, *_ in record["cells"]}
        networks |= {model for model, _ in record["digests"]}
    shards = [store.root / s.path for s in store.every_shard() if s.cell not in cells]
    models = [p for p in (store.root / "models").rglob("*.safetensors") if p.name.split(".")[0] not in networks]
    failures = [p for p in (store.root / "failures").glob("*.json") if p.stem not in cells | networks]
    named = (
        ("of cells that no study has", shards), ("networks that no study has", models), ("past failures", failures)
    )  # fmt: skip
    return [Waste(why, tuple(sorted(files))) for why, files in named if files]
