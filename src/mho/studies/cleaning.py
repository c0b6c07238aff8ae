"""What of a store nobody needs: leftovers, and cells of studies that are gone."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mho.studies import names
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
        """Delete them, and the folders of cells that are empty then."""
        for path in self.files:
            path.unlink(missing_ok=True)
            for folder in list(path.parents)[:2]:
                if names.KEY.fullmatch(folder.name) or names.PREFIX.fullmatch(folder.name):
                    with contextlib.suppress(OSError):
                        folder.rmdir()


def leftovers(store: Store) -> list[Waste]:
    """Damaged files, and halves of files that a killed process left."""
    own = [store.root, *(folder for name in names.FOLDERS for folder in _folders(store.root / name))]
    files = sorted(path for folder in own for path in _files(folder))
    damaged = tuple(path for path in files if names.DAMAGED.fullmatch(path.name))
    halves = tuple(path for path in files if names.HALF.fullmatch(path.name))
    return [w for w in (Waste("damaged, computed again since", damaged), Waste("half-written", halves)) if w.files]


def unused(store: Store, records: Iterable[dict[str, Any]]) -> list[Waste]:
    """Cells, networks and failures that no study of ``records`` has."""
    cells: set[str] = set()
    networks: set[str] = set()
    for record in records:
        cells |= {key for key, *_ in record["cells"]}
        networks |= {model for model, *_ in record["digests"]}
    shards = [store.root / s.path for s in store.every_shard() if s.cell not in cells]
    models = [path for key, path in store.every_model() if key not in networks]
    failures = [path for key, path in store.every_failure() if key not in cells | networks]
    named = (
        ("of cells that no study has", shards), ("networks that no study has", models), ("past failures", failures)
    )  # fmt: skip
    return [Waste(why, tuple(sorted(files))) for why, files in named if files]


def _folders(folder: Path) -> list[Path]:
    """A folder and those in it that a store makes."""
    found = [folder] if folder.is_dir() and not folder.is_symlink() else []
    for pattern in (names.PREFIX, names.KEY) if found else ():
        inner = [p for f in found for p in f.iterdir() if pattern.fullmatch(p.name) and p.is_dir()]
        found += [p for p in inner if not p.is_symlink()]
    return found


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_file()]
