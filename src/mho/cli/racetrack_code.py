"""How layers are protected, and which, on the command line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from mho.cli.racetrack_options import given, memories_of, names, options_in
from mho.errors import SpecError, UnknownNameError, nearest

if TYPE_CHECKING:
    from mho.devices.position_codes import PositionCode
    from mho.memory import Chips, Memory

USUAL_CODE = "GROGU"
CYCLES = ("detection_cycles", "correction_cycles")


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
    planes: Annotated[
        int | None, Parameter(help="Guard so many of the most significant bit planes of a layer; all unless given.")
    ] = None

    @property
    def given(self) -> list[str]:
        """The options that were given."""
        return options_in(self._all | {"planes": self.planes})

    def made(self) -> PositionCode:
        """The code asked for.

        Raises:
            UnknownNameError: no code has this name.
            SpecError: the code does not take these options, or lacks one.
        """
        from mho.racetrack import scheme

        options = given(**self._all)
        name = options.pop("code", USUAL_CODE)
        try:
            return scheme(name, **options)
        except SpecError as error:
            missing = " and ".join(f"--{field.replace('_', '-')}" for field in CYCLES if field not in options)
            if error.place not in [(field,) for field in CYCLES if field not in options]:
                raise
            raise SpecError(f"--code {name} lacks {missing}: its paper gives no cycles") from None

    def check_planes(self, rules: Memory | dict[str, Memory | None]) -> None:
        """Refuse bit planes that no weight on tracks has.

        Raises:
            SpecError: ``planes`` is less than one, or more than the bits of a weight; or weights have one bit.
        """
        from mho.mapping import Tracks

        if self.planes is None:
            return
        most = max((m.mapping.weight_bits for m in memories_of(rules) if isinstance(m.mapping, Tracks)), default=1)
        if most == 1:
            raise SpecError(f"--planes {self.planes} is for weights of several bits; give --weight-bits 8")
        if not 1 <= self.planes <= most:
            raise SpecError(f"--planes {self.planes} must be 1 to {most}, the bits of a weight")

    @property
    def _all(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "window": self.window,
            "detection_cycles": self.detection_cycles,
            "correction_cycles": self.correction_cycles,
        }


def chosen(option: str, said: str, chips: Chips) -> tuple[str, tuple[str, ...] | None]:
    """Name and layers of a selection: one of the named ones, a mask such as ``1010``, or layers (``conv1,fc1``).

    Args:
        option: that says it.
        said: what it says.
        chips: the model on tracks.

    Returns:
        The name, and the layers; ``None`` of a selection that takes a sensitivity.

    Raises:
        SpecError: it names no layer; or is no mask of this model.
        UnknownNameError, ModelError: a layer that is not in the model, or not on tracks.
    """
    from mho.racetrack import selections

    known = tuple(selections.layers(chips))
    name, listed = said.strip().upper(), names(said)
    if name in selections.NAMES:
        return name, None if name in selections.MEASURED else selections.fixed(name, known)
    there = {*dict(chips.model.named_modules()), *dict(chips.model.named_parameters(remove_duplicate=False))}
    mask = bool(said) and not set(said) - {"0", "1"} and said not in known
    if not mask and len(listed) == 1 and listed[0] not in there:
        options = ", ".join((*selections.NAMES, *known[:12])) + (", ..." if len(known) > 12 else "")
        near = nearest(listed[0], (*selections.NAMES, *known))
        hint = f"{near} " if near.startswith("did") else ""
        raise UnknownNameError(f"unknown {option} '{listed[0]}': {hint}it takes {options} or a mask such as 1010")
    return selections.chosen_by_user(said if mask else listed, chips)
