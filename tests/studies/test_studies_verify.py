"""``question: Verify``: the answer is what ``mho.verify`` says, cached, resumed and shown."""

from __future__ import annotations

import csv
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from asking import MEMORY, VERIFY, Stop, network, same, written
from jsonschema import Draft202012Validator

from mho import data
from mho.cli import main
from mho.evaluation.verification import verify
from mho.studies import Inline, run
from mho.studies.document import parse
from mho.studies.schema import json_schema
from mho.studies.store import Store


@pytest.fixture(scope="module")
def verified(tmp_path_factory):
    """The study of verifications and its store, computed here."""
    folder = tmp_path_factory.mktemp("verified")
    watch = Stop(0)
    return run(VERIFY.replace(sigma=(0.2, 0.3)), store=folder, executor=Inline(), observers=[watch]), watch, folder


def test_it_finds_what_the_verb_finds(verified) -> None:
    found, _, store = verified
    assert list(found.found) == ["seed 0, sigma 0.2", "seed 0, sigma 0.3", "seed 1, sigma 0.2", "seed 1, sigma 0.3"]
    assert not found.results
    assert not found.failures
    calibration, test = data.load("digits", split="train", limit=40), data.load("digits", limit=50)
    direct = verify(
        network(VERIFY, store),
        MEMORY.with_sigma(0.2),
        test,
        calibration=calibration,
        rankings=("second-derivative", "random"),
        fractions=(0, 0.1, 1),
        target_drop=0.05,
        n_chips=3,
        seed=1,
        label="seed 1, sigma 0.2",
        show_progress=False,
    )
    assert same(found.found["seed 1, sigma 0.2"], replace(direct, sigma=0.2))


def test_rows_say_where_they_are(verified) -> None:
    found, watch, _ = verified
    rows = found.rows()
    assert len(rows) == 4 * 2 * 3
    assert [rows[-1][k] for k in ("seed", "sigma", "age_s", "ranking", "fraction")] == ["1", 0.3, 0.0, "random", 1.0]
    chips = found.every_chip()
    assert len(chips) == len(rows) * 3
    one = found.found["seed 1, sigma 0.3"].at("random", 0.1)
    picked = [c["value"] for c in chips if (c["label"], c["ranking"], c["fraction"]) == (
        "seed 1, sigma 0.3", "random", 0.1)]  # fmt: skip
    assert picked == one.values.tolist()
    first = watch.rows[0]
    assert first["label"] == "seed 0, sigma 0.2"
    assert first["random mean over NWC"] == found.found[first["label"]].area("random").value
    assert first["mean at fraction 1_low"] <= first["mean at fraction 1"] <= first["mean at fraction 1_high"]


def test_intervals_are_those_of_the_confidence_asked_for_and_nothing_is_computed_again(verified) -> None:
    _, _, store = verified
    watch = Stop(0)
    found = run(VERIFY.replace(sigma=(0.2, 0.3), confidence=0.5), store=store, observers=[watch])
    assert watch.computed == 0
    assert found.found["seed 0, sigma 0.2"].confidence == 0.5


def test_every_command_knows_such_a_study(verified, tmp_path, capsys) -> None:
    _, _, store = verified
    path = written(tmp_path, VERIFY.replace(sigma=(0.2, 0.3)))
    place = ["--store", str(store)]

    def said(*arguments: str) -> str:
        capsys.readouterr()
        assert main([*arguments]) == 0
        return capsys.readouterr().out

    out = said("check", path)
    assert out.startswith("verified: 2 combinations x 2 sigma x 2 rankings x 3 fractions x 3 chips\n")
    assert "ranking   second-derivative, random" in out
    out = said("run", path, *place, "--engine", "inline")
    assert "until within 5.00 points" in out
    assert "4 cells, 4 of them cached; 0 chips missing" in said("run", path, *place, "--dry-run")
    assert "verified: 4 of 4 cells, " in said("status", path, *place)
    table, every = tmp_path / "table.csv", tmp_path / "every.csv"
    said("export", path, *place, "--csv", str(table))
    said("export", path, *place, "--every-chip", "--csv", str(every))
    with open(table) as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 24
    assert {"seed", "sigma", "ranking", "fraction", "nwc", "mean", "mean_low", "p1"} <= set(rows[0])
    assert len(every.read_text().splitlines()) == 1 + 72
    said("report", path, *place)
    page = (tmp_path / "verified.html").read_text()
    assert "seed 1, sigma 0.3" in page
    assert "yan2022swim" in page
    assert next(iter(network(VERIFY, store).state_dict())) in page, "what sits where"
    assert "yan2022swim" in said("cite", path)
    assert Draft202012Validator(json_schema()).is_valid(parse(Path(path).read_bytes()).value)


def test_many_answers_share_a_table(verified) -> None:
    found, _, store = verified
    assert "NWC" in str(found)
    many = run(VERIFY.replace(sigma=(0.2, 0.3), axes={"seed": (0, 1, 2)}), store=store)
    lines = str(many).splitlines()
    assert lines[0].startswith("verified: accuracy in %, 50 samples")
    assert len(lines) == 3 + 6
    assert "second-derivative mean over NWC" in lines[1]


# -- in one piece


def test_an_interrupted_study_goes_on_where_it_was(verified, tmp_path, capsys) -> None:
    found, _, _ = verified
    study = VERIFY.replace(sigma=(0.2, 0.3))
    with pytest.raises(KeyboardInterrupt):
        run(study, store=tmp_path, observers=[Stop(3)])
    assert main(["status", written(tmp_path, study), "--store", str(tmp_path)]) == 0
    assert "verified: 3 of 4 cells" in capsys.readouterr().out
    rest = Stop(0)
    again = run(study, store=tmp_path, observers=[rest])
    assert rest.computed == 1
    assert all(same(again.found[label], found.found[label]) for label in found.found)


def test_a_study_killed_with_its_workers_goes_on_where_it_was(verified, tmp_path) -> None:
    found, _, _ = verified
    store = tmp_path / "store"
    study = VERIFY.replace(sigma=(0.2, 0.3))
    command = [sys.executable, "-m", "mho", "run", written(tmp_path, study), "--store", str(store)]
    process = subprocess.Popen([*command, "--workers", "1"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    give_up = time.monotonic() + 120
    while not any(Store(store).every_shard()) and process.poll() is None and time.monotonic() < give_up:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = set(Store(store).every_shard())
    assert kept
    again = run(study, store=store)
    assert all(same(again.found[label], found.found[label]) for label in found.found)
    assert kept <= set(Store(store).every_shard()), "what was there was not computed again"
    assert len(set(Store(store).every_shard())) == 4


def test_a_damaged_answer_is_computed_again(verified, tmp_path) -> None:
    found, _, _ = verified
    run(VERIFY.replace(sigma=0.2), store=tmp_path)
    victim = tmp_path / sorted(Store(tmp_path).every_shard())[0].path
    victim.write_bytes(victim.read_bytes()[:-20])
    watch = Stop(0)
    again = run(VERIFY.replace(sigma=0.2), store=tmp_path, observers=[watch])
    assert watch.computed == 1
    assert all(same(again.found[label], found.found[label]) for label in again.found)
