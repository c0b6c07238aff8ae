"""Where the curvatures of a ranking come from: what the user has, or the calibration data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from mho.data.dataset import Dataset
from mho.errors import SpecError
from mho.memory.deployment import Chips
from mho.memory.selection import Curvature
from mho.programming import Selective


@dataclass
class Curvatures:
    """The sensitivity of every weight, by each method that a ranking takes; each is computed once.

    Attributes:
        one: what the user gave for every ranking.
        known: method to sensitivity, given or computed.
        source: what the last one was computed on.
    """

    one: Curvature | None = None
    known: dict[str, Curvature] = field(default_factory=dict)
    source: str = ""

    @classmethod
    def sorted(cls, given: Curvature | Mapping[str, Curvature] | None) -> Curvatures:
        """What a user gave: one for every ranking, or one of each method by its name.

        Raises:
            SpecError: it is neither.
        """
        if given is None:
            return cls()
        if not isinstance(given, Mapping):
            raise SpecError(
                f"sensitivity is a {type(given).__name__}; it takes what mho.sensitivity returns, names to tensors, or "
                "one of these for each method"
            )
        by_method = {name: value for name, value in given.items() if isinstance(value, Mapping)}
        return cls(known=by_method) if by_method else cls(one=given)  # type: ignore[arg-type]

    def check(self, scheme: Selective, samples: Dataset | None) -> None:
        """Refuse, before any work, a ranking for which there is neither a sensitivity nor data."""
        method = scheme.measured_by
        if scheme.ranking == "given" and self.one is None:
            raise SpecError("ranking 'given' orders by numbers of yours: give sensitivity={name: tensor}")
        if method is None or self.one is not None or method in self.known or samples is not None:
            return
        raise SpecError(
            f"ranking '{scheme.ranking}' needs the model's curvature: give calibration= (training data, or some held "
            f"out) or sensitivity=mho.sensitivity(model, data, method='{method}')"
        )

    def of(self, scheme: Selective, chips: Chips, samples: Dataset | None) -> Curvature | None:
        """What the ranking of ``scheme`` takes, ``None`` if it takes nothing."""
        method = scheme.measured_by
        if scheme.ranking == "given":
            return self.one
        if method is None:
            return None
        if method not in self.known:
            self.known[method] = self.one if self.one is not None else _computed(chips, samples, method)
        found = self.known[method]
        name, images = getattr(found, "data", ""), getattr(found, "images", 0)
        self.source = f"{images} samples of {name}" if name else "given"
        return found


def cited(found: Iterable[Curvature | None]) -> list[str]:
    """BibTeX keys of sensitivities."""
    return [key for one in found for key in getattr(one, "references", ())]


def _computed(chips: Chips, samples: Dataset | None, method: str) -> Curvature:
    from mho.evaluation.sensitivity import sensitivity

    assert samples is not None, "checked before"
    loss = "mse" if samples.targets.is_floating_point() else "cross-entropy"
    return sensitivity(chips, samples, method=method, loss=loss, show_progress=False)
