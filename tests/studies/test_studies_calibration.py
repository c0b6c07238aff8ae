"""Calibration data: what looks at them is cached by them, what does not is not, and they are never the test data."""

from __future__ import annotations

import pytest

import mho
from mho import data, devices, training
from mho.cli import main
from mho.errors import SpecError
from mho.evaluation import sensitivity as sensitivities
from mho.frozen import FrozenDict
from mho.memory import Memory, NameRules
from mho.programming import OpenLoop, Selective, WriteVerify
from mho.studies import Data, Inline, Processes, Study, Trained, read, run
from mho.studies.plan import make_plan
from mho.studies.rehearsal import rehearse
from mho.studies.store import Store

TRAIN = Data(name="digits", split="train")
MLP = Trained(
    architecture="mlp", data=TRAIN, options={"hidden": (16,)}, recipe=training.Recipe(epochs=1, batch_size=256)
)  # type: ignore[arg-type]
RRAM = devices.RRAM1(sigma=0.3)
SWIM = Selective(fraction=0.2, verify=WriteVerify(tolerance=0.05))
STUDY = Study(
    name="ranked",
    model=MLP,
    memory=Memory(device=RRAM, programming=SWIM),
    data=Data(name="digits", limit=50),
    calibration=TRAIN.replace(limit=60),
    chips=2,
)


def with_ranking(ranking: str, **changes) -> Study:
    return STUDY.replace(memory=Memory(device=RRAM, programming=SWIM.replace(ranking=ranking)), **changes)


def key(study: Study) -> str:
    (cell,) = make_plan(study).cells
    return cell.key


# -- keys


@pytest.mark.parametrize(("ranking", "looks"), [("second-derivative", True), ("layer", True), ("magnitude", False)])
def test_calibration_data_change_the_keys_of_what_looks_at_them(ranking, looks) -> None:
    study = with_ranking(ranking)
    assert (key(study.replace(calibration=TRAIN.replace(limit=61))) != key(study)) == looks
    assert (make_plan(study).digests[0][2:] != ()) == looks
    if not looks:
        assert key(study.replace(calibration=None)) == key(study)


def test_it_is_the_samples_that_count_not_what_they_are_called() -> None:
    all_of_them = len(data.load("digits", split="train"))
    assert key(STUDY.replace(calibration=TRAIN)) == key(STUDY.replace(calibration=TRAIN.replace(limit=all_of_them)))


# -- what is refused


def written(tmp_path, study: Study) -> str:
    (tmp_path / "study.yaml").write_text(study.to_yaml())
    assert read(tmp_path / "study.yaml") == study
    return str(tmp_path / "study.yaml")


@pytest.mark.parametrize("command", ["check", "run"])
def test_a_ranking_without_calibration_data_is_one_line_with_the_remedy(tmp_path, capsys, command) -> None:
    path = written(tmp_path, STUDY.replace(calibration=None))
    assert main([command, path]) == 2
    said = capsys.readouterr().err
    assert said == (
        f"mho: {path}:{line_of(path, 'programming:')}: memory.programming: ranking 'second-derivative' needs the "
        "network's curvature: add calibration: {name: digits, split: train} (training data, or some held out; never "
        "the test data), or take ranking: magnitude\n"
    )
    assert not (tmp_path / ".mho").exists()
    with pytest.raises(SpecError, match="add calibration"):
        run(STUDY.replace(calibration=None), store=tmp_path / "store")


def line_of(path: str, word: str) -> int:
    with open(path) as file:
        return next(i for i, line in enumerate(file, 1) if word in line)


def test_one_of_several_results_that_lacks_them_is_named() -> None:
    axes = {"memory.programming.ranking": ["magnitude", "fisher"]}
    study = with_ranking("magnitude", calibration=None, axes=axes)
    with pytest.raises(SpecError, match=r"ranking 'fisher' needs .* \(at memory.programming.ranking fisher\)"):
        rehearse(study)


@pytest.mark.parametrize("limit", [None, 10])
def test_the_test_data_are_no_calibration_data(limit) -> None:
    with pytest.raises(SpecError, match=r"calibration is the test data .* split: train") as error:
        STUDY.replace(calibration=Data(name="digits", limit=limit))
    assert error.value.place == ("calibration",)


def test_the_test_data_in_other_words_are_none_either(tmp_path) -> None:
    other = Data(name="digits", limit=50, options={"size": 28})  # type: ignore[arg-type]
    with pytest.raises(SpecError, match="calibration holds the samples of the test data"):
        run(STUDY.replace(calibration=other), store=tmp_path)


def test_what_cannot_be_ranked_is_refused_before_anything_is_loaded() -> None:
    fisher = Memory(device=RRAM, programming=SWIM.replace(ranking="fisher"))
    rules = NameRules(rules=FrozenDict({"fc1": STUDY.memory, "*": fisher}))
    with pytest.raises(SpecError, match="two curvatures, second-derivative and fisher") as error:
        rehearse(STUDY.replace(memory=rules))
    assert error.value.place == ("memory", "rules", "*", "programming")
    with pytest.raises(SpecError, match="ranking 'given' orders by numbers of yours"):
        rehearse(with_ranking("given"))
    drop = Memory(device=RRAM, programming=Selective(target_drop=0.01))
    with pytest.raises(SpecError, match=r"question: \{kind: Verify\} does; give fraction"):
        rehearse(STUDY.replace(memory=drop))


def test_an_axis_over_data_that_nothing_looks_at_is_refused() -> None:
    axes = {"calibration.limit": [10, 20]}
    assert rehearse(STUDY.replace(axes=axes)).calibrated
    with pytest.raises(SpecError, match=r"no result looks at calibration data, so axis 'calibration.limit'") as error:
        rehearse(with_ranking("random", axes=axes))
    assert error.value.place == ("axes", "calibration.limit")
    with pytest.raises(SpecError, match=r"it has none; add 'calibration:'"):
        with_ranking("random", calibration=None, axes=axes)


def test_check_notes_data_that_nothing_looks_at(tmp_path, capsys) -> None:
    assert main(["check", written(tmp_path, with_ranking("random"))]) == 0
    assert "note: no result looks at the calibration data" in capsys.readouterr().out
    assert main(["check", written(tmp_path, STUDY)]) == 0
    assert "calibration" not in capsys.readouterr().out


# -- axes over programming


def test_none_verified_is_a_value_of_any_axis_over_programming() -> None:
    axes = {
        "memory.programming.fraction": {"none": OpenLoop(), "a tenth": 0.1},
        "memory.programming.ranking": ["random", "magnitude"],
        "memory.programming.verify.tolerance": [0.05, 0.1],
    }
    points = {p.label: p.study.memory.programming for p in STUDY.replace(axes=axes).points}
    for label in ("fraction none, random, tolerance 0.1", "fraction none, magnitude, tolerance 0.05"):
        assert points[label] == OpenLoop()
    wanted = Selective(fraction=0.1, ranking="magnitude", verify=WriteVerify(tolerance=0.1))
    assert points["a tenth, magnitude, tolerance 0.1"] == wanted
    last = {"memory.programming.verify.tolerance": [0.1, OpenLoop()]}
    assert STUDY.replace(axes=last).points[1].study.memory.programming == OpenLoop()
    whole = {"memory.programming": {"none": OpenLoop(), "all": WriteVerify(tolerance=0.1)}}
    assert [p.study.memory.programming.verifies for p in STUDY.replace(axes=whole).points] == [False, True]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("memory.programming.fractoin", "no field 'fractoin': did you mean 'fraction'"),
        ("memory.programming.verify.toll", "no field 'toll'"),
        ("memory.programming.fraction.x", "nothing called 'x' in 0.2"),
    ],
)
def test_none_verified_hides_no_misspelt_axis(path, said) -> None:
    with pytest.raises(SpecError, match=said):
        STUDY.replace(axes={path: [OpenLoop()]})
    plain = STUDY.replace(memory=Memory(device=RRAM))
    with pytest.raises(SpecError, match="OpenLoop has no field 'fraction'"):
        plain.replace(axes={"memory.programming.fraction": [0.1]})


# -- end to end


AXES = {
    "memory.programming.ranking": ["second-derivative", "layer", "fisher", "random"],
    "memory.programming.fraction": {"none": OpenLoop(), "fifth": 0.2, "half": 0.5},
}


@pytest.fixture(scope="module")
def ranked(tmp_path_factory):
    """A study of rankings, computed here; the methods that were computed, and its store."""
    folder, asked = tmp_path_factory.mktemp("ranked"), []
    real = sensitivities.sensitivity

    def counted(model, data, *, method, **options):
        asked.append(method)
        return real(model, data, method=method, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sensitivities, "sensitivity", counted)
        found = run(STUDY.replace(axes=AXES), store=folder, executor=Inline())
    return found, asked, folder


def test_each_curvature_is_computed_once_and_ranks_what_is_verified(ranked) -> None:
    found, asked, folder = ranked
    assert not found.failures
    assert sorted(asked) == ["fisher", "second-derivative"], "saliency, layer and second-derivative share one"
    key = next(iter(make_plan(found.study).networks))
    model = mho.zoo.unpack(Store(folder).model(key) or b"")
    calibration, test = data.load("digits", split="train", limit=60), data.load("digits", limit=50)
    for ranking, method in (("layer", "second-derivative"), ("fisher", "fisher")):
        sensitivity = sensitivities.sensitivity(model, calibration, method=method)
        memory = Memory(device=RRAM, programming=SWIM.replace(ranking=ranking))
        direct = mho.evaluate(mho.deploy(model, memory, sensitivity=sensitivity), test, n_chips=2)
        there = found.results[f"{ranking}, fifth"]
        assert (there.values == direct.values).all()
        assert there.writing == direct.writing


def test_none_verified_is_one_population_for_all_rankings(ranked) -> None:
    found, _, _ = ranked
    values = {label: r.values.tobytes() for label, r in found.results.items() if label.endswith("none")}
    assert len(values) == 4
    assert len(set(values.values())) == 1
    fifth = {label: r.values.tobytes() for label, r in found.results.items() if label.endswith("fifth")}
    assert len(set(fifth.values())) > 1


def test_worker_processes_find_the_same(ranked, tmp_path) -> None:
    found, _, _ = ranked
    study = STUDY.replace(axes={**AXES, "memory.programming.ranking": ["layer", "fisher"]})
    other = run(study, store=tmp_path, executor=Processes(workers=1))
    for label, result in other.results.items():
        assert result.values.tobytes() == found.results[label].values.tobytes()
        assert result.writing == found.results[label].writing


def test_adaptive_sampling_of_ranked_chips(tmp_path) -> None:
    found = run(STUDY.replace(precision=0.2, chips=60), store=tmp_path)
    assert not found.failures
    assert found.results["RRAM1"].writing.nwc[0] == pytest.approx(0.2, abs=0.02)  # type: ignore[union-attr]


def test_a_report_of_ranked_chips(ranked, tmp_path, capsys) -> None:
    found, _, folder = ranked
    path = written(tmp_path, found.study)
    assert main(["report", path, "--store", str(folder)]) == 0
    page = (tmp_path / "study.html").read_text()
    assert "NWC" in page
    assert "yan2022swim" in page
