"""``mho analog cost``: the table, a network, and one line for what cannot be."""

from __future__ import annotations

import json
import shlex

import pytest


def test_the_table_stands_beside_the_published_one(mho, tmp_path) -> None:
    said = mho("analog", "cost", "--json", "c.json", "--csv", "c.csv")
    assert said.code == 0, said.err
    line = next(line.split() for line in said.out.splitlines() if line.startswith("AGAD"))
    assert line[6:8] == ["62.1", "62.1"]
    kept = json.loads((tmp_path / "c.json").read_text())["updates"]
    assert [row["algorithm"] for row in kept] == ["in-memory SGD", "TTv2", "c-TTv2", "AGAD", "mixed precision"]
    assert len((tmp_path / "c.csv").read_text().splitlines()) == 6


def test_options_reach_the_model(mho, tmp_path) -> None:
    hardware = "--flops 1.4e12 --sharing 2 --pulse 1ns --mvm 20ns --two-phase"
    said = mho(*shlex.split(f"analog cost --algorithm agad --size 128x784 --transfer-every 4 --beta 1 {hardware}"),
               "--mean-length", "3", "--read", "rows", "--json", "c.json")  # fmt: skip
    assert said.code == 0, said.err
    (row,) = json.loads((tmp_path / "c.json").read_text())["updates"]
    assert (row["outputs"], row["inputs"], row["published_seconds"]) == (128, 784, None)
    assert row["seconds"] * 1e9 == pytest.approx((912 + 3 * 784 / 4) / 700 + 2 * (3 + 1 / 4) + 20 / 4)


def test_a_network_tile_by_tile(mho, tmp_path) -> None:
    said = mho(*shlex.split("analog cost {nets}/lenet.safetensors --data digits --algorithm ttv2 --json c.json"))
    assert said.code == 0, said.err
    assert "tile after tile" in said.out
    rows = json.loads((tmp_path / "c.json").read_text())["tiles"]
    assert [row["vectors"] for row in rows] == [784, 196, 1, 1, 1]
    assert rows[0]["algorithm"] == "TTv2"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("--algorithm adag", "unknown algorithm 'adag': did you mean 'agad'?"),
        ("--algorithm agad,agad", "names one twice"),
        ("--size big", "--size 'big' is no size; write 512, or outputs x inputs such as 128x784"),
        ("--size 0", "outputs=0 must be 1 or more"),
        ("--transfer-every 0", "--transfer-every 0 must be 1 or more"),
        ("--algorithm sgd --beta 1", "--beta is for agad, not sgd"),
        ("--algorithm agad --batch 10", "--batch is for mp, not agad"),
        ("--mean-length 0", "mean_length=0.0 must be more than zero slots"),
        ("--pulse fast", "'fast' is no duration"),
        ("--pulse 5", "pulse=5.0 must be seconds, such as 5e-9"),
        ("--data digits", "--data goes with a network"),
        ("{nets}/mlp.safetensors", "a network needs --data"),
        ("{nets}/mlp.safetensors --data digits --algorithm agad,mp", "of a network one algorithm at a time"),
        ("{nets}/mlp.safetensors --data digits", "MLP does not take samples of digits"),
        ("{nets}/mlp.safetensors --data digits --size 64", "a network has sizes of its own"),
        ("--csv nowhere/c.csv", "cannot write nowhere/c.csv"),
    ],
)
def test_what_cannot_be_is_one_line(mho, arguments, said) -> None:
    found = mho("analog", "cost", *shlex.split(arguments))
    assert found.code == 2
    assert said in found.err
    assert found.err.count("\n") == 1
