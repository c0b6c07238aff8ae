"""What each command answers when all is well."""

from __future__ import annotations

import json
import shlex

import pytest

from mho.cli import main

LENET = "{nets}/lenet.safetensors"


def test_list_names_everything_there_is(mho) -> None:
    from mho.analog.naming import NAMES
    from mho.data import DATASETS
    from mho.devices import PRESETS, PULSED
    from mho.zoo import ARCHITECTURES

    devices = [*PRESETS, "Racetrack", "Skyrmion", "bereholschi2024netdrift"]
    tables = {"devices": devices, "models": ARCHITECTURES, "data": DATASETS, "cells": PULSED, "algorithms": NAMES}
    for what, names in tables.items():
        said = mho("list", what)
        assert said.code == 0
        assert all(name in said.out for name in names)


def test_list_says_which_schemes_need_a_known_map_of_faults(mho) -> None:
    from mho.memory.redundancy import SCHEMES, TITLES

    assert list(SCHEMES) == list(TITLES)
    said = mho("list", "schemes")
    assert said.code == 0, said.err
    lines = {line.split()[0]: line for line in said.out.splitlines() if line}
    for name, memory in SCHEMES.items():
        assert TITLES[name] in lines[name]
        known = memory.redundancy is not None and memory.redundancy.known_map
        assert lines[name].rstrip().endswith("known map of faults") == known
    assert {name for name in SCHEMES if "known map" in lines[name]} == {
        "best-of-2", "best-of-3", "remap", "closest", "channel-flip-all-remap"
    }  # fmt: skip
    assert lines["ecc"].rstrip().endswith("cells read one by one")


def test_list_combinations_prints_the_page(mho, monkeypatch) -> None:
    from mho.codesign import compatibility

    monkeypatch.setattr(compatibility.Table, "markdown", lambda self: f"# What goes with what\n{self.cells}\n")
    monkeypatch.setattr(compatibility, "combinations", lambda: compatibility.Table({}))
    said = mho("list", "combinations")
    assert (said.code, said.err) == (0, "")
    assert said.out == "# What goes with what\n{}\n", "as docs/compatibility.md has it, to the last byte"


def test_version_and_help(mho) -> None:
    from mho import __version__

    assert mho("--version").out.strip() == __version__
    said = mho("--help")
    assert said.code == 0
    for command in ("demo", "train", "describe", "evaluate", "list", "doctor"):
        assert command in said.out
    assert mho().out == said.out, "no command at all shows the help"


def test_describe_says_what_sits_where(mho, tmp_path) -> None:
    said = mho("describe", LENET, "--device", "fefet6", "--cell-bits", "4", "--tile", "64x32")
    assert said.code == 0
    assert "LeNet on arrays of 64x32 cells" in said.out
    assert "FeFET2" in said.out
    assert "conv1.bias" in said.out
    (tmp_path / "rules.yaml").write_text(
        "rules:\n  fc3.*: null\n  '*': {kind: Memory, device: {kind: RRAM1, sigma: 0.1}}\n"
    )
    assert "rule 'fc3.*'" in mho("describe", LENET, "--memory", "rules.yaml").out


def test_evaluate_prints_a_table_and_writes_what_it_is_asked_for(mho, tmp_path) -> None:
    said = mho(
        *shlex.split(f"evaluate {LENET} --data digits --chips 3 --limit 20 --sigma 0.05,0.1 --age 0,1h"),
        *shlex.split("--threshold 0.5 --json r.json --report 'the report.html'"),
    )
    assert said.code == 0, said.err
    assert said.err == ""
    assert "RRAM1: accuracy in %, 3 chips x 20 samples, seed 0" in said.out
    assert sum("1h" in row for row in said.out.splitlines()) == 2
    kept = json.loads((tmp_path / "r.json").read_text())
    assert (kept["sigma"], kept["age"], kept["data"]) == ([0.05, 0.1], [0.0, 3600.0], "digits")
    assert [len(chips) for row in kept["values"] for chips in row] == [3] * 4
    page = (tmp_path / "the report.html").read_text()
    assert "--threshold 0.5 --json r.json --report &#39;the report.html&#39;" in page, "a shell can run it again"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["r.json", "the report.html"]


def test_the_same_seed_is_the_same_chips(mho) -> None:
    line = ["evaluate", LENET, "--data", "digits", "--chips", "3", "--limit", "50", "--sigma", "0.2"]
    first, second, other = mho(*line), mho(*line), mho(*line, "--seed", "1")
    assert first.out == second.out
    assert first.out.replace("seed 0", "") != other.out.replace("seed 1", "")


def test_a_preset_without_a_severity_says_which_one_it_took(mho) -> None:
    said = mho("evaluate", LENET, "--data", "digits", "--chips", "2", "--limit", "10")
    assert said.out.splitlines()[3].startswith("0.1 ")
    said = mho("evaluate", LENET, "--data", "digits", "--chips", "2", "--limit", "10", "--device", "PCM")
    assert said.out.splitlines()[3].startswith("device's")


def test_measurements_in_their_own_unit(mho, tmp_path) -> None:
    (tmp_path / "lab.csv").write_text("state,mean,std\n0,1,1\n20,21,2\n40,40,1\n")
    said = mho(*shlex.split(f"evaluate {LENET} --data digits --chips 2 --limit 10 --device lab.csv --g-max 40"))
    assert said.code == 0, said.err
    assert said.out.startswith("lab: accuracy")


def test_train_describes_what_it_made(mho, tmp_path) -> None:
    from mho import zoo

    said = mho(*shlex.split("train mlp --data digits --epochs 2 --lr 2e-3 --batch-size 64 --out net.safetensors"))
    assert said.code == 0, said.err
    assert "net.safetensors: mlp on digits" in said.out
    kept = zoo.metadata(tmp_path / "net.safetensors")
    assert kept["architecture"] == "mlp"
    assert kept["recipe"]["epochs"] == 2
    assert kept["test_accuracy"] > 0.5
    assert mho("describe", "net.safetensors").code == 0


def test_demo_writes_one_page(mho, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("mho.cli.demo.SIGMAS", (0.02, 0.1))
    said = mho("demo", "--chips", "2", "--out", "demo.html")
    assert said.code == 0, said.err
    assert "RRAM1: accuracy" in said.out
    assert "FeFET2: accuracy" in said.out
    assert said.out.splitlines()[-1] == "report: demo.html"
    page = (tmp_path / "demo.html").read_text()
    assert "mho demo --chips 2 --seed 0" in page
    assert "qin2025neft" in page
    assert 'src="' not in page, "one file, nothing beside it"
    assert [p.name for p in tmp_path.iterdir()] == ["demo.html"]


def test_the_list_of_methods_says_how_to_cite_one(mho) -> None:
    last = mho("list", "methods").out.splitlines()[-1]
    assert last == "BibTeX: in Python mho.cite('qin2025neft'); of all that a study uses, mho cite study.yaml"


def test_doctor_finds_everything_here(mho) -> None:
    said = mho("doctor")
    assert said.code == 0, said.err
    assert "known answer matches" in said.out
    assert "BROKEN" not in said.out


def test_doctor_says_how_to_get_what_is_missing(mho, monkeypatch) -> None:
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: None if name == "transformers" else find(name, *a)
    )
    line = next(line for line in mho("doctor").out.splitlines() if "networks of Hugging Face" in line)
    assert line.startswith("-")
    assert line.rstrip().endswith("pip install 'mho[transformers]'")


def test_doctor_fails_on_wrong_numbers(mho, monkeypatch) -> None:
    monkeypatch.setattr("mho.cli.doctor.KNOWN_ANSWER", (0, 0, 0, 0))
    said = mho("doctor")
    assert said.code == 2
    assert "wrong random numbers" in said.out
    assert said.err.startswith("mho: not working: reference kernel, cpu kernel")


def test_an_interrupt_is_no_traceback(monkeypatch, capsys) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mho.cli.doctor._checks", interrupted)
    assert main(["doctor"]) == 130
    assert capsys.readouterr().err == "mho: interrupted\n"


def test_a_bug_of_ours_says_so_and_can_be_seen(monkeypatch, capsys) -> None:
    def broken() -> None:
        raise ZeroDivisionError("of ours")

    monkeypatch.setattr("mho.cli.doctor._checks", broken)
    monkeypatch.delenv("MHO_DEBUG", raising=False)
    assert main(["doctor"]) == 1
    assert "internal error (ZeroDivisionError: of ours)" in capsys.readouterr().err
    monkeypatch.setenv("MHO_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        main(["doctor"])
