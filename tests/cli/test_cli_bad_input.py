"""What a user can get wrong at a prompt: exit code 2, one clear line, and nothing written."""

from __future__ import annotations

import errno
import os
import shlex
from pathlib import Path

import pytest

LENET = "{nets}/lenet.safetensors"
DIGITS = f"evaluate {LENET} --data digits --chips 2 --limit 20"
DESCRIBE = f"describe {LENET}"
TRAIN = "train lenet --epochs 1 --out net.safetensors"


def _refused(said, *words: str) -> None:
    assert said.code == 2, said.err or said.out
    lines = said.err.splitlines()
    assert lines
    assert all(line.startswith("mho: ") for line in lines), said.err
    assert "Traceback" not in said.err
    assert "internal error" not in said.err
    for word in words:
        assert word in said.err, said.err


ROWS = [
    # names, each with the nearest one that exists
    ("evaluate {nets}/lenet.safetensors --data digit", "unknown data set 'digit'", "did you mean 'digits'?"),
    (f"{DIGITS} --metric acuracy", "unknown metric 'acuracy'", "did you mean 'accuracy'?"),
    (f"{DIGITS} --device RRAM9", "unknown device 'RRAM9'", "did you mean 'RRAM2'?"),
    (f"{DESCRIBE} --device fefet", "unknown device 'fefet'", "did you mean 'FeFET"),
    ("train lenett --out net.safetensors", "unknown model 'lenett'", "did you mean 'lenet'?"),
    ("train lenet --data mnis --out net.safetensors", "unknown data set 'mnis'", "did you mean 'mnist'?"),
    (f"{TRAIN} --recipe swim", "unknown recipe 'swim'", "did you mean 'swim-lenet'?"),
    ("evaluat x", "Unknown command", 'Did you mean "evaluate"?'),
    ("list devces", "Invalid value", '"devices"'),
    (f"{DIGITS} --chps 3", "Unknown option: --chps", "--chips"),
    ("doctor now", "Unused", "now"),
    # severities and bits
    (f"{DIGITS} --sigma -0.1", "sigma=-0.1", "zero or more"),
    (f"{DIGITS} --device Racetrack", "--device Racetrack takes fields: mho racetrack evaluate, or --memory FILE"),
    (f"{DIGITS} --device skyrmion", "--device skyrmion takes fields: give --memory FILE"),
    ("new --template", "--template requires an argument. Choose from: devices, memory-sweep, checkpoint"),
    (f"{DIGITS} --sigma nan", "sigma=nan", "not a finite number"),
    (f"{DIGITS} --sigma inf", "sigma=inf", "not a finite number"),
    (f"{DIGITS} --sigma 10", "10 % is written 0.1"),
    (f"{DIGITS} --sigma 10%", "--sigma '10%' is no number"),
    (f"{DIGITS} --sigma 0.1,", "--sigma '' is no number"),
    (f"{DIGITS} --sigma 0.1,0.2,0.1", "lists a value twice"),
    (f"{DIGITS} --sigma 0.1,5", "sigma=5", "fraction"),
    (f"{DIGITS} --device PCM --sigma 0.1", "PCM", "sigma"),
    (f"{DIGITS} --weight-bits 8 --cell-bits 3", "not divisible by cell_bits=3", "1, 2, 4, 8"),
    (f"{DIGITS} --weight-bits 17", "weight_bits=17"),
    (f"{DIGITS} --cell-bits two", "--cell-bits", '"two"'),
    # ages, chips, percentiles, thresholds
    (f"{DIGITS} --age 1x", "'1x' is no duration", "1h or 1y"),
    (f"{DIGITS} --age ''", "'' is no duration"),
    (f"{DIGITS} --age 0,,1h", "'' is no duration"),
    (f"{DIGITS} --age nan", "'nan' is no duration"),
    (f"{DIGITS} --age=-1h", "age '-1h' must be zero or more"),
    (f"{DIGITS} --age 60min,1h", "lists a value twice"),
    (f"evaluate {LENET} --data digits --chips 0", "--chips 0 must be 1 or more"),
    (f"evaluate {LENET} --data digits --chips many", "--chips", '"many"'),
    ("demo --chips 0", "--chips 0 must be 1 or more"),
    ("demo --seed -1", "--seed -1 must be 0 or more"),
    (f"{DIGITS} --percentiles 0", "percentile 0 must lie between 0 and 100"),
    (f"{DIGITS} --percentiles 1,x", "--percentiles 'x' is no number"),
    (f"{DIGITS} --threshold 90", "90 % is written 0.9"),
    (f"{DIGITS} --threshold nan", "not a finite number"),
    # data
    ("evaluate {nets}/lenet.safetensors --data digits --limit 0", "limit=0", "positive"),
    (f"{DIGITS} --normalize half", "no option 'normalize'"),
    ("evaluate {nets}/lenet.safetensors", "--data", "requires an argument"),
    # the model and the data
    ("evaluate {nets}/five.safetensors --data digits", "label", "5 outputs"),
    ("evaluate {nets}/colour.safetensors --data digits", "does not take samples of digits, shape (1, 28, 28)"),
    ("evaluate {nets}/mlp.safetensors --data digits", "does not take samples of digits, shape (1, 28, 28)"),
    ("evaluate {nets}/nan.safetensors --data digits", "conv1.weight", "NaN or infinite"),
    ("train resnet20 --out net.safetensors", "ResNetCIFAR does not take inputs of shape (1, 28, 28)"),
    (f"{DIGITS} --torch-device gpu", "--torch-device 'gpu' cannot be used"),
    (f"{DIGITS} --torch-device meta", "--torch-device 'meta' cannot be used"),
    (f"{TRAIN} --torch-device gpu", "--torch-device 'gpu' cannot be used"),
    # checkpoints
    ("describe {nets}/lenett.safetensors", "no file", "did you mean 'lenet.safetensors'?"),
    ("describe {nets}/nowhere/lenet.safetensors", "there is no folder"),
    ("describe {nets}", "is a folder"),
    ("describe {nets}/truncated.safetensors", "truncated"),
    ("describe {nets}/empty.safetensors", "truncated or is no safetensors file"),
    ("describe {nets}/pickled.safetensors", "pickled PyTorch file", "safetensors.torch.save_file"),
    ("describe {nets}/anonymous.safetensors", "does not say which architecture"),
    ("describe {nets}/other.th", "not a CIFAR ResNet"),
    ("describe hf://nonsense", "hf://owner/name/file.safetensors"),
    ("describe", "CHECKPOINT"),
    # what training refuses before it starts
    ("train lenet --out net.pt", "must end in .safetensors"),
    ("train lenet --out nowhere/net.safetensors", "the folder", "does not exist"),
    ("train lenet", "--out"),
    (f"{TRAIN} --lr=-1", "lr=-1.0 must be positive"),
    (f"{TRAIN} --lr nan", "lr=nan is not a finite number"),
    (f"{TRAIN} --optimizer rms", "--optimizer", '"adam"'),
    (f"{TRAIN} --lr 1e30", "training diverged", "smaller lr"),
    # where answers go
    (f"{DIGITS} --report nowhere/r.html", "cannot write nowhere/r.html", "does not exist"),
    (f"{DIGITS} --json nowhere/r.json", "cannot write nowhere/r.json"),
    (f"{DIGITS} --report .", "it is a folder"),
    (f"{DIGITS} --report /dev/null", "it is a device"),
    ("demo --out nowhere/demo.html", "cannot write nowhere/demo.html"),
    # describe
    (f"{DESCRIBE} --tile 128", "--tile '128' must be rows x columns"),
    (f"{DESCRIBE} --tile 0x8", "two positive numbers"),
    (f"{DESCRIBE} --device measured.csv", "measured.csv: no such file"),
    (f"{DESCRIBE} --g-max 40", "--g-max is for a CSV"),
]


@pytest.mark.parametrize(("line", "words"), [(row[0], row[1:]) for row in ROWS], ids=[row[0] for row in ROWS])
def test_a_wrong_command_line(mho, tmp_path, line, words) -> None:
    _refused(mho(*shlex.split(line)), *words)
    assert list(tmp_path.iterdir()) == [], "nothing is written"


DEVICE = "device: {kind: RRAM1, sigma: 0.1}"
MEMORIES = [
    ("kind: Memory\n  device: [", "is no valid YAML"),
    ("", "expected 'kind: Memory' or 'rules:'"),
    ("- 1", "expected 'kind: Memory' or 'rules:'"),
    ("kind: RRAM1\nsigma: 0.1", "holds a LevelGaussian", "kind: Memory"),
    (f"kind: Memory\n{DEVICE}\nmaping: {{kind: Analog}}", "no field 'maping'", "did you mean 'mapping'?"),
    ("kind: Memory\ndevice: {kind: RRAM9, sigma: 0.1}", "unknown kind 'RRAM9'", "did you mean 'RRAM"),
    ("kind: Memory\ndevice: {kind: RRAM1, sgima: 0.1}", "no field 'sgima'", "did you mean 'sigma'?"),
    ("kind: Memory\ndevice: {kind: RRAM1, sigma: 10}", "10 % is written 0.1"),
    ("kind: Memory\ndevice: {kind: RRAM1, sigma: 10 %}", "sigma='10 %'", "a number"),
    ("kind: Memory\ndevice: {kind: RRAM1, sigma: -0.1}", "sigma=-0.1", "zero or more"),
    ("kind: Memory\ndevice: {kind: RRAM1, sigma: .nan}", "sigma=nan", "not a finite number"),
    ("kind: Memory\ndevice: {kind: RRAM1, sigma: 0.1, normalised: 'False'}", "normalised='False'", "true or false"),
    ("kind: Memory\ndevice: RRAM1", "device='RRAM1'"),
    ("kind: Memory", "device"),
    (f"kind: Memory\n{DEVICE}\nmapping: {{kind: SlicedMagnitude, cell_bits: 3}}", "not divisible by cell_bits=3"),
    (f"kind: Memory\n{DEVICE}\n1: 2", "memory.yaml:3: 1: Memory has no field '1'"),
    ("rules: {}", "must hold a rule"),
    ("rules: [1, 2]", "is a list; it takes a mapping"),
    ("rules: {'*': null}", "every weight digital"),
    ("rules: {'*': 0.1}", "rule '*' is 0.1", "kind: Memory"),
    ("rules: {'*': {kind: RRAM1, sigma: 0.1}}", "rule '*' is LevelGaussian", "kind: Memory"),
    (f"rules: {{conv9.*: {{kind: Memory, {DEVICE}}}}}", "rule 'conv9.*' matches no layer", "did you mean 'conv"),
    (
        f"rules: {{'*': {{kind: Memory, {DEVICE}, mapp: 1}}}}",
        "memory.yaml:1: rules.*.mapp: ",
        "did you mean 'mapping'?",
    ),
    (f"rules: {{'*': {{kind: Memory, {DEVICE}}}}}\nseed: 3", "NameRules has no field 'seed'"),
    (f"rules: {{yes: {{kind: Memory, {DEVICE}}}}}", "rule 'yes' matches no layer"),
]


@pytest.mark.parametrize(("text", "words"), [(row[0], row[1:]) for row in MEMORIES], ids=[row[0] for row in MEMORIES])
def test_a_wrong_memory_file(mho, tmp_path, text, words) -> None:
    (tmp_path / "memory.yaml").write_text(text)
    _refused(mho("evaluate", LENET, "--data", "digits", "--memory", "memory.yaml", "--report", "r.html"), *words)
    assert [p.name for p in tmp_path.iterdir()] == ["memory.yaml"]


def test_a_memory_file_that_is_no_text_or_not_there(mho, tmp_path) -> None:
    (tmp_path / "latin.yaml").write_bytes(b"kind: \xff\xfe")
    _refused(mho("describe", LENET, "--memory", "latin.yaml"), "latin.yaml: cannot be read")
    _refused(mho("describe", LENET, "--memory", "none.yaml"), "none.yaml: cannot be read (No such file")
    _refused(mho("describe", LENET, "--memory", "."), ".: cannot be read (Is a directory)")


def test_a_memory_file_and_options_contradict_each_other(mho, tmp_path) -> None:
    (tmp_path / "memory.yaml").write_text(f"kind: Memory\n{DEVICE}\n")
    said = mho("describe", LENET, "--memory", "memory.yaml", "--device", "FeFET2", "--cell-bits", "4")
    _refused(said, "leave out --device and --cell-bits")


TABLES = [
    ("", "holds no rows"),
    ("a,b\n1,2\n", "needs the columns state,mean,std or target,read"),
    ("state,mean,std\n0,x,1\n", "line 2", "'x'"),
    ("state,mean,std\n0,0,1\n40,40,1\n", "no fraction", "g_max"),
    ("state,mean,std\n0,0,0.1\n1,1,-0.1\n", "std", "zero or more"),
]


@pytest.mark.parametrize(("text", "words"), [(row[0], row[1:]) for row in TABLES], ids=[row[0] for row in TABLES])
def test_a_wrong_table_of_measurements(mho, tmp_path, text, words) -> None:
    (tmp_path / "measured.csv").write_text(text)
    _refused(mho("describe", LENET, "--device", "measured.csv"), "", *words)


@pytest.mark.parametrize("content", [b"", b"\x00\x00\x08\x03 then nothing", b"\x1f\x8b half of a gzip"])
def test_a_corrupt_data_file(mho, tmp_path, content) -> None:
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for part in ("images-idx3", "labels-idx1"):
        (raw / f"t10k-{part}-ubyte").write_bytes(content)
    said = mho("evaluate", LENET, "--data", "mnist", "--root", str(tmp_path))
    _refused(said, "t10k-images-idx3-ubyte", "corrupt or truncated")


def test_data_that_is_not_there_and_not_to_be_had(mho, tmp_path, monkeypatch) -> None:
    def no_network(*_, **__):
        raise OSError("no network here")

    monkeypatch.setattr("urllib.request.urlopen", no_network)
    monkeypatch.setenv("HOME", str(tmp_path))
    said = mho("evaluate", LENET, "--data", "cifar10", "--root", str(tmp_path / "data"))
    _refused(said, "cifar10", "no network here", "cifar-10-binary.tar.gz")


WRITERS = [
    (f"{DIGITS} --report answer", "answer"),
    (f"{DIGITS} --json answer", "answer"),
    (TRAIN, "net.safetensors"),
]


@pytest.mark.parametrize("call", ["fsync", "replace"])
@pytest.mark.parametrize(("line", "name"), WRITERS)
def test_a_full_disk_leaves_the_old_file_and_no_half(mho, tmp_path, monkeypatch, call, line, name) -> None:
    (tmp_path / name).write_text("what was there")

    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, call, full)
    _refused(mho(*shlex.split(line)), f"cannot write {name}", "No space left on device")
    monkeypatch.undo()
    assert [p.name for p in Path(tmp_path).iterdir()] == [name]
    assert (tmp_path / name).read_text() == "what was there"


@pytest.mark.parametrize("command", ["evaluate", "verify"])
@pytest.mark.parametrize(
    ("age", "word"), [("1h", "--age=1h is a time, but this memory ages by inferences"), ("2.5", "--age=2.5 must be a")]
)
def test_ages_of_a_memory_that_counts_inferences(mho, tmp_path, command, age, word) -> None:
    from reference.wear import Wear

    (tmp_path / "worn.yaml").write_text(f"kind: Memory\ndevice: {{kind: {Wear.__name__}, rate: 0.1}}\n")
    asked = (command, LENET, "--data", "digits", "--memory", "worn.yaml", "--chips", "2")
    _refused(mho(*asked, "--age", age), word)


def test_a_number_is_an_age_of_either_kind(mho, tmp_path) -> None:
    from reference.wear import Wear

    (tmp_path / "worn.yaml").write_text(f"kind: Memory\ndevice: {{kind: {Wear.__name__}, rate: 0.1}}\n")
    said = mho(
        *("evaluate", LENET, "--data", "digits", "--limit", "20", "--chips", "2", "--memory", "worn.yaml"),
        *("--age", "0,100,1e6", "--json", "worn.json"),
    )
    assert said.code == 0, said.err
    assert "inferences" in said.out
    assert "\n1e6 " in said.out
    assert "sigma" not in said.out
    (tmp_path / "study.yaml").write_text(
        "name: worn\nmodel: {architecture: mlp, data: {name: digits, split: train}}\ndata: {name: digits}\n"
        "memory: {device: {kind: Wear, rate: 0.1}}\nage: [0, 1e6]\n"
    )
    assert "inferences  0, 1e6" in mho("check", "study.yaml").out
    preview = mho("run", "study.yaml", "--dry-run").out
    assert preview.splitlines()[0].split()[:3] == ["result", "sigma", "inferences"]
    assert " 1e6 " in preview
