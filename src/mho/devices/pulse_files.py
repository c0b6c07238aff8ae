"""Files of measured pulse responses: a pair of columns a device, conductances after pulses up and after pulses down."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

from mho.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


def read_responses(path: str | Path) -> tuple[list[Array], list[Array]]:
    """The runs up and the runs down, one of each a device.

    Args:
        path: a CSV file with columns ``up,down`` for each device (``up1,down1,up2,down2`` and the like), in any unit;
            without a header up comes first. Lines that start with ``#`` are comments; a shorter run ends in blanks.

    Raises:
        DataError: naming the line and what is wrong with it.
    """
    import numpy as np

    try:
        with Path(path).open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            rows = [(reader.line_num, [c.strip() for c in row]) for row in reader if row and not row[0].startswith("#")]
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read as CSV ({error})") from None
    width = max((len(row) for _, row in rows), default=0)
    if width < 2 or width % 2:
        raise DataError(f"{path}: has {width} columns; it takes a pair up,down for each device")
    names = ["up", "down"] * (width // 2)
    if not any(map(_is_number, rows[0][1])):
        header = rows.pop(0)[1]
        names = [name.lower().rstrip("0123456789_ ") for name in header]
        if any(sorted(names[i : i + 2]) != ["down", "up"] for i in range(0, width, 2)):
            raise DataError(f"{path}: its header says {','.join(header)}; it takes a pair up,down for each device")
    columns: list[list[float]] = [[] for _ in range(width)]
    for count, (line, row) in enumerate(rows):
        for i, said in enumerate(row):
            if not said:
                continue
            if not _is_number(said):
                raise DataError(f"{path}, line {line}: column {i + 1} is '{said}', not a number")
            if len(columns[i]) < count:
                raise DataError(f"{path}, line {line}: column {i + 1} goes on after a blank; a run has no gaps")
            columns[i].append(float(said))
    runs = [(name, np.array(column)) for name, column in zip(names, columns, strict=True)]
    return [run for name, run in runs if name == "up"], [run for name, run in runs if name == "down"]


def _is_number(said: str) -> bool:
    try:
        float(said)
    except ValueError:
        return False
    return True
