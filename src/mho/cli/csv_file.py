"""Tables as CSV files."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any


def write_csv(path: Path, rows: list[dict[str, Any]]) -> Path:
    """Write one line a record under a header of all their keys; empty where there is no number.

    Args:
        path: the file.
        rows: flat records.

    Raises:
        OutputError: it cannot be written; nothing half-written is left behind.
    """
    from mho.files import write_bytes

    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({k: "" if v is None or v != v else v for k, v in row.items()} for row in rows)
    return write_bytes(path, text.getvalue().encode())
