"""``mho analog program``: how exactly an array is programmed by learning."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from mho.cli.analog_options import ALGORITHM_HELP, CellOptions, FieldOptions, algorithms, applied
from mho.cli.options import at_least, numbers
from mho.cli.outputs import Outputs


def program(
    *,
    algorithm: Annotated[str, Parameter(help=f"One or several: {ALGORITHM_HELP}.")] = "sgd,ttv2,c-ttv2,agad,mp",
    setting: Annotated[
        str,
        Parameter(help="Parameters and inputs: caption, corrected, granularity-1000 or uniform; see analog.SETTINGS."),
    ] = "uniform",
    states: Annotated[
        str | None,
        Parameter(help="Steps of a cell from bound to bound; 20,100 unless given, or those of --cell."),
    ] = None,
    reference_std: Annotated[
        str, Parameter(help="Standard deviation of the reference around the symmetry points; one or several.")
    ] = "0,0.1,0.5",
    samples: Annotated[int, Parameter(help="How many.")] = 40_000,
    rate: Annotated[float, Parameter(help="Learning rate.")] = 0.1,
    size: Annotated[int, Parameter(help="Rows and columns of the array.")] = 20,
    chips: Annotated[int, Parameter(help="How many chips.")] = 5,
    seed: Annotated[int, Parameter(help="Chip i of a seed is always the same chip.")] = 0,
    inputs: Annotated[
        Literal["normal", "uniform"] | None, Parameter(help="Law of the inputs; that of the setting unless given.")
    ] = None,
    loss: Annotated[
        Literal["mean", "sum"] | None, Parameter(help="Of squares over the outputs; as the setting has it.")
    ] = None,
    field: FieldOptions = FieldOptions(),  # noqa: B008 - frozen
    cells: CellOptions = CellOptions(),  # noqa: B008 - frozen
    csv: Annotated[Path | None, Parameter(help="The table, one row a point, to this CSV file.")] = None,
    outputs: Outputs = Outputs(),  # noqa: B008 - frozen
) -> None:
    """Let arrays learn random weights; print how far off they are, by states and by the error of the reference.

    The experiment is that of Fig. 4 of Rasch et al. 2024.
    """
    from mho.files import check_writable

    # Everything that can be refused is refused before the work.
    names = algorithms("--algorithm", algorithm)
    own = states is None and cells.cell is not None
    steps = None if own else numbers("--states", states or "20,100", "20,100")
    stds = numbers("--reference-std", reference_std, "0,0.1,0.5")
    for option, count in (("--samples", samples), ("--size", size), ("--chips", chips)):
        at_least(option, count, 1)
    if csv is not None:
        check_writable(csv)
    outputs.check()

    from mho.analog.experiments.programming import program as run
    from mho.analog.experiments.settings import setting as named
    from mho.cli.csv_file import write_csv

    chosen, cell = named(setting), cells.spec()
    field.check(names)
    ways = {way.label: way for way in (applied(chosen.algorithm(name), field, cell) for name in names)}
    found = run(
        ways,
        n_states=steps,
        reference_std=stds,
        size=size,
        samples=samples,
        rate=rate,
        chips=chips,
        seed=seed,
        inputs=inputs or chosen.inputs,
        loss=loss or chosen.loss,
    )
    print(found)
    if csv is not None:
        print(f"csv: {write_csv(csv, found.rows())}")
    outputs.write(found, title=f"{size}x{size} weights, learned on the array", analog=[found])
