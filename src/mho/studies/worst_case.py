"""``question: {kind: WorstCase}``: how bad a chip within a bound can be, searched and not sampled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from mho.devices.level_gaussian import LevelGaussian
from mho.errors import SpecError
from mho.evaluation.worst_case.method import Search
from mho.programming import OpenLoop
from mho.studies.question import Asked, Question

if TYPE_CHECKING:
    from mho.evaluation.worst_case import WorstCase as Found
    from mho.memory.spec import Memory
    from mho.studies.study import Study


@dataclass(frozen=True, kw_only=True)
class WorstCase(Question):
    """How bad can a chip within a bound be? What :func:`mho.worst_case` finds.

    It is searched on the study's calibration data and reported on its test data. Of the memory only the mapping counts.

    Attributes:
        bounds: largest error of any weight, fractions of its full scale, rising; these or ``tolerances``.
        tolerances: largest error of any cell, fractions of its range, such as write-verify guarantees.
        method: how to search, with which steps, losses and starts: ``SignedDescent`` (if ``None``) or ``Lagrangian``.
        random: chips of each random kind (Gaussian, uniform, corners) within the same bound, for comparison.
        images: how many samples of the calibration data are searched; all of them if ``None``.
    """

    references: ClassVar[tuple[str, ...]] = ("yan2022worst",)
    idle: ClassVar[tuple[str, ...]] = (
        "chips", "sigma", "age", "precision", "percentiles", "threshold", "confidence", "dtype",
    )  # fmt: skip

    bounds: tuple[float, ...] = ()
    tolerances: tuple[float, ...] = ()
    method: Search | None = None
    random: int = 100
    images: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if bool(self.bounds) == bool(self.tolerances):
            raise SpecError(
                "WorstCase: give bounds (largest error of a weight, such as [0.01, 0.03]) or tolerances (of a cell), "
                "one of the two"
            )
        for name in ("bounds", "tolerances"):
            values = getattr(self, name)
            fits = all(0 < value <= 1 for value in values)
            self.check(fits, name, "must be more than 0 and at most 1: fractions, 3 % is 0.03")
            self.check(sorted(set(values)) == list(values), name, "must rise")
        self.check(self.random >= 0, "random", "must be zero or more")
        self.check(self.images is None or self.images >= 1, "images", "must be one or more")

    @property
    def axes(self) -> dict[str, tuple[Any, ...]]:
        return {"bound": self.bounds} if self.bounds else {"tolerance": self.tolerances}

    @property
    def blind(self) -> tuple[str, ...]:
        return ("device", "programming") if self.bounds else ("programming",)

    def held(self, memory: Memory) -> Memory:
        # Whether the device is one of whole weights, a tolerance has to know.
        device = LevelGaussian(sigma=0.0) if self.bounds else memory.device
        return memory.replace(programming=OpenLoop(), device=device)

    def check_study(self, study: Study) -> None:
        """Nothing: every network has a worst chip."""

    def needs(self, study: Study) -> tuple[str, str] | None:
        return "a worst case is searched on calibration data", ""

    def ask(self, asked: Asked) -> Found:
        from mho.evaluation.worst_case import worst_case
        from mho.memory import deploy

        return worst_case(
            deploy(asked.model, asked.rules),
            asked.calibration,
            bound=self.bounds or None,
            tolerance=self.tolerances or None,
            test=asked.data,
            images=self.images,
            method=self.method,
            random=self.random,
            **asked.settings,
            device=asked.device,
            show_progress=False,
        )

    def read(self, data: dict[str, Any]) -> Found:
        from mho.evaluation.worst_case import WorstCase as Found
        from mho.evaluation.worst_case.chips import KINDS

        # Files have their keys in the order of the alphabet.
        return Found.from_dict(data | {"random": {k: data["random"][k] for k in KINDS if k in data["random"]}})

    def summary(self, found: Found) -> dict[str, float]:
        """The metric of the worst chip found at every bound."""
        ((name, values),) = self.axes.items()
        return {f"found at {name} {v:g}": float(f) for v, f in zip(values, found.found, strict=True)}

    def every_chip(self, found: Found) -> list[dict[str, Any]]:
        """The chips found (of kind ``"found"``) and the random ones."""
        drawn = {"found": found.found[:, None], **found.random}
        return [
            {"bound": bound, "made": kind, "chip": chip, "value": float(value)}
            for i, bound in enumerate(found.bounds)
            for kind, values in drawn.items()
            for chip, value in enumerate(values[i])
        ]
