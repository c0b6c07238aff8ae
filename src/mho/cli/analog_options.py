"""How an algorithm that trains on the array, and its cells, are named on the command line."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from mho.errors import SpecError, unknown

if TYPE_CHECKING:
    from mho.analog.algorithm import Algorithm
    from mho.devices import PulsedCell

NAMES = ("sgd", "ttv2", "c-ttv2", "agad", "mp")
YAML = (".yaml", ".yml")
ALGORITHM_HELP = "sgd, ttv2, c-ttv2, agad or mp (mixed precision)"


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class FieldOptions:
    """Fields of the algorithms that are asked for most; all of them go into a YAML file."""

    transfer_every: Annotated[int | None, Parameter(help="Samples between two reads of A (n_s).")] = None
    read: Annotated[
        Literal["columns", "rows"] | None,
        Parameter(help="Whether columns (inputs) or rows (outputs) of A are read in turn; columns unless given."),
    ] = None
    granularity: Annotated[float | None, Parameter(help="Of the digital accumulator H (gamma_0).")] = None
    fast_rate: Annotated[
        float | None, Parameter(help="Learning rate of A, as a share of what it can take (eta_0).")
    ] = None
    flip_rate: Annotated[float | None, Parameter(help="Of c-ttv2, agad: turns of a chopper a read (rho).")] = None
    chopper: Annotated[Literal["random", "regular"] | None, Parameter(help="Of c-ttv2, agad: when choppers turn.")] = (
        None
    )
    beta: Annotated[float | None, Parameter(help="Of agad: share of a new read in the average.")] = None
    multiple_read_correction: Annotated[
        bool | None, Parameter(negative="", help="Of c-ttv2, agad: the k-th read since a turn counts 1/k.")
    ] = None
    write_every: Annotated[int | None, Parameter(help="Of mp: samples between two writes.")] = None
    correct_weights: Annotated[
        bool | None, Parameter(negative="", help="Read weights relative to the symmetry points of their cells.")
    ] = None

    def given(self) -> dict[str, Any]:
        """The fields that were given, by name."""
        return {f.name: value for f in fields(self) if (value := getattr(self, f.name)) is not None}

    def check(self, names: list[str]) -> None:
        """Refuse a field that none of the algorithms ``names`` has.

        Raises:
            SpecError: naming the option and whose it is.
        """
        from mho.analog.experiments.settings import ALGORITHMS

        for option in self.given():
            owners = [name for name, kind in ALGORITHMS.items() if option in {f.name for f in fields(kind)}]
            if not set(owners) & set(names):
                raise SpecError(f"--{option.replace('_', '-')} is for {', '.join(owners)}, not {', '.join(names)}")


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class CellOptions:
    """The cells of the arrays."""

    cell: Annotated[
        str | None,
        Parameter(help="Preset of a pulsed cell, a YAML file of one, or a CSV of measured pulse responses (up,down)."),
    ] = None
    bounds_dtod: Annotated[float | None, Parameter(help="Spread of the bounds from device to device (s_b).")] = None
    step_dtod: Annotated[float | None, Parameter(help="Spread of the step from device to device.")] = None
    asymmetry_dtod: Annotated[float | None, Parameter(help="Spread of the asymmetry from device to device (s_pm).")] = (
        None
    )
    ctoc: Annotated[float | None, Parameter(help="Spread of the step from pulse to pulse.")] = None

    def given(self) -> dict[str, Any]:
        """The options that were given, by name."""
        return {f.name: value for f in fields(self) if (value := getattr(self, f.name)) is not None}

    def spec(self) -> PulsedCell | None:
        """The cell that is asked for; ``None`` where no option is given."""
        said = self.given()
        name = said.pop("cell", None)
        if name is None and not said:
            return None
        from mho.devices import SoftBounds

        found: PulsedCell = SoftBounds() if name is None else _cell(name)
        return found.replace(**said)


def _cell(name: str) -> PulsedCell:
    from mho.devices import SoftBounds, get_pulsed

    suffix = Path(name).suffix.lower()
    if suffix == ".csv":
        return SoftBounds.from_csv(name)
    if suffix in YAML:
        from mho.cli.analog_reading import read_cell

        return read_cell(name)
    return get_pulsed(name)


def algorithms(option: str, text: str) -> list[str]:
    """``"ttv2,agad"`` as short names of algorithms, each once.

    Raises:
        UnknownNameError: there is none such.
        SpecError: one is named twice.
    """
    names = [part.strip().lower() for part in text.split(",")]
    for name in names:
        if name not in NAMES:
            raise unknown("algorithm", name, NAMES)
    if len(set(names)) < len(names):
        raise SpecError(f"{option} {text} names one twice")
    return names


def applied(algorithm: Algorithm, options: FieldOptions, cell: PulsedCell | None) -> Algorithm:
    """``algorithm`` with the fields that were given and that it has, on ``cell``."""
    has = {f.name for f in fields(algorithm)}
    said = {name: value for name, value in options.given().items() if name in has}
    if cell is not None:
        said["cell"] = cell
        if "gradient_cell" in has:
            said["gradient_cell"] = None
    return algorithm.replace(**said)
