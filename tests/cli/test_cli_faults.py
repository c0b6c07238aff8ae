"""``mho faults``: tables, numbers and pages of a small network, and one line for what cannot be."""

from __future__ import annotations

import json
import shlex

import pytest

NET = "{nets}/wide8.safetensors"
FEW = "--data digits --limit 30 --chips 2"


@pytest.fixture(autouse=True, scope="module")
def net(nets) -> None:
    from mho import zoo

    zoo.save(zoo.build("mlp", seed=0, inputs=784, hidden=[8]), nets / "wide8.safetensors")


def test_curves_of_schemes_are_printed_and_kept(mho, tmp_path) -> None:
    from mho.evaluation.faults import FaultCurves

    line = f"faults {NET} {FEW} --schemes none,paper --rates 0.1,0.001 --percentiles 5,50 --json f.json"
    said = mho(*shlex.split(line))
    assert said.code == 0, said.err
    assert said.err == ""
    assert "wide8: accuracy in % over the rate of stuck cells, 2 chips x 30 samples of digits, seed 0" in said.out
    assert "MSB flipped, vote of 3 (paper)" in said.out
    assert "at most 10 points worse" in said.out
    assert said.out.index("0.1%") < said.out.index("10%")
    assert said.out.endswith("json: f.json\n")
    kept = json.loads((tmp_path / "f.json").read_text())
    curves = FaultCurves.from_dict(kept["curves"])
    assert str(curves) in said.out
    assert curves.schemes == ("none", "paper")
    assert curves.rates == (0.001, 0.1)
    assert curves.percentiles == (5, 50)
    # Nothing is pruned: of each of 8 planes, two more of the top one.
    assert curves.overhead == (0.0, 0.25)
    assert kept["sensitivities"] == []
    assert kept["statistics"] is None
    less = mho(*shlex.split(f"{line} --drop 0.05 --folder kept")).out
    assert "at most 5 points worse" in less
    assert len(list((tmp_path / "kept").iterdir())) == 4
    assert mho(*shlex.split(f"{line} --drop 0.05 --folder kept")).out == less


def test_layers_planes_and_weights_on_request(mho, tmp_path) -> None:
    line = f"faults {NET} {FEW} --schemes none,flip --rates 0.01,0.02,0.1 --sensitivity --statistics --json f.json"
    said = mho(*shlex.split(line))
    assert said.code == 0, said.err
    assert "share of ones in %" in said.out
    assert "stuck cells in one layer only" in said.out
    assert "stuck cells in one plane only" in said.out
    kept = json.loads((tmp_path / "f.json").read_text())
    assert [s["of"] for s in kept["sensitivities"]] == ["layer", "plane"]
    assert [s["rates"] for s in kept["sensitivities"]] == [[0.02], [0.02]]
    assert [s["memory"]["mapping"]["flip"] for s in kept["sensitivities"]] == ["none", "none"]
    assert [row["name"] for row in kept["statistics"]] == ["layers.0.weight", "layers.2.weight"]
    more = mho(*shlex.split(f"{line} --sensitivity-rate 0.3 --sensitivity-scheme flip"))
    assert more.code == 0, more.err
    kept = json.loads((tmp_path / "f.json").read_text())
    assert [s["rates"] for s in kept["sensitivities"]] == [[0.3], [0.3]]
    assert [s["memory"]["mapping"]["flip"] for s in kept["sensitivities"]] == ["msb", "msb"]


MINE = """kind: Memory
device: {kind: StuckAt, sa0: 0.001, sa1: 0.0}
mapping: {kind: BitPlanes, bits: 4}
"""


def test_memories_of_the_users_and_what_stays_digital(mho, tmp_path) -> None:
    (tmp_path / "mine.yaml").write_text(MINE)
    (tmp_path / "rules.yaml").write_text(f"rules:\n  layers.0: null\n  '*': {{{', '.join(MINE.splitlines())}}}\n")
    line = f"faults {NET} {FEW} --schemes none --memory mine.yaml --memory rules.yaml --rates 0.1 --json f.json"
    said = mho(*shlex.split(line))
    assert said.code == 0, said.err
    kept = json.loads((tmp_path / "f.json").read_text())["curves"]
    assert kept["schemes"] == ["none", "mine", "rules"]
    assert kept["cells"] == [(784 * 8 + 80) * 16, (784 * 8 + 80) * 8, 80 * 8]
    only = mho(*shlex.split(f"faults {NET} {FEW} --schemes none --rates 0.1 --digital layers.0 --json f.json"))
    assert "(layers.0 stays digital)" in only.out
    assert json.loads((tmp_path / "f.json").read_text())["curves"]["cells"] == [80 * 16]
    assert mho(*shlex.split(f"faults {NET} {FEW} --schemes none --rates 0.1 --digital none")).code == 0


def test_a_task_of_glue_is_judged_by_its_own_metric() -> None:
    from mho.cli.faults import usual_metric

    assert [usual_metric(name) for name in ("mrpc", "sst2", "stsb", "digits")] == [
        "f1",
        "accuracy",
        "spearman",
        "accuracy",
    ]


def test_every_scheme_is_named_in_the_help(mho) -> None:
    from mho.memory.redundancy.schemes import SCHEMES

    said = " ".join(mho("faults", "--help").out.replace("│", " ").split())
    assert ", ".join(SCHEMES) in said.replace("- ", "-")


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ("--schemes papr", "unknown scheme 'papr': did you mean 'paper'"),
        ("--schemes none,none", "--schemes names 'none' twice"),
        ("--schemes ''", "schemes is empty"),
        ("--rates 5", "--rates=5 must be more than 0 and at most 1"),
        ("--rates a", "--rates 'a' is no number"),
        ("--drop 0", "--drop=0.0 must be a number above zero"),
        ("--chips 0", "--chips 0 must be 1 or more"),
        ("--metric acuracy", "unknown metric 'acuracy'"),
        ("--digital fc9", "rule 'fc9' matches no layer"),
        ("--sensitivity-rate 0.1", "go with --sensitivity"),
        (
            "--sensitivity --sensitivity-scheme channel-flip-all-vote",
            "--sensitivity-scheme 'channel-flip-all-vote' is none of --schemes: none",
        ),
        ("--sensitivity --sensitivity-rate 2", "--sensitivity-rate=2 must be"),
        ("--memory none.yaml", "none.yaml"),
        ("--memory other.yaml", "scheme 'other': RRAM1 has no stuck cells"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(mho, tmp_path, more, named) -> None:
    (tmp_path / "other.yaml").write_text("kind: Memory\ndevice: {kind: RRAM1, sigma: 0.1}\n")
    usual = {"--rates": "0.1", "--schemes": "none", "--chips": "2"}
    rest = " ".join(f"{k} {v}" for k, v in usual.items() if f"{k} " not in more)
    said = mho(*shlex.split(f"faults {NET} --data digits --limit 5 {more} {rest}"))
    assert said.code == 2
    assert named in said.err
    assert len(said.err.splitlines()) == 1
