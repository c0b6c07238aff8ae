"""What a design finds: the front, the point to take, the certificate of its claim, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mho.codesign import wording
from mho.codesign.candidate import Candidate, Certificate
from mho.codesign.design import Design
from mho.codesign.front import affordable, cheapest_first, pareto, price
from mho.codesign.measures import applied, taken, with_sigma
from mho.codesign.why import Why
from mho.errors import SpecError
from mho.files import write_bytes
from mho.frozen import FrozenDict
from mho.spec import from_dict, references
from mho.studies.sources import Checkpoint
from mho.studies.study import Study

if TYPE_CHECKING:
    from torch import nn

    from mho.memory import Chips


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What :func:`mho.design` found.

    Attributes:
        design: what was asked.
        candidates: every combination looked at, those near the front as they were seen last.
        certificates: those tried, the last one the recommended point's if it was met.
        why: the recommended point (or the one nearest to the targets) taken apart; ``None`` if it buys nothing.
        provenance: versions, machine, wall time, and how much was evaluated.
        network: of the recommended point, as safetensors; empty where it was read from a file.
    """

    design: Design
    candidates: tuple[Candidate, ...]
    certificates: tuple[Certificate, ...]
    why: Why | None
    provenance: dict[str, Any] = field(default_factory=dict)
    network: bytes = field(default=b"", repr=False)

    @property
    def label(self) -> str:
        """Short name for tables."""
        return self.design.label

    @property
    def references(self) -> tuple[str, ...]:
        """BibTeX keys of everything that was tried."""
        percentile = any(t.k is not None for t in self.design.targets)
        keys = ("yan2023trice",) * percentile + ("shapley1953value",) * (self.why is not None)
        keys += ("akiba2019optuna", "ozaki2022motpe") * (self.design.size > self.design.trials)
        return tuple(dict.fromkeys([*references(self.design), *keys]))

    @cached_property
    def front(self) -> tuple[Candidate, ...]:
        """Candidates that no other beats in margin and every cost, cheapest first."""
        return tuple(pareto(self.design, self.candidates))

    @property
    def certificate(self) -> Certificate | None:
        """The certificate of the recommended point."""
        return next((c for c in self.certificates if c.met), None)

    @property
    def recommended(self) -> Candidate | None:
        """The cheapest candidate whose claim held on the test data; ``None`` if none did."""
        found = self.certificate
        return None if found is None else self.candidate(found.chosen)

    @property
    def closest(self) -> Candidate:
        """The recommended point; if there is none, what comes nearest to the targets, within the budget if any."""
        if self.recommended is not None:
            return self.recommended
        possible = [c for c in self.candidates if not c.refused]
        within = affordable(self.design, possible) or possible
        return max(within, key=lambda c: (c.margin, [-p for p in price(self.design, c)]))

    def candidate(self, chosen: Mapping[str, str]) -> Candidate:
        """The candidate of a combination.

        Raises:
            SpecError: it was not looked at.
        """
        wanted = FrozenDict({path: chosen.get(path, "") for path in self.design.measures})
        for candidate in self.candidates:
            if candidate.chosen == wanted:
                return candidate
        raise SpecError(f"no candidate {dict(chosen)}; candidates hold them all")

    def name(self, candidate: Candidate | Certificate) -> str:
        """What tables call a candidate: what it buys."""
        return wording.name(self.design, candidate.chosen)

    @property
    def alone(self) -> Candidate | None:
        """The cheapest candidate that meets all targets on held-out data with one measure or none; ``None`` if none
        does. It may have been tried in vain on the test data."""
        singles = [c for c in affordable(self.design, self.candidates) if len(self.taken(c)) <= 1 and c.met]
        return next(iter(cheapest_first(self.design, singles)), None)

    def taken(self, candidate: Candidate) -> tuple[str, ...]:
        """Axes on which a candidate buys something."""
        return taken(self.design.measures, candidate.chosen)

    def study(self, candidate: Candidate | Certificate | None = None) -> Study:
        """The study that evaluates a candidate on the test data, that of the recommended point if ``None``."""
        chosen = (candidate or self.closest).chosen
        study = applied(self.design.study, self.design.measures, chosen)
        return study.replace(seed=self.design.seed + 1, precision=self.design.precision)

    def to_yaml(self) -> str:
        """The YAML of :meth:`study`: ``mho run`` trains the recommended network, deploys it and evaluates it again."""
        return self.study().to_yaml()

    def model(self) -> nn.Module:
        """The network of the recommended point (or the closest), in evaluation mode."""
        from mho.zoo import unpack

        return unpack(self._content())

    def _content(self) -> bytes:
        if not self.network:
            raise SpecError("this choice was read from a file, which holds no network; ask mho.design again")
        return self.network

    def chips(self, *, seed: int = 0, root: str | Path | None = None) -> Chips:
        """The recommended point deployed: its network on its memory.

        Args:
            seed: of the chips; those of the search have the design's seed, those of the certificate the next one.
            root: folder searched first for the data that a ranking is computed on.
        """
        from mho.evaluation.sensitivity import sensitivity
        from mho.memory import Memory, deploy
        from mho.studies.calibration import measured_by

        study, model = self.study(), self.model()
        severe = with_sigma(study)
        memory = severe if isinstance(severe, Memory) else dict(severe.rules)
        method = measured_by(study)
        if method is None:
            return deploy(model, memory, seed=seed)
        assert study.calibration is not None
        found = sensitivity(model, study.calibration.load(root), method=method, show_progress=False)
        return deploy(model, memory, seed=seed, sensitivity=found)

    def save(self, folder: str | Path) -> Path:
        """Write the recommended network, its memory and its study into ``folder``, which is made if need be.

        Returns:
            The folder, with ``network.safetensors``, ``memory.yaml`` and ``study.yaml``; without the last one where
            the network or the data were in memory, and have no names elsewhere.
        """
        path, study = Path(folder), self.study()
        path.mkdir(parents=True, exist_ok=True)
        write_bytes(path / "network.safetensors", self._content())
        write_bytes(path / "memory.yaml", with_sigma(study).to_yaml().encode())
        if not self.design.live:
            kept = study.replace(model=Checkpoint(path="network.safetensors"))
            write_bytes(path / "study.yaml", kept.to_yaml().encode())
        return path

    def rows(self) -> list[dict[str, Any]]:
        """One flat record per candidate, for tables, CSV and JSON (fractions, cycles, seconds)."""
        shown = {c.chosen for c in self.front}
        best = None if self.recommended is None else self.recommended.chosen
        return [
            {**c.row(), "front": c.chosen in shown, "recommended": c.chosen == best}
            for c in sorted(self.candidates, key=lambda c: price(self.design, c))
        ]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON: everything but the network."""
        return {
            "design": self.design.to_dict(),
            "candidates": [c.to_dict() for c in self.candidates],
            "certificates": [c.to_dict() for c in self.certificates],
            "why": None if self.why is None else self.why.to_dict(),
            "provenance": self.provenance,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Choice:
        """What :meth:`to_dict` wrote."""
        design = from_dict(data["design"])
        assert isinstance(design, Design)
        return cls(
            design=design,
            candidates=tuple(map(Candidate.from_dict, data["candidates"])),
            certificates=tuple(map(Certificate.from_dict, data["certificates"])),
            why=None if data["why"] is None else Why.from_dict(data["why"]),
            provenance=dict(data["provenance"]),
        )

    def __str__(self) -> str:
        return wording.told(self)


def merged(listed: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Each combination once, as it was seen last."""
    return tuple({c.chosen: c for c in listed}.values())
