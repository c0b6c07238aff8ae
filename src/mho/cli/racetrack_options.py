"""How a racetrack memory is named on the command line, and ages by inferences."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from mho.cli.options import at_least, parsed_ages
from mho.errors import ModelError, SpecError
from mho.units import check_age

if TYPE_CHECKING:
    from mho.memory import Memory


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class RacetrackOptions:
    """How the memory is named."""

    bits: Annotated[int | None, Parameter(help="Bits of a track; 64 unless given.")] = None
    rate: Annotated[
        float | None, Parameter(help="Probability that a shift goes wrong, such as 1e-4; 4.55e-5 unless given.")
    ] = None
    order: Annotated[
        str | None,
        Parameter(help="What lies along a track: row (unless given), column, or an order that you registered."),
    ] = None
    ports: Annotated[int | None, Parameter(help="Access ports of a track; 1 unless given.")] = None
    weight_bits: Annotated[
        int | None, Parameter(help="Bits of a weight; 1 (binary) unless given, 8 for a network that is not binarised.")
    ] = None
    encoding: Annotated[
        Literal["twos-complement", "offset", "sign-magnitude", "gray"] | None,
        Parameter(help="Of weights of several bits: twos-complement unless given."),
    ] = None
    slicing: Annotated[
        Literal["plane", "interleaved"] | None,
        Parameter(help="A track holds one bit of many weights (plane, unless given), or all bits of a few."),
    ] = None
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

        stored = {name: value for name, value in self._all.items() if name not in ("bits", "rate", "passes")}
        if self.semantics == "compat2024":
            if also := options_in(stored):
                own = "an order of its own, of one bit a weight"
                raise SpecError(f"--semantics compat2024 has {own}; leave out {' and '.join(also)}")
            return compat2024(**given(bits=self.bits, fault_rate=self.rate, passes=self.passes))
        device = Racetrack().replace(**given(fault_rate=self.rate, passes=self.passes))
        return Memory(device=device, mapping=Tracks().replace(**given(bits=self.bits, **stored)))

    @contextmanager
    def storing(self) -> Iterator[None]:
        """While this deploys: what one bit cannot hold is said in terms of the command line."""
        try:
            yield
        except ModelError as error:
            binary = self.memory is None and self.semantics != "compat2024" and self.weight_bits in (None, 1)
            if binary and "weight_bits" in str(error):
                raise ModelError(f"{error}; here that is --weight-bits 8") from None
            raise

    def _read(self, path: Path) -> Memory | dict[str, Memory | None]:
        if also := options_in(self._all | {"semantics": self.semantics}):
            raise SpecError(f"--memory says everything about the memory; leave out {' and '.join(also)}")
        from mho.memory import Memory
        from mho.studies.reading import read_memory

        said = read_memory(path)
        if said.clock != "inferences":
            raise SpecError(f"--memory {path} holds no racetrack: {said.label} does not age by inferences")
        return said if isinstance(said, Memory) else dict(said.rules)

    @property
    def _all(self) -> dict[str, Any]:
        names = ("bits", "rate", "order", "ports", "weight_bits", "encoding", "slicing", "passes")
        return {name: getattr(self, name) for name in names}


def inferences_of(text: str) -> list[float]:
    """``"0,1,10,100"`` as inferences.

    Raises:
        SpecError: naming what is none.
    """
    return [check_age(age, "inferences", "--inferences") for age in parsed_ages(text)]


def memories_of(rules: Memory | dict[str, Memory | None]) -> list[Memory]:
    """Every memory that ``rules`` names."""
    from mho.memory import Memory

    return [rules] if isinstance(rules, Memory) else [m for m in rules.values() if m is not None]


def one_age(text: str) -> int:
    """``"100"`` as a number of inferences, at least 1.

    Raises:
        SpecError: it is none, or a list.
    """
    found = inferences_of(text)
    if len(found) > 1:
        raise SpecError(f"--inferences {text} lists {len(found)}; it takes one number")
    return at_least("--inferences", int(found[0]), 1)


def names(text: str) -> list[str]:
    """``"conv1,fc1"`` as names."""
    return [part.strip() for part in text.split(",") if part.strip()]


def options_in(values: dict[str, Any]) -> list[str]:
    """How the values that were given are called on the command line."""
    return [f"--{name.replace('_', '-')}" for name in given(**values)]


def given(**options: Any) -> dict[str, Any]:
    """The options that were given."""
    return {name: value for name, value in options.items() if value is not None}
