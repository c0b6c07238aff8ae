"""How a training method is named on the command line."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from mho.cli.options import USUAL_SIGMA, MemoryOptions
from mho.errors import SpecError, unknown

if TYPE_CHECKING:
    from mho.memory.rules import Rules
    from mho.training import Method

_EXAMPLES = {"sigma": "0.1", "bound": "0.03"}


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class MethodOptions:
    """A method by its name, and those of its fields that are asked for most; all of them go into a YAML file."""

    method: Annotated[
        str | None,
        Parameter(help="Make the network tolerant: a name of mho list methods, or a YAML file (kind: ..., fields)."),
    ] = None
    sigma: Annotated[
        float | None,
        Parameter(
            help="Strength of the errors, a fraction of the largest weight; with a memory, severity of its device."
        ),
    ] = None
    search: Annotated[
        bool,
        Parameter(
            negative="",
            help="Find the strength of the errors while training: three copies, judged on chips. "
            "right-censored does so whenever a memory is named.",
        ),
    ] = False
    high: Annotated[
        float | None, Parameter(help="Largest strength that --search tries; twice the severity of the chips otherwise.")
    ] = None
    beta: Annotated[float | None, Parameter(help="Of ovf, irs: strength of the feedback. Of correctnet: penalty.")] = (
        None
    )
    copies: Annotated[int | None, Parameter(help="Of ovf, average: passes besides the network's own.")] = None
    step: Annotated[float | None, Parameter(help="Of ovf, average: how much more error each pass has.")] = None
    sign: Annotated[Literal["negative", "positive"] | None, Parameter(help="Of ovf, irs: positive is the control.")] = (
        None
    )
    snapshots: Annotated[int | None, Parameter(help="Of irs: how many classifiers.")] = None
    taps: Annotated[str | None, Parameter(help="Of irs: modules whose outputs they read, such as layer1,layer2.")] = (
        None
    )
    censor: Annotated[
        float | None, Parameter(help="Of right-censored: where errors are cut off, in standard deviations.")
    ] = None
    temperature: Annotated[float | None, Parameter(help="Of temperature: what logits are divided by.")] = None
    variant: Annotated[
        Literal["slice", "layer"] | None, Parameter(help="Of correctnet: penalty per kernel, or per layer.")
    ] = None
    bound: Annotated[
        float | None, Parameter(help="Of adversarial: largest error, a fraction of the largest weight.")
    ] = None
    steps: Annotated[int | None, Parameter(help="Of adversarial: steps of the search in every mini-batch.")] = None

    def searches(self, memory: MemoryOptions) -> bool:
        """Whether the strength of the errors is found while training."""
        return self.search or (self.method == "right-censored" and bool(given(memory)))

    def spec(self, memory: MemoryOptions, *, judged: bool = False, **judging: Any) -> Method | None:
        """The method that is asked for.

        Args:
            memory: the memory that is named, if any.
            judged: whether chips of it are judged while training; ``--sigma`` is then its severity, too.
            judging: fields of the search for the strength.

        Raises:
            SpecError: an option that is not its own or out of range, or one that it lacks.
            UnknownNameError: no method has this name.
        """
        from mho.training import METHODS, SigmaSearch

        if self.method is not None and self.method.lower().endswith((".yaml", ".yml")):
            return self._read(given(memory))
        if self.method is not None and self.method not in METHODS:
            raise unknown("method", self.method, METHODS)
        said, cells = self._said(), given(memory)
        if cells and judged and (self.method is None or not METHODS[self.method].takes_memory):
            said.pop("sigma", None)
        for option in said:
            owners = [name for name, kind in METHODS.items() if option in {f.name for f in fields(kind)}]
            if self.method not in owners:
                raise SpecError(f"--{option} is for --method {', '.join(owners)}")
        if self.high is not None and not self.searches(memory):
            raise SpecError("--high is the end of a search for the strength; give --search too")
        if self.method is None:
            if self.search:
                raise SpecError("--search finds the strength of a method's errors; give --method, such as noise")
            return None
        kind = METHODS[self.method]
        searched = self.searches(memory)
        if self.search and "sigma" not in {f.name for f in fields(kind)}:
            raise SpecError(f"--search finds the strength of errors, which --method {self.method} has not")
        if searched and not cells:
            raise SpecError("--search judges chips; name their memory too, such as --device RRAM1 --sigma 0.1")
        if searched:
            judging |= {} if self.high is None else {"high": self.high}
            said["sigma"] = SigmaSearch(**judging)  # --sigma is the severity of the chips that judge
        elif cells and not kind.takes_memory and not judged:
            takes = ", ".join(name for name, one in METHODS.items() if one.takes_memory)
            raise SpecError(f"{cells[0]} says which errors to train with, which is for --method {takes}")
        self._check_complete(said, cells)
        return kind(**said)

    def errors(self, memory: MemoryOptions) -> Rules | None:
        """The memory whose errors to train with, or on whose chips to judge; ``None`` if none is named."""
        return memory.rules(sigma=USUAL_SIGMA if self.sigma is None else self.sigma) if given(memory) else None

    def _said(self) -> dict[str, Any]:
        """The fields of the method that were given."""
        asked = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("method", "search", "high")}
        said = {name: value for name, value in asked.items() if value is not None}
        if "taps" in said:
            said["taps"] = tuple(tap.strip() for tap in said["taps"].split(","))
        return said

    def _check_complete(self, said: dict[str, Any], cells: list[str]) -> None:
        if self.method == "adversarial" and "bound" not in said:
            raise SpecError("--method adversarial needs --bound, a fraction of the largest weight such as 0.03")
        if self.method == "right-censored" and not said.keys() & {"sigma"}:
            raise SpecError(
                "--method right-censored needs --sigma, such as 0.1, or the memory on whose chips to search for it: "
                "--device RRAM1"
            )
        if self.method in ("plain", "adversarial", "correctnet", "right-censored") or "sigma" in said or cells:
            return
        raise SpecError(
            f"--method {self.method} needs --sigma, such as 0.1, or a memory: --device RRAM1, or --memory FILE"
        )

    def _read(self, cells: list[str]) -> Method:
        from mho.studies.reading import read_method

        # --sigma may be the severity of a memory.
        also = [f"--{name}" for name in self._said() if name != "sigma" or not cells]
        also += ["--search"] if self.search else []
        also += ["--high"] if self.high is not None else []
        if also:
            raise SpecError(f"{self.method} says everything about the method; leave out {' and '.join(also)}")
        assert self.method is not None
        return read_method(self.method)


def given(memory: MemoryOptions) -> list[str]:
    """The options of the memory that were given."""
    return [f"--{f.name.replace('_', '-')}" for f in fields(memory) if getattr(memory, f.name) is not None]
