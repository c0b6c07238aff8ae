"""Files that a command leaves: a page and plain numbers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Outputs:
    """What is written beside the table."""

    report: Annotated[Path | None, Parameter(help="HTML report to write.")] = None
    json: Annotated[Path | None, Parameter(help="Every number behind the table, to this file.")] = None

    def check(self) -> None:
        """Refuse, before any work, what cannot be written."""
        from mho.files import check_writable

        for path in (self.report, self.json):
            if path is not None:
                check_writable(path)

    def write(self, result: Any, *, title: str, **shown: Any) -> None:
        """Write what was asked for.

        Args:
            result: something with ``to_dict``.
            title: heading of the page.
            **shown: as :func:`mho.report` takes it.
        """
        from mho.cli import command_line

        if self.json is not None:
            from mho.files import write_json

            print(f"json: {write_json(self.json, result.to_dict())}")
        if self.report is not None:
            from mho.reports import report

            print(f"report: {report(self.report, title=title, command=command_line(), **shown)}")
