"""A lab's own device: tables and samples from CSV and NPZ, interpolation, and one clear line for a bad file."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mho.devices import MeasuredTable
from mho.errors import DataError, MhoError, SpecError
from mho.mapping import SlicedMagnitude, program

TABLE = MeasuredTable(
    states=(0.0, 0.5, 1.0),
    ages=(0.0, 10.0, 1000.0),
    mean=((0.0, 0.5, 1.0), (0.1, 0.5, 0.9), (0.2, 0.5, 0.7)),
    std=((0.01, 0.02, 0.03), (0.02, 0.04, 0.06), (0.04, 0.08, 0.12)),
    name="lab",
)


def at(device: MeasuredTable, levels: list[float], age: float = 0.0) -> tuple[list[float], list[float]]:
    mean, std = device.gaussian(torch.tensor(levels), age)
    return mean.tolist(), std.tolist()


def close(values: list[float]) -> object:
    return pytest.approx(values, abs=1e-6)


def test_the_table_s_own_points() -> None:
    for i, age in enumerate(TABLE.ages):
        mean, std = at(TABLE, list(TABLE.states), age)
        assert mean == close(TABLE.mean[i])
        assert std == close(TABLE.std[i])


def test_between_states_error_and_spread_are_linear_and_outside_they_are_held() -> None:
    mean, std = at(TABLE, [0.25, 0.75, -0.2, 1.3], 10.0)
    assert mean == close([0.25 + 0.05, 0.75 - 0.05, -0.2 + 0.1, 1.3 - 0.1])
    assert std == close([0.03, 0.05, 0.02, 0.06])


def test_between_ages_the_logarithm_of_time_is_linear() -> None:
    """Half-way between 10 s and 1000 s is 100 s; before the first positive age time itself is linear."""
    mean, std = at(TABLE, [0.0, 1.0], 100.0)
    assert mean == close([0.15, 0.8])
    assert std == close([0.03, 0.09])
    mean, std = at(TABLE, [0.0, 1.0], 5.0)
    assert mean == close([0.05, 0.95])
    assert std == close([0.015, 0.045])
    with pytest.raises(SpecError, match=r"beyond the measurement, which ends at 16\.67min"):
        at(TABLE, [0.0], 1e9)
    followed = TABLE.replace(ages=(1.0, 10.0, 1000.0))
    assert at(followed, [1.0], 0.0) == at(followed, [1.0], 1.0)
    assert at(followed, [1.0], math.sqrt(10))[1] == close([0.045])


def test_one_state_and_one_age() -> None:
    mean, std = at(MeasuredTable(states=(0.5,), mean=((0.6,),), std=((0.1,),)), [0.0, 1.0], 99.0)
    assert mean == close([0.1, 1.1])
    assert std == close([0.1, 0.1])


def test_sigma_rescales_shift_and_spread_of_the_whole_table() -> None:
    """The root mean square of the last age's std becomes sigma."""
    rms = math.sqrt((0.04**2 + 0.08**2 + 0.12**2) / 3)
    mean, std = at(TABLE.with_sigma(2 * rms), [0.0, 0.5, 1.0], 1000.0)
    assert std == close([0.08, 0.16, 0.24])
    assert mean == close([0.4, 0.5, 0.4])
    measured = at(TABLE, [0.3], 50.0)
    assert at(TABLE.with_sigma(rms), [0.3], 50.0) == (close(measured[0]), close(measured[1]))
    assert at(TABLE.with_sigma(0.0), [0.3], 50.0) == (close([0.3]), close([0.0]))
    still = MeasuredTable(states=(0.0, 1.0), mean=((0.0, 1.0),), std=((0.0, 0.0),))
    with pytest.raises(SpecError, match="cannot rescale a table whose std is zero"):
        at(still.with_sigma(0.1), [0.0])


def test_chips_read_back_as_the_table_says() -> None:
    """Programmed weights: mean from the table's shifts, std from its spreads (four standard errors at 40,000 chips)."""
    chips, mapping = 40_000, SlicedMagnitude(weight_bits=2, cell_bits=2)
    weight = torch.tensor([[1.0, 0.0, -1.0]])
    got = program(mapping, TABLE, weight, layer="w", age=1000.0).sample(0, torch.arange(chips)).double()[:, 0]
    error = torch.tensor([0.12, 0.04, 0.12]) / math.sqrt(chips)
    assert ((got.mean(0) - torch.tensor([0.7, 0.2, -0.7])).abs() < 4 * error).all()
    assert got.std(0).tolist() == pytest.approx([0.12, 0.04, 0.12], rel=4 / math.sqrt(2 * chips))


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_a_finished_table_from_csv(tmp_path: Path) -> None:
    path = write(tmp_path / "lab.csv", "# measured in May\nlevel, Mean ,sigma\n100,95,6\n0,2,1\n50,48,3\n\n")
    device = MeasuredTable.from_csv(path, g_max=100.0)
    assert device.label == "lab"
    assert device.states == (0.0, 0.5, 1.0)
    assert device.mean == ((0.02, 0.48, 0.95),)
    assert device.std == ((0.01, 0.03, 0.06),)
    assert device.ages == (0.0,)


def test_a_finished_table_with_ages_from_csv(tmp_path: Path) -> None:
    rows = [
        f"{state},{age},{TABLE.mean[i][j]},{TABLE.std[i][j]}"
        for i, age in enumerate(TABLE.ages)
        for j, state in enumerate(TABLE.states)
    ]
    path = write(tmp_path / "t.csv", "state,age,mean,std\n" + "\n".join(reversed(rows)))
    assert MeasuredTable.from_csv(path, name="lab") == TABLE


@settings(max_examples=20, deadline=None)
@given(states=st.integers(1, 6), each=st.integers(2, 40), seed=st.integers(0, 999), g_max=st.sampled_from([1.0, 80e-6]))
def test_samples_are_fitted_state_by_state(states: int, each: int, seed: int, g_max: float) -> None:
    """Against a loop: mean and ddof-1 standard deviation of every group."""
    rng = np.random.default_rng(seed)
    levels = np.linspace(0, 1, states) * g_max
    target = np.repeat(levels, each)
    read = target + 0.1 * g_max * rng.standard_normal(target.size)
    shuffled = rng.permutation(target.size)
    table = MeasuredTable.from_samples(target[shuffled], read[shuffled], g_max=g_max, states=16)
    assert table.states == pytest.approx(np.linspace(0, 1, states).tolist())
    for i, level in enumerate(levels):
        group = read[target == level] / g_max
        assert table.mean[0][i] == pytest.approx(group.mean(), abs=1e-9)
        assert table.std[0][i] == pytest.approx(group.std(ddof=1), abs=1e-9)


def test_many_targets_are_grouped_by_equal_counts_and_their_spread_is_no_error() -> None:
    rng = np.random.default_rng(0)
    target = rng.uniform(0, 1, 16_000)
    table = MeasuredTable.from_samples(target, target + 0.05 * rng.standard_normal(target.size), states=8)
    assert len(table.states) == 8
    assert table.states == pytest.approx(np.linspace(1 / 16, 15 / 16, 8).tolist(), abs=0.02)
    # 2,000 samples a state: four standard errors of a standard deviation are 6.3 %.
    assert list(table.std[0]) == pytest.approx([0.05] * 8, rel=0.063)
    assert list(table.mean[0]) == pytest.approx(table.states, abs=4 * 0.05 / math.sqrt(2000))


def test_samples_with_ages_from_csv_and_npz_agree(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    target = np.tile(np.repeat([0.0, 50.0, 100.0], 20), 2)
    age = np.repeat([0.0, 3600.0], 60)
    read = target - 0.001 * age + rng.standard_normal(120)
    rows = zip(target.tolist(), read.tolist(), age.tolist(), strict=True)
    text = "gi,g,time\n" + "\n".join(f"{a!r},{b!r},{c!r}" for a, b, c in rows)
    from_csv = MeasuredTable.from_csv(write(tmp_path / "s.csv", text), g_max=100.0, states=3, name="s")
    np.savez(tmp_path / "s.npz", t=target, r=read.reshape(-1, 1), when=age)
    columns = {"target": "t", "read": "r", "age": "when"}
    assert MeasuredTable.from_npz(tmp_path / "s.npz", columns=columns, g_max=100.0, states=3) == from_csv
    assert from_csv.ages == (0.0, 3600.0)
    assert from_csv.mean[1][2] == pytest.approx(0.964, abs=4 * 0.01 / math.sqrt(20))


def test_lost_reads_are_left_out(tmp_path: Path) -> None:
    path = write(tmp_path / "s.csv", "target,read\n0,0.1\n0,nan\n0,0.3\n1,1.0\n1,1.2\n")
    assert MeasuredTable.from_csv(path).mean[0] == pytest.approx((0.2, 1.1))


GOOD = "state,mean,std\n0,0,0.1\n1,1,0.1\n"
BAD_CSV = [
    (None, {}, "no such file"),
    ("", {}, "holds no rows"),
    ("state,mean,std\n", {}, "holds no rows"),
    ("a,b\n1,2\n", {}, "needs the columns state,mean,std or target,read"),
    ("state,mean\n1,2\n", {}, "found state, mean"),
    ("# note\nstate,mean,std\n0,0,0.1\n1,one,0.1\n", {}, "line 4: mean is 'one', not a number"),
    ("state,mean,std\n0,0,0.1\n1,1\n", {}, "line 3: std is '', not a number"),
    ("state,mean,std\n0,0,nan\n1,1,0.1\n", {}, "column std holds NaN or infinite numbers"),
    ("state,mean,std\nnan,0,1\n1,1,0.1\n", {}, "column state holds NaN"),
    ("state,mean,std\n0,0,-0.1\n1,1,0.1\n", {}, "must be zero or more"),
    ("state,mean,std\n0,0,1\n100,99,1\n", {}, "levels reach 100, which is no fraction; pass g_max="),
    ("state,mean,std,age\n0,0,0.1,0\n1,1,0.1,0\n0,0,0.1,5\n", {}, "do not make a full table of 2 states x 2 ages"),
    ("state,mean,std,age\n0,0,0.1,0\n0,1,0.1,0\n1,0,0.1,5\n1,0,0.2,5\n", {}, "do not make a full table"),
    ("state,mean,std,age\n1,1,0.1,-5\n", {}, "must be zero or more seconds"),
    ("state,mean,std\n0,0,1e-6\n4e-5,4e-5,1e-6\n", {}, "levels reach 4e-05, which is no fraction; pass g_max="),
    (GOOD, {"g_max": 0.0}, "g_max=0 must be more than zero"),
    (GOOD, {"g_max": -1.0}, "g_max=-1 must be more than zero"),
    (GOOD, {"states": 4}, "is a finished table, for which states= has no meaning"),
    ("target,read\n0,0\n50,51\n", {}, "levels reach 50, which is no fraction; pass g_max="),
    ("target,read\n0,0\n1,1\n", {}, "has 1 samples at age 0 s; ask for fewer states or ages"),
    ("target,read\nnan,0\n1,nan\n", {}, "no sample is a finite number"),
    ("target,read\n0,0\n0,1\n", {"states": 0}, "states=0 must be one or more"),
    ("target,read\n0,0\n0,1\n", {"g_max": -1.0}, "g_max=-1 must be more than zero"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "options", "says"), BAD_CSV, ids=[says for *_, says in BAD_CSV])
def test_a_bad_csv_is_one_line(tmp_path: Path, text: str | None, options: dict, says: str) -> None:
    path = tmp_path / "lab.csv"
    if text is not None:
        write(path, text)
    with pytest.raises(MhoError) as error:
        MeasuredTable.from_csv(path, **options)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_a_binary_csv_is_one_line(tmp_path: Path) -> None:
    for content in (b"\xff\xfe\x00state", b"state,mean,std\n\x00,1,2\n"):
        (tmp_path / "b.csv").write_bytes(content)
        with pytest.raises(DataError) as error:
            MeasuredTable.from_csv(tmp_path / "b.csv")
        assert "\n" not in str(error.value)


def _npz(path: Path, **arrays: object) -> bytes:
    np.savez_compressed(path, **arrays)
    return path.read_bytes()


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda p: None, "no such file"),
        (lambda p: b"", "cannot be read as NPZ"),
        (lambda p: b"state,mean,std", "cannot be read as NPZ"),
        (lambda p: b"PK\x03\x04 and no more", "the file may be truncated"),
        (lambda p: _npz(p, t=np.arange(999.0), r=np.arange(999.0))[:-200], "the file may be truncated"),
        (
            lambda p: (np.save(p.with_suffix(".npy"), np.zeros(3)), p.with_suffix(".npy").read_bytes())[1],
            "single array",
        ),
        (lambda p: _npz(p, t=np.zeros(4), read=np.zeros(4)), "no array 'r'"),
        (lambda p: _npz(p, t=np.array(["a", "b"]), r=np.zeros(2)), "not real numbers"),
        (lambda p: _npz(p, t=np.array([{}, {}]), r=np.zeros(2)), "cannot be read as NPZ"),
        (lambda p: _npz(p, t=np.zeros(4), r=np.zeros(3)), "as many targets as reads and ages; got 4, 3 and 4"),
        (lambda p: _npz(p, t=np.zeros(0), r=np.zeros(0)), "as many targets as reads"),
    ],
)
def test_a_bad_npz_is_one_line(tmp_path: Path, spoil, says: str) -> None:
    path = tmp_path / "lab.npz"
    content = spoil(path)
    path.unlink(missing_ok=True)
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError) as error:
        MeasuredTable.from_npz(path, columns={"target": "t", "read": "r"})
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_columns_that_are_not_asked_for_are_refused(tmp_path: Path) -> None:
    for columns in ({"read": "r"}, {"target": "t", "raed": "r"}, {"target": "t", "read": "r", "when": "x"}):
        with pytest.raises(DataError, match="columns name target, read and perhaps age"):
            MeasuredTable.from_npz(tmp_path / "x.npz", columns=columns)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"states": (0.5, 0.5, 1.0)}, "must be increasing"),
        ({"states": ()}, "must be increasing and not empty"),
        ({"states": (0.0, 1.0, 100.0)}, "are fractions of the full range"),
        ({"ages": (0.0, 10.0)}, "mean needs 2 rows (ages) of 3 states"),
        ({"mean": ((0.0, 1.0),) * 3}, "mean needs 3 rows (ages) of 3 states"),
        ({"std": ((0.0, 0.1, math.nan),) * 3}, "std holds one that is not a finite number"),
        ({"mean": ((0.0, 0.1, math.inf),) * 3}, "mean holds one that is not a finite number"),
        ({"std": ((0.0, 0.1, -0.1),) * 3}, "must be zero or more"),
        ({"sigma": 10.0}, "10 % is written 0.1"),
        ({"ages": (-1.0, 1.0, 2.0)}, "must be zero or more seconds"),
    ],
)
def test_tables_that_do_not_fit_together(changes: dict, says: str) -> None:
    with pytest.raises(MhoError) as error:
        TABLE.replace(**changes)
    assert says in str(error.value)
    assert "\n" not in str(error.value)
