"""Where duplicates stand, as tables: what fits, what is missing, and every column."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from mho.memory.redundancy.embedding import Embedding, Slot
from mho.text import table
from mho.units import percent


def placed(embeddings: Sequence[Embedding]) -> str:
    """What duplicates need and what pruning left them, a row a pool of layers with the same inputs."""
    header = ["duplicates of", "columns", "pruned %", "needed %", "duplicates", "free", "missing", "added cells %"]
    rows = []
    for e in embeddings:
        columns = sum(n for n, _ in e.layers.values())
        rows.append(
            [
                " + ".join(e.layers),
                f"{columns:,}",
                percent(e.sparsity, 2),
                percent(e.least_sparsity, 2),
                f"{e.needed:,}",
                f"{e.free:,}",
                f"{e.missing:,}" if e.missing else "-",
                percent(e.overhead, 2),
            ]
        )
    needed, missing = sum(e.needed for e in embeddings), sum(e.missing for e in embeddings)
    if not missing:
        said = "all duplicates stand in pruned columns: no space added"
    elif all(e.room for e in embeddings):
        said = f"{missing:,} of {needed:,} duplicated columns found no pruned column and stand in added ones"
    else:
        said = f"{missing:,} of {needed:,} duplicated columns stand in added ones; pruned columns are not used by all"
    return f"{table(header, rows, left=1)}\n{said}"


def slots(embeddings: Sequence[Embedding]) -> str:
    """Every duplicated column, a row for each run of columns that stand side by side."""
    rows = []
    for e in embeddings:
        for run in _runs(e.slots):
            first, last = run[0], run[-1]
            where = (
                f"plane {first.host_plane}" if first.host_plane < e.bits else f"added array {first.host_plane - e.bits}"
            )
            rows.append([
                first.layer,
                "MSB" if first.plane == e.bits - 1 else str(first.plane),
                str(first.copy),
                _span(first.column, last.column),
                first.host,
                where,
                _span(first.host_column, last.host_column),
            ])  # fmt: skip
    return table(["duplicate of", "plane", "copy", "columns", "stands in", "", "columns"], rows, left=7)


def _runs(found: Sequence[Slot]) -> list[list[Slot]]:
    """Slots of which both the columns and the places follow each other."""

    def line(pair: tuple[int, Slot]) -> tuple[object, ...]:
        i, s = pair
        return s.layer, s.plane, s.copy, s.host, s.host_plane, s.column - i, s.host_column - i

    return [[slot for _, slot in run] for _, run in groupby(enumerate(found), key=line)]


def _span(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"
