"""``mho new``: a study, or a design, to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

SCHEMA = "mho-study.schema.json"
"""What ``--schema`` writes beside the study."""


def new(
    study: Annotated[Path, Parameter(help="YAML file to write.")] = Path("study.yaml"),
    /,
    *,
    template: Annotated[
        Literal["devices", "memory-sweep", "checkpoint", "precision", "verify", "worst-case", "design"],
        Parameter(
            help="Two devices compared; bits per cell; a network of yours, ageing; as many chips as a precision needs; "
            "how few weights to verify; the worst possible chip; for mho design: the cheapest way to a target."
        ),
    ] = "devices",
    schema: Annotated[
        bool, Parameter(negative="", help=f"Write {SCHEMA} beside it: editors then complete and check it.")
    ] = False,
    force: Annotated[bool, Parameter(negative="", help="Replace the file if there is one.")] = False,
) -> None:
    """Write a small commented study (or design) that works, to change into your own."""
    import re
    from importlib.resources import files

    from mho.errors import OutputError, SpecError
    from mho.files import check_writable, write_text

    check_writable(study)
    if study.exists() and not force:
        raise OutputError(f"{study} is there already; --force replaces it, or give another name")
    designed = template == "design"
    if designed and schema:
        raise SpecError("--schema describes studies, and --template design is a design; leave out one of them")
    folder = files("mho") / ("codesign" if designed else "studies") / "templates"
    text = (folder / f"{template}.yaml").read_text(encoding="utf-8")
    name = re.sub(r"[^\w.-]+|^[.-]+", "-", study.stem).strip("-.") or template
    if study.stem != "study":
        text = re.sub(r"^name: \S+", f"name: {name}", text, count=1, flags=re.MULTILINE)
    if schema:
        from mho.files import write_json
        from mho.studies.schema import json_schema

        write_json(study.parent / SCHEMA, json_schema())
        text = f"# yaml-language-server: $schema=./{SCHEMA}\n{text}"
    write_text(study, text)
    import shlex

    shown = shlex.quote(str(study))
    print(f"{study}: {text.splitlines()[schema].removeprefix('# ')}")
    if designed:
        print(f"next: mho design {shown} --dry-run    what can be bought, and whether it is right")
        print(f"      mho design {shown}              find out what to buy")
        return
    print(f"next: mho check {shown}    what it will compute, and whether it is right")
    print(f"      mho run {shown}      compute it")
