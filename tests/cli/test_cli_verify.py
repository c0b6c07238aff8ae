"""``mho verify``: the table, the page, the numbers, and one line for what cannot be."""

from __future__ import annotations

import json

import pytest

SMALL = ("--data", "digits", "--limit", "40", "--chips", "2", "--calibration", "60", "--fractions", "0,0.1,1")


def test_the_table_the_numbers_and_the_page(mho, tmp_path) -> None:
    said = mho(
        "verify", "{nets}/lenet.safetensors", *SMALL, "--sigma", "0.2", "--target-drop", "0.5", "--cycle-time", "100ns",
        "--json", "out.json", "--report", "out.html",
    )  # fmt: skip
    assert said.code == 0, said.err
    for words in ("second-derivative", "magnitude", "random", "NWC", "p1", "until within 50.00 points", "seconds"):
        assert words in said.out
    written = json.loads((tmp_path / "out.json").read_text())
    assert written["fractions"] == [0.0, 0.1, 1.0]
    assert len(written["values"][0][0]) == 2
    page = (tmp_path / "out.html").read_text()
    assert "mho verify" in page
    assert "yan2022swim" in page


def test_a_memory_file_may_say_how_cells_are_verified(mho, tmp_path) -> None:
    (tmp_path / "memory.yaml").write_text(
        "kind: Memory\ndevice: {kind: RRAM1, sigma: 0.2}\n"
        "programming: {kind: Selective, fraction: 0.1, unit: cell, verify: {kind: WriteVerify, tolerance: 0.03}}\n"
    )
    said = mho("verify", "{nets}/lenet.safetensors", *SMALL, "--memory", "memory.yaml", "--rankings", "random")
    assert said.code == 0, said.err
    refused = mho("verify", "{nets}/lenet.safetensors", *SMALL, "--memory", "memory.yaml", "--tolerance", "0.1")
    assert refused.code == 2
    assert "--memory says how cells are verified; leave out" in refused.err


BAD = [
    (("--rankings", "magnitud"), "did you mean 'magnitude'"),
    (("--tolerance", "0"), "tolerance=0.0 must be more than zero"),
    (("--tolerance", "6"), "6 % is written 0.06"),
    (("--fractions", "0,ten"), "--fractions 'ten' is no number"),
    (("--fractions", "0,10"), "10 % is 0.1"),
    (("--chips", "0"), "--chips 0 must be 1 or more"),
    (("--age", "0,1h"), "verify looks at one age"),
    (("--target-drop", "-1"), "half a point is 0.005"),
    (("--cycle-time", "fast"), "'fast' is no duration"),
    (("--sigma", "-0.1"), "must be zero or more"),
    (("--report", "no/such/folder.html"), "no"),
]


@pytest.mark.parametrize(("options", "said"), BAD, ids=[" ".join(o) for o, _ in BAD])
def test_bad_options_get_one_line_and_leave_nothing(mho, tmp_path, options: tuple[str, ...], said: str) -> None:
    given = [*SMALL]
    if options[0] in given:  # the command takes each once
        at = given.index(options[0])
        del given[at : at + 2]
    found = mho("verify", "{nets}/lenet.safetensors", *given, *options, "--json", "out.json")
    assert found.code == 2
    assert said in found.err
    assert len(found.err.strip().splitlines()) == 1
    assert "Traceback" not in found.err
    assert not (tmp_path / "out.json").exists()
