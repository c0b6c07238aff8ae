"""``mho analog toy``: one crosspoint under a constant gradient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from mho.cli.analog_options import ALGORITHM_HELP, CellOptions, FieldOptions, algorithms, applied
from mho.cli.options import at_least, numbers
from mho.cli.outputs import Outputs
from mho.errors import SpecError

if TYPE_CHECKING:
    from mho.analog.experiments.toy import Toy


def toy(
    *,
    algorithm: Annotated[str, Parameter(help=f"One or several: {ALGORITHM_HELP}.")] = "ttv2,c-ttv2,agad",
    offset: Annotated[str, Parameter(help="By how much the reference is off; one or several.")] = "0,0.8",
    samples: Annotated[int, Parameter(help="How many.")] = 6000,
    states: Annotated[
        float | None, Parameter(help="Steps of a cell from bound to bound; 40 unless given, or those of --cell.")
    ] = None,
    alpha: Annotated[float, Parameter(help="The mean gradient is -alpha.")] = 0.4,
    gradient: Annotated[
        bool, Parameter(negative="--no-gradient", help="Without one, weights should stay where they are.")
    ] = True,
    rate: Annotated[float, Parameter(help="Learning rate of W.")] = 0.1,
    size: Annotated[int, Parameter(help="Rows and columns of the array.")] = 5,
    chips: Annotated[int, Parameter(help="How many chips.")] = 1,
    seed: Annotated[int, Parameter(help="Chip i of a seed is always the same chip.")] = 0,
    field: FieldOptions = FieldOptions(),  # noqa: B008 - frozen
    cells: CellOptions = CellOptions(),  # noqa: B008 - frozen
    outputs: Outputs = Outputs(),  # noqa: B008 - frozen
) -> None:
    """Show what the arrays A, H and W of one crosspoint do, with a good reference and with a bad one.

    The devices and parameters are those of Fig. 3 of Rasch et al. 2024 unless options say otherwise.
    """
    # Everything that can be refused is refused before the work.
    names = algorithms("--algorithm", algorithm)
    offsets = numbers("--offset", offset, "0,0.8")
    for option, count in (("--samples", samples), ("--size", size), ("--chips", chips)):
        at_least(option, count, 1)
    outputs.check()

    from mho.analog.experiments.asking import varied
    from mho.analog.experiments.settings import SETTINGS
    from mho.analog.experiments.toy import toy as run

    field.check(names)
    cell = cells.spec()
    if len(set(offsets)) < len(offsets):
        raise SpecError(f"--offset {offset} lists one twice")
    steps = 40.0 if states is None and cells.cell is None else states
    ways = [varied(applied(SETTINGS["toy"].algorithm(name), field, cell), steps, None) for name in names]
    found: list[Toy] = []
    for way in ways:
        for off in offsets:
            # Where there is no reference, nothing is off.
            if off and way.with_reference(off, 0.0) == way and any(t.algorithm == way for t in found):
                continue
            made = run(
                way,
                samples=samples,
                size=size,
                alpha=alpha,
                offset=off,
                gradient=gradient,
                rate=rate,
                seed=seed,
                chips=chips,
            )
            print(f"\n{made}" if found else made)
            found.append(made)
    outputs.write(Found(tuple(found)), title="One crosspoint that learns", analog=found)


@dataclass(frozen=True)
class Found:
    """What the command found, for ``--json``."""

    toys: tuple[Toy, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain data: the traces of every algorithm and offset."""
        return {"toys": [toy.to_dict() for toy in self.toys]}
