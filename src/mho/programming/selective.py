"""Write-verify only where it matters: which weights, in which order, and how many."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal, NoReturn

from mho.errors import SpecError, unknown
from mho.programming.base import Moments, Scheme, Written
from mho.programming.write_verify import WriteVerify

if TYPE_CHECKING:
    from torch import Tensor

    from mho.devices.base import Device
    from mho.rng import Draws

CURVATURES = ("second-derivative", "gauss-newton", "hutchinson", "fisher")
"""Rankings by the loss that a verification is expected to save; :func:`mho.sensitivity` computes each by its name."""
RANKINGS = (*CURVATURES, "saliency", "layer", "magnitude", "relative-magnitude", "random", "given")
"""Every ranking by name."""


@dataclass(frozen=True, kw_only=True)
class Selective(Scheme):
    """Write-verify the weights that come first in a ranking; write the others once [yan2022swim].

    Independent errors of mean square ``b`` before and ``a`` after verification change the loss by
    ``1/2 sum h (b - a)`` in expectation, h the second derivative of the loss. The curvature rankings order weights by
    that gain per write cycle, cell by cell of a weight, so that devices whose error depends on the level need no
    method of their own.

    Rankings: ``second-derivative``, ``gauss-newton``, ``hutchinson``, ``fisher`` (the gain, with h so estimated),
    ``layer`` (the same, averaged over a layer: whole layers at a time), ``saliency`` (``h w^2``), ``magnitude``
    (``|w|``), ``relative-magnitude`` (``|w| / max|W|``), ``random``, ``given`` (numbers of yours as they are, largest
    first). Ties, such as weights that no input reaches, go by relative magnitude.

    Attributes:
        ranking: the order in which weights are verified.
        fraction: of the weights (of the cells, with ``unit="cell"``) that are verified.
        target_drop: verify the next ``increment`` until the metric on calibration data is within this of the digital
            network's; every chip by itself. Resolved by :func:`mho.verify`; instead of ``fraction``.
        increment: fraction that is verified before the metric is looked at again.
        verify: how those that are chosen are written.
        unit: what is chosen: a whole ``"weight"``, or single cells, of which the most significant matter most.
        weighting: what multiplies the curvature: ``"variance"`` saved a cycle, its root (``"deviation"``, as the
            published code of the method for level-dependent devices has it), or nothing but the full scale
            (``"none"``, for devices whose error does not depend on the level; of a cell, its share of that).
    """

    references: ClassVar[tuple[str, ...]] = ("yan2022swim",)

    ranking: str = "second-derivative"
    fraction: float | None = None
    target_drop: float | None = None
    increment: float = 0.05
    verify: WriteVerify = field(default_factory=lambda: WriteVerify(tolerance=0.06))
    unit: Literal["weight", "cell"] = "weight"
    weighting: Literal["variance", "deviation", "none"] = "variance"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.ranking not in RANKINGS:
            raise unknown("ranking", self.ranking, RANKINGS).at("ranking")
        if (self.fraction is None) == (self.target_drop is None):
            raise SpecError("Selective: give fraction (such as 0.1) or target_drop (such as 0.005), one of the two")
        for name in ("fraction", "increment"):
            value = getattr(self, name)
            fits = value is None or 0 < value <= 1
            self.check(fits, name, "must be more than 0 and at most 1; none of the weights is OpenLoop, 10 % is 0.1")
        drop = self.target_drop
        self.check(drop is None or 0 <= drop < 1, "target_drop", "must lie between 0 and 1; half a point is 0.005")
        for name in ("cycle_seconds", "cycle_joules"):
            self.check(getattr(self, name) is None, name, "is given to verify, which writes the cells")
        if self.unit == "cell" and self.ranking not in (*CURVATURES, "random"):
            raise SpecError(
                f"Selective: unit='cell' takes a ranking that tells the cells of a weight apart "
                f"({', '.join(CURVATURES)}) or random, not {self.ranking}"
            ).at("unit")

    @property
    def measured_by(self) -> str | None:
        """The method of :func:`mho.sensitivity` that the ranking takes its numbers from; ``None`` if it needs none."""
        if self.ranking in ("saliency", "layer"):
            return "second-derivative"
        return self.ranking if self.ranking in CURVATURES else None

    def write(
        self, device: Device, level: Tensor, draws: Draws, age: float = 0.0, chosen: Tensor | None = None
    ) -> Written:
        if chosen is None:
            self._unresolved()
        return self.verify.write(device, level, draws, age, chosen)

    def moments(self, device: Device, level: Tensor) -> Moments:
        """Of the cells that are chosen."""
        return self.verify.moments(device, level)

    def _unresolved(self) -> NoReturn:
        raise SpecError("Selective: which weights are verified is decided for a whole model; deploy it with mho.deploy")
