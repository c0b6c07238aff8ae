"""Position-error codes: what detects that a racetrack moved too far, and what of an error stays when it has acted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar, cast

from mho.errors import SpecError, unknown
from mho.spec import Spec, from_dict, label, register_kind

Outcome = Literal["none", "corrected", "reloaded", "undetected"]
_F = TypeVar("_F", bound=Callable[..., "PositionCode"])
_SOURCES = {
    "GROGU": ("khan2023downshift", "bereholschi2024netdrift"),
    "P-ECC": ("zhang2015hifi",),
    "P-ECC-O": ("zhang2015hifi",),
}


@dataclass(frozen=True, kw_only=True)
class PositionCode(Spec):
    """A scheme that checks the position of a nanowire after every shift operation and moves it back.

    An error ``e`` (domains, positive to the right) shows as its residue of period ``P = correctable + detectable + 1``,
    the code's own repetition. A residue of at most ``correctable`` is taken for the error and undone, so that a larger
    error leaves a jump by a multiple of ``P``: with ``correctable=1, detectable=2``, an error of 3 looks like -1 and
    leaves 4. Any other residue says that something is wrong, not what: the nanowire is written again.

    Attributes:
        correctable: m, the largest ``|e|`` that is undone.
        detectable: the largest ``|e|`` that is noticed; ``correctable`` if ``None``. What is noticed and not undone is
            a reload.
        detection_cycles: of one check, after every shift operation.
        correction_cycles: of undoing one error, on average.
        window: domains that a transverse read looks over to either side, where the scheme has one; it bounds
            ``detectable``.
        max_distance: the longest shift in one operation, domains; ``None`` for any (each operation is checked once).
        extra_domains: for the code, per nanowire; ``None`` if unknown.
        extra_ports: for the code, per nanowire; ``None`` if unknown.
        detection_joules: energy of one check of one nanowire; ``None`` if unknown.
        correction_joules: energy of undoing one error; ``None`` for one shift and one write of the memory.
        name: label of the scheme.
    """

    correctable: int = 1
    detectable: int | None = None
    detection_cycles: float
    correction_cycles: float
    window: int | None = None
    max_distance: int | None = None
    extra_domains: int | None = None
    extra_ports: int | None = None
    detection_joules: float | None = None
    correction_joules: float | None = None
    name: str = label("position code")

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check(self.correctable >= 0, "correctable", "must be zero or more domains")
        if self.detectable is not None:
            least = f"must be at least correctable={self.correctable}: what is undone is noticed"
            self.check(self.detectable >= self.correctable, "detectable", least)
        if self.window is not None:
            said = f"must be at least the {self.noticed} domains of which the scheme notices an error"
            self.check(self.window >= self.noticed, "window", said)
        if self.max_distance is not None:
            self.check(self.max_distance >= 1, "max_distance", "must be one domain or more")
        for field in ("detection_cycles", "correction_cycles"):
            self.check(getattr(self, field) >= 0, field, "must be zero or more cycles")
        for field in ("extra_domains", "extra_ports", "detection_joules", "correction_joules"):
            value = getattr(self, field)
            self.check(value is None or value >= 0, field, "must be zero or more, or null if unknown")

    @property
    def references(self) -> tuple[str, ...]:
        """BibTeX keys of a published scheme; none of a user's own."""
        return _SOURCES.get(self.name, ())

    @property
    def noticed(self) -> int:
        """The largest ``|e|`` that is always noticed."""
        return self.correctable if self.detectable is None else self.detectable

    @property
    def period(self) -> int:
        """P: errors that differ by it look the same."""
        return self.correctable + self.noticed + 1

    def net(self, e: int) -> int:
        """The offset that an error of ``e`` domains leaves; 0 if it was undone, or the nanowire written again."""
        residue = self._residue(e)
        return e - residue if residue <= self.correctable else 0

    def outcome(self, e: int) -> Outcome:
        """What becomes of an error of ``e`` domains; ``"undetected"`` wherever :meth:`net` leaves an offset."""
        if e == 0:
            return "none"
        if self._residue(e) > self.correctable:
            return "reloaded"
        return "undetected" if self.net(e) else "corrected"

    def moves(self, e: int) -> bool:
        """Whether the controller moves a nanowire back that is off by ``e`` domains, rightly or not."""
        return 0 < abs(self._residue(e)) <= self.correctable

    def checks(self, distance: int) -> int:
        """Shift operations, each with its check, that a move by ``distance`` domains takes."""
        return -(-distance // (self.max_distance or max(distance, 1)))

    def _residue(self, e: int) -> int:
        """``e`` as the code sees it: within ``-correctable`` and ``noticed``."""
        return (e + self.correctable) % self.period - self.correctable


SCHEMES: dict[str, Callable[..., PositionCode]] = {}
"""Published schemes by name."""


def _scheme(make: _F) -> _F:
    SCHEMES[make.__name__] = make
    return register_kind(make)


@_scheme
def GROGU(
    *,
    window: int = 1,
    detection_cycles: float = 2.0,
    correction_cycles: float = 4.0,
    extra_domains: int | None = None,
    detection_joules: float | None = None,
    correction_joules: float | None = None,
) -> PositionCode:
    """GROGU [khan2023downshift] with the cycles of [bereholschi2024netdrift] §4.1.

    One transverse read and one read (a cycle each) detect a misalignment by up to ``window`` domains after every shift
    operation; undoing it takes about four cycles. The paper names no window: 1 undoes every single-step fault.

    Raises:
        SpecError: ``window`` is less than 1.
    """
    if isinstance(window, int) and window < 1:
        raise SpecError(f"GROGU: window={window} corrects nothing; it must be one domain or more").at("window")
    return PositionCode(
        correctable=window,
        window=window,
        detection_cycles=detection_cycles,
        correction_cycles=correction_cycles,
        extra_domains=extra_domains,
        detection_joules=detection_joules,
        correction_joules=correction_joules,
        name="GROGU",
    )


@_scheme
def PECC(
    *,
    detection_cycles: float | None = None,
    correction_cycles: float | None = None,
    correctable: int = 1,
    detectable: int | None = 2,
    extra_domains: int | None = None,
    extra_ports: int | None = None,
    detection_joules: float | None = None,
    correction_joules: float | None = None,
) -> PositionCode:
    """P-ECC [zhang2015hifi]: code domains beside the data, checked after each shift of any distance.

    Its cycles depend on the circuit and are the user's to give: no source here prints them.
    """
    return PositionCode(
        correctable=correctable,
        detectable=detectable,
        detection_cycles=_given("PECC", "detection_cycles", detection_cycles),
        correction_cycles=_given("PECC", "correction_cycles", correction_cycles),
        extra_domains=extra_domains,
        extra_ports=extra_ports,
        detection_joules=detection_joules,
        correction_joules=correction_joules,
        name="P-ECC",
    )


@_scheme
def PECCO(
    *,
    detection_cycles: float | None = None,
    correction_cycles: float | None = None,
    correctable: int = 1,
    detectable: int | None = 2,
    extra_domains: int | None = None,
    extra_ports: int | None = None,
    detection_joules: float | None = None,
    correction_joules: float | None = None,
) -> PositionCode:
    """P-ECC-O [zhang2015hifi]: the code lies in the reserved domains, so that shifts go one domain at a time.

    A rewind then costs one check per domain. Its cycles are the user's to give, as for :func:`PECC`.
    """
    return PositionCode(
        correctable=correctable,
        detectable=detectable,
        detection_cycles=_given("PECCO", "detection_cycles", detection_cycles),
        correction_cycles=_given("PECCO", "correction_cycles", correction_cycles),
        max_distance=1,
        extra_domains=extra_domains,
        extra_ports=extra_ports,
        detection_joules=detection_joules,
        correction_joules=correction_joules,
        name="P-ECC-O",
    )


def scheme(name: str, **options: object) -> PositionCode:
    """The published scheme called ``name`` (case and hyphens do not matter), such as ``scheme("grogu", window=2)``.

    Raises:
        UnknownNameError: no scheme has this name; the nearest one is named.
        SpecError: the scheme does not take these options, or lacks one.
    """
    plain = {n.lower(): n for n in SCHEMES}
    found = plain.get(name.lower().replace("-", ""))
    if found is None:
        raise unknown("position code", name, SCHEMES)
    return cast(PositionCode, from_dict({"kind": found, **options}))


def _given(kind: str, field: str, value: float | None) -> float:
    if value is None:
        raise SpecError(f"{kind} lacks '{field}': its paper gives no cycles; write {field} and its value").at(field)
    return value
