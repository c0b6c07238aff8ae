"""Trackers see every finished cell; one that fails is left behind, the study is not."""

from __future__ import annotations

import sys
import types
from contextlib import nullcontext

import pytest

from mho import devices, training
from mho.errors import SpecError
from mho.memory import Memory
from mho.studies import Data, Observer, Study, Trained, run
from mho.studies.trackers import TRACKERS, tracker


class Recorder:
    """A module, a writer and a run at once: notes every call."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple, dict]] = []

    def __getattr__(self, name: str):
        def called(*arguments, **options):
            self.calls.append((name, arguments, options))
            return nullcontext() if options.get("nested") else self

        return called

    def named(self, name: str) -> list[tuple[tuple, dict]]:
        return [(a, o) for n, a, o in self.calls if n == name]


@pytest.fixture(scope="module")
def study() -> Study:
    return Study(
        name="watched",
        model=Trained(
            architecture="mlp",
            data=Data(name="digits", split="train"),
            recipe=training.Recipe(epochs=1, batch_size=512),
        ),
        memory=Memory(device=devices.RRAM1(sigma=0.1)),
        data=Data(name="digits", limit=50),
        chips=3,
        sigma=[0.05, 0.1],
        threshold=0.5,
    )


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    found = Recorder()
    for name in ("wandb", "mlflow", "tensorboard"):
        monkeypatch.setitem(sys.modules, name, found)
    adapter = types.SimpleNamespace(SummaryWriter=lambda folder: found)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", adapter)
    return found


def test_tensorboard_gets_a_scalar_a_statistic_at_the_severity(study, recorder, tmp_path) -> None:
    run(study, store=tmp_path, observers=[tracker("tensorboard")])
    scalars = {(a[0], a[2]): a[1] for a, _ in recorder.named("add_scalar")}
    assert {step for tag, step in scalars if tag == "RRAM1/mean"} == {0, 1}
    assert scalars["RRAM1/mean", 0] > scalars["RRAM1/min", 0] - 1e-12
    assert all(value == value for value in scalars.values())
    assert len(recorder.named("close")) == 1


def test_wandb_gets_a_row_a_cell_and_the_study_as_config(study, recorder, tmp_path) -> None:
    run(study, store=tmp_path, observers=[tracker("wandb")])
    ((_, options),) = recorder.named("init")
    assert options["config"] == study.to_dict()
    assert [a[0]["sigma"] for a, _ in recorder.named("log")] == [0.05, 0.1]
    assert len(recorder.named("finish")) == 1


def test_mlflow_gets_a_nested_run_a_cell_with_names_that_it_takes(study, recorder, tmp_path) -> None:
    run(study, store=tmp_path, observers=[tracker("mlflow")])
    assert len(recorder.named("start_run")) == 3
    for (metrics,), _ in recorder.named("log_metrics"):
        assert "yield_at_0.5" in metrics
        assert not any(">" in name for name in metrics)
    assert len(recorder.named("end_run")) == 1


def test_an_observer_that_fails_is_left_behind(study, tmp_path) -> None:
    class Broken(Observer):
        def advanced(self, cell, chips, seconds) -> None:
            raise ConnectionError("no route to host")

    class Listener(Observer):
        heard: list[str] = []  # noqa: RUF012

        def noticed(self, message: str) -> None:
            self.heard.append(message)

    listener = Listener()
    answers = run(study, store=tmp_path, observers=[Broken(), listener])
    assert list(answers.results) == ["RRAM1"]
    assert listener.heard == ["Broken stopped watching: ConnectionError: no route to host"]


@pytest.mark.parametrize("name", TRACKERS)
def test_a_tracker_that_is_not_installed_says_how_to_get_it(name, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(SpecError, match=rf"pip install 'mho\[{name}\]'"):
        tracker(name)


def test_a_tracker_that_does_not_exist_is_named() -> None:
    with pytest.raises(LookupError, match="did you mean 'wandb'"):
        tracker("wandbb")
