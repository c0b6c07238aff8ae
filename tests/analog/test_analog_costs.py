"""What an update takes: the published table, a literal walk, and what cannot be."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import array_updates

from mho.analog import AGAD, operations
from mho.analog.hardware import Hardware
from mho.analog.naming import NAMES
from mho.analog.operations import ArrayUpdate, Counts, counted, counts
from mho.analog.update_time import update_time
from mho.analog.update_times import update_times
from mho.errors import SpecError, UnknownNameError
from mho.spec import from_dict

SPARSE = {"transfer_every": 10, "mean_length": 1}


@pytest.mark.parametrize(
    ("name", "options", "nanoseconds"),
    [
        ("sgd", {}, 30.9),
        ("ttv2", {}, 56.3),
        ("c-ttv2", {}, 56.3),
        ("agad", {}, 62.1),
        ("agad", SPARSE, 17.1),
        ("mp", {}, 3024.5),
    ],
)
def test_the_published_times(name, options, nanoseconds) -> None:
    """[rasch2024fast], Table 1 and the text, as they are rounded there."""
    cost = update_time(name, **options)
    assert cost.seconds * 1e9 == pytest.approx(nanoseconds, abs=0.05)
    assert cost.published_seconds == pytest.approx(nanoseconds * 1e-9)
    assert f"(published: {nanoseconds} ns)" in str(cost)


def test_the_times_to_more_digits() -> None:
    """Worked out by hand: 175 operations a ns."""
    exact = {"sgd": 1024 / 175 + 25, "ttv2": 1536 / 175 + 27.5 + 20, "agad": 2560 / 175 + 27.5 + 20}
    for name, nanoseconds in exact.items():
        assert update_time(name).seconds * 1e9 == pytest.approx(nanoseconds, rel=1e-12)
    faster = [row["times_faster"] for row in update_times(("sgd", "ttv2", "agad", "mp")).rows()]
    assert faster == pytest.approx([98.0, 53.7, 48.7, 1.0], abs=0.05)
    assert update_time("mp").seconds / update_time("agad", **SPARSE).seconds == pytest.approx(176.8, abs=0.05)


@pytest.mark.parametrize(("name", "nanoseconds"), [("sgd", 55.9), ("ttv2", 83.8), ("agad", 89.6)])
def test_two_phases_double_the_pulses_and_nothing_else(name, nanoseconds) -> None:
    one, two = update_time(name), update_time(name, two_phase=True)
    assert two.seconds * 1e9 == pytest.approx(nanoseconds, abs=0.05)
    assert two.pulse_seconds == 2 * one.pulse_seconds
    assert (two.digital_seconds, two.read_seconds) == (one.digital_seconds, one.read_seconds)
    assert two == update_time(name, hardware=Hardware(two_phase=True))
    assert two.published_seconds is None, "the table counts one phase"


N = 512


@pytest.mark.parametrize(
    ("name", "stored", "loaded", "moved"),
    [
        ("sgd", 2 * N, 16 * N + 2 * N * 5, 0),
        ("ttv2", N**2 + 2 * N, 16 * N + 2 * N * 5, 16 * N / 2),
        ("c-ttv2", N**2 + 2 * N, 16 * N + 2 * N * 5, 18 * N / 2),
        ("agad", 3 * N**2 + 2 * N, 16 * N + 2 * N * 5, 50 * N / 2),
        ("mp", N**2 + 2 * N * 100, 16 * N, 16 * N**2 / 100),
    ],
)
def test_the_published_sizes(name, stored, loaded, moved) -> None:
    found = update_time(name).counts
    assert (found.storage_bytes, found.load_bits, found.memory_bits) == (stored, loaded, pytest.approx(moved))


def test_agad_without_its_average_keeps_a_matrix_less() -> None:
    full, short = update_time("agad").counts, update_time("agad", beta=1.0).counts
    assert full.storage_bytes - short.storage_bytes == N**2
    assert full.flops - short.flops == 3 * N / 2
    assert update_time("agad", beta=1.0).published_seconds is None


@st.composite
def arrays(draw: st.DrawFn) -> ArrayUpdate:
    longest = draw(st.integers(1, 6))
    return ArrayUpdate(
        outputs=draw(st.integers(1, 5)),
        inputs=draw(st.integers(1, 5)),
        transfer_every=draw(st.integers(1, 4)),
        max_length=longest,
        mean_length=draw(st.sampled_from([0.25, 1.0])) * longest,
        read=draw(st.sampled_from(["columns", "rows"])),
        beta=draw(st.sampled_from([0.5, 1.0])),
        batch=draw(st.integers(1, 4)),
    )


@settings(max_examples=60, deadline=None)
@given(update=arrays(), name=st.sampled_from(sorted(NAMES)))
def test_counts_as_a_walk_over_vectors(update, name) -> None:
    kind = NAMES[name]
    found = counts(kind, update)
    for key, wanted in array_updates.walk(kind, update).items():
        assert getattr(found, key) == pytest.approx(float(wanted), rel=1e-12), (kind, key)


def test_with_ever_rarer_reads_all_come_down_to_sgd() -> None:
    for name in ("ttv2", "c-ttv2", "agad"):
        rare = update_time(name, transfer_every=10**9).seconds
        assert rare == pytest.approx(update_time("sgd").seconds, rel=1e-6)


def test_arrays_that_are_not_square() -> None:
    """128 outputs of 784 inputs: a column has 128 numbers, a row 784."""
    columns, rows = (update_time("ttv2", (128, 784), read=read).counts for read in ("columns", "rows"))
    assert (columns.flops, rows.flops) == (912 + 128, 912 + 784)
    assert columns.storage_bytes == rows.storage_bytes == 128 * 784 + 912
    assert update_time("ttv2", (128, 784)).published_seconds is None


def test_other_hardware_has_no_published_time() -> None:
    fast = update_time("agad", hardware=Hardware(flops=1.4e12, sharing=2, pulse=1e-9, mvm=20e-9))
    assert fast.seconds * 1e9 == pytest.approx(2560 / 700 + 5.5 + 10)
    assert fast.published_seconds is None


def test_a_longer_train_has_more_room() -> None:
    assert update_time("sgd", mean_length=2.5).update.max_length == 3
    assert update_time("sgd", mean_length=2.5, max_length=31).counts.load_bits == (8 + 31) * 2 * N
    assert update_time("sgd", max_length=31).update.mean_length == 31


def test_the_table_prints_and_is_plain_data() -> None:
    times = update_times()
    said = str(times)
    assert [line.split()[0] for line in said.splitlines()[3:8]] == ["in-memory", "TTv2", "c-TTv2", "AGAD", "mixed"]
    assert max(map(len, said.splitlines())) <= 120
    assert json.loads(json.dumps(times.to_dict()))["updates"][3]["seconds"] == times.costs[3].seconds
    assert from_dict(times.to_dict()["hardware"]) == Hardware()
    assert [row["times_faster"] for row in update_times(["agad"]).rows()] == [None]
    assert "rasch2024fast" in times.references


def test_hardware_goes_by_name_and_one_algorithm_is_enough() -> None:
    with pytest.raises(SpecError, match=r"hardware goes by name: update_times\(hardware="):
        update_times(Hardware())  # type: ignore[arg-type]
    fast = Hardware(pulse=1e-9)
    assert update_times("agad", hardware=fast).costs == (update_time("agad", hardware=fast),)
    assert update_times(AGAD(transfer_every=4)).costs == (update_time(AGAD(transfer_every=4)),)


@pytest.mark.parametrize(
    ("arguments", "options", "said"),
    [
        (("adag",), {}, "unknown algorithm 'adag': did you mean 'agad'?"),
        (("agad", 0), {}, "outputs=0 must be 1 or more"),
        (("agad", (3, -1)), {}, "inputs=-1 must be 1 or more"),
        (("agad", 2.5), {}, "n=2.5 must be a whole number"),
        (("agad",), {"transfer_every": 0}, "transfer_every=0 must be 1 or more"),
        (("agad",), {"mean_length": 0}, "mean_length=0 must be more than zero slots"),
        (
            ("agad",),
            {"mean_length": 9, "max_length": 5},
            "mean_length=9 must be more than zero slots, and max_length=5",
        ),
        (("agad",), {"beta": 0.0}, "beta=0.0 must be more than 0"),
        (("agad",), {"read": "diagonals"}, "'diagonals'"),
        (("mp",), {"batch": 0}, "batch=0 must be 1 or more"),
    ],
)
def test_what_cannot_be_is_one_line(arguments, options, said) -> None:
    with pytest.raises((SpecError, UnknownNameError)) as error:
        update_time(*arguments, **options)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("options", "said"),
    [({"flops": 0.0}, "flops=0.0"), ({"sharing": 0}, "sharing=0"), ({"pulse": 5.0}, "pulse=5.0 must be seconds"),
     ({"mvm": -1e-9}, "mvm=-1e-09")],
)  # fmt: skip
def test_impossible_hardware(options, said) -> None:
    with pytest.raises(SpecError, match=said):
        Hardware(**options)


@dataclass(frozen=True)
class _Train:
    length: int = 7


@dataclass(frozen=True)
class Mine:
    """An algorithm of somebody else."""

    pulses: _Train = _Train()
    transfer_every: int = 3


def test_an_algorithm_of_ones_own_says_what_it_takes(monkeypatch) -> None:
    with pytest.raises(SpecError, match=r"what an update of Mine takes is unknown .*@analog.counted\('Mine'\)"):
        update_time(Mine())
    monkeypatch.setattr(operations, "_COUNTS", dict(operations._COUNTS))

    @counted("Mine")
    def mine(u: ArrayUpdate) -> Counts:
        return Counts(
            flops=u.lines, reads=1 / u.transfer_every, slots=u.mean_length, storage_bytes=0, load_bits=0, memory_bits=0,
            arrays=1,
        )  # fmt: skip

    cost = update_time(Mine(), 10)
    assert cost.seconds * 1e9 == pytest.approx(20 / 175 + 40 / 3 + 35)
    assert cost.algorithm == "Mine"
