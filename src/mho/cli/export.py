"""``mho export``: a study's numbers for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from mho.cli.options import ImportOption, imports
from mho.cli.study_options import StoreOption, StudyFile, answers_of, store_of
from mho.errors import SpecError


def export(
    study: StudyFile,
    /,
    *,
    csv: Annotated[Path | None, Parameter(help="CSV file to write.")] = None,
    parquet: Annotated[Path | None, Parameter(help="Parquet file to write (pip install 'mho[parquet]').")] = None,
    every_chip: Annotated[
        bool, Parameter(negative="", help="A row for every chip instead of one for every population.")
    ] = False,
    import_: ImportOption = None,
    store: StoreOption = None,
) -> None:
    """Write a table: axes, sigma, age, and every statistic with its interval (fractions, seconds, nats)."""
    from mho.files import check_writable, write_bytes

    if csv is None and parquet is None:
        raise SpecError("export takes --csv FILE or --parquet FILE")
    for path in (csv, parquet):
        if path is not None:
            check_writable(path)
    if parquet is not None:
        _pyarrow()
    imports(import_)
    found = answers_of(study, store_of(study, store))
    rows = found.every_chip() if every_chip else found.rows()
    if not rows:
        raise SpecError(f"{study}: no result is complete yet; mho status {study} shows how far it is")
    columns = list(dict.fromkeys(name for row in rows for name in row))
    if csv is not None:
        print(f"{write_bytes(csv, _csv(columns, rows))}: {len(rows):,} rows")
    if parquet is not None:
        print(f"{write_bytes(parquet, _parquet(columns, rows))}: {len(rows):,} rows")


def _csv(columns: list[str], rows: list[dict[str, Any]]) -> bytes:
    import csv
    import io

    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({k: "" if v is None or v != v else v for k, v in row.items()} for row in rows)
    return text.getvalue().encode()


def _parquet(columns: list[str], rows: list[dict[str, Any]]) -> bytes:
    import io

    arrow, parquet = _pyarrow()
    sink = io.BytesIO()
    parquet.write_table(arrow.table({name: [row.get(name) for row in rows] for name in columns}), sink)
    return sink.getvalue()


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet as parquet
    except ImportError:
        raise SpecError("--parquet needs pyarrow: pip install 'mho[parquet]'") from None
    return pyarrow, parquet
