"""``mho analog``: tables, files and numbers of small runs, and one line for what cannot be."""

from __future__ import annotations

import csv
import json
import shlex

import pytest

TOY = "analog toy --samples 60 --size 3"
PROGRAM = "analog program --samples 40 --size 3 --chips 2"
TRAIN = "analog train mlp --data digits --train-limit 64 --limit 40 --epochs 1"


def test_toy_compares_references_and_keeps_every_sample(mho, tmp_path) -> None:
    said = mho(
        *shlex.split(
            f"{TOY} --algorithm ttv2,agad --offset 0,-0.5 --chips 2 --json t.json --beta 1 --read rows --report t.html"
        )
    )
    assert said.code == 0, said.err
    assert said.err == ""
    assert "mho analog toy" in (tmp_path / "t.html").read_text()
    heads = [line.split(":")[0] for line in said.out.splitlines() if "crosspoint (0, 0)" in line]
    assert heads == ["TTv2", "TTv2", "AGAD"], "AGAD reads no reference, so nothing is off"
    toys = json.loads((tmp_path / "t.json").read_text())["toys"]
    assert [toy["offset"] for toy in toys] == [0, -0.5, 0]
    assert toys[1]["algorithm"]["reference_mean"] == -0.5
    assert (toys[2]["algorithm"]["beta"], toys[2]["algorithm"]["read"]) == (1, "rows")
    assert [toy["algorithm"]["cell"]["n_states"] for toy in toys] == [40] * 3
    assert len(toys[0]["traces"]["weight"]) == 61


def test_program_prints_and_keeps_the_table(mho, tmp_path) -> None:
    said = mho(
        *shlex.split(
            f"{PROGRAM} --algorithm c-ttv2,agad --reference-std 0,0.5 --csv p.csv --json p.json --report p.html"
        )
    )
    assert said.code == 0, said.err
    assert "mho analog program" in (tmp_path / "p.html").read_text()
    assert "Standard deviation of w - w^ of 3x3 programmed by 40 samples" in said.out
    assert said.out.endswith("csv: p.csv\njson: p.json\nreport: p.html\n")
    with open(tmp_path / "p.csv") as file:
        rows = list(csv.DictReader(file))
    kept = json.loads((tmp_path / "p.json").read_text())
    assert len(rows) == len(kept["levels"]) == 2 * 2 * 2
    assert [(row["algorithm"], row["n_states"]) for row in rows[::2]] == [
        ("c-TTv2", "20.0"),
        ("c-TTv2", "100.0"),
        ("AGAD", "20.0"),
        ("AGAD", "100.0"),
    ]
    assert (kept["inputs"], kept["loss"]) == ("uniform", "sum")
    assert float(rows[0]["error"]) == pytest.approx(sum(kept["levels"][0]["errors"]) / 2)


def test_program_takes_a_setting_and_a_cell(mho, tmp_path) -> None:
    (tmp_path / "cell.yaml").write_text("kind: SoftBounds\nn_states: 50\nctoc: 0.1\n")
    line = (
        f"{PROGRAM} --algorithm mp --setting caption --cell cell.yaml --bounds-dtod 0.1 --write-every 7 --json p.json"
    )
    said = mho(*shlex.split(line))
    assert said.code == 0, said.err
    kept = json.loads((tmp_path / "p.json").read_text())
    (way,) = {json.dumps(level["algorithm"]) for level in kept["levels"]}
    cell = json.loads(way)["cell"]
    assert (cell["n_states"], cell["ctoc"], cell["bounds_dtod"]) == (50, 0.1, 0.1)
    assert json.loads(way)["write_every"] == 7
    assert (kept["inputs"], kept["loss"]) == ("normal", "mean")


def test_train_leaves_an_ordinary_network(mho, tmp_path) -> None:
    line = f"{TRAIN} --algorithm ttv2 --reference-std 0.1 --compare --out net.safetensors"
    said = mho(*shlex.split(line), "--json=t.json", "--report=t.html")
    assert said.code == 0, said.err
    assert "mlp on digits: test error in %, 1 seed, 40 samples; 1 epoch" in said.out
    assert "floating point" in said.out
    assert "[–" not in said.out, "one training has no intervals and needs no note"
    assert "bounds" not in said.out.split("Pulses a device")[0]
    assert "Pulses a device" in said.out
    assert "mho analog train" in (tmp_path / "t.html").read_text()
    kept = json.loads((tmp_path / "t.json").read_text())
    point = kept["sweep"]["points"][0]
    assert (point["n_states"], point["reference_std"]) == (20, 0.1)

    from mho import data, zoo

    model = zoo.load(tmp_path / "net.safetensors")
    assert not any("analog" in type(module).__module__ for module in model.modules())
    test = data.digits(split="test").take(40)
    wrong = (model.eval()(test.inputs).argmax(1) != test.targets).float().mean()
    assert point["errors"] == [pytest.approx(float(wrong))]
    assert f"{100 * (1 - float(wrong)):.2f} % of 40 test samples" in said.out
    again = mho(*shlex.split("evaluate net.safetensors --data digits --limit 20 --chips 2"))
    assert again.code == 0, again.err


def test_train_from_a_file_with_a_digital_layer(mho, tmp_path) -> None:
    (tmp_path / "way.yaml").write_text("kind: AGAD\ncell: {kind: SoftBounds, n_states: 30}\n")
    line = (
        f"{TRAIN} --algorithm way.yaml --digital layers.0,layers.2 --input-bits 7 --out net.safetensors --json t.json"
    )
    said = mho(*shlex.split(line))
    assert said.code == 0, said.err
    kept = json.loads((tmp_path / "t.json").read_text())
    assert kept["sweep"]["points"][0]["n_states"] == 30
    assert {array["tile"] for array in kept["wear"]["arrays"]} == {"layers.4.weight"}
    assert kept["sweep"]["floating"] is None


def test_a_run_goes_on_from_its_checkpoint(mho, tmp_path) -> None:
    short = TRAIN.replace("--epochs 1", "--epochs 2")
    whole = mho(*shlex.split(f"{short} --out whole.safetensors"))
    assert whole.code == 0, whole.err
    parts = mho(*shlex.split(f"{short} --out parts.safetensors --checkpoint run.safetensors"))
    assert parts.code == 0, parts.err
    again = mho(*shlex.split(f"{short} --out again.safetensors --checkpoint run.safetensors"))
    assert again.code == 0, again.err

    import torch
    from safetensors.torch import load_file

    read = [load_file(tmp_path / f"{name}.safetensors") for name in ("whole", "parts", "again")]
    assert all(torch.equal(read[0][name], other[name]) for other in read[1:] for name in read[0])


BAD = [
    (f"{TOY} --algorithm agda", "unknown algorithm 'agda': did you mean 'agad'?"),
    (f"{TOY} --algorithm agad,agad", "--algorithm agad,agad names one twice"),
    (f"{TOY} --offset 0,no", "--offset 'no' is no number"),
    (f"{TOY} --offset 0,0", "--offset 0,0 lists one twice"),
    (f"{TOY} --chips 0", "--chips 0 must be 1 or more"),
    (f"{TOY} --alpha 2", "alpha=2.0 must be 0 to 1"),
    (f"{TOY} --states 1", "n_states=1"),
    (f"{TOY} --algorithm ttv2 --beta 1", "--beta is for agad, not ttv2"),
    (f"{TOY} --algorithm sgd --read rows", "--read is for ttv2, c-ttv2, agad, not sgd"),
    (f"{TOY} --write-every 0", "--write-every is for mp, not ttv2, c-ttv2, agad"),
    (f"{TOY} --json no/such/t.json", "no/such"),
    (f"{TOY} --report no/such/t.html", "no/such"),
    (f"{PROGRAM} --setting captain", "did you mean 'caption'?"),
    (f"{PROGRAM} --states 20,1", "n_states=1 must be 2 or more"),
    (f"{PROGRAM} --reference-std=-0.1", "reference_std=-0.1 must be zero or more"),
    (f"{PROGRAM} --reference-std 0.1,0.1", "lists a value twice"),
    (f"{PROGRAM} --rate 0", "rate=0.0 must be a number above zero"),
    (f"{PROGRAM} --csv no/such/p.csv", "no/such"),
    (f"{PROGRAM} --inputs gaussian", "normal"),
    (f"{PROGRAM} --cell none.yaml", "none.yaml: cannot be read"),
    (f"{PROGRAM} --cell bad.yaml", "bad.yaml:2: n_stats: SoftBounds has no field 'n_stats': did you mean 'n_states'?"),
    (f"{PROGRAM} --cell memory.yaml", "memory.yaml: holds a Memory; it must be a pulsed cell"),
    (f"{PROGRAM} --cell none.csv", "none.csv"),
    (f"{PROGRAM} --cell rerram", "unknown pulsed cell 'rerram': did you mean 'reram'?"),
    (f"{PROGRAM} --granularity -1", "granularity=-1.0 must be more than 0"),
    (f"{TRAIN} --out net.pt", "must end in .safetensors"),
    (f"{TRAIN} --out no/such/net.safetensors", "no/such"),
    (f"{TRAIN} --out n.safetensors --checkpoint n.safetensors", "the network and the run are two files"),
    (f"{TRAIN} --out n.safetensors --algorithm agad,ttv2", "lists 2; one network is trained by one"),
    (f"{TRAIN} --out n.safetensors --reference-std 0.1", "--reference-std is for ttv2 and c-ttv2: agad reads no"),
    (f"{TRAIN} --out n.safetensors --algorithm bad.yaml", "'n_stats'"),
    (f"{TRAIN} --out n.safetensors --algorithm memory.yaml", "holds a Memory; it must be an algorithm"),
    (f"{TRAIN} --out n.safetensors --algorithm x.yaml --states 20 --beta 1", "leave out --beta and --states"),
    (f"{TRAIN} --out n.safetensors --digital layers.9", "layers.9"),
    (f"{TRAIN} --out n.safetensors --output-bits 8", "output_bound"),
    (f"{TRAIN} --out n.safetensors --batch-size 0", "batch_size=0 must be at least 1"),
    (f"{TRAIN} --out n.safetensors --lr -1", "lr=-1.0 must be positive"),
    ("analog train mpl --out n.safetensors", "unknown model 'mpl': did you mean 'mlp'?"),
    ("analog train mlp --data digitz --out n.safetensors", "did you mean 'digits'?"),
    ("analog tyo", "tyo"),
]


@pytest.mark.parametrize(("line", "words"), BAD, ids=[line for line, _ in BAD])
def test_bad_options_get_one_line_and_leave_nothing(mho, tmp_path, line: str, words: str) -> None:
    (tmp_path / "bad.yaml").write_text("kind: SoftBounds\nn_stats: 20\n")
    (tmp_path / "memory.yaml").write_text("kind: Memory\ndevice: {kind: RRAM1, sigma: 0.1}\n")
    said = mho(*shlex.split(line))
    assert said.code == 2, said.out + said.err
    assert words in said.err
    assert len(said.err.strip().splitlines()) == 1
    assert "internal error" not in said.err
    assert said.out == "", "refused before any work"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bad.yaml", "memory.yaml"]


def test_help_is_there_for_every_verb(mho) -> None:
    assert "analog" in mho("--help").out
    said = mho("analog", "--help")
    assert all(verb in said.out for verb in ("toy", "program", "train", "cost"))
    assert "--multiple-read-correction" in mho("analog", "program", "--help").out
