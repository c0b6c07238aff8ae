"""What several commands take: lists on one line, ages with units, and how a memory is named."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from mho.errors import SpecError
from mho.units import check_age, parse_age, parse_duration

if TYPE_CHECKING:
    from torch import nn

    from mho.memory import Memory

ImportOption = Annotated[
    list[str] | None,
    Parameter(
        name="--import", negative="", help="Module (or .py file) that registers devices, networks, data of yours."
    ),
]
USUAL_DEVICE = "RRAM1"
USUAL_SIGMA = 0.1
USUAL_TOLERANCE = 0.06


def numbers(option: str, text: str, such_as: str = "0.05,0.1,0.2") -> list[float]:
    """``"0.05,0.1"`` as numbers.

    Raises:
        SpecError: naming the option and what is no number.
    """
    out = []
    for part in text.split(","):
        try:
            out.append(float(part))
        except ValueError:
            raise SpecError(f"{option} '{part.strip()}' is no number; write a list such as {such_as}") from None
    return out


def parsed_ages(text: str) -> list[float]:
    """``"0,1h,1y"`` as seconds; plain numbers as they are, which may be inferences."""
    return [parse_age(part) for part in text.split(",")]


def check_ages(listed: list[float], rules: Memory | dict[str, Memory | None]) -> None:
    """Refuse ages that devices of ``rules`` cannot have, before any work.

    Raises:
        SpecError: naming the age.
    """
    from mho.memory import Memory

    memories = [rules] if isinstance(rules, Memory) else rules.values()
    for clock in {m.clock for m in memories if m is not None and m.clock is not None}:
        for age in listed:
            check_age(age, clock, "--age")


def at_least(option: str, value: int, least: int) -> int:
    """``value``, refused before any work where it is smaller than ``least``."""
    if value < least:
        raise SpecError(f"{option} {value} must be {least} or more")
    return value


def imports(names: list[str] | None) -> tuple[str, ...]:
    """The modules of ``--import``, imported here; workers import them too."""
    from mho.studies.imports import import_all

    import_all(names or ())
    return tuple(names or ())


def place(name: str | None) -> str | None:
    """``name`` if torch can compute there.

    Raises:
        SpecError: no such device, or none here.
    """
    if name is None:
        return None
    import torch

    try:
        torch.zeros(1, device=name).item()  # "meta" makes tensors but no numbers
    except (RuntimeError, AssertionError, ValueError, NotImplementedError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0].split(". ")[0]
        raise SpecError(f"--torch-device '{name}' cannot be used: {reason}") from None
    return name


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class MemoryOptions:
    """How the memory is named on the command line."""

    device: Annotated[
        str | None,
        Parameter(help=f"Preset (mho list devices), or a CSV of your own measurements; {USUAL_DEVICE} unless given."),
    ] = None
    weight_bits: Annotated[int | None, Parameter(help="Bits per weight; 8 unless given.")] = None
    cell_bits: Annotated[int | None, Parameter(help="Bits per cell; 2 unless given.")] = None
    g_max: Annotated[
        float | None, Parameter(help="Conductance of the top level, where a device CSV is not in fractions.")
    ] = None
    memory: Annotated[
        Path | None, Parameter(help="YAML of a memory, or of name rules; instead of the four options above.")
    ] = None

    def rules(self, sigma: float) -> Memory | dict[str, Memory | None]:
        """The memory (or rules) asked for; ``sigma`` is the device's severity where a preset needs one."""
        from mho.memory import Memory

        if self.memory is not None:
            options = {
                "--device": self.device,
                "--weight-bits": self.weight_bits,
                "--cell-bits": self.cell_bits,
                "--g-max": self.g_max,
            }
            also = [name for name, value in options.items() if value is not None]
            if also:
                raise SpecError(f"--memory says everything about the memory; leave out {' and '.join(also)}")
            from mho.studies.reading import read_memory

            said = read_memory(self.memory)
            return said if isinstance(said, Memory) else dict(said.rules)
        from mho.mapping import SlicedMagnitude

        bits = {"weight_bits": self.weight_bits, "cell_bits": self.cell_bits}
        mapping = SlicedMagnitude().replace(**{name: value for name, value in bits.items() if value is not None})
        return Memory(device=self._device(sigma), mapping=mapping)

    def usual_sigma(self) -> list[float] | None:
        """The severity of a preset that has none of its own; ``None`` where the device has one or knows none."""
        return [USUAL_SIGMA] if self.memory is None and not self._is_csv and self._takes_sigma else None

    @property
    def _named(self) -> str:
        return USUAL_DEVICE if self.device is None else self.device

    @property
    def _is_csv(self) -> bool:
        return self._named.lower().endswith(".csv")

    @property
    def _takes_sigma(self) -> bool:
        import inspect

        from mho import devices

        presets = {n.lower(): p for n, p in devices.PRESETS.items()}
        presets |= {alias.lower(): devices.PRESETS[n] for alias, n in devices.ALIASES.items()}
        preset = presets.get(self._named.lower())
        return preset is not None and "sigma" in inspect.signature(preset.make).parameters

    def _device(self, sigma: float) -> Any:
        from mho import devices

        if self._is_csv:
            return devices.MeasuredTable.from_csv(self._named, g_max=self.g_max)
        if self._named.lower() == "racetrack":
            raise SpecError(f"--device {self._named} takes fields: mho racetrack evaluate, or --memory FILE (YAML)")
        if self._named.lower() == "skyrmion":
            raise SpecError(f"--device {self._named} takes fields: give --memory FILE (YAML)")
        device = devices.get(self._named, **({"sigma": sigma} if self._takes_sigma else {}))
        if self.g_max is not None:
            raise SpecError(f"--g-max is for a CSV of measurements; {self._named} is in fractions already")
        return device


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class VerifyOptions:
    """How cells are verified, on the command line."""

    tolerance: Annotated[
        float | None,
        Parameter(
            help=f"Largest error that is accepted, a fraction of the cell's range; {USUAL_TOLERANCE} if not given."
        ),
    ] = None
    max_cycles: Annotated[int | None, Parameter(help="Writes after which a cell is given up; 100 unless given.")] = None
    cycle_model: Annotated[
        Literal["redraw", "pulse"] | None,
        Parameter(help="A further cycle programs the cell from scratch (redraw, the default) or nudges it (pulse)."),
    ] = None
    cycle_time: Annotated[str | None, Parameter(help="Time of one write cycle of one cell: 100ns.")] = None
    cycle_joules: Annotated[float | None, Parameter(help="Energy of one write cycle of one cell, joules.")] = None
    unit: Annotated[
        Literal["weight", "cell"] | None, Parameter(help="Choose whole weights (the default) or single cells.")
    ] = None

    def applied(self, rules: Memory | dict[str, Memory | None]) -> Memory | dict[str, Memory | None]:
        """``rules`` with write-verify as these options say; as they are, where they say it and no option is given.

        Raises:
            SpecError: both say it, or a rule of several does not verify.
        """
        from mho.memory import Memory
        from mho.programming import Selective, WriteVerify

        given = {
            "tolerance": self.tolerance,
            "max_cycles": self.max_cycles,
            "model": self.cycle_model,
            "cycle_seconds": None if self.cycle_time is None else parse_duration(self.cycle_time),
            "cycle_joules": self.cycle_joules,
        }
        fields: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        memories = [rules] if isinstance(rules, Memory) else [m for m in rules.values() if m is not None]
        if any(m.programming.verifies for m in memories):
            if fields or self.unit is not None:
                name = "unit" if not fields else next(iter(fields))
                raise SpecError(f"--memory says how cells are verified; leave out the option for {name}")
            return rules
        verify = WriteVerify(**{"tolerance": USUAL_TOLERANCE, **fields})
        scheme = verify if self.unit is None else Selective(fraction=1.0, verify=verify, unit=self.unit)
        if isinstance(rules, Memory):
            return rules.replace(programming=scheme)
        return {p: None if m is None else m.replace(programming=scheme) for p, m in rules.items()}


def check_threshold(threshold: float | None, metric: str) -> None:
    """Refuse a threshold that is no number, or a percentage where the metric is a fraction.

    Raises:
        SpecError: naming what was meant.
        UnknownNameError: no metric has this name.
    """
    from mho.errors import unknown
    from mho.evaluation import METRICS

    if metric not in METRICS:
        raise unknown("metric", metric, METRICS)
    if threshold is None:
        return
    if not math.isfinite(threshold):
        raise SpecError(f"--threshold {threshold} is not a finite number")
    if METRICS[metric].bounded and threshold > 1:
        raise SpecError(f"--threshold {threshold:g} is a fraction; {threshold:g} % is written {threshold / 100:g}")


def load_model(path: str) -> nn.Module:
    """The network in a safetensors file, or in a published CIFAR ResNet's ``.th`` file."""
    from mho import zoo

    return zoo.load_published_resnet(path) if path.endswith(".th") else zoo.load(path)
