"""The CIFAR-10 study in small: it runs, stops, goes on where it stopped, and does nothing twice."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

STUDY = Path(__file__).parents[2] / "studies" / "cifar10"
SMALL = ["--seeds", "1", "--width", "2", "--limit", "40", "--chips", "3", "--torch-device", "cpu"]
TOLD_TIMES = ("train_seconds", "evaluate_seconds")


@pytest.fixture
def study(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """run.py as a module, found as a script finds what lies beside it."""
    monkeypatch.syspath_prepend(STUDY)
    names = ("run", "rows", "jobs")
    for name in names:
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield importlib.import_module("run")
    for name in names:
        sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty images in CIFAR-10's binary files."""
    folder = tmp_path_factory.mktemp("data") / "cifar-10-batches-bin"
    folder.mkdir()
    records = np.random.default_rng(0).integers(0, 256, (40, 3073), np.uint8)
    records[:, 0] = np.arange(40) % 10
    for name in (*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin"):
        records.tofile(folder / name)
    return folder.parent


def told(study: ModuleType, out: Path) -> list[dict[str, str]]:
    """The rows without their times."""
    return [{k: v for k, v in r.items() if k not in TOLD_TIMES} for r in study.rows.read(out / "results.csv")]


def test_e8_runs_once(
    study: ModuleType, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture, recwarn: pytest.WarningsRecorder
) -> None:
    command = [
        "e8",
        "--root",
        str(root),
        "--out",
        str(tmp_path),
        "--epochs",
        "1",
        *SMALL,
        "--methods",
        "noise,plain",
    ]
    assert study.main(command) == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert said.out.endswith("6 of 6 jobs done\n")
    rows = told(study, tmp_path)
    assert [(r["method"], r["sigma"]) for r in rows[:3]] == [("noise", "0.3"), ("plain", "0.3"), ("noise", "0.2")]
    assert {r["chips"] for r in rows} == {"3"}
    assert {r["published"] for r in rows if r["method"] == "plain"} == {"0.1076", "0.2308", "0.7782"}
    assert all(float(r["mean_low"]) <= float(r["mean"]) <= float(r["mean_high"]) for r in rows)
    assert len(list(tmp_path.glob("*.safetensors"))) == 4, "plain training knows no sigma: one network"
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*-*")} | {"rows": rows}
    assert study.main(command) == 0
    assert {path: path.stat().st_mtime_ns for path in tmp_path.glob("*-*")} | {"rows": told(study, tmp_path)} == before
    assert capsys.readouterr().out in said.out, "the table alone"
    assert not recwarn.list, "the clock is not left behind"


def test_a_call_that_ran_out_of_time_is_gone_on_with(
    study: ModuleType, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    def command(out: str) -> list[str]:
        return ["e10", "--root", str(root), "--out", str(tmp_path / out), "--epochs", "2", *SMALL, "--methods", "noise"]

    assert study.main(command("whole")) == 0
    monkeypatch.setattr(study, "PART", 2)
    calls = []
    while not calls or calls[-1] == 3:
        calls.append(study.main([*command("parts"), "--minutes", "1e-9"]))
        assert len(calls) < 6
    assert calls == [3, 3, 3, 0], "two epochs, chips 0 and 1, chip 2"
    assert "0 of 1 jobs done; call again to go on" in capsys.readouterr().out
    assert told(study, tmp_path / "parts") == told(study, tmp_path / "whole")


def test_divergence_is_a_row(study: ModuleType, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    command = ["e10", "--root", str(root), "--out", str(tmp_path), "--epochs", "2", *SMALL, "--lr", "1e30"]
    assert study.main([*command, "--methods", "noise"]) == 0
    (row,) = told(study, tmp_path)
    assert "training diverged" in row["note"]
    assert row["mean"] == ""
    assert "training diverged" in capsys.readouterr().out
    assert study.main([*command, "--methods", "noise"]) == 0
    assert len(told(study, tmp_path)) == 1


def test_calibration_goes_on_with_the_networks_of_e8(study: ModuleType, root: Path, tmp_path: Path) -> None:
    common = ["--root", str(root), "--out", str(tmp_path), "--epochs", "1", *SMALL, "--methods", "noise"]
    assert [study.main([name, *common]) for name in ("e8", "e12")] == [0, 0]
    assert len(list(tmp_path.glob("*.safetensors"))) == 3
    e8, e12 = ({r["sigma"]: r for r in told(study, tmp_path) if r["experiment"] == name} for name in ("e8", "e12"))
    assert list(e12) == ["0.3", "0.2"]
    for sigma, row in e12.items():
        assert row["mean"] == e8[sigma]["mean"]
        assert 0 <= float(row["ece"]) <= 1


def test_ablations_and_level_dependent_devices_run(study: ModuleType, root: Path, tmp_path: Path) -> None:
    common = ["--root", str(root), "--out", str(tmp_path), "--epochs", "1", *SMALL]
    assert study.main(["e11", *common, "--methods", "ovf-top,irs-snapshots-5"]) == 0
    assert study.main(["e9", *common, "--methods", "plain"]) == 0
    rows, jobs = told(study, tmp_path), sys.modules["jobs"]
    assert [r["method"] for r in rows] == ["irs-snapshots-5", "ovf-top", *["plain"] * 7]
    assert [r["memory"] for r in rows[2:]] == ["RRAM1", *jobs.NORMALISED, *jobs.RAW]
    assert len({r["mean"] + r["ekl"] for r in rows[2:]}) == 7, "seven memories, one network"


def test_jobs_are_distinct_and_comparable(study: ModuleType) -> None:
    for name, experiment in study.EXPERIMENTS.items():
        jobs = list(experiment.of(2, experiment.methods))
        assert len({job.key for job in jobs}) == len(jobs) == 2 * len(experiment.jobs), name
        assert all(job.seed == 0 for job in jobs[: len(jobs) // 2])
        assert jobs[0].method == "noise", "what the others are compared with"
        for job in jobs:
            assert study.memory(job.memory, job.sigma).device.sigma == job.sigma
            study.rows.published(job)
    known = {job.key[:3] for e in study.EXPERIMENTS.values() for job in e.of(1, e.methods)}
    assert set(study.rows._published()) <= known, "every published number has its job"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["e7"], "invalid choice: 'e7'"),
        (["e8", "--methods", "ovff"], "unknown method of e8 'ovff': did you mean 'ovf'?"),
        (["e8", "--minutes", "0"], "--minutes: '0' must be a number, more than 0"),
        (["e8", "--epochs", "two"], "--epochs: 'two' must be a whole number, 1 or more"),
        (["e8", "--torch-device", "gpuu"], "device='gpuu' cannot be used"),
        (["e8", "--width", "4"], "--width 4: {out} has results with width=2; give another --out"),
    ],
)
def test_bad_input_is_one_line(
    study: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture, given: list[str], says: str
) -> None:
    settings = vars(study.parse(["e8", "--width", "2"]))
    study.write_json(tmp_path / "settings.json", {name: settings[name] for name in study.SETTINGS})
    more = ["--out", str(tmp_path)] if len(given) > 1 else []
    width = [] if "--width" in given else ["--width", "2"] if more else []
    assert study.main([*given, *more, *width]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert says.format(out=tmp_path) in said
