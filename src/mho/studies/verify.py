"""``question: {kind: Verify}``: accuracy against write cycles, for several orders in which weights are verified."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from mho.errors import SpecError, unknown
from mho.memory.spec import Memory
from mho.programming import RANKINGS, Selective, WriteVerify
from mho.studies.calibration import GIVEN
from mho.studies.question import Asked, Question

if TYPE_CHECKING:
    from mho.evaluation.verification import Verification
    from mho.studies.study import Study

RANKED = tuple(name for name in RANKINGS if name != GIVEN)
FRACTIONS = (0.0, 0.01, 0.03, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0)


@dataclass(frozen=True, kw_only=True)
class Verify(Question):
    """How few weights need to be verified? What :func:`mho.verify` finds, at every sigma and age of the study.

    The memory must write with ``WriteVerify`` or ``Selective``, which say how weights are verified and whether whole
    weights or cells are selected.

    Attributes:
        rankings: orders in which weights are verified, names of :data:`mho.programming.RANKINGS` but ``given``.
        fractions: of the weights that are verified, rising.
        target_drop: also verify chip by chip until the metric on the calibration data is within this of the digital
            network's; that of a ``Selective`` memory if ``None``.
    """

    references: ClassVar[tuple[str, ...]] = ("yan2022swim",)
    idle: ClassVar[tuple[str, ...]] = ("precision", "percentiles", "threshold")

    rankings: tuple[str, ...] = ("second-derivative", "magnitude", "random")
    fractions: tuple[float, ...] = FRACTIONS
    target_drop: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        for i, name in enumerate(self.rankings):
            if name not in RANKED:
                raise unknown("ranking", name, RANKED).at("rankings", i)
        different = 0 < len(set(self.rankings)) == len(self.rankings)
        self.check(different, "rankings", "must be one or more different names")
        fits = all(0 <= f <= 1 for f in self.fractions)
        self.check(fits and bool(self.fractions), "fractions", "must be one or more numbers from 0 to 1; 10 % is 0.1")
        self.check(sorted(set(self.fractions)) == list(self.fractions), "fractions", "must rise")
        drop = self.target_drop
        self.check(drop is None or 0 <= drop < 1, "target_drop", "must lie between 0 and 1; half a point is 0.005")

    @property
    def axes(self) -> dict[str, tuple[Any, ...]]:
        return {"ranking": self.rankings, "fraction": self.fractions}

    def check_study(self, study: Study) -> None:
        from mho.evaluation.metrics import METRICS

        selective = _selective(study)
        for i, name in enumerate(self.rankings):
            try:
                selective.replace(ranking=name)
            except SpecError as error:
                error.place = ()
                raise error.at("rankings", i) from None
        if self._drop(study) is not None and not METRICS[study.metric].bounded:
            raise SpecError(f"target_drop is a drop of a fraction such as accuracy; {study.metric} is none")

    def needs(self, study: Study) -> tuple[str, str] | None:
        selective = _selective(study)
        for name in self.rankings:
            if selective.replace(ranking=name).measured_by is not None:
                return f"ranking '{name}' needs the network's curvature", ", or list rankings: [magnitude, random]"
        return None if self._drop(study) is None else ("target_drop is judged on calibration data", "")

    def _drop(self, study: Study) -> float | None:
        return _selective(study).target_drop if self.target_drop is None else self.target_drop

    def ask(self, asked: Asked) -> Verification:
        from mho.evaluation.verification import verify

        return verify(
            asked.model,
            asked.rules,
            asked.data,
            calibration=asked.calibration,
            rankings=self.rankings,
            fractions=self.fractions,
            target_drop=self.target_drop,
            **asked.settings,
            device=asked.device,
            show_progress=False,
        )

    def read(self, data: dict[str, Any]) -> Verification:
        from mho.evaluation.verification import Verification

        return Verification.from_dict(data)

    def summary(self, found: Verification) -> dict[str, float]:
        """Mean metric with the fewest and the most weights verified; of each ranking its mean over write cycles."""
        out: dict[str, float] = {}
        first, (least, most) = found.rankings[0], (found.fractions[0], found.fractions[-1])
        named = {f"mean at fraction {f:g}": found.at(first, f).mean for f in (least, most)}
        if (least, most) == (0, 1):
            named |= {f"{name} mean over NWC": found.area(name) for name in found.rankings}
        for name, interval in named.items():
            out |= {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high}
        return out

    def every_chip(self, found: Verification) -> list[dict[str, Any]]:
        return [
            {"ranking": ranking, "fraction": fraction, "chip": chip, "value": float(value)}
            for i, ranking in enumerate(found.rankings)
            for j, fraction in enumerate(found.fractions)
            for chip, value in enumerate(found.values[i, j])
        ]


def _selective(study: Study) -> Selective:
    """What is selected, and how it is verified.

    Raises:
        SpecError: a memory does not verify, or two of them select.
    """
    rules = {"*": study.memory} if isinstance(study.memory, Memory) else study.memory.rules
    found: Selective | None = None
    for pattern, memory in rules.items():
        scheme = None if memory is None else memory.programming
        if isinstance(scheme, Selective):
            if found is not None and found != scheme:
                raise SpecError("Verify takes one Selective for the whole model; these rules hold two")
            found = scheme
        elif scheme is not None and not isinstance(scheme, WriteVerify):
            raise SpecError(
                f"Verify: the memory of '{pattern}' is written by {type(scheme).__name__}, which does not verify; give "
                "it programming: {kind: WriteVerify, tolerance: 0.06}"
            )
    return found or Selective(fraction=1.0)
