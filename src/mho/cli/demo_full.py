"""``mho demo --full``: the measures of several papers on one network, and what they cost."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mho.cli.design_options import EngineOptions, TeachOptions
from mho.errors import unknown

if TYPE_CHECKING:
    from mho.codesign.story import Story


def full_demo(
    out: Path,
    *,
    data: str,
    network: str,
    teach: TeachOptions,
    store: Path,
    engine: EngineOptions,
    root: Path | None,
    json: Path | None,
    csv: Path | None,
    dry_run: bool,
    modules: tuple[str, ...] = (),
    **asked: Any,
) -> None:
    """Train, deploy and search all of it, print the table, and write the page.

    Raises:
        SpecError, UnknownNameError: an option that is impossible, before any work.
    """
    from mho.data.catalog import entry
    from mho.files import check_writable
    from mho.zoo import ARCHITECTURES

    for path in (out, json, csv):
        if path is not None:
            check_writable(path)
    entry(data)
    if network not in ARCHITECTURES:
        raise unknown("model", network, ARCHITECTURES)
    from mho.cli.live import watch
    from mho.codesign.story_run import asked_of, listed, missing, tell

    design = asked_of(data, network, recipe=teach.spec(), **asked)
    place = None if root is None else str(root.resolve())
    if dry_run:
        untrained = missing(design, store=store, root=place)
        print(f"{design.label}, {data}: {', '.join(listed(design))}")
        print(f"to train: {', '.join(untrained) or 'nothing, every network is in the store'}")
        return
    executor = engine.executor(modules, place)
    print(f"{network} on {data}: five trainings, nine kinds of chips, ten searches for the worst one ...", flush=True)
    with watch(design.study) as observer:
        found = tell(design, store=store, executor=executor, observers=[observer], root=place)
    print(f"\n{found}\n")
    _write(found, out, json, csv)


def _write(found: Story, out: Path, json: Path | None, csv: Path | None) -> None:
    from mho.cli import command_line

    if json is not None:
        from mho.files import write_json

        print(f"json: {write_json(json, found.to_dict())}")
    if csv is not None:
        from mho.cli.csv_file import write_csv

        print(f"csv: {write_csv(csv, found.rows())}")
    from mho.reports.story import write_story

    print(f"report: {write_story(out, found, command=command_line())}")
