"""Plain-text tables for terminals and ``print``: aligned, no decoration that a log file would garble."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(header: Sequence[str], rows: Iterable[Sequence[object]], *, left: int = 1, title: str = "") -> str:
    """Rows under a header, columns aligned.

    Args:
        header: column names.
        rows: one sequence a row, as many entries as the header.
        left: the first ``left`` columns are flush left, the others flush right.
        title: a line above the table.
    """
    cells = [[str(c) for c in row] for row in rows]
    widths = [max(len(line[i]) for line in [list(header), *cells]) for i in range(len(header))]

    def line(entries: Sequence[str]) -> str:
        padded = [e.ljust(w) if i < left else e.rjust(w) for i, (e, w) in enumerate(zip(entries, widths, strict=True))]
        return "  ".join(padded).rstrip()

    rule = "  ".join("─" * w for w in widths)
    return "\n".join([*([title] if title else []), line(list(header)), rule, *map(line, cells)])
