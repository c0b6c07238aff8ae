"""Studies whose ages are inferences: named so in every record, and refused where they are times."""

from __future__ import annotations

import pytest
from reference.wear import Wear

from mho import devices, training
from mho.devices import PowerLawDrift, Stack
from mho.errors import SpecError
from mho.memory import Memory
from mho.programming import WriteVerify
from mho.studies import Data, Inline, Study, Trained, Verify, read, run
from mho.studies.plan import make_plan
from mho.studies.rehearsal import rehearse
from mho.studies.trackers import WandB

STILL = devices.RRAM1(sigma=0.1)
WORN = Stack(stages=(STILL, Wear()), name="worn")
DRIFTS = Stack(stages=(STILL, PowerLawDrift(nu=0.05)), name="drifts")
TRAIN = Data(name="digits", split="train")
STUDY = Study(
    name="worn",
    model=Trained(
        architecture="mlp", data=TRAIN, options={"hidden": (16,)}, recipe=training.Recipe(epochs=1, batch_size=256)
    ),  # type: ignore[arg-type]
    memory=Memory(device=STILL),
    data=Data(name="digits", limit=30),
    chips=3,
    age=(0, 100),
    axes={"memory.device": {"still": STILL, "worn": WORN}},  # type: ignore[arg-type]
)
YAML = (
    "name: a\nmodel: {path: net.safetensors}\ndata: {name: digits}\n"
    "memory:\n  device: {kind: Wear, rate: 0.1}\nage: {age}\n"
)


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    return run(STUDY, store=tmp_path_factory.mktemp("store"), executor=Inline())


def test_all_results_of_a_study_count_alike(answers) -> None:
    """Also the device that does not age stands at 100 inferences, not at 1.667 minutes."""
    assert {label: result.clock for label, result in answers.results.items()} == {
        "still": "inferences",
        "worn": "inferences",
    }
    assert [row["age_inferences"] for row in answers.rows()] == [0, 100] * 2
    assert not any("age_s" in row for row in (*answers.rows(), *answers.every_chip()))
    assert {chip["age_inferences"] for chip in answers.every_chip()} == {0, 100}
    still, worn = answers.results.values()
    assert still.at(age=0).values.tolist() == still.at(age=100).values.tolist()
    assert worn.at(age=0).values.tolist() != worn.at(age=100).values.tolist()


def test_many_results_share_a_table_of_inferences(tmp_path) -> None:
    many = STUDY.replace(axes={**STUDY.axes, "seed": (0, 1, 2)}, chips=2, age=(0, 1e6))
    table = str(run(many, store=tmp_path, executor=Inline()))
    header = table.splitlines()[1].split()
    assert header[:3] == ["device", "seed", "inferences"]
    assert " 1e6 " in table


def test_cells_say_inferences_and_trackers_log_them() -> None:
    cell = make_plan(STUDY).cells[-1]
    assert str(cell) == "worn, age 100 inferences"
    logged: dict = {}
    tracker = WandB.__new__(WandB)
    tracker._run = type("Run", (), {"log": staticmethod(logged.update)})
    tracker.finished(cell, {"label": "worn", "age_inferences": 100.0, "mean": 0.5})
    assert logged == {"memory.device": "worn", "sigma": None, "age_inferences": 100.0, "mean": 0.5}


def test_a_verification_of_a_study_has_its_clock(tmp_path) -> None:
    study = STUDY.replace(
        memory=Memory(device=STILL, programming=WriteVerify(tolerance=0.1)),
        question=Verify(rankings=("random",), fractions=(0, 1)),
        age=(100,),
    )
    found = run(study, store=tmp_path, executor=Inline())
    assert {v.clock for v in found.found.values()} == {"inferences"}
    assert {row["age_inferences"] for row in (*found.rows(), *found.summaries())} == {100}


def test_a_study_of_seconds_is_named_as_before() -> None:
    study = STUDY.replace(axes={"memory.device": {"still": STILL, "drifts": DRIFTS}}, age=("0", "1h"))
    plan = make_plan(study)
    assert [str(cell) for cell in plan.cells if cell.age] == ["still, age 1h", "drifts, age 1h"]
    same = make_plan(study.replace(age=(0, 3600)))
    assert [cell.key for cell in plan.cells] == [cell.key for cell in same.cells]
    assert [cell.job for cell in plan.cells] == [cell.job for cell in same.cells]


@pytest.mark.parametrize(
    ("age", "said"),
    [
        ("1h", r"a.yaml:6: age: age=1h is a time, but this memory ages by inferences"),
        ("[0, 30d]", r"a.yaml:6: age.1: age=30d is a time"),
        ("[0, 1.5]", r"a.yaml:6: age.1: age=1.5 must be a whole number"),
    ],
)
def test_ages_that_do_not_fit_are_refused_on_reading(tmp_path, age, said) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(YAML.replace("{age}", age))
    with pytest.raises(SpecError, match=said) as error:
        read(path)
    assert "\n" not in str(error.value)
    path.write_text(YAML.replace("{age}", "[0, 100, 1e6]"))
    assert read(path).age == (0, 100, 1e6)


def test_a_time_meets_inferences_on_an_axis() -> None:
    with pytest.raises(SpecError, match="age=1h is a time, but this memory ages by inferences") as error:
        STUDY.replace(age=("1h",))
    assert error.value.place == ("axes", "memory.device", "worn")


def test_two_clocks_in_one_study_are_refused() -> None:
    both = STUDY.replace(axes={"memory.device": {"drifts": DRIFTS, "still": STILL, "worn": WORN}})
    with pytest.raises(SpecError, match=r"'drifts' in seconds and 'worn' in inferences, .* make it two studies"):
        rehearse(both)
