"""The measures of several papers side by side: what is in a story, and what it says."""

from __future__ import annotations

import math

import pytest

from mho.codesign.costs import Costs
from mho.codesign.story import Line, Story
from mho.codesign.story_run import LINES, asked_of, implied, listed, look_of, missing, tell
from mho.errors import SpecError, UnknownNameError
from mho.evaluation.statistics import Interval
from mho.studies.sources import Data, Trained
from mho.training import Recipe

COSTS = Costs(
    write_cycles=1000.0,
    write_seconds=None,
    write_joules=None,
    cells=500,
    training_seconds=2.0,
    latency=1.0,
    periphery=(),
)


def _small(**changes):
    return asked_of("digits", "mlp", recipe=Recipe(epochs=1, lr=2e-3), chips=4, **changes)


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """Two lines of one network, computed, and the store they are in."""
    store = tmp_path_factory.mktemp("story")
    return tell(_small(), lines=("nothing", "all verified"), store=store), store


def test_lines_of_one_network_share_it_and_its_worst_chip(told) -> None:
    story, _ = told
    plain, verified = story.lines
    assert (plain.name, verified.name) == ("nothing", "all verified")
    assert plain.digital == verified.digital > 0.3
    assert plain.worst == verified.worst, "a worst case is of the network, whatever was verified"
    assert (plain.bounded, verified.bounded) == (False, True)
    assert plain.costs.training_seconds == verified.costs.training_seconds > 0
    assert verified.costs.write_cycles > 2 * plain.costs.write_cycles == 2 * plain.costs.cells
    assert verified.values["mean"].value > plain.values["mean"].value, "sigma 0.2 against a tolerance of 0.06"
    assert 0 <= max(plain.worst) <= plain.digital
    for line in story.lines:
        found = line.values["mean"]
        assert found.low <= found.value <= found.high


def test_it_is_judged_on_the_test_data_alone(told) -> None:
    story, _ = told
    assert story.images == len(Data(name="digits").load())
    assert look_of(story.design).data == Data(name="digits")
    study = story.design.study
    assert study.model.data.part == "fit", "what is held out for a search is not trained on either"
    assert study.calibration.split == "train"


def test_told_again_nothing_is_computed(told) -> None:
    story, store = told

    before = {p: p.stat().st_mtime_ns for p in store.rglob("*") if p.is_file() and p.parent.name != store.name}
    again = tell(story.design, lines=("nothing", "all verified"), store=store)
    assert again.lines == story.lines
    kept = {p for p in before if "models" in p.parts or "cells" in p.parts}
    assert all(p.stat().st_mtime_ns == before[p] for p in kept)
    assert kept


def test_missing_names_the_networks_that_are_to_be_trained(told) -> None:
    story, store = told
    left = missing(story.design, store=store)
    assert len(left) == 4
    assert all(label.startswith("mlp with ") for label in left)


def test_the_story_goes_through_json_and_back(told) -> None:
    import json

    story, _ = told
    again = Story.from_dict(json.loads(json.dumps(story.to_dict())))
    assert again == story
    assert str(again) == str(story)


def test_rows_are_flat_and_have_every_number(told) -> None:
    story, _ = told
    row = story.rows()[1]
    assert row["measures"] == "all verified"
    assert row["mean_low"] <= row["mean"] <= row["mean_high"]
    assert row["chips"] == story.lines[1].chips
    assert row["worst_within_0.03"] == story.lines[1].worst[1]
    assert row["worst_within_0.06"] == story.lines[1].worst[0]
    assert not any(isinstance(value, dict | list | tuple) for value in row.values())


def test_tolerance_implies_the_bound_of_eight_bits_on_four_cells() -> None:
    # 2-bit cells span three of their levels: 0.06 * 3 * (1 + 4 + 16 + 64) of 255.
    assert implied(_small(tolerance=0.06)) == pytest.approx(0.06 * 3 * 85 / 255)


def test_the_table_says_which_chips_have_no_bound() -> None:
    interval = Interval(0.9, 0.89, 0.91)
    common = {"chosen": {}, "values": {"mean": interval, "p1": interval}, "digital": 0.95, "chips": 4, "costs": COSTS}
    lines = (
        Line(name="free", worst=(0.125, 0.25), **common),
        Line(name="held", worst=(0.125, 0.25), bounded=True, **common),
        Line(name="odd", chosen={}, refused="it does not go together"),
    )
    story = Story(design=_small(), lines=lines, bounds=(0.06, 0.03), tolerance=0.06, images=10)
    said = str(story)
    free, held = (next(row for row in said.splitlines() if row.startswith(name)) for name in ("free", "held"))
    assert "(12.50)" in free
    assert "(12.50)" not in held
    assert "12.50" in held
    assert "odd: not possible: it does not go together" in said
    assert "have no bound" in said
    assert math.isnan(story.rows()[2]["mean"])
    assert "yan2022worst" in story.references


def test_the_usual_lines() -> None:
    found = listed(_small(fraction=0.1))
    assert list(found) == [
        "nothing", "all verified", "SWIM 10 %", "noise injection", "right-censored", "right-censored, SWIM 10 %",
        "OVF", "IRS", "IRS, SWIM 10 %",
    ]  # fmt: skip
    assert len(set(found.values())) == len(LINES)
    with pytest.raises(UnknownNameError, match="did you mean 'OVF'"):
        listed(_small(), ["OVV"])


def test_networks_are_those_of_a_design_of_the_same_memory() -> None:
    # What is trained here is not trained again by mho.design, nor by mho train with the same seed.
    model = asked_of("digits", "lenet").model
    assert isinstance(model, Trained)
    assert (model.seed, model.starting_seed) == (None, model.recipe.seed)


def test_what_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'lenet'"):
        asked_of("digits", "lenett")
    with pytest.raises(SpecError, match="sigma"):
        asked_of("digits", "lenet", sigma=-1.0)
    with pytest.raises(SpecError, match="tolerance"):
        asked_of("digits", "lenet", tolerance=-0.1)
    with pytest.raises(SpecError, match="fraction"):
        asked_of("digits", "lenet", fraction=2.0)


def test_the_page_has_the_answer_and_every_number(told, tmp_path) -> None:
    from mho.reports.story import write_story

    story, _ = told
    page = write_story(tmp_path / "story.html", story, command="mho demo --full").read_text()
    assert "all verified" in page
    assert f"{story.lines[1].costs.write_cycles:,.0f}" in page
    assert f"({100 * story.lines[0].worst[1]:.2f})" in page
    assert "have no bound" in page
    assert "kind: Design" in page
    assert 'src="' not in page
