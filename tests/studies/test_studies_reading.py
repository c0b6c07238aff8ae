"""Studies from YAML: what is read, what is refused, and that a refusal is one line with file, line and place."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

import mho
from mho.devices import RRAM1, FeFET2
from mho.errors import SpecError, UnknownNameError
from mho.evaluation.worst_case import Lagrangian, SignedDescent
from mho.memory.spec import NameRules
from mho.programming import OpenLoop, Selective, WriteVerify
from mho.studies import Checkpoint, Data, Study, Trained, Verify, WorstCase
from mho.studies.document import DEEPEST, MOST_BYTES
from mho.studies.reading import read, read_memory
from mho.training import GaussianNoise, NoiseInjection

TEMPLATES = sorted(Path(str(files("mho") / "studies/templates")).iterdir())
HEAD = "name: a\nmodel: {path: net.safetensors}\ndata: {name: digits}\n"
BODY = "memory:\n  device: {kind: RRAM1, sigma: 0.1}\n"


def _study(**changes) -> Study:
    memory = mho.Memory(device=RRAM1(sigma=0.1))
    base = Study(name="a", model=Checkpoint(path="net.safetensors"), memory=memory, data=Data(name="digits"))
    return base.replace(**changes)


TRAIN = Data(name="digits", split="train")
RANKED = Selective(fraction=0.2, ranking="layer", verify=WriteVerify(tolerance=0.1))
STUDIES = [
    _study(),
    _study(name="1e3", metric="f1", percentiles=()),
    _study(sigma=[1e-5, 0.1], age=["1h", 0], precision={"mean": 1e-3}, threshold=0.9),
    _study(memory=NameRules(rules={"0": None, "*": mho.Memory(device=FeFET2(sigma=0.1))})),
    _study(model=Trained(architecture="mlp", data=Data(name="digits", split="train"), options={"hidden": (16, 8)})),
    _study(axes={"memory.device": {"0.1": RRAM1(sigma=0.1), "yes": FeFET2(sigma=0.1)}, "seed": range(3)}),
    _study(axes={"data.limit": {"all": None, "few": 10}, "memory.mapping.cell_bits": [1, 2]}),
    _study(
        memory=mho.Memory(device=RRAM1(sigma=0.1), programming=RANKED),
        calibration=Data(name="digits", split="train", limit=100),
        axes={
            "memory.programming.fraction": {"none": OpenLoop(), "some": 0.3},
            "memory.programming.verify": [WriteVerify(tolerance=0.1)],
            "calibration.limit": [10, None],
        },
    ),
    _study(calibration=TRAIN, question=WorstCase(bounds=(0.01, 1))),
    _study(
        calibration=TRAIN,
        question=WorstCase(tolerances=(0.1,), method=SignedDescent(losses=("hinge",), steps=3), random=0, images=9),
        axes={
            "question.images": [9, None],
            "question.method": {"paper's": Lagrangian(norm="max"), "ours": SignedDescent(starts=("zero", "uniform"))},
        },
    ),
    _study(
        memory=mho.Memory(device=RRAM1(sigma=0.1), programming=RANKED),
        model=Trained(architecture="mlp", data=TRAIN, method=NoiseInjection(sigma=0.1)),
        calibration=TRAIN,
        question=Verify(rankings=("fisher",), fractions=(0, 1), target_drop=0.01),
        axes={
            "model.method": {"plain": None, "noise": NoiseInjection(noise=GaussianNoise(), sigma=1)},
            "question.target_drop": [0.01, None],
        },
    ),
]


@pytest.mark.parametrize("study", STUDIES, ids=range(len(STUDIES)))
def test_a_study_reads_back_as_it_was(tmp_path, study) -> None:
    (tmp_path / "a.yaml").write_text(study.to_yaml())
    back = read(tmp_path / "a.yaml")
    assert back == study
    assert back.digest() == study.digest()


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda p: p.stem)
def test_a_template_is_a_small_study(template) -> None:
    study = read(template)
    assert study.name == template.stem
    assert len(study.points) * max(1, len(study.sigma)) * len(study.age) <= 30


def _read(folder: Path, text: str | bytes) -> Study:
    path = folder / "study.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read(path)


def test_scalars_are_those_of_yaml_1_2(tmp_path) -> None:
    options = "{a: 1e-3, b: 1E5, c: yes, d: 1:30, e: 2024-01-01, f: 0o17, g: 010, h: ~, i: '1', j: 1_0, k: +.5, l: on}"
    said = _read(tmp_path, HEAD.replace("{name: digits}", f"{{name: digits, options: {options}}}") + BODY)
    assert list(said.data.options.values()) == [
        1e-3, 1e5, "yes", "1:30", "2024-01-01", 15, 10, None, "1", "1_0", 0.5, "on"
    ]  # fmt: skip


def test_aliases_and_merge_keys(tmp_path) -> None:
    text = HEAD + "memory: &m\n  device: &d {kind: RRAM1, sigma: 0.1}\n"
    study = _read(tmp_path, text + "axes: {memory: {a: {kind: Memory, <<: *m}, b: {<<: *m, kind: Memory}}}\n")
    assert study.axes["memory"]["a"] == study.memory
    text = HEAD.replace("name: a\n", "name: &d a\n") + BODY + "axes:\n  memory.device:\n    a: &x\n      kind: RRAM1\n"
    with pytest.raises(SpecError, match=r"study.yaml:11: axes.memory.device.b.sgima: RRAM1 has no field"):
        _read(tmp_path, text + "      sigma: 0.1\n    b: {<<: *x, sgima: 1}\n")


WRONG = [
    # what a person gets wrong, with the line and the place
    (HEAD + "memory:\n  device:\n    kind: RRAM1\n    sgma: 0.1\n",
     ":7: memory.device.sgma: RRAM1 has no field 'sgma': did you mean 'sigma'?"),
    (HEAD + "memory:\n  device: {kind: RRAM9}\n", ":5: memory.device.kind: unknown kind 'RRAM9': did you mean 'RRAM"),
    (HEAD + "memory:\n  device: {sigma: 0.1}\n", ":5: memory.device: a spec needs a 'kind' such as LevelGaussian"),
    (HEAD + "memory:\n  device: RRAM1\n",
     ":5: memory.device: Memory: device='RRAM1' is a str; it takes Device, such as {kind: RRAM1, ...}"),
    (HEAD + BODY + "sigma:\n- 0.1\n- -2\n", ":8: sigma.1: Study: sigma=-2 must be zero or more"),
    (HEAD + BODY + "sigma: -2\n", ":6: sigma: Study: sigma=-2"),
    (HEAD + BODY + "sigma: [0.1, 10 %]\n", ":6: sigma.1: Study: sigma holds '10 %', a str; it takes a number each"),
    (HEAD + BODY + "axes:\n", ":6: axes: Study: axes is null; it takes a mapping"),
    (HEAD + BODY + "axes:\n  memory.devise: [1]\n",
     ":7: axes.memory.devise.0: Memory has no field 'devise': did you mean 'device'?"),
    (HEAD + BODY + "axes:\n  memory.device:\n    a: {kind: RRAM1}\n", ":8: axes.memory.device.a: RRAM1 lacks 'sigma'"),
    (HEAD + BODY + "axis: {seed: [1]}\n", ":6: axis: Study has no field 'axis': did you mean 'axes'?"),
    (HEAD + BODY + "precision: {meen: 0.1}\n", ":6: precision: precision names 'meen': did you mean 'mean'?"),
    (HEAD + BODY + "chips: 3.0\n", ":6: chips: Study: chips=3.0 is a float; it takes an integer"),
    (HEAD + BODY + "calibration: {name: digits}\n",
     ":6: calibration: calibration is the test data (digits, test), on which nothing may be chosen; take others"),
    (HEAD + BODY + "question: {rankings: [random]}\n", ":6: question: a spec needs a 'kind' such as Verify"),
    (HEAD + BODY + "question: {kind: Verfy}\n", ":6: question.kind: unknown kind 'Verfy': did you mean 'Verify'?"),
    (HEAD + BODY + "question: {kind: Question}\n", ":6: question.kind: Question is abstract; kinds of it: "),
    (HEAD + BODY + "question:\n  kind: Verify\n  rankings:\n  - random\n  - randm\n",
     ":10: question.rankings.1: unknown ranking 'randm': did you mean 'random'?"),
    (HEAD + BODY + "precision: 0.1\nquestion: {kind: Verify}\n",
     ":6: precision: Study: precision=0.1 means nothing to question: Verify; leave it out"),
    (HEAD + BODY + "axes:\n  memory.programming.fraction: [OpenLoop]\n",
     ":7: axes.memory.programming.fraction.0: OpenLoop has no field 'fraction'"),
    (HEAD, ": Study lacks 'memory'; write memory: and its value"),
    ("kind: RRAM1\nsigma: 0.1\n", ": holds a LevelGaussian, not a study"),
    ("kind: Device\n", ":1: kind: Device is abstract; kinds of it: "),
    # what is no YAML, or too much of it
    ("", ": is empty; expected the keys name, model"),
    ("# a comment\n", ": is empty"),
    ("- 1\n", ": is a list; expected the keys"),
    ("name: a\n\tdata: b\n", ":2: is no valid YAML: YAML takes spaces for indentation, not tabs"),
    ("name: [1\n", "is no valid YAML: "),
    ("name: a\n---\nname: b\n", ":2: holds a second document"),
    ("name: a\nname: b\n", ":2: 'name' is there twice, first in line 1; keep one"),
    ("name: *x\n", ":1: '*x' stands for '&x', which is not written above it"),
    ("name: &x [*x]\n", ":1: '*x' is inside '&x'"),
    ("name: !!python/object/apply:os.system [ls]\n", ":1: 'tag:yaml.org,2002:python/object/apply:os.system' is a tag"),
    ("? [a]\n: b\n", ":1: a key is a list or a mapping"),
    ("name: \x01\n", ":1: holds a control character"),
    (b"name: \xff\n", ": cannot be read as text"),
    ("name: " + "9" * 5000, ":1: 99999999999999999999... is too large for an integer of 64 bits"),
    ("a: " * 2 + "b", "is no valid YAML"),
    ("x: " + "[" * (DEEPEST + 1) + "]" * (DEEPEST + 1), f":1: is nested more than {DEEPEST} deep"),
    ("x: " + "[" * 100_000, "is nested more than"),
    ("\n".join(f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9) if i else '1'}]" for i in range(30)),
     ": holds more than 100,000 values"),
    ("#" * (MOST_BYTES + 1), ": is larger than 1 MB"),
    ("name: '" + "x" * 5000 + "\n y'\n", "lacks 'model'"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "says"), WRONG, ids=[row[1][:40] for row in WRONG])
def test_what_is_wrong_is_one_line_with_its_place(tmp_path, monkeypatch, text, says) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises((SpecError, UnknownNameError)) as caught:
        _read(Path(), text)
    said = str(caught.value)
    assert said.startswith("study.yaml:")
    assert says in said
    assert said.isprintable()
    assert len(said) <= 380


def test_a_file_that_is_not_there_names_its_neighbour(tmp_path) -> None:
    (tmp_path / "study.yaml").write_text(HEAD + BODY)
    with pytest.raises(SpecError, match=r"stduy.yaml: cannot be read \(No such file.*did you mean 'study.yaml'\?"):
        read(tmp_path / "stduy.yaml")
    with pytest.raises(SpecError, match="Is a directory"):
        read(tmp_path)
    with pytest.raises(SpecError, match="larger than 1 MB"):
        read("/dev/zero")


def test_a_memory_or_rules_need_no_kind(tmp_path) -> None:
    (tmp_path / "m.yaml").write_text("device: {kind: RRAM1, sigma: 0.1}\n")
    assert read_memory(tmp_path / "m.yaml") == mho.Memory(device=RRAM1(sigma=0.1))
    (tmp_path / "m.yaml").write_text("rules:\n  1.10: null\n  '*': {kind: Memory, device: {kind: RRAM1, sigma: 0.1}}\n")
    rules = read_memory(tmp_path / "m.yaml")
    assert isinstance(rules, NameRules)
    assert list(rules.rules) == ["1.10", "*"], "keys are text as it is written"
    assert _read(tmp_path, HEAD + "memory: {rules: {'*': {kind: Memory, device: {kind: PCM}}}}").points
