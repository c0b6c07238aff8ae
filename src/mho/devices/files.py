"""Files of measurements: the known columns of a CSV file, the arrays of an NPZ file, a finished table's fields."""

from __future__ import annotations

import csv
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

from mho.devices.fitting import check_fractions
from mho.errors import DataError, nearest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_NAMES = {
    "target": ("target", "g_target", "gi", "initial"),
    "read": ("read", "g_read", "g", "measured"),
    "age": ("age", "age_s", "time", "t"),
    "state": ("state", "level"),
    "mean": ("mean",),
    "std": ("std", "sigma"),
}


def read_npz(path: str | Path, columns: Mapping[str, str]) -> dict[str, Array]:
    """Arrays of an NPZ file by what ``columns`` calls them."""
    import numpy as np

    try:
        file = np.load(path, allow_pickle=False)
        if not isinstance(file, np.lib.npyio.NpzFile):
            raise ValueError("it holds a single array")
        with file:
            held = {name: file[name] for name in columns.values() if name in file.files}
            names = file.files
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except (OSError, ValueError, EOFError, BadZipFile, zlib.error) as error:
        said = str(error).partition("\n")[0]
        raise DataError(f"{path}: cannot be read as NPZ ({said}); the file may be truncated") from None
    for name in columns.values():
        if name not in held:
            raise DataError(f"{path}: no array '{name}': {nearest(name, names)}")
        if held[name].dtype.kind not in "iuf":
            raise DataError(f"{path}: array '{name}' holds {held[name].dtype}, not real numbers")
    return {key: held[name].astype(np.float64) for key, name in columns.items()}


def read_csv(path: Path) -> dict[str, Array]:
    """The known columns of a CSV file with a header."""
    import numpy as np

    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            rows = [(reader.line_num, row) for row in reader if row and not row[0].lstrip().startswith("#")]
    except FileNotFoundError:
        raise DataError(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read as CSV ({error})") from None
    if len(rows) < 2:
        raise DataError(f"{path}: holds no rows; expected a header such as state,mean,std and numbers below it")
    header = [h.strip().lower() for h in rows[0][1]]
    found = {key: header.index(n) for key, names in _NAMES.items() for n in names if n in header}
    out: dict[str, Array] = {}
    for key, column in found.items():
        values = []
        for line, row in rows[1:]:
            said = row[column].strip() if column < len(row) else ""
            try:
                values.append(float(said))
            except ValueError:
                raise DataError(f"{path}, line {line}: {header[column]} is '{said}', not a number") from None
        out[key] = np.array(values)
    return out


def table_fields(columns: Mapping[str, Array], g_max: float | None, path: str | Path) -> dict[str, Any]:
    """``states``, ``ages``, ``mean`` and ``std`` of a :class:`~mho.devices.MeasuredTable`."""
    import numpy as np

    scale = 1.0 if g_max is None else float(g_max)
    if not scale > 0:
        raise DataError(f"g_max={scale:g} must be more than zero")
    age = columns.get("age", np.zeros(len(columns["state"])))
    for key in ("state", "mean", "std", "age"):
        if key in columns and not np.isfinite(columns[key]).all():
            raise DataError(f"{path}: column {key} holds NaN or infinite numbers")
    states, ages = np.unique(columns["state"]), np.unique(age)
    if g_max is None:
        check_fractions(float(states.max()), f"{path}: ")
    if not len(states) * len(ages) == len(age) == len(set(zip(age, columns["state"], strict=True))):
        raise DataError(f"{path}: {len(age)} rows do not make a full table of {len(states)} states x {len(ages)} ages")
    order = np.lexsort((columns["state"], age))
    grid = {k: (columns[k][order] / scale).reshape(len(ages), len(states)).tolist() for k in ("mean", "std")}
    return {
        "states": tuple((states / scale).tolist()),
        "ages": tuple(ages.tolist()),
        "mean": tuple(map(tuple, grid["mean"])),
        "std": tuple(map(tuple, grid["std"])),
    }
