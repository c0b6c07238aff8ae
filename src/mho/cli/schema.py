"""``mho schema``: what a study may hold, for editors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def schema(out: Annotated[Path | None, Parameter(help="File to write; printed unless given.")] = None, /) -> None:
    """Print or write the JSON Schema of studies, with which editors complete, describe and check them."""
    import json

    from mho.files import check_writable, write_json

    if out is not None:
        check_writable(out)

    from mho.studies.schema import json_schema

    if out is None:
        print(json.dumps(json_schema(), indent=1))
    else:
        print(f"{write_json(out, json_schema())}: first line of a study: # yaml-language-server: $schema=./{out.name}")
