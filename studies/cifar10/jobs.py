"""What is trained and judged: methods, memories, and the jobs of every experiment, the most valuable first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from mho import devices, mapping
from mho.memory import Memory
from mho.training import (
    AveragedNoise,
    CorrectNet,
    IntermediateSnapshots,
    Method,
    NoiseInjection,
    OrientedVariationalForward,
    Temperature,
)

# All graphs at once: three forward passes fewer a step, and 4 x 128 images fit any GPU that this is meant for.
OVF = OrientedVariationalForward(beta=1e-1, graphs="all")
IRS = IntermediateSnapshots(beta=1e-3)

METHODS: Mapping[str, Method | None] = {
    "plain": None,
    "noise": NoiseInjection(),
    "correctnet": CorrectNet(variant="slice"),
    "ovf": OVF,
    "irs": IRS,
    # Controls: the logits divided as OVF (N = 3) and IRS (N = 4) do, the other sign, and as many passes.
    "temperature-4": Temperature(temperature=4.0),
    "temperature-5": Temperature(temperature=5.0),
    "ovf-positive": OVF.replace(sign="positive"),
    "irs-positive": IRS.replace(sign="positive"),
    "average": AveragedNoise(),
    # Ablations.
    "ovf-strongest-first": OVF.replace(strongest="first"),
    "irs-strongest-last": IRS.replace(strongest="last"),
    "ovf-step-down": OVF.replace(step=-0.05),
    "irs-clean-classifiers": IRS.replace(classifier_noise=False),
    "ovf-top": OVF.replace(scope="top"),
    **{f"ovf-copies-{n}": OVF.replace(copies=n) for n in (1, 2, 4)},
    **{f"irs-snapshots-{n}": IRS.replace(snapshots=n) for n in (1, 2, 3, 5)},
}
"""Every training by its name in tables; the memory says the strength of the errors."""

_LEVELS = {"RRAM2": devices.RRAM2, "FeFET1": devices.FeFET1, "FeFET2": devices.FeFET2}
NORMALISED, RAW = tuple(_LEVELS), tuple(f"{name}-raw" for name in _LEVELS)


def memory(name: str, sigma: float) -> Memory:
    """The memory called ``name``: 8-bit magnitudes on four 2-bit cells; log-normal, one analog cell a weight.

    Level-dependent devices judge whole weights, as the code that published numbers come from; ``-raw`` leaves out its
    division by ``sqrt(0.4 s^2 + 0.6)``.
    """
    if name == "LogNormal":
        return Memory(device=devices.LogNormal(sigma=sigma), mapping=mapping.Analog())
    if name == "RRAM1":
        return Memory(device=devices.RRAM1(sigma=sigma))
    make = _LEVELS[name.removesuffix("-raw")]
    return Memory(device=make(sigma=sigma, normalised=not name.endswith("-raw"), level_scope="weight"))


@dataclass(frozen=True, kw_only=True)
class Job:
    """One network, and the memory on which 300 of its chips are judged (and whose errors its training injects)."""

    method: str
    memory: str
    sigma: float
    seed: int

    @property
    def network(self) -> str:
        """Name of the network: plain training knows no memory, so all memories share its network."""
        return f"{self.method}-s{self.seed}" if METHODS[self.method] is None else f"{self.method}-{self.place}"

    @property
    def place(self) -> str:
        return f"{self.memory}-{self.sigma:g}-s{self.seed}"

    @property
    def label(self) -> str:
        return f"{self.method} on {self.memory} {self.sigma:g}, seed {self.seed}"

    @property
    def key(self) -> tuple[str, ...]:
        """What tells its row from others of the experiment."""
        return (self.method, self.memory, f"{self.sigma:g}", str(self.seed))


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """A question and its jobs, without seeds, the most valuable first."""

    asks: str
    jobs: Sequence[tuple[str, str, float]]
    calibration: bool = False

    def of(self, seeds: int, methods: Sequence[str]) -> Iterator[Job]:
        """The jobs of ``methods``, all of the first seed before any of the second."""
        for seed, (method, name, sigma) in product(range(seeds), self.jobs):
            if method in methods:
                yield Job(method=method, memory=name, sigma=sigma, seed=seed)

    @property
    def methods(self) -> list[str]:
        return list(dict.fromkeys(method for method, _, _ in self.jobs))


_ALL = ("noise", "plain", "ovf", "irs", "temperature-4", "correctnet", "average", "ovf-positive", "irs-positive")
_FEW = ("noise", "plain", "ovf", "irs", "correctnet", "average", "temperature-4")
_ABLATIONS = ("noise", "ovf", "irs", *(name for name in METHODS if name.count("-") > 1), "ovf-top")

EXPERIMENTS: Mapping[str, Experiment] = {
    "e8": Experiment(
        asks="Do OVF and IRS beat noise injection, CorrectNet and their controls on RRAM1?",
        # 0.3 first: e9, e11 and e12 go on with its networks.
        jobs=[(m, "RRAM1", s) for s, m in product((0.3, 0.2, 0.1), (*_ALL, "temperature-5"))],
    ),
    "e9": Experiment(
        asks="Does it hold where the middle levels are noisier, with and without the published normalisation?",
        jobs=[
            *((m, name, 0.3) for m, name in product(("noise", "plain"), ("RRAM1", *NORMALISED, *RAW))),
            *((m, name, 0.3) for m, name in product(_FEW[2:], ("RRAM1", *NORMALISED))),
            *((m, name, 0.3) for m, name in product(_FEW[2:], RAW)),
        ],
    ),
    "e10": Experiment(
        asks="Does it hold under log-normal variation, gamma 0.4?",
        jobs=[(m, "LogNormal", 0.4) for m in _FEW],
    ),
    "e11": Experiment(
        asks="Which parts of OVF and IRS matter, at sigma 0.3?",
        jobs=[(m, "RRAM1", 0.3) for m in _ABLATIONS],
    ),
    "e12": Experiment(
        asks="Are the networks of e8 surer of what they get right (EKL), and rightly so (ECE)?",
        jobs=[(m, "RRAM1", s) for s, m in product((0.3, 0.2), (*_ALL[:6], "temperature-5"))],
        calibration=True,
    ),
}
