"""The conformance suite of programming schemes: all of mho's pass it, and it tells what is wrong with others."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
import torch

from mho import spec
from mho.devices import PCM
from mho.programming import OpenLoop, Scheme, Selective, WriteVerify, Written
from mho.programming.moments import simulated
from mho.testing import check_scheme

SOUND = {
    "open loop": OpenLoop(),
    "verify": WriteVerify(tolerance=0.06),
    "given up": WriteVerify(tolerance=0.02, max_cycles=5),
    "pulses": WriteVerify(tolerance=0.06, model="pulse"),
    "charged": WriteVerify(tolerance=0.06, mean_cycles=10, cycle_seconds=1e-6),
    "selective": Selective(ranking="magnitude", fraction=0.1),
    "to a target": Selective(target_drop=0.01, verify=WriteVerify(tolerance=0.1)),
}


@pytest.mark.parametrize("name", SOUND)
def test_every_scheme_conforms(name: str) -> None:
    check_scheme(SOUND[name], chips=50)


def test_on_cells_of_ones_own() -> None:
    check_scheme(WriteVerify(tolerance=0.06), devices=(PCM(),))


def test_every_kind_is_held_to_it() -> None:
    ours = {spec.kinds()[name] for name in spec.kinds_of(Scheme)}
    assert {k for k in ours if k.__module__.startswith("mho.")} == {type(s) for s in SOUND.values()}


VERIFY = WriteVerify(tolerance=0.06)


@dataclass(frozen=True, kw_only=True)
class _Sound(Scheme):
    """As write-verify; broken ones start from it."""

    def write(self, device, level, draws, age=0.0, chosen=None):
        return VERIFY.write(device, level, draws, age, chosen)

    def moments(self, device, level):
        return VERIFY.moments(device, level)


class _Flatters(_Sound):
    def moments(self, device, level):
        said = super().moments(device, level)
        return replace(said, error=said.error / 1.2)


class _Cheap(_Sound):
    def moments(self, device, level):
        said = super().moments(device, level)
        return replace(said, cycles=torch.ones_like(said.cycles))


class _Optimist(_Sound):
    def write(self, device, level, draws, age=0.0, chosen=None):
        return WriteVerify(tolerance=0.02, max_cycles=4).write(device, level, draws, age, chosen)

    def moments(self, device, level):
        said = simulated(self, device, level)
        return replace(said, failed=0 * said.failed)


class _Flat(_Sound):
    def moments(self, device, level):
        return super().moments(device, level.flatten())


class _Hasty(_Sound):
    """Says that it does not verify."""

    verifies = False


class _Blind(_Sound):
    """Verifies every cell, chosen or not."""

    def write(self, device, level, draws, age=0.0, chosen=None):
        return super().write(device, level, draws, age)


class _Jealous(_Sound):
    """Chosen cells do better the fewer they are."""

    def write(self, device, level, draws, age=0.0, chosen=None):
        few = chosen is not None and bool(chosen.any()) and not bool(chosen.all())
        tolerance = 0.03 if few else 0.06
        return WriteVerify(tolerance=tolerance).write(device, level, draws, age, chosen)


class _Late(_Sound):
    """Verifies what the cell will read at the age asked for."""

    def write(self, device, level, draws, age=0.0, chosen=None):
        read = device.written_and_read(level, draws, age).expand(len(draws.chips), *draws.shape)
        failed = (read - level).abs() > 0.06
        failed = failed if chosen is None else failed & chosen
        return Written(read, torch.ones_like(read, dtype=torch.int32), failed)

    def moments(self, device, level):
        return simulated(self, device, level)


class _Crowded(_Sound):
    """Takes one more cycle on chips that come first in a batch."""

    def write(self, device, level, draws, age=0.0, chosen=None):
        done = super().write(device, level, draws, age, chosen)
        first = torch.arange(len(done.cycles)).view(-1, 1, 1) == 0
        more = first if chosen is None else first & chosen
        return replace(done, cycles=(done.cycles + more).int())


class _Chance(_Sound):
    def write(self, device, level, draws, age=0.0, chosen=None):
        done = super().write(device, level, draws, age, chosen)
        return replace(done, read=done.read + 1e-3 * torch.rand(()))


class _Floats(_Sound):
    def write(self, device, level, draws, age=0.0, chosen=None):
        done = super().write(device, level, draws, age, chosen)
        return replace(done, cycles=done.cycles.float())


class _Rounds(_Sound):
    def write(self, device, level, draws, age=0.0, chosen=None):
        done = super().write(device, level, draws, age, chosen)
        if level.is_contiguous():
            level.mul_(1.0001)
        return done


class _Else(_Sound):
    """Takes no choice at all to be a choice of none."""

    def write(self, device, level, draws, age=0.0, chosen=None):
        return super().write(device, level, draws, age, torch.zeros((), dtype=torch.bool) if chosen is None else chosen)


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (_Flatters, r"write\(\) has a mean error of"),
        (_Cheap, r"write\(\) has a mean cycles of .*, moments\(\) say 1 "),
        (_Optimist, r"write\(\) has a mean failed of .*, moments\(\) say 0 "),
        (_Flat, r"moments\(\) of \(3, 5\) levels give error of the shape \(15,\)"),
        (_Hasty, "says that it does not verify, but does more than one write"),
        (_Blind, "a cell that is not chosen is not just written once"),
        (_Jealous, "a cell's fate depends on which other cells are chosen"),
        (_Late, "depend on the age of the read"),
        (_Crowded, "chips 7 and 8 are written otherwise alone"),
        (_Chance, "the same chips are written otherwise again"),
        (_Floats, r"write\(\) gives cycles as torch.float32"),
        (_Rounds, "changed in place"),
        (_Else, "chosen=None is not the same as all cells chosen"),
    ],
)
def test_broken_schemes_are_told(broken: type[Scheme], says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spec, "_KINDS", {**spec._KINDS, broken.__name__: broken})
    with pytest.raises(AssertionError, match=says):
        check_scheme(broken())


def test_what_they_start_from_conforms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spec, "_KINDS", {**spec._KINDS, "_Sound": _Sound})
    check_scheme(_Sound(), chips=50)
