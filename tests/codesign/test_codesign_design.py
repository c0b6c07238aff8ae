"""Designs as data: what is refused, what is filled in, what goes to YAML and back."""

from __future__ import annotations

import pytest
from made_up import MEASURES, MLP, made

from mho import devices
from mho.codesign import Design, Range, read
from mho.codesign.measures import applied, every
from mho.errors import MhoError
from mho.frozen import FrozenDict
from mho.mapping import BitPlanes, Tracks
from mho.memory import Memory
from mho.memory.redundancy import Voting
from mho.memory.spec import NameRules
from mho.programming import OpenLoop, Selective, WriteVerify
from mho.studies import Checkpoint, Data
from mho.training import RightCensored, SigmaSearch

FILE = Checkpoint(path="a.safetensors")
TRAININGS = MEASURES["model.method"]


def test_yaml_gives_the_same_design(tmp_path) -> None:
    design = made(targets=["p1 >= 0.9", "worst(0.03) >= 0.2", "mean >= 0.5"], budget={"training_seconds": 60})
    file = tmp_path / "design.yaml"
    file.write_text(design.to_yaml())
    assert read(file) == design
    assert "kind: Design" in design.to_yaml()


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"targets": ()}, "p1 >= 0.95"),
        ({"targets": ("p1 >= 95",)}, "0.95 or 95%"),
        ({"targets": ("mean >= 0.9 at -1",)}, "must be zero or more"),
        ({"targets": ("mean >= 0.9", "median >= 0.9")}, "median"),
        ({"targets": ("yield(0.9) >= 0.9", "yield(0.8) >= 0.9")}, "two levels"),
        ({"minimise": ("write_cycle",)}, "did you mean 'write_cycles'?"),
        ({"minimise": ()}, "names no cost"),
        ({"budget": {"cels": 3}}, "did you mean 'cells'?"),
        ({"budget": {"cells": "many"}}, "must be a number"),
        ({"metric": "acuracy"}, "did you mean 'accuracy'?"),
        ({"trials": 0}, "one or more"),
        ({"targets": ("mean >= 0.8 at 100 inferences",)}, "ages in seconds, if at all"),
        ({"validation": MLP.data}, "what the network is trained on"),
        ({"measures": {"memory.programing": {"a": OpenLoop(), "b": OpenLoop()}}}, "did you mean 'programming'?"),
        ({"measures": {"data": {"a": Data(name="mnist"), "b": Data(name="digits")}}}, "model.method"),
        ({"measures": {"memory.programming": {"once": OpenLoop()}}}, "two or more options"),
        ({"measures": {"memory.programming": OpenLoop()}}, "take a mapping"),
        ({"measures": {"model.method": {"as given": "noise", "plain": None}}}, "method"),
        ({"model": FILE, "measures": {"memory.programming": MEASURES["memory.programming"]}}, "give validation"),
        ({"model": FILE, "validation": MLP.data, "measures": {"model.method": TRAININGS}}, "architecture"),
        ({"validation": Data(name="digits", limit=100)}, "test data"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_one_line(changes, names) -> None:
    with pytest.raises(MhoError) as caught:
        made(**changes)
    assert names in str(caught.value)
    assert "\n" not in str(caught.value)


def test_lines_of_a_file_are_named(tmp_path) -> None:
    file = tmp_path / "design.yaml"
    file.write_text(made().to_yaml().replace("mean >= 0.8", "median >= 0.8"))
    with pytest.raises(MhoError, match=r"design\.yaml:\d+: targets\.0: "):
        read(file)


def test_nothing_is_learnt_or_chosen_on_test_data() -> None:
    design = made()
    assert design.held_out == MLP.data.replace(part="held-out")
    assert design.study.model.data.part == "fit"
    assert design.calibrated_on is not None
    assert design.calibrated_on.part == "fit"
    parts = {part: MLP.data.replace(part=part).load() for part in ("all", "fit", "held-out")}
    sizes = {part: len(data) for part, data in parts.items()}
    assert sizes["fit"] + sizes["held-out"] == sizes["all"]
    rows = {part: {tuple(x.flatten().tolist()) for x in data.inputs} for part, data in parts.items()}
    assert not rows["fit"] & rows["held-out"]


def test_a_network_from_a_file_halves_what_is_given_to_choose_on() -> None:
    design = made(model=FILE, validation=MLP.data, measures={"memory.programming": MEASURES["memory.programming"]})
    assert design.held_out == MLP.data.replace(part="held-out")
    assert design.calibrated_on == MLP.data.replace(part="fit")
    applied(design.study.replace(data=design.held_out), design.measures, design.nothing)


def test_what_is_held_out_by_name_is_not_learnt() -> None:
    assert made(validation=MLP.data.replace(part="held-out")).study.model.data.part == "fit"


def test_every_combination_is_a_study_and_trained_for_its_memory() -> None:
    design = made(measures={**MEASURES, "memory.mapping.cell_bits": {"two": 2, "one": 1}})
    assert design.size == len(list(every(design.measures))) == 12
    studies = [applied(design.study, design.measures, chosen) for chosen in every(design.measures)]
    assert len({s.digest() for s in studies}) == 12
    for study in studies:
        model = study.model
        if model.method is None:
            assert model.memory is None
        else:  # errors are those of the cells that it goes to, before any is verified
            assert model.memory == study.memory.replace(programming=OpenLoop()).with_sigma(0.2)


def test_measures_reach_every_memory_of_the_rules() -> None:
    rules = NameRules(rules=FrozenDict({"layers.0": None, "*": Memory(device=devices.RRAM1(sigma=0.1))}))
    design = made(memory=rules)
    chosen = FrozenDict({"model.method": "noise", "memory.programming": "all"})
    study = applied(design.study, design.measures, chosen)
    assert study.memory.rules["layers.0"] is None
    assert study.memory.rules["*"].programming == WriteVerify(tolerance=0.06)
    assert study.model.memory.rules["*"].programming == OpenLoop()


def test_a_range_is_a_number_of_a_field() -> None:
    measures = {
        "memory.programming": {"once": OpenLoop(), "some": Selective(fraction=0.5)},
        "memory.programming.fraction": Range(low=0.01, high=0.5, log=True),
    }
    design = made(measures=measures)
    assert design.size == float("inf")
    study = applied(design.study, design.measures, FrozenDict(dict(zip(measures, ("some", "0.123"), strict=True))))
    assert study.memory.programming == Selective(fraction=0.123)
    study = applied(design.study, design.measures, design.nothing)
    assert study.memory.programming == OpenLoop()


@pytest.mark.parametrize(
    ("memory", "axes"),
    [
        (Memory(device=devices.RRAM1(sigma=0.1)), ["model.method", "memory.programming"]),
        (
            Memory(device=devices.StuckAt.at_rate(1e-3), mapping=BitPlanes()),
            ["model.method", "memory.mapping", "memory.redundancy"],
        ),
        (
            Memory(
                device=devices.Stack(stages=(devices.RRAM1(sigma=0.1), devices.StuckAt.at_rate(1e-3))),
                mapping=BitPlanes(),
            ),
            ["model.method", "memory.programming", "memory.redundancy"],
        ),
        (Memory(device=devices.Racetrack(), mapping=Tracks(weight_bits=8)), ["memory.device.correction"]),
    ],
)
def test_the_usual_measures_suit_the_memory(memory, axes) -> None:
    design = made(memory=memory, measures={}, sigma=None, targets=["mean >= 0.9"])
    assert list(design.measures) == axes
    applied(design.study, design.measures, design.nothing)


def test_a_method_that_searches_its_sigma_gets_a_memory() -> None:
    design = made(measures={"model.method": {"plain": None, "found": RightCensored(sigma=SigmaSearch())}})
    study = applied(design.study, design.measures, FrozenDict({"model.method": "found"}))
    assert study.model.memory == design.memory.with_sigma(0.2)


def test_redundancy_may_need_the_mapping_beside_it() -> None:
    planes = Memory(device=devices.StuckAt.at_rate(0.01))
    measures = {
        "memory.mapping": {"sliced": planes.mapping, "planes": BitPlanes()},
        "memory.redundancy": {"none": None, "vote": Voting()},
    }
    design: Design = made(memory=planes, measures=measures, sigma=None)
    chosen = FrozenDict({"memory.mapping": "planes", "memory.redundancy": "vote"})
    assert applied(design.study, design.measures, chosen).memory.redundancy == Voting()
    with pytest.raises(MhoError, match="BitPlanes"):
        applied(design.study, design.measures, FrozenDict({**chosen, "memory.mapping": "sliced"}))
