"""``question: WorstCase``: searched on calibration data, reported on test data, cached, resumed and shown."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from asking import TRAIN, WORST, Stop, network, same, written
from jsonschema import Draft202012Validator

import mho
from mho import data, devices, mapping
from mho.cli import main
from mho.evaluation.worst_case import SignedDescent, worst_case
from mho.memory import Memory
from mho.programming import WriteVerify
from mho.studies import Inline, WorstCase, run
from mho.studies.document import parse
from mho.studies.plan import make_plan
from mho.studies.schema import json_schema


@pytest.fixture(scope="module")
def worst(tmp_path_factory):
    """The study of worst cases and its store, computed here."""
    folder = tmp_path_factory.mktemp("worst")
    watch = Stop(0)
    return run(WORST, store=folder, executor=Inline(), observers=[watch]), watch, folder


def test_it_searches_calibration_data_and_reports_on_test_data(worst) -> None:
    found, watch, store = worst
    assert not found.failures
    assert list(found.found) == ["seed 0", "seed 1"]
    direct = worst_case(
        mho.deploy(network(WORST, store), Memory(device=devices.FeFET2(sigma=0.1))),
        data.load("digits", split="train", limit=60),
        test=data.load("digits", limit=50),
        bound=[0.01, 0.05],
        method=SignedDescent(steps=4),
        random=3,
        images=40,
        seed=1,
        label="seed 1",
        show_progress=False,
    )
    assert same(found.found["seed 1"], direct), "of the memory only the mapping counts"
    assert (direct.images, direct.search_images) == (50, 40)
    assert list(found.found["seed 1"].random) == list(direct.random)
    assert watch.rows[1]["found at bound 0.05"] == direct.found[1]


def test_tolerances_go_with_the_mapping(worst) -> None:
    _, _, store = worst
    asked = WorstCase(tolerances=(0.02,), method=SignedDescent(steps=2), random=0)
    axes = {"memory.mapping": [mapping.SlicedMagnitude(), mapping.Offset()]}
    found = run(WORST.replace(question=asked, axes=axes), store=store)
    sliced, offset = found.found["SlicedMagnitude"], found.found["Offset"]
    assert sliced.tolerances == offset.tolerances == (0.02,)
    assert sliced.bounds[0] < offset.bounds[0]
    assert found.rows()[0]["tolerance"] == 0.02


def test_every_command_knows_a_study_of_worst_cases(worst, tmp_path, capsys) -> None:
    _, _, store = worst
    path = written(tmp_path, WORST)
    place = ["--store", str(store)]

    def said(*arguments: str) -> str:
        capsys.readouterr()
        assert main([*arguments]) == 0
        return capsys.readouterr().out

    out = said("check", path)
    assert out.startswith("worst: 2 combinations x 2 bounds\n")
    assert "sigma" not in out
    assert "accuracy in % of the worst chip found" in said("run", path, *place, "--engine", "inline")
    assert "2 cells, 2 of them cached" in said("run", path, *place, "--dry-run")
    assert "worst: 2 of 2 cells, " in said("status", path, *place)
    table, every = tmp_path / "table.csv", tmp_path / "every.csv"
    said("export", path, *place, "--csv", str(table))
    said("export", path, *place, "--every-chip", "--csv", str(every))
    with open(table) as file:
        rows = list(csv.DictReader(file))
    assert [(row["seed"], row["bound"]) for row in rows] == [("0", "0.01"), ("0", "0.05"), ("1", "0.01"), ("1", "0.05")]
    assert not {"sigma", "age_s"} & set(rows[0]), "which mean nothing here"
    assert len(every.read_text().splitlines()) == 1 + 2 * 2 * (1 + 3 * 3)
    said("report", path, *place)
    page = (tmp_path / "worst.html").read_text()
    assert "yan2022worst" in page
    assert "Worst chip found" in page
    many = WORST.replace(axes={"seed": tuple(range(5))})
    lines = str(run(many, store=store)).splitlines()
    assert "found at bound 0.05" in lines[1]
    assert len(lines) == 3 + 5
    assert Draft202012Validator(json_schema()).is_valid(parse(Path(path).read_bytes()).value)


def test_only_what_decides_a_worst_case_decides_its_key(worst) -> None:
    _, _, store = worst
    for changes in (
        {"name": "other"},
        {"memory": Memory(device=devices.FeFET2(sigma=0.1))},
        {"memory": Memory(device=devices.RRAM1(sigma=0.3), programming=WriteVerify(tolerance=0.1))},
    ):
        watch = Stop(0)
        run(WORST.replace(**changes), store=store, observers=[watch])
        assert watch.computed == 0
    base = {cell.key for cell in make_plan(WORST.replace(axes={})).cells}
    asked = WORST.question
    assert asked is not None
    for changes in (
        {"question": asked.replace(random=4)},
        {"question": asked.replace(images=41)},
        {"question": asked.replace(method=SignedDescent(steps=5))},
        {"question": asked.replace(bounds=(), tolerances=(0.01, 0.05))},
        {"calibration": TRAIN},
        {"metric": "top5"},
        {"memory": Memory(device=WORST.memory.device, mapping=mapping.SlicedMagnitude(weight_bits=4))},
    ):
        assert not base & {cell.key for cell in make_plan(WORST.replace(axes={}, **changes)).cells}, changes


def test_an_interrupted_search_goes_on_where_it_was(worst, tmp_path) -> None:
    found, _, _ = worst
    with pytest.raises(KeyboardInterrupt):
        run(WORST, store=tmp_path, observers=[Stop(1)])
    rest = Stop(0)
    again = run(WORST, store=tmp_path, executor=Inline(), observers=[rest])
    assert rest.computed == 1
    assert all(same(again.found[label], found.found[label]) for label in found.found)
