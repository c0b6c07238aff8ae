"""``mho racetrack``: tables, pages and numbers of a small binarised network, and one line for what cannot be."""

from __future__ import annotations

import json
import shlex

import pytest

BNN = "{nets}/bnn.safetensors"
FEW = "--data digits --limit 30 --chips 2"


@pytest.fixture(autouse=True, scope="module")
def bnn(nets) -> None:
    from mho import zoo

    zoo.save(zoo.build("bnn-vgg3", seed=0, width=2), nets / "bnn.safetensors")
    zoo.save(zoo.build("mlp", seed=0, inputs=784, hidden=[4]), nets / "wide.safetensors")


def test_evaluate_ages_by_inferences_and_compares_protections(mho, tmp_path) -> None:
    said = mho(
        *shlex.split(f"racetrack evaluate {BNN} {FEW} --bits 32 --rate 1e-2 --order column --inferences 0,1,10"),
        *shlex.split("--protect fc1,conv1 --protect unprot --protect 0001 --protect 1010 --protect conv1,fc1"),
        *shlex.split("--json e.json --report e.html"),
    )
    assert said.code == 0, said.err
    assert said.err == ""
    heads = [row.split(":")[0] for row in said.out.splitlines() if "2 chips x 30 samples" in row]
    assert heads == ["UNPROT", "conv1+fc1", "0001"]
    assert said.out.count("One inference behind GROGU") == 2, "what is not protected has no overhead to print"
    assert said.out.endswith("json: e.json\nreport: e.html\n")
    assert "sigma" not in said.out
    assert "device's" not in said.out
    kept = json.loads((tmp_path / "e.json").read_text())
    assert [r["label"] for r in kept["results"]] == heads
    assert [(r["clock"], r["age"]) for r in kept["results"]] == [("inferences", [0.0, 1.0, 10.0])] * 3
    protected = [[layer["layer"] for layer in o["layers"] if layer["protected"]] for o in kept["overheads"]]
    assert protected == [[], ["conv1", "fc1"], ["fc2"]]
    page = (tmp_path / "e.html").read_text()
    assert "mho racetrack evaluate" in page
    assert "bits: 32" in page
    assert "order: column" in page
    assert sorted(p.name for p in tmp_path.iterdir()) == ["e.html", "e.json"]


def test_evaluate_without_protection(mho, tmp_path) -> None:
    said = mho(*shlex.split(f"racetrack evaluate {BNN} {FEW} --inferences 0,5 --json e.json --report e.html"))
    assert said.code == 0, said.err
    assert ": accuracy in %, 2 chips x 30 samples" in said.out
    assert "One inference" not in said.out
    assert json.loads((tmp_path / "e.json").read_text())["overheads"] == []
    assert "How fast it fails" in (tmp_path / "e.html").read_text()


GUARDED = """rules:
  fc*: {kind: Memory, device: {kind: Racetrack, fault_rate: 0.01, correction: {kind: GROGU}}, mapping: {kind: Tracks}}
  "*": {kind: Memory, device: {kind: Racetrack, fault_rate: 0.01}, mapping: {kind: Tracks}}
"""


def test_a_memory_that_is_protected_already_says_what_that_costs(mho, tmp_path) -> None:
    (tmp_path / "g.yaml").write_text(GUARDED)
    line = f"racetrack evaluate {BNN} {FEW} --inferences 1 --memory g.yaml"
    said = mho(*shlex.split(f"{line} --json e.json"))
    assert said.code == 0, said.err
    assert "One inference behind GROGU" in said.out
    (cost,) = json.loads((tmp_path / "e.json").read_text())["overheads"]
    assert [layer["layer"] for layer in cost["layers"] if layer["protected"]] == ["fc1", "fc2"]
    again = mho(*shlex.split(f"{line} --protect FULL"))
    assert again.err == "mho: --memory g.yaml protects fc1.weight already; leave out --protect\n"


WIDE = "{nets}/wide.safetensors"
EIGHT = "--weight-bits 8 --encoding gray --bits 16 --ports 2"


def test_weights_of_several_bits_and_their_top_planes(mho, tmp_path) -> None:
    said = mho(
        *shlex.split(f"racetrack evaluate {WIDE} {FEW} {EIGHT} --inferences 1 --protect FULL --planes 2"),
        *shlex.split("--json e.json --report e.html"),
    )
    assert said.code == 0, said.err
    kept = json.loads((tmp_path / "e.json").read_text())
    for layer in kept["overheads"][1]["layers"]:
        assert layer["protected"] == layer["nanowires"] // 4, "two planes of eight"
    page = (tmp_path / "e.html").read_text()
    assert all(words in page for words in ("weight_bits: 8", "encoding: gray", "ports: 2", "protected_planes: 2"))
    chosen = {}
    for planes in (1, 8):
        asked = f"racetrack protect {WIDE} {FEW} {EIGHT} --inferences 1 --select FULL --planes {planes} --json p.json"
        assert mho(*shlex.split(asked)).code == 0
        (full,) = json.loads((tmp_path / "p.json").read_text())["protection"]["selections"]
        chosen[planes] = full["cycles"]
    assert chosen[8] == pytest.approx(8 * chosen[1], rel=0.01)
    line = f"racetrack sensitivity {WIDE} {FEW} --weight-bits 4 --slicing interleaved --ports 8 --rate 1e-3"
    assert mho(*shlex.split(f"{line} --exposures 1 --json s.json")).err == ""
    assert json.loads((tmp_path / "s.json").read_text())["heat_map"]["bits"] == [8, 16, 32, 64], "tracks it can have"


@pytest.mark.parametrize("verb", ["evaluate", "sensitivity", "protect"])
def test_weights_that_are_not_binary_get_a_hint(mho, tmp_path, verb) -> None:
    said = mho("racetrack", verb, WIDE, *shlex.split(FEW))
    assert said.code == 2
    assert said.err.endswith("here that is --weight-bits 8\n")
    assert len(said.err.splitlines()) == 1


MINE = """
import numpy as np
from mho import mapping, zoo

mapping.register_order("mine", lambda weight, channel_dim: np.arange(weight.numel())[::-1])
"""


def test_an_order_of_the_users(mho, tmp_path) -> None:
    (tmp_path / "mine.py").write_text(MINE)
    for verb in ("evaluate", "sensitivity", "protect"):
        more = {"evaluate": "--inferences 0", "protect": "--select UNPROT --inferences 1"}.get(verb, "--exposures 1")
        line = f"racetrack {verb} {BNN} {FEW} --rate 1e-3 --import ./mine.py --order mine {more}"
        assert mho(*shlex.split(line)).err == ""
    rram = "{nets}/lenet.safetensors --data digits --limit 5 --chips 1 --import ./none.py"
    assert "none.py" in mho("evaluate", *shlex.split(rram)).err


def test_semantics_of_the_published_simulator(mho, tmp_path) -> None:
    (tmp_path / "m.yaml").write_text(
        "kind: Memory\n"
        "device: {kind: Racetrack, fault_rate: 0.01, passes: 10, read_order: block, fill: published, "
        "bound: stick-right}\n"
        "mapping: {kind: Tracks, bits: 2, order: published}\n"
    )
    line = f"racetrack evaluate {BNN} {FEW} --inferences 3"
    named = mho(*shlex.split(f"{line} --semantics compat2024 --bits 2 --rate 0.01"))
    assert named.code == 0, named.err
    assert named.out == mho(*shlex.split(f"{line} --memory m.yaml")).out
    assert named.out != mho(*shlex.split(f"{line} --semantics physical --bits 2 --rate 0.01 --passes 10")).out


def test_sensitivity_prints_curves_and_the_heat_map(mho, tmp_path) -> None:
    said = mho(
        *shlex.split(f"racetrack sensitivity {BNN} {FEW} --layers fc1,conv2 --exposures 0.1,1 --rate 1e-3"),
        *shlex.split("--heat-bits 8,64 --heat-rates 1e-4 --inferences 50 --json s.json --report s.html"),
    )
    assert said.code == 0, said.err
    assert "when one layer alone ages" in said.out
    assert "after 50 inferences" in said.out
    kept = json.loads((tmp_path / "s.json").read_text())
    assert kept["curves"]["layers"] == kept["heat_map"]["layers"] == ["conv2", "fc1"]
    assert (kept["heat_map"]["bits"], kept["heat_map"]["rates"]) == ([8, 64], [1e-4])
    page = (tmp_path / "s.html").read_text()
    assert "Which layers do it" in page
    assert "What to protect" not in page


def test_protect_prints_choices_and_what_the_cheapest_costs(mho, tmp_path) -> None:
    said = mho(
        *shlex.split(f"racetrack protect {BNN} {FEW} --rate 1e-2 --inferences 5 --target 0.02 --select FULL"),
        *shlex.split("--select fc1,conv1 --select 0100 --code PECC --detection-cycles 3 --correction-cycles 5"),
        *shlex.split("--json p.json --report p.html"),
    )
    assert said.code == 0, said.err
    assert "by protected layers (P-ECC)" in said.out
    kept = json.loads((tmp_path / "p.json").read_text())
    made = kept["protection"]
    assert [s["name"] for s in made["selections"]] == ["FULL", "conv1+fc1", "0100"]
    assert (made["target"], made["age"][-1]) == (0.02, 5.0)
    good = [s for s in made["selections"] if sum(s["values"][-1]) / 2 >= 0.02]
    cheapest = min(good, key=lambda s: s["cycles"])
    assert kept["overhead"]["all"]["overhead"] == pytest.approx(cheapest["overhead"])
    assert "What to protect" in (tmp_path / "p.html").read_text()


def test_the_usual_heat_map_has_the_memorys_own_rate(mho, tmp_path) -> None:
    line = f"racetrack sensitivity {BNN} {FEW} --layers fc2 --rate 2e-3 --exposures 1 --json s.json"
    assert mho(*shlex.split(line)).code == 0
    assert json.loads((tmp_path / "s.json").read_text())["heat_map"]["rates"] == [1e-5, 4.55e-5, 1e-4, 2e-3]


EVALUATE, SENSITIVITY, PROTECT = (f"racetrack {verb} {BNN} {FEW}" for verb in ("evaluate", "sensitivity", "protect"))
BAD = [
    (f"{EVALUATE} --bits 0", "bits=0 must be 1 to 4096"),
    (f"{EVALUATE} --bits 4097", "bits=4097 must be 1 to 4096"),
    (f"{EVALUATE} --rate 1.5", "fault_rate=1.5 is a probability"),
    (f"{EVALUATE} --order rwo", "did you mean 'row'?"),
    (f"{EVALUATE} --passes 0", "passes=0 must be one or more"),
    (f"{EVALUATE} --inferences 0,1h", "ages by inferences; write a whole number"),
    (f"{EVALUATE} --inferences 0,1.5", "--inferences=1.5 must be a whole number"),
    (f"{EVALUATE} --inferences -1", "must be zero or more"),
    (f"{EVALUATE} --code GROGU", "--code says how layers are protected; name them: --protect conv1,fc1, or FULL"),
    (f"{EVALUATE} --protect fc1 --code GROGO", "did you mean 'GROGU'?"),
    (f"{EVALUATE} --protect fc1 --code PECC", "--code PECC lacks --detection-cycles and --correction-cycles: its"),
    (f"{PROTECT} --code P-ECC --detection-cycles 3", "--code P-ECC lacks --correction-cycles: its"),
    (f"{EVALUATE} --planes 2", "--planes says how layers are protected"),
    (f"{EVALUATE} --planes 2 --protect fc1", "--planes 2 is for weights of several bits; give --weight-bits 8"),
    (f"{PROTECT} --planes 1", "--planes 1 is for weights of several bits; give --weight-bits 8"),
    (f"{PROTECT} --weight-bits 4 --planes 5", "--planes 5 must be 1 to 4"),
    (f"{PROTECT} --weight-bits 4 --planes 0", "--planes 0 must be 1 to 4"),
    (f"{PROTECT} --weight-bits 4 --slicing interleaved --planes 1", "interleaved"),
    (f"{EVALUATE} --weight-bits 17", "weight_bits=17 must be 1 to 16"),
    (f"{EVALUATE} --slicing interleaved", "is for weight_bits of 2 or more"),
    (f"{EVALUATE} --ports 65", "ports=65 must be 1 to bits=64"),
    (f"{EVALUATE} --encoding grey", "gray"),
    (f"{EVALUATE} --memory rram.yaml --weight-bits 8", "leave out --weight-bits"),
    (f"{EVALUATE} --protect evne", "unknown --protect 'evne': did you mean 'EVEN'? it takes UNPROT, EVEN, EQUAL, CUST"),
    (f"{EVALUATE} --import ./none.py", "none.py"),
    (f"{EVALUATE} --json no/such/e.json", "no/such"),
    (f"{EVALUATE} --protect fc1,fc9", "unknown layer 'fc9'"),
    (f"{EVALUATE} --protect fc1,fc1", "layer 'fc1' is named twice"),
    (f"{EVALUATE} --protect bn1", "layer 'bn1' is not stored on nanowires"),
    (f"{EVALUATE} --protect 011", "selection '011' has 3 digits; the model has 4 layers"),
    (f"{EVALUATE} --protect custom", "--protect CUSTOM takes a sensitivity; mho racetrack protect measures one"),
    (
        f"{EVALUATE} --semantics compat2024 --order row",
        "has an order of its own, of one bit a weight; leave out --order",
    ),
    (f"{EVALUATE} --memory rram.yaml", "rram.yaml holds no racetrack: RRAM1 does not age by inferences"),
    (f"{EVALUATE} --memory rram.yaml --bits 8 --rate 0.1", "leave out --bits and --rate"),
    (f"{EVALUATE} --metric acuracy", "did you mean 'accuracy'?"),
    (f"{EVALUATE} --report no/such/folder.html", "no/such"),
    ("racetrack evaluate {nets}/lenet.safetensors --data digits --limit 5", "conv1.weight"),
    (f"{SENSITIVITY} --inferences 1h", "ages by inferences; write a whole number"),
    (f"{SENSITIVITY} --json no/such/e.json", "no/such"),
    (f"{SENSITIVITY} --layers fc9", "unknown layer 'fc9'"),
    (f"{SENSITIVITY} --exposures 0", "must be more than zero"),
    (f"{SENSITIVITY} --ports 4 --heat-bits 2", "ports=4 must be 1 to bits=2"),
    (f"{SENSITIVITY} --heat-bits 2.5", "--heat-bits 2.5 must be a whole number"),
    (f"{SENSITIVITY} --heat-bits 5000", "bits=5000 must be 1 to 4096"),
    (f"{SENSITIVITY} --heat-rates 2", "fault_rate=2.0 is a probability"),
    (f"{SENSITIVITY} --rate 0", "nothing ever moves"),
    (f"{PROTECT} --target 85", "--target 85 must lie between 0 and 1; 85 % is written 0.85"),
    (f"{PROTECT} --inferences 0", "--inferences 0 must be 1 or more"),
    (f"{PROTECT} --inferences 1h", "ages by inferences; write a whole number"),
    (f"{PROTECT} --inferences 1,2", "--inferences 1,2 lists 2; it takes one number"),
    (f"{PROTECT} --json no/such/e.json", "no/such"),
    (f"{PROTECT} --select FOO", "it takes UNPROT, EVEN, EQUAL, CUSTOM, FULL, conv1, conv2, fc1, fc2 or a mask"),
    (f"{PROTECT} --select fc1,cnv1", "did you mean 'conv1'?"),
    (f"{PROTECT} --search -1", "--search -1 must be 0 or more"),
    (f"{PROTECT} --code GROGU --window -1", "one domain or more"),
    ("racetrack evalute x", "evalute"),
]


@pytest.mark.parametrize(("line", "words"), BAD, ids=[line.partition("--chips 2 ")[2] or line for line, _ in BAD])
def test_bad_options_get_one_line_and_leave_nothing(mho, tmp_path, line: str, words: str) -> None:
    (tmp_path / "rram.yaml").write_text("kind: Memory\ndevice: {kind: RRAM1, sigma: 0.1}\n")
    said = mho(*shlex.split(line))
    assert said.code == 2, said.out + said.err
    assert words in said.err
    assert len(said.err.strip().splitlines()) == 1
    assert "internal error" not in said.err
    assert said.out == "", "refused before any work"
    assert [p.name for p in tmp_path.iterdir()] == ["rram.yaml"]


def test_help_is_there_for_every_verb(mho) -> None:
    assert "racetrack" in mho("--help").out
    said = mho("racetrack", "--help")
    assert all(verb in said.out for verb in ("evaluate", "sensitivity", "protect"))
    assert "--semantics" in mho("racetrack", "evaluate", "--help").out
