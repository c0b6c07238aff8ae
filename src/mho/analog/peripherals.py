"""Between the digital part and an array: converters, their bounds, and the noise of a read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from mho.spec import Spec


@dataclass(frozen=True, kw_only=True)
class Peripherals(Spec):
    """What happens to a vector on its way through an array; by default nothing, and the product is exact.

    With a vector x, weights W of the array (conductances, about [-1, 1]) and standard normals xi::

        n = max|x| (noise management "abs-max"), or 1
        u = clip(round(x / n / r) r, -input_bound, input_bound) + input_noise xi,      r = 2 input_bound / (2^bits - 2)
        y = clip(round((W u + output_noise xi) / q) q, -output_bound, output_bound),   q likewise
        result n y

    where steps without bits, bounds or noise are left out. Bound management "iterative" reads a vector of which an
    output was clipped again, with half the input each time, and scales the result back.

    In training every read has noise of its own. In evaluation reads are numbered from the start of each call of the
    model, so the same call gives the same answer, and sample i of every batch has the same noise.

    Attributes:
        input_bits: of the converter before the array; ``None`` for an exact one.
        output_bits: of the converter behind it; needs ``output_bound``.
        input_bound: largest input; ``None`` for no bound, and 1 where ``input_bits`` are given.
        output_bound: largest output, in units of weight times input.
        input_noise: standard deviation, in units of the input.
        output_noise: standard deviation, in units of the output: a read's.
        noise_management: "abs-max" scales every vector to the full range of the input, "none" does not.
        bound_management: "iterative" or "none".
        halvings: of "iterative", at most.

    Raises:
        SpecError: a value is out of range, or bits without a bound.

    Source: the analog input and output model of [rasch2021aihwkit]; both managements are of [gokmen2016rpu] and its
    successors.
    """

    input_bits: int | None = None
    output_bits: int | None = None
    input_bound: float | None = None
    output_bound: float | None = None
    input_noise: float = 0.0
    output_noise: float = 0.0
    noise_management: Literal["abs-max", "none"] = "abs-max"
    bound_management: Literal["iterative", "none"] = "iterative"
    halvings: int = 4

    references: ClassVar[tuple[str, ...]] = ("rasch2021aihwkit",)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("input_bits", "output_bits"):
            bits = getattr(self, name)
            self.check(bits is None or 2 <= bits <= 24, name, "must be from 2 to 24, or left out for an exact one")
        for name in ("input_bound", "output_bound"):
            bound = getattr(self, name)
            self.check(bound is None or bound > 0, name, "must be positive, or left out for no bound")
        self.check(
            self.output_bits is None or self.output_bound is not None,
            "output_bits",
            "needs output_bound=, the output that the top level stands for, such as 12",
        )
        self.check(self.input_noise >= 0, "input_noise", "must not be negative")
        self.check(self.output_noise >= 0, "output_noise", "must not be negative")
        self.check(0 <= self.halvings <= 20, "halvings", "must be from 0 to 20")

    @classmethod
    def usual(cls) -> Peripherals:
        """7 bits in, 9 bits out up to 12, noise 0.06: the defaults of [rasch2021aihwkit]."""
        return cls(input_bits=7, output_bits=9, input_bound=1.0, output_bound=12.0, output_noise=0.06)

    @property
    def largest_input(self) -> float | None:
        """The bound of the input that is in force."""
        return 1.0 if self.input_bound is None and self.input_bits is not None else self.input_bound

    @property
    def ideal(self) -> bool:
        """Whether the product is exact."""
        bounds = (self.input_bits, self.output_bits, self.input_bound, self.output_bound)
        return all(bound is None for bound in bounds) and self.input_noise == 0 and self.output_noise == 0
