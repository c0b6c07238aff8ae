"""``mho worst-case``: the table, the sentence, the file, and what it refuses."""

from __future__ import annotations

import json
import shlex

import pytest

LENET = "{nets}/lenet.safetensors"
QUICK = f"worst-case {LENET} --data digits --images 40 --limit 20 --steps 3 --random 2"


def test_it_prints_a_table_and_a_sentence_and_writes_numbers(mho, tmp_path) -> None:
    said = mho(*shlex.split(f"{QUICK} --bound 0.03,0.01 --json w.json --report w.html"))
    assert said.code == 0, said.err
    assert said.err == ""
    lines = said.out.splitlines()
    assert lines[0].startswith("RRAM1: accuracy in % of the worst chip found, 20 samples, seed 0")
    assert [line.split()[0] for line in lines[3:5]] == ["0.01", "0.03"]
    assert "passes over 40 samples of digits, reported on 20 samples of digits; 2 chips of each random kind" in lines[5]
    assert lines[6].startswith("Within ±3 % of the full scale, a chip of ")
    kept = json.loads((tmp_path / "w.json").read_text())
    assert kept["bounds"] == [0.01, 0.03]
    assert [len(values) for values in kept["random"]["corners"]] == [2, 2]
    assert "worst" in (tmp_path / "w.html").read_text().lower()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["w.html", "w.json"]
    assert mho(*shlex.split(f"{QUICK} --bound 0.03,0.01")).out == said.out.removesuffix(
        "json: w.json\nreport: w.html\n"
    )


def test_tolerances_are_those_of_the_memory_named(mho, tmp_path) -> None:
    (tmp_path / "m.yaml").write_text("kind: Memory\ndevice: {kind: RRAM1, sigma: 0.1}\nmapping: {kind: Differential}\n")
    said = mho(*shlex.split(f"{QUICK} --tolerance 0.01 --memory m.yaml --split test"))
    assert said.code == 0, said.err
    row = said.out.splitlines()[3].split()
    assert row[:2] == ["0.01", "0.02"], "both cells of a pair may be off"
    assert "Within 1 % of the range of every cell" in said.out


def test_the_other_method(mho) -> None:
    said = mho(*shlex.split(f"{QUICK} --bound 0.05 --method lagrangian"))
    assert said.code == 0, said.err
    assert "hinge, c = " in said.out


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (QUICK, "give --bound (of weights, such as 0.01,0.03) or --tolerance"),
        (f"{QUICK} --bound 0.1 --tolerance 0.1", "one of the two"),
        (f"{QUICK} --bound 3%", "--bound '3%' is no number; write a list such as 0.01,0.03"),
        (f"{QUICK} --bound 3", "bound=3 must be more than 0 and at most 1"),
        (f"{QUICK} --bound 0.1,0.1", "bound lists a value twice"),
        (f"{QUICK} --tolerance 0", "tolerance=0 must be more than 0"),
        (f"worst-case {LENET} --data digits --bound 0.1 --images 0", "--images 0 must be 1 or more"),
        (f"worst-case {LENET} --data digits --bound 0.1 --random -1", "--random -1 must be 0 or more"),
        (f"worst-case {LENET} --data digits --bound 0.1 --steps 1", "steps=1 must be 2 or more"),
        (f"worst-case {LENET} --data digit --bound 0.1", "did you mean 'digits'?"),
        (f"{QUICK} --bound 0.1 --metric acuracy", "did you mean 'accuracy'?"),
        (f"{QUICK} --bound 0.1 --json /nowhere/w.json", "the folder /nowhere does not exist"),
        ("worst-case {nets}/nan.safetensors --data digits --bound 0.1", "conv1.weight"),
    ],
)
def test_what_it_refuses(mho, line: str, words: str) -> None:
    said = mho(*shlex.split(line))
    assert said.code == 2, said.out
    assert words in said.err
    assert all(row.startswith("mho: ") for row in said.err.splitlines())
    assert "internal error" not in said.err
