"""Who watches a training run: every number of an epoch arrives, a watcher that fails costs nothing."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from mho.errors import SpecError
from mho.training.methods.right_censored import RightCensored
from mho.training.observers import Audience, Observer
from mho.training.recipe import Recipe
from mho.training.trackers import TensorBoard, WandB, curves


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """Of the shape of :class:`mho.training.Epoch`, with a field that it may get one day."""

    number: int
    lr: float = 0.001
    loss: float
    accuracy: float | None = None
    percentile: float | None = None
    note: str = "not a number"


ORIGIN = SimpleNamespace(to_dict=lambda: {"recipe": Recipe().to_dict(), "method": RightCensored().to_dict()})
EPOCHS = [Epoch(number=1, loss=2.5, accuracy=0.25), Epoch(number=2, loss=1.5, accuracy=0.5, percentile=0.375)]


def watched(observer: Observer, epochs: list[Epoch] = EPOCHS) -> None:
    audience = Audience([observer])
    for epoch in epochs:
        audience.tell("epoch", epoch)
    audience.tell("end", ORIGIN)


def test_curves_are_the_numbers_that_there_are() -> None:
    assert curves(EPOCHS[0]) == {"lr": 0.001, "loss": 2.5, "accuracy": 0.25}
    assert set(curves(EPOCHS[1])) == {"lr", "loss", "accuracy", "percentile"}


def test_tensorboard_has_every_number_at_its_epoch(tmp_path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    folder = tmp_path / "run"
    observer = TensorBoard(folder)
    assert not folder.exists(), "a run that is refused leaves no folder"
    watched(observer)
    events = EventAccumulator(str(folder)).Reload()
    read = {tag: [(e.step, e.value) for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]}
    assert read == {
        "lr": [(1, pytest.approx(0.001)), (2, pytest.approx(0.001))],
        "loss": [(1, 2.5), (2, 1.5)],
        "accuracy": [(1, 0.25), (2, 0.5)],
        "percentile": [(2, 0.375)],
    }
    (text,) = events.Tensors("origin/text_summary")
    assert b"kind: RightCensored" in text.tensor_proto.string_val[0]


def test_tensorboard_keeps_what_a_run_had_before_it_failed(tmp_path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    observer = TensorBoard(tmp_path)
    observer.epoch(EPOCHS[0])
    assert [e.step for e in EventAccumulator(str(tmp_path)).Reload().Scalars("loss")] == [1]


class StandIn:
    """The module wandb, and its runs: notes every call, in order."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.config = SimpleNamespace(update=lambda said: self.calls.append(("config", said)))

    def init(self, **settings: Any) -> StandIn:
        self.calls.append(("init", settings))
        return self

    def log(self, row: dict[str, float], step: int) -> None:
        self.calls.append(("log", row, step))

    def finish(self, exit_code: int = 0) -> None:
        self.calls.append(("finish", exit_code))


@pytest.fixture
def wandb(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    found = StandIn()
    monkeypatch.setitem(sys.modules, "wandb", found)
    return found


def test_wandb_gets_a_row_an_epoch_and_the_origin_as_config(wandb: StandIn) -> None:
    watched(WandB("chips", name="lenet"))
    assert wandb.calls == [
        ("init", {"project": "chips", "name": "lenet"}),
        ("log", {"lr": 0.001, "loss": 2.5, "accuracy": 0.25}, 1),
        ("log", {"lr": 0.001, "loss": 1.5, "accuracy": 0.5, "percentile": 0.375}, 2),
        ("config", ORIGIN.to_dict()),
        ("finish", 0),
    ]


def test_wandb_begins_a_run_of_its_own_after_one_that_failed(wandb: StandIn) -> None:
    observer = WandB()
    observer.epoch(EPOCHS[0])
    watched(observer)
    assert [call[0] for call in wandb.calls] == ["init", "log", "finish", "init", "log", "log", "config", "finish"]
    assert [call[1] for call in wandb.calls if call[0] == "finish"] == [1, 0]


@pytest.mark.parametrize(("make", "name"), [(lambda: TensorBoard("runs/x"), "tensorboard"), (WandB, "wandb")])
def test_a_tracker_that_is_not_installed_says_how_to_get_it(make, name: str, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(SpecError, match=rf"^{name} is not installed: pip install 'mho\[{name}\]'$"):
        make()


def test_an_observer_that_fails_is_left_behind_with_a_warning() -> None:
    class Broken(Observer):
        def epoch(self, epoch: Any) -> None:
            raise ConnectionError("no route to host\nsecond line")

    class Listener(Observer):
        def __init__(self) -> None:
            self.heard: list[int] = []

        def epoch(self, epoch: Any) -> None:
            self.heard.append(epoch.number)

    listener = Listener()
    audience = Audience([Broken(), listener])
    with pytest.warns(RuntimeWarning, match="^Broken stopped watching: ConnectionError: no route to host$"):
        audience.tell("epoch", EPOCHS[0])
    audience.tell("epoch", EPOCHS[1])  # an error in pytest, if it warned again
    audience.tell("end", ORIGIN)
    assert listener.heard == [1, 2]
