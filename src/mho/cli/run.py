"""``mho run``: compute what is missing of a study."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from mho.cli.options import ImportOption, at_least, imports
from mho.cli.options import place as usable
from mho.cli.study_options import StoreOption, StudyFile, store_of
from mho.errors import MhoError, SpecError

if TYPE_CHECKING:
    from mho.studies.executors import Executor

Engine = Literal["processes", "inline", "ray"]
WHOLE = {"adaptive": "adaptive", "ask": "missing"}
"""What a preview says of cells that are computed in one piece."""


def run(
    study: StudyFile,
    /,
    *,
    store: StoreOption = None,
    dry_run: Annotated[
        bool, Parameter(negative="", help="Only say what is cached, what is missing and how long it may take.")
    ] = False,
    engine: Annotated[
        Engine, Parameter(help="Worker processes of this machine, this process, or a Ray cluster.")
    ] = "processes",
    workers: Annotated[
        int | None, Parameter(help="How many workers; one per GPU, or per core as far as memory goes, unless given.")
    ] = None,
    address: Annotated[
        str | None, Parameter(help="Ray cluster, such as auto or ray://head:10001; a local one unless given.")
    ] = None,
    gpus_per_worker: Annotated[float, Parameter(help="GPUs of a Ray worker; fractions share one.")] = 0.0,
    import_: ImportOption = None,
    track: Annotated[list[str] | None, Parameter(negative="", help="Also log to tensorboard, wandb or mlflow.")] = None,
    root: Annotated[Path | None, Parameter(help="Folder of the data.")] = None,
    torch_device: Annotated[str | None, Parameter(help="cpu or cuda; GPUs are dealt out unless given.")] = None,
) -> None:
    """Compute what is missing of a study. Stop it whenever you like: run again, it goes on where it was."""
    if workers is not None:
        at_least("--workers", workers, 1)
    modules = imports(import_)
    torch_device = usable(torch_device)
    from mho.studies.reading import Source
    from mho.studies.rehearsal import rehearse
    from mho.studies.trackers import tracker
    from mho.studies.verb import run as compute

    source = Source.of(study)
    asked, folder, place = source.study(), study.parent, store_of(study, store)
    with source.lines():
        rehearse(asked, folder)  # what can be refused is refused before anything is trained
    where = None if root is None else str(root.resolve())
    if dry_run:
        _preview(asked, folder, place, where)
        return
    executor = executor_of(engine, workers, address, gpus_per_worker, modules, where, torch_device)
    from mho.cli.live import watch

    trackers = [tracker(name) for name in track or ()]
    with watch(asked) as observer:
        observers = [observer, *trackers]
        answers = compute(
            asked, store=place, executor=executor, observers=observers, folder=folder, root=where, file=study
        )
    print(answers)
    for notice in answers.notices:
        print(f"\nnote: {notice}")
    if answers.failures:
        what = next(iter(answers.failures))
        last = answers.failures[what].strip().splitlines()[-1]
        count = len(answers.failures)
        raise MhoError(
            f"{count} cell{'s' * (count > 1)} failed, the first: {what}: {last} (mho status {study} shows every one)"
        )
    print(f"\nreport: mho report {study}")


def executor_of(
    engine: Engine,
    workers: int | None,
    address: str | None,
    gpus: float,
    modules: tuple[str, ...],
    root: str | None,
    device: str | None,
) -> Executor:
    """Who computes, as the options say.

    Raises:
        SpecError: options that do not go together.
    """
    if engine != "ray" and (address or gpus):
        raise SpecError(f"--{'address' if address else 'gpus-per-worker'} is for --engine ray")
    if engine == "inline":
        if workers not in (None, 1):
            raise SpecError(f"--workers {workers}: --engine inline is this process alone; leave out one of them")
        from mho.studies.executors import Inline

        return Inline(root=root, device=device)
    if engine == "ray":
        from mho.studies.executors import Ray

        return Ray(address=address, workers=workers, gpus_per_worker=gpus, imports=modules, root=root, device=device)
    from mho.studies.executors import Processes

    return Processes(workers=workers, imports=modules, root=root, device=device)


def _preview(study: object, folder: Path, place: Path, root: str | None) -> None:
    from mho.studies.index import Index
    from mho.studies.plan import make_plan
    from mho.studies.store import Store
    from mho.studies.study import Study
    from mho.text import table
    from mho.units import age_heading, format_age, format_duration

    assert isinstance(study, Study)
    plan, store = make_plan(study, folder=folder, root=root), Store(place)
    index = Index(store)
    said = plan.summary(store, index)
    rows = []
    for cell in plan.cells:
        left = plan.left(cell, index)
        missing = WHOLE[cell.kind] if cell.whole else f"{sum(map(len, left)):,} chips missing"
        state = missing if left else "cached"
        sigma = "device's" if cell.sigma is None else f"{cell.sigma:g}"
        rows.append([cell.point.label, sigma, format_age(cell.age, cell.point.clock), state])
    index.close()
    shown = rows if len(rows) <= 60 else rows[:60]
    print(table(["result", "sigma", age_heading(plan.cells[0].point.clock), "state"], shown, left=1))
    if len(rows) > len(shown):
        print(f"... and {len(rows) - len(shown):,} more")
    print(f"\n{said.cells:,} cells, {said.cached:,} of them cached; {said.chips:,} chips missing")
    if said.train:
        print(f"to train: {', '.join(said.train)}")
    if said.chips or said.unknown:
        known = "unknown: nothing like it has run yet" if said.seconds != said.seconds else ""
        more = f" and {said.unknown} cells of unknown cost" if said.unknown and not known else ""
        print(f"estimated: {known or f'{format_duration(said.seconds)} on one worker'}{more}")
