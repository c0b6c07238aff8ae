"""What a question cannot be asked of, and networks that were trained in other ways."""

from __future__ import annotations

import numpy as np
import pytest
from asking import MEMORY, MLP, VERIFY, WORST, Unwanted, written

import mho
from mho import data, devices, training
from mho.cli import main
from mho.errors import SpecError, UnknownNameError
from mho.programming import OpenLoop, Selective, WriteVerify
from mho.studies import Verify, WorstCase, run
from mho.studies.rehearsal import rehearse


@pytest.mark.parametrize(
    ("changes", "said", "place"),
    [
        ({"precision": 0.01}, "precision=0.01 means nothing to question: Verify; leave it out", ("precision",)),
        ({"threshold": 0.9}, "threshold=0.9 means nothing to question: Verify", ("threshold",)),
        ({"percentiles": (2,)}, "means nothing to question: Verify", ("percentiles",)),
        ({"axes": {"question": [Verify()]}}, "a table answers one question", ("axes", "question")),
        ({"axes": {"question.fractions": [(0, 1)]}}, "every answer has all fractions already", ("axes",)),
        ({"axes": {"question.rankngs": [("random",)]}}, "did you mean 'rankings'", ("axes",)),
        ({"question": None, "axes": {"question.steps": [1]}}, "it has none; add 'question:'", ("axes",)),
        ({"question": WORST.question}, "chips=3 means nothing to question: WorstCase", ("chips",)),
        (
            {"question": WORST.question, "chips": None, "axes": {"memory.device": [devices.PCM()]}},
            "WorstCase does not depend on the device of a memory, so axis 'memory.device' would change nothing",
            ("axes", "memory.device"),
        ),
        (
            {"question": WORST.question, "chips": None, "axes": {"memory.programming.tolerance": [0.1]}},
            "does not depend on the programming",
            ("axes", "memory.programming.tolerance"),
        ),
        ({"question": WORST.question, "chips": None, "dtype": "bfloat16"}, "means nothing", ("dtype",)),
        ({"question": WORST.question, "chips": None, "sigma": 0.1}, "means nothing", ("sigma",)),
        ({"question": WORST.question, "chips": None, "age": "1h"}, "means nothing", ("age",)),
    ],
    ids=str,
)
def test_what_means_nothing_to_a_question_is_refused(changes, said, place) -> None:
    with pytest.raises(SpecError) as error:
        VERIFY.replace(**changes)
    assert said in str(error.value)
    assert error.value.place[: len(place)] == place


@pytest.mark.parametrize(
    ("fields", "said", "place"),
    [
        ({"rankings": ("magnitud",)}, "did you mean 'magnitude'", ("rankings", 0)),
        ({"rankings": ("given",)}, "unknown ranking 'given'", ("rankings", 0)),
        ({"rankings": ()}, "one or more different names", ("rankings",)),
        ({"rankings": ("random", "random")}, "one or more different names", ("rankings",)),
        ({"fractions": (0, 10)}, "from 0 to 1; 10 % is 0.1", ("fractions",)),
        ({"fractions": (0.2, 0.1)}, "must rise", ("fractions",)),
        ({"target_drop": 1.5}, "half a point is 0.005", ("target_drop",)),
        ({"bounds": ()}, "give bounds (largest error of a weight, such as [0.01, 0.03]) or tolerances", ()),
        ({"bounds": (0.1,), "tolerances": (0.1,)}, "one of the two", ()),
        ({"bounds": (3,)}, "3 % is 0.03", ("bounds",)),
        ({"tolerances": (0.1, 0.05)}, "must rise", ("tolerances",)),
        ({"bounds": (0.1,), "images": 0}, "must be one or more", ("images",)),
        ({"bounds": (0.1,), "random": -1}, "must be zero or more", ("random",)),
    ],
)
def test_questions_are_checked_when_made(fields, said, place) -> None:
    with pytest.raises((SpecError, UnknownNameError)) as error:
        (WorstCase if {"bounds", "tolerances"} & set(fields) else Verify)(**fields)
    assert said in str(error.value)
    assert error.value.place == place


def test_what_no_memory_can_be_asked_is_refused_before_anything_is_loaded(tmp_path, capsys) -> None:
    cells = Selective(fraction=1, unit="cell", verify=WriteVerify(tolerance=0.05))
    wrong = [
        (VERIFY.replace(memory=MEMORY.replace(programming=OpenLoop())), "written by OpenLoop, which does not verify"),
        (VERIFY.replace(memory=MEMORY.replace(programming=cells), question=Verify(rankings=("random", "layer"))),
         "unit='cell' takes a ranking that tells the cells of a weight apart"),
        (VERIFY.replace(metric="perplexity"), "is a drop of a fraction"),
        (VERIFY.replace(calibration=None),
         "ranking 'second-derivative' needs the network's curvature: add calibration: {name: digits, split: train}"),
        (VERIFY.replace(calibration=None, question=Verify(rankings=("random",), target_drop=0.1)),
         "target_drop is judged on calibration data: add calibration: {name: digits, split: train}"),
        (WORST.replace(calibration=None), "a worst case is searched on calibration data: add calibration:"),
    ]  # fmt: skip
    for study, said in wrong:
        with pytest.raises(SpecError) as error:
            rehearse(study)
        assert said in str(error.value)
        assert error.value.place[0] == "question"
        with pytest.raises(SpecError):
            run(study, store=tmp_path / "store")
    assert not (tmp_path / "store").exists()
    path = written(tmp_path, wrong[-1][0])
    assert main(["check", path]) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"mho: {path}:")
    assert told.count("\n") == 1
    rehearse(VERIFY.replace(calibration=None, question=Verify(rankings=("random", "magnitude"))))


# -- networks that were trained in other ways


def test_an_axis_over_training_methods(tmp_path, capsys) -> None:
    study = VERIFY.replace(
        name="trained",
        question=None,
        calibration=None,
        memory=MEMORY.replace(programming=OpenLoop()),
        axes={"model.method": {"plain": None, "noise": training.NoiseInjection(sigma=0.3)}},
    )
    found = run(study, store=tmp_path)
    assert not found.failures
    plain, noisy = (found.results[name] for name in ("plain", "noise"))
    assert plain.digital != noisy.digital or not np.array_equal(plain.values, noisy.values)
    alone = run(study.replace(axes={}), store=tmp_path, executor=Unwanted())
    assert alone.results["RRAM1"].values.tobytes() == plain.values.tobytes()
    trained = training.train(
        mho.zoo.build_for("mlp", data.load("digits", split="train"), hidden=(16,)),
        data.load("digits", split="train"),
        method=training.NoiseInjection(sigma=0.3),
        recipe=MLP.recipe,
        progress=False,
    )
    direct = mho.evaluate(mho.deploy(trained, study.memory), data.load("digits", limit=50), n_chips=3)
    assert direct.values.tobytes() == noisy.values.tobytes()
    path = written(tmp_path, study)
    assert main(["check", path]) == 0
    assert "trains 2 networks: mlp, mlp with NoiseInjection" in capsys.readouterr().out
    assert "joshi2020pcm" in mho.cite(*(p.study for p in study.points))


def test_a_memory_to_train_on_and_a_search(tmp_path) -> None:
    """What a method injects is said by ``model.memory``; plain training beside it makes no use of it."""
    memory = MEMORY.replace(programming=OpenLoop())
    search = training.NoiseInjection(sigma=training.SigmaSearch(chips=2))
    study = VERIFY.replace(
        name="memories",
        question=None,
        calibration=None,
        memory=memory,
        model=MLP.replace(memory=memory, seed=None),
        axes={
            "model.method": {"plain": None, "noise": training.NoiseInjection(), "searched": search},
            "model.recipe.seed": [0, 1],
        },
    )
    rehearse(study)
    found = run(study, store=tmp_path)
    assert not found.failures
    assert len({result.values.tobytes() for result in found.results.values()}) == 6
    samples = data.load("digits", split="train")
    for seed in (0, 1):
        for name, method in (("noise", training.NoiseInjection()), ("searched", search)):
            trained = training.train(
                mho.zoo.build_for("mlp", samples, hidden=(16,), seed=seed),
                samples,
                method=method,
                memory=memory,
                recipe=MLP.recipe.replace(seed=seed),
                progress=False,
            )
            direct = mho.evaluate(mho.deploy(trained, memory), data.load("digits", limit=50), n_chips=3)
            key = next(key for key in found.results if name in key and key.endswith(str(seed)))
            assert direct.values.tobytes() == found.results[key].values.tobytes()


def test_a_method_that_lacks_something_says_so_before_anything_is_trained() -> None:
    for method in (training.NoiseInjection(), training.NoiseInjection(noise=training.GaussianNoise())):
        with pytest.raises(SpecError, match="sigma is missing") as error:
            rehearse(VERIFY.replace(model=MLP.replace(method=method)))
        assert error.value.place == ("model", "method")
