"""How a racetrack memory and its position-error code are named on the command line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from mho.cli.options import parsed_ages
from mho.errors import SpecError
from mho.units import check_age

if TYPE_CHECKING:
    from mho.devices.position_codes import PositionCode
    from mho.memory import Memory

USUAL_CODE = "GROGU"


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class RacetrackOptions:
    """How the memory is named."""

    bits: Annotated[int | None, Parameter(help="Bits of a track; 64 unless given.")] = None
    rate: Annotated[
        float | None, Parameter(help="Probability that a shift goes wrong, such as 1e-4; 4.55e-5 unless given.")
    ] = None
    order: Annotated[str | None, Parameter(help="What lies along a track: row (unless given) or column.")] = None
    passes: Annotated[
        int | None, Parameter(help="Reads of all weights an inference; 1 unless given, with compat2024 10.")
    ] = None
    semantics: Annotated[
        Literal["physical", "compat2024"] | None,
        Parameter(help="physical (unless given), or the choices of the simulator behind the published figures."),
    ] = None
    memory: Annotated[
        Path | None,
        Parameter(help="YAML of a racetrack memory, or of name rules, instead of the options above."),
    ] = None

    def rules(self) -> Memory | dict[str, Memory | None]:
        """The memory, or the name rules, asked for.

        Raises:
            SpecError: an option is out of range, two contradict each other, or the memory is no racetrack.
        """
        if self.memory is not None:
            return self._read(self.memory)
        from mho.devices import Racetrack
        from mho.mapping import Tracks
        from mho.memory import Memory
        from mho.racetrack import compat2024

        if self.semantics == "compat2024":
            if self.order is not None:
                raise SpecError("--semantics compat2024 has an order of its own; leave out --order")
            return compat2024(**_given(bits=self.bits, fault_rate=self.rate, passes=self.passes))
        device = Racetrack().replace(**_given(fault_rate=self.rate, passes=self.passes))
        return Memory(device=device, mapping=Tracks().replace(**_given(bits=self.bits, order=self.order)))

    def _read(self, path: Path) -> Memory | dict[str, Memory | None]:
        given = {"bits": self.bits, "rate": self.rate, "order": self.order, "passes": self.passes}
        also = [f"--{name}" for name in _given(**given, semantics=self.semantics)]
        if also:
            raise SpecError(f"--memory says everything about the memory; leave out {' and '.join(also)}")
        from mho.memory import Memory
        from mho.studies.reading import read_memory

        said = read_memory(path)
        if said.clock != "inferences":
            raise SpecError(f"--memory {path} holds no racetrack: {said.label} does not age by inferences")
        return said if isinstance(said, Memory) else dict(said.rules)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class CodeOptions:
    """What protects a layer."""

    code: Annotated[
        str | None, Parameter(help=f"Position-error code: GROGU, PECC or PECCO; {USUAL_CODE} unless given.")
    ] = None
    window: Annotated[int | None, Parameter(help="Of GROGU: errors of so many positions are undone; 1.")] = None
    detection_cycles: Annotated[
        float | None, Parameter(help="Cycles of one check; GROGU has 2, for other codes they are yours to give.")
    ] = None
    correction_cycles: Annotated[
        float | None, Parameter(help="Cycles of one correction; GROGU has 4, for other codes they are yours to give.")
    ] = None

    @property
    def given(self) -> list[str]:
        """The options that were given."""
        return [f"--{name.replace('_', '-')}" for name in _given(**self._all)]

    def made(self) -> PositionCode:
        """The code asked for.

        Raises:
            UnknownNameError: no code has this name.
            SpecError: the code does not take these options, or lacks one.
        """
        from mho.racetrack import scheme

        options = _given(**self._all)
        return scheme(options.pop("code", USUAL_CODE), **options)

    @property
    def _all(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "window": self.window,
            "detection_cycles": self.detection_cycles,
            "correction_cycles": self.correction_cycles,
        }


def inferences_of(text: str) -> list[float]:
    """``"0,1,10,100"`` as inferences.

    Raises:
        SpecError: naming what is none.
    """
    return [check_age(age, "inferences", "--inferences") for age in parsed_ages(text)]


def names(text: str) -> list[str]:
    """``"conv1,fc1"`` as names."""
    return [part.strip() for part in text.split(",") if part.strip()]


def _given(**options: Any) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}
