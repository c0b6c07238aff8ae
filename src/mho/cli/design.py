"""``mho design``: the cheapest combination of measures that reaches a target."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from mho.cli.design_options import EngineOptions, MeasureOptions, TeachOptions, budgets, check_folder, stored
from mho.cli.design_preview import known_here, preview, refuse_early
from mho.cli.inputs import DataOptions
from mho.cli.options import ImportOption, MemoryOptions, at_least, imports, load_model
from mho.cli.outputs import Outputs
from mho.cli.study_options import StoreOption, store_of
from mho.errors import SpecError, unknown

if TYPE_CHECKING:
    from mho.codesign import Design

MINIMISE = "write_cycles,training_seconds,cells"


def design(
    model: Annotated[
        str,
        Parameter(
            help="A design (YAML, kind: Design); or an architecture (mho list models), which is trained here; or a "
            "network in a file (.safetensors), as it is before any measure."
        ),
    ],
    /,
    *,
    data: Annotated[
        str | None,
        Parameter(help="Data set; mho list data. Its test split certifies, its training split does all the rest."),
    ] = None,
    memory: MemoryOptions = MemoryOptions(),  # noqa: B008 - frozen
    sigma: Annotated[
        float | None, Parameter(help="Severity, a fraction of the cell's full range; as for mho evaluate.")
    ] = None,
    target: Annotated[
        list[str] | None,
        Parameter(
            negative="",
            help="What chips must reach: 'p1 >= 0.95', 'mean >= 0.9 at 1y', 'yield(0.95) >= 0.99', 'worst(0.03) >= "
            "0.8'. Again for each.",
        ),
    ] = None,
    measures: MeasureOptions = MeasureOptions(),  # noqa: B008 - frozen
    minimise: Annotated[
        str | None, Parameter(help=f"Costs, the most important first; {MINIMISE} unless given.", show_default=False)
    ] = None,
    budget: Annotated[
        list[str] | None, Parameter(negative="", help="The most of a cost: training_seconds=600. Again for each.")
    ] = None,
    teach: TeachOptions = TeachOptions(),  # noqa: B008 - frozen
    metric: Annotated[str | None, Parameter(help="accuracy unless given; as for mho evaluate.")] = None,
    trials: Annotated[int | None, Parameter(help="How many combinations are looked at; 60 unless given.")] = None,
    glance: Annotated[int | None, Parameter(help="Chips of a first look at a combination; 100 unless given.")] = None,
    precision: Annotated[
        float | None,
        Parameter(help="Half-width of the intervals near the front, and of certificates; 0.01 unless given."),
    ] = None,
    confidence: Annotated[float | None, Parameter(help="That the claim holds; 0.95 unless given.")] = None,
    chips: Annotated[int | None, Parameter(help="Most chips of an evaluation; 20000 unless given.")] = None,
    seed: Annotated[
        int | None, Parameter(help="Of the chips searched on, and of what is tried; certificates have the next one.")
    ] = None,
    train_limit: Annotated[int | None, Parameter(help="Only the first so many training samples.")] = None,
    source: DataOptions = DataOptions(),  # noqa: B008 - frozen
    store: StoreOption = None,
    engine: EngineOptions = EngineOptions(),  # noqa: B008 - frozen
    import_: ImportOption = None,
    dry_run: Annotated[
        bool, Parameter(negative="", help="Only say what can be bought, and which combinations are impossible.")
    ] = False,
    save: Annotated[
        Path | None,
        Parameter(
            help="Folder for the recommended network, its memory and, where it was trained here, a study that "
            "evaluates it again."
        ),
    ] = None,
    csv: Annotated[Path | None, Parameter(help="Every combination that was looked at, to this file.")] = None,
    outputs: Outputs = Outputs(),  # noqa: B008 - frozen
) -> None:
    """Find the cheapest combination of training, programming, redundancy and codes whose chips reach a target.

    Combinations are compared on held-out training data; the claim is made on the test data, with fresh chips. Stop it
    whenever you like: run again, it goes on where it was.
    """
    # Everything that can be refused is refused before the long work.
    modules = imports(import_)
    outputs.check()
    check_folder("--save", save)
    if csv is not None:
        from mho.files import check_writable

        check_writable(csv)
    said: dict[str, Any] = {
        "metric": metric,
        "trials": trials,
        "precision": precision,
        "glance": glance,
        "confidence": confidence,
    }
    said |= {"chips": chips, "seed": seed, "targets": tuple(target or ()) or None}
    said |= {"minimise": None if minimise is None else tuple(part.strip() for part in minimise.split(","))}
    said |= {"budget": budgets(budget) if budget else None}
    asked = {name: value for name, value in said.items() if value is not None}
    file = Path(model) if model.endswith((".yaml", ".yml")) else None
    place, folder = store_of(file, store), Path() if file is None else file.parent
    root = None if source.root is None else str(source.root.resolve())
    at_least("--train-limit", 1 if train_limit is None else train_limit, 1)
    with ExitStack() as stack:
        if file is not None:
            found = _read(file, [*asked, *_given(data, memory, sigma, measures, teach, train_limit, source)])
        elif data is None:
            raise SpecError("--data is missing: a data set, such as mnist (mho list data)")
        elif not target:
            raise SpecError("--target is missing: what chips must reach, such as --target 'p1 >= 0.95'")
        else:
            module = model.endswith((".safetensors", ".th")) or model.startswith("hf://")
            if module:
                engine.here("a network from a file is known in this process alone; leave it out, or train one in here")
            elif model not in _architectures():
                raise unknown("model", model, _architectures())
            asked["memory"], asked["sigma"] = stored(memory, sigma)
            plain = "as it is" if module else "plain training"
            asked["measures"] = measures.measures(data, asked["memory"], plain=plain)
            if module:
                # A dry run leaves nothing behind.
                live = Path(stack.enter_context(TemporaryDirectory())) if dry_run else place / "live"
                found = _of_module(model, data, teach, source, train_limit, live, asked)
            else:
                found = _of_architecture(model, data, teach, source, train_limit, asked)
        refuse_early(found, folder)
        if dry_run:
            preview(found, folder, root)
            return
    executor = engine.executor(modules, root, alone=known_here(found))
    from mho.cli.live import watch
    from mho.codesign.verb import design as compute

    with watch(found.study) as observer:
        choice = compute(found, store=place, executor=executor, observers=[observer], folder=folder, root=root)
    print(choice)
    if save is not None:
        which = "" if choice.recommended is not None else f" (the nearest, {choice.name(choice.closest)})"
        print(f"\nsaved: {choice.save(save)}{which}")
    if csv is not None:
        from mho.cli.csv_file import write_csv

        print(f"csv: {write_csv(csv, choice.rows())}")
    outputs.write(choice, title=f"What to buy: {choice.label}", design=choice)


def _read(file: Path, given: list[str]) -> Design:
    """The design in a YAML file, which says everything."""
    from mho.codesign import read

    if given:
        name = {"targets": "target"}.get(given[0], given[0].replace("_", "-"))
        raise SpecError(f"{file} says what is asked; leave out --{name}, or change the file")
    return read(file)


def _architectures() -> Any:
    from mho.zoo import ARCHITECTURES

    return ARCHITECTURES


def _of_architecture(
    model: str, data: str, teach: TeachOptions, source: DataOptions, train_limit: int | None, asked: dict[str, Any]
) -> Design:
    """The design of a network that is trained here."""
    from mho.codesign import Design
    from mho.frozen import FrozenDict
    from mho.studies.sources import Data, Trained
    from mho.training import Recipe

    options = FrozenDict({} if source.normalize is None else {"normalize": source.normalize})
    training = Data(name=data, split="train", limit=train_limit, options=options)
    return Design(
        # The seed of the recipe is that of the starting weights, too, as mho train has it.
        model=Trained(architecture=model, data=training, recipe=teach.spec() or Recipe(), seed=None),
        data=Data(name=data, limit=source.limit, options=options),
        **asked,
    )


def _of_module(
    path: str,
    data: str,
    teach: TeachOptions,
    source: DataOptions,
    train_limit: int | None,
    live: Path,
    asked: dict[str, Any],
) -> Design:
    """The design of the network in a file, which is a module in this process and is kept in ``live``."""
    from mho.codesign.asking import asked_of

    network, test, train = load_model(path), source.test(data), source.train(data, train_limit)
    return asked_of(network, test, train=train, validation=None, recipe=teach.spec(), folder=live, **asked)


def _given(*options: Any) -> list[str]:
    """Names of the options that a YAML says itself."""
    from dataclasses import fields, is_dataclass

    data, memory, sigma, measures, teach, train_limit, source = options
    out = {"data": data, "sigma": sigma, "train_limit": train_limit}
    for group in (memory, measures, teach, source):
        assert is_dataclass(group)
        out |= {f.name: getattr(group, f.name) for f in fields(group) if f.name != "root"}
    return [name for name, value in out.items() if value not in (None, False)]
