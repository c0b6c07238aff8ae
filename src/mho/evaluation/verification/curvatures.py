"""Where the curvatures of a ranking come from: what the user has, or the calibration data."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from mho.data.dataset import Dataset
from mho.errors import SpecError
from mho.memory.deployment import Chips
from mho.memory.selection import Curvature
from mho.programming import CURVATURES, Selective


class Curvatures:
    """The sensitivity of every weight, by each method that a ranking takes; each is computed once.

    Args:
        chips: the deployed model.
        samples: data to compute them on; ``None`` where only given ones are taken.
        given: one for every ranking, or one of each method by its name.
    """

    def __init__(
        self, chips: Chips, samples: Dataset | None, given: Curvature | Mapping[str, Curvature] | None
    ) -> None:
        self._chips, self._samples = chips, samples
        self._given: Curvature | None = None
        self._known: dict[str, Curvature] = {}
        self.source = ""
        for name, value in ({} if given is None else given).items():
            if isinstance(value, Tensor):
                self._given = given  # type: ignore[assignment]
                break
            self._known[name] = value

    def check(self, scheme: Selective) -> None:
        """Refuse, before any work, a ranking for which there is neither a sensitivity nor data."""
        method = scheme.measured_by
        if method is None or self._given is not None or method in self._known or self._samples is not None:
            return
        raise SpecError(
            f"ranking '{scheme.ranking}' needs the model's curvature: give calibration= (training data, or some held "
            f"out) or sensitivity=mho.sensitivity(model, data, method='{method}')"
        )

    def of(self, scheme: Selective) -> Curvature | None:
        """What the ranking of ``scheme`` takes, ``None`` if it takes nothing."""
        method = scheme.measured_by
        if method is None:
            return None
        if method not in self._known:
            self._known[method] = self._given if self._given is not None else self._computed(method)
        found = self._known[method]
        name, images = getattr(found, "data", ""), getattr(found, "images", 0)
        self.source = f"{images} samples of {name}" if name else "given"
        return found

    def _computed(self, method: str) -> Curvature:
        from mho.evaluation.sensitivity import sensitivity

        assert method in CURVATURES
        assert self._samples is not None, "checked before"
        return sensitivity(self._chips, self._samples, method=method, show_progress=False)
