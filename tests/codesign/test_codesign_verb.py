"""``mho.design`` from the question to the answer, on data that take seconds."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch
from made_up import MEASURES, costs, made
from torch import nn

import mho
from mho import data, devices
from mho.codesign import Choice, Range
from mho.codesign.margins import candidate
from mho.codesign.measures import every
from mho.codesign.prober import Prober
from mho.errors import SpecError
from mho.evaluation import Interval
from mho.mapping import BitPlanes
from mho.memory import Memory
from mho.memory.redundancy import Voting
from mho.programming import OpenLoop, Selective, WriteVerify
from mho.studies import Observer, Processes
from mho.training import NoiseInjection, Recipe


class Count(Observer):
    """How much was computed."""

    def __init__(self) -> None:
        self.cells = self.networks = 0

    def finished(self, cell, row) -> None:
        self.cells += 1

    def trained(self, label, seconds) -> None:
        self.networks += 1


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> tuple[Choice, Count, object]:
    store, count = tmp_path_factory.mktemp("store"), Count()
    return mho.design(made(), store=store, observers=[count]), count, store


def test_the_whole_answer(found) -> None:
    choice, count, _ = found
    assert len(choice.candidates) == 6
    assert count.networks == 2
    certificate = choice.certificate
    assert certificate is not None
    assert certificate.met
    assert certificate.seed == choice.design.seed + 1
    assert certificate.images == 100
    (value,) = certificate.values.values()
    assert value.low >= 0.8
    # Nothing that costs less, in the order that was asked for, was left untried.
    tried = {c.chosen for c in choice.certificates}
    first = choice.design.minimise[0]
    assert choice.recommended is not None
    for other in choice.candidates:
        if other.number(first) < choice.recommended.number(first):
            assert other.chosen in tried or other.best < 0


def test_costs_are_those_of_the_memory(found) -> None:
    choice, _, _ = found
    cells = {c.costs.cells for c in choice.candidates}
    assert len(cells) == 1
    at = {c.chosen["memory.programming"]: c for c in choice.candidates if c.chosen["model.method"] == "plain"}
    assert at["once"].costs.write_cycles == cells.pop()
    assert at["once"].costs.write_cycles < at["some"].costs.write_cycles < at["all"].costs.write_cycles
    assert at["once"].costs.periphery == ()
    noisy = next(c for c in choice.candidates if c.chosen["model.method"] == "noise")
    assert noisy.costs.training_seconds > 0
    # Of a redrawn Gaussian: 1 / p cycles a cell, sigma 0.2 and tolerance 0.06.
    p = math.erf(0.06 / 0.2 / 2**0.5)
    assert at["all"].costs.write_cycles / at["once"].costs.write_cycles == pytest.approx(1 / p, rel=1e-4)


def test_the_answer_is_that_of_evaluating_by_hand(found) -> None:
    choice, _, _ = found
    chips = choice.chips(seed=choice.design.seed + 1)
    result = mho.evaluate(
        chips, data.digits(split="test").take(100), precision=choice.design.precision, n_chips=200, percentiles=(1,)
    )
    (value,) = choice.certificate.values.values()
    assert result.at().mean.value == pytest.approx(value.value, abs=1e-9)


def test_it_goes_on_where_it_was(found) -> None:
    choice, _, store = found
    count = Count()
    again = mho.design(made(), store=store, observers=[count])
    assert (count.cells, count.networks) == (0, 0)
    assert [c.to_dict() for c in again.candidates] == [c.to_dict() for c in choice.candidates]
    assert again.certificates == choice.certificates


def test_workers_change_nothing_but_the_time(found, tmp_path) -> None:
    choice, _, _ = found
    other = mho.design(made(), store=tmp_path, executor=Processes(workers=2))
    for mine, theirs in zip(choice.candidates, other.candidates, strict=True):
        assert mine.chosen == theirs.chosen
        assert mine.values == theirs.values
    assert [c.values for c in other.certificates] == [c.values for c in choice.certificates]


def test_json_and_yaml_say_everything(found, tmp_path) -> None:
    choice, _, _ = found
    again = Choice.from_dict(json.loads(json.dumps(choice.to_dict())))
    assert str(again) == str(choice)
    assert again.rows() == choice.rows()
    folder = choice.save(tmp_path / "chosen")
    assert sorted(p.name for p in folder.iterdir()) == ["memory.yaml", "network.safetensors", "study.yaml"]
    study = mho.studies.read(folder / "study.yaml")
    assert study.memory == choice.study().memory
    answers = mho.studies.run(study, store=found[2], folder=folder)
    (result,) = answers.results.values()
    (value,) = choice.certificate.values.values()
    assert abs(result.at(sigma=0.2).mean.value - value.value) <= 2 * choice.design.precision


def test_why_takes_the_point_apart(found) -> None:
    choice, _, _ = found
    why = choice.why
    assert why is not None
    assert why.parts[0].chosen == choice.design.nothing
    assert why.parts[-1].chosen == choice.closest.chosen
    gain = why.parts[-1].values[why.target].value - why.parts[0].values[why.target].value
    assert sum(s.shapley for s in why.shares.values()) == pytest.approx(gain)


def test_what_cannot_be_is_said_and_the_rest_goes_on(tmp_path) -> None:
    stuck = Memory(device=devices.StuckAt.at_rate(0.02), mapping=BitPlanes(flip="none"))
    measures = {
        "memory.mapping": {"planes": stuck.mapping, "sliced": mho.mapping.SlicedMagnitude()},
        "memory.redundancy": {"none": None, "vote": Voting()},
    }
    design = made(memory=stuck, measures=measures, sigma=None, targets=["mean >= 0.3"])
    choice = mho.design(design, store=tmp_path)
    refused = [c for c in choice.candidates if c.refused]
    assert [dict(c.chosen) for c in refused] == [{"memory.mapping": "sliced", "memory.redundancy": "vote"}]
    assert "BitPlanes" in refused[0].refused
    assert "1 of 4 combinations are not possible" in str(choice)
    vote = choice.candidate({"memory.mapping": "planes", "memory.redundancy": "vote"})
    none = choice.candidate({"memory.mapping": "planes", "memory.redundancy": "none"})
    assert vote.costs.cells > none.costs.cells
    assert any("vote" in word for word in vote.costs.periphery)


def test_a_target_out_of_reach_is_not_claimed(tmp_path) -> None:
    measures = {"memory.programming": MEASURES["memory.programming"]}
    choice = mho.design(made(targets=["mean >= 0.999"], measures=measures), store=tmp_path)
    assert choice.recommended is None
    assert choice.certificates == ()
    assert "no combination was shown to reach that" in str(choice)
    assert choice.closest.chosen["memory.programming"] == "all"


def test_when_the_cheapest_fails_on_test_data_a_dearer_one_is_tried(tmp_path) -> None:
    """Judged on what it has learnt, a network looks better than it is on the test data, and verifying is tried next."""
    learnt = made().model.data.replace(part="fit")
    design = made(
        model=made().model.replace(data=learnt),
        validation=learnt.replace(limit=600),
        calibration=learnt.replace(part="held-out"),
        data=mho.studies.Data(name="digits"),
        targets=["mean >= 0.79"],
        measures={"memory.programming": MEASURES["memory.programming"]},
        precision=0.01,
        chips=600,
    )
    choice = mho.design(design, store=tmp_path)
    tried = {c.chosen["memory.programming"] for c in choice.certificates}
    hopeful = [c for c in choice.candidates if c.best >= 0]
    if choice.recommended is not None:
        most = choice.recommended.number("write_cycles")
        hopeful = [c for c in hopeful if c.number("write_cycles") < most]
    assert {c.chosen["memory.programming"] for c in hopeful} <= tried


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"minimise": "write_joules"}, "cycle_joules"),
        ({"measures": {"memory.programming": {"a": Selective(target_drop=0.1), "b": OpenLoop()}}}, "target_drop"),
    ],
)
def test_what_nobody_can_answer_is_one_line(changes, names, tmp_path) -> None:
    usual = {"measures": {"memory.programming": MEASURES["memory.programming"]}}
    if "measures" in changes:
        choice = mho.design(made(**changes), store=tmp_path)
        assert names in next(c.refused for c in choice.candidates if c.refused)
        return
    with pytest.raises(mho.errors.MhoError, match=names):
        mho.design(made(**(usual | changes)), store=tmp_path)


def test_a_budget_that_nothing_meets_is_said(found) -> None:
    choice = mho.design(made(budget={"write_cycles": 10}), store=found[2])
    assert choice.recommended is None
    assert "no combination keeps within the budget (write_cycles <= 10)" in str(choice)


def test_samples_are_from_all_over_what_may_be_sorted() -> None:
    from mho.codesign.live import spread

    inputs = torch.arange(1000.0)[:, None]
    whole = data.Dataset(inputs=inputs, targets=torch.arange(1000) // 100, classes=10)
    few = spread(whole, 120)
    assert 100 <= len(few) <= 120
    assert set(few.targets.tolist()) == set(range(10))
    held = {int(x) for x in whole.held_out(6).inputs}
    assert {int(x) for x in few.held_out(6).inputs} <= held, "parts stay parts"


def test_optuna_finds_the_front_of_a_range(tmp_path) -> None:
    measures = {
        "memory.programming": {"once": OpenLoop(), "some": Selective(fraction=0.5)},
        "memory.programming.fraction": Range(low=0.01, high=1.0, log=True),
    }
    design = made(measures=measures, trials=14, targets=["mean >= 0.75"])
    choice = mho.design(design, store=tmp_path)
    assert choice.provenance["screened"] <= 14
    once = [c for c in choice.candidates if c.chosen["memory.programming"] == "once"]
    assert len(once) <= 2, "any share of none is the same, unless a part of the point taken is told by it"
    again = mho.design(design, store=tmp_path)
    assert [c.chosen for c in again.candidates] == [c.chosen for c in choice.candidates], "proposals are reproducible"
    nothing = choice.candidate(design.nothing)
    assert choice.closest.margin > nothing.margin


def test_certificates_do_not_choose_on_the_test_chips(found) -> None:
    """The errors of all tries together stay below what is asked, however many fail."""
    choice, _, _ = found
    design = choice.design
    total = sum((1 - design.confidence) / 2**i for i in range(1, 50))
    assert total <= 1 - design.confidence + 1e-12
    for i, c in enumerate(choice.certificates, start=1):
        assert c.confidence == pytest.approx(1 - 2 * (1 - design.confidence) / 2**i)


def test_worst_cases_are_targets_too(tmp_path) -> None:
    design = made(
        targets=["worst(0.02) >= 0.01", "worst(0.1) >= 0.01", "mean >= 0.1"],
        measures={"memory.programming": {"once": OpenLoop(), "all": WriteVerify(tolerance=0.1)}},
        data=mho.studies.Data(name="digits", limit=60),
    )
    with Prober(design, store=tmp_path) as prober:
        found = prober.judge(list(every(design.measures)), prober.screen)
    for one in found:
        small, large, mean = one.values.values()
        assert small.low == small.value == small.high
        assert small.value >= large.value
        assert mean.low < mean.value < mean.high
    # The search does not depend on how cells are written, but only verified ones keep within anything.
    assert found[0].values["worst(0.02) >= 0.01"] == found[1].values["worst(0.02) >= 0.01"]
    assert found[0].unbounded == ("worst(0.02) >= 0.01", "worst(0.1) >= 0.01")
    assert found[1].unbounded == ("worst(0.02) >= 0.01",), "verified to 0.1 of a cell's range"
    assert found[0].margin == found[1].margin == -math.inf
    targets = ["worst(0.1) >= 0.01", "worst(0.1) >= 0.02", "worst(0.1 of cells) >= 0"]
    with Prober(made(targets=targets, measures=design.measures, data=design.data), store=tmp_path) as prober:
        (once, every_cell) = prober.judge(list(every(design.measures)), prober.screen)
    assert len(once.unbounded) == 3
    assert every_cell.unbounded == ()
    assert len({v.value for v in every_cell.values.values()}) == 1, "of these cells one bound is the other"


class Tiny(nn.Module):
    """Somebody's own network."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(784, 16), nn.ReLU(), nn.Linear(16, 10))

    def forward(self, x):
        return self.body(x)


def test_any_module_with_data_in_memory(tmp_path) -> None:
    torch.manual_seed(0)
    train, test = data.digits(split="train"), data.digits(split="test").take(100)
    model = mho.train(Tiny(), train, recipe=Recipe(epochs=3))
    before = {n: p.clone() for n, p in model.state_dict().items()}
    count = Count()
    call = {
        "target": "mean >= 0.6",
        "train": (train.inputs, train.targets),
        "sigma": 0.3,
        "measures": {
            "model.method": {"as it is": None, "noise": NoiseInjection()},
            "memory.programming": {"once": OpenLoop(), "some": Selective(fraction=0.2)},
        },
        "recipe": Recipe(epochs=1),
        "glance": 20,
        "precision": 0.05,
        "chips": 150,
        "store": tmp_path,
    }
    memory = Memory(device=devices.RRAM1(sigma=0.1))
    choice = mho.design(model, test, memory, **call, observers=[count])
    assert all(torch.equal(before[n], p) for n, p in model.state_dict().items())
    assert choice.label == "Tiny on RRAM1"
    assert count.networks == 1
    asis = choice.candidate({"model": "as it is", "memory.programming": "once"})
    assert asis.costs.training_seconds == 0
    assert isinstance(choice.model(), Tiny)
    folder = choice.save(tmp_path / "chosen")
    assert not (folder / "study.yaml").exists(), "its names mean nothing elsewhere"
    assert torch.equal(choice.chips().model.state_dict()["body.1.bias"], choice.model().state_dict()["body.1.bias"])
    again = mho.design(model, test, memory, **call, observers=[count])
    assert count.networks == 1, "the same network and data are known again"
    assert again.candidates == choice.candidates
    with pytest.raises(SpecError, match="in this process alone"):
        mho.design(model, test, memory, **call, executor=Processes(workers=1))


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"train": None}, "train= is missing"),
        ({"memory": None}, "is no memory"),
        ({"measures": {"model.method": [NoiseInjection()]}}, "mapping of names to methods"),
        ({"target": ()}, "p1 >= 0.95"),
        ({"target": "p1 >= 2"}, "no fraction"),
        ({"target": "p1 >= 0.5", "budget": {"cycles": 3}}, "did you mean"),
    ],
)
def test_bad_calls_are_refused_before_any_work(changes, names, tmp_path) -> None:
    train, test = data.digits(split="train").take(60), data.digits(split="test").take(60)
    call = {"memory": Memory(device=devices.RRAM1(sigma=0.1)), "target": "mean >= 0.5", "train": train} | changes
    memory = call.pop("memory")
    with pytest.raises(mho.errors.MhoError) as caught:
        mho.design(Tiny(), test, memory, **call, store=tmp_path)
    assert names in str(caught.value)


def test_a_design_says_it_all(tmp_path) -> None:
    with pytest.raises(SpecError, match="sigma= is part of the Design"):
        mho.design(made(), sigma=0.1, store=tmp_path)
    with pytest.raises(SpecError, match="confidence= is part of the Design"):
        mho.design(made(), confidence=0.99, store=tmp_path)


def test_a_value_without_a_limit_is_neither_sure_nor_hopeless() -> None:
    design = made(targets=["p1 >= 0.8"])
    label = design.targets[0].label()
    chosen = design.nothing
    few = candidate(design, chosen, {label: Interval(0.79, np.nan, 0.85)}, costs(), "screened")
    assert (few.best, few.sure) == pytest.approx((0.05, -0.13))
    none = candidate(design, chosen, {label: Interval(0.7, np.nan, np.nan)}, costs(), "screened")
    assert (none.best, none.sure) == (math.inf, -math.inf)
