"""Curves over the rate of stuck cells: the same chips as one by one, what is read off them, and what is refused."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import nets
from reference.tolerated import crossing as slow_crossing
from reference.tolerated import deployed_alone
from torch import nn

import mho
from mho.devices import RRAM1, PowerLawDrift, Stack, StuckAt
from mho.devices.stack import stuck_of
from mho.errors import CheckpointError, MhoError, ModelError, OutputError, SpecError, UnknownNameError
from mho.evaluation.bench import Lot
from mho.evaluation.faults import TABLE3, TABLE3_RATES, FaultCurves, FaultSensitivity, by_layer, by_plane
from mho.evaluation.faults.published import TABLE3_VARIANCE, published
from mho.evaluation.faults.question import usual
from mho.evaluation.faults.rating import at_rate
from mho.evaluation.faults.tolerance import crossing, resampled
from mho.mapping import BitPlanes, SlicedMagnitude
from mho.memory import Memory
from mho.memory.redundancy import Voting

CELL = StuckAt.at_rate(1e-3)
PLAIN = Memory(device=CELL, mapping=BitPlanes(flip="none"))
FLIPPED = Memory(device=CELL, mapping=BitPlanes(flip="all"))
RATES = (1e-3, 1e-2, 1e-1)


class Small(nn.Module):
    """Two hidden layers and a classifier, named as in a transformer."""

    def __init__(self) -> None:
        super().__init__()
        self.query = nn.Linear(6, 8)
        self.fc1 = nn.Linear(8, 8)
        self.classifier = nn.Linear(8, 3)

    def forward(self, x):
        return self.classifier(torch.relu(self.fc1(torch.relu(self.query(x)))))


@cache
def small():
    return nets.seeded(Small())


@cache
def inputs():
    x = nets.inputs(60, 6)
    with torch.no_grad():
        return x, small()(x).argmax(1)  # what it says without faults, so that accuracy starts at 1


@cache
def curves() -> FaultCurves:
    both = {"none": PLAIN, "flip-all": FLIPPED}
    return mho.faults(small(), inputs(), schemes=both, rates=RATES, n_chips=12, seed=3)


def made(values, **changes) -> FaultCurves:
    """Curves of these ``(scheme, rate, chip)`` values."""
    values = np.asarray(values, dtype=np.float64)
    schemes, rates = values.shape[:2]
    whole = {
        "values": values,
        "schemes": ("none", "paper", "channel-flip-all-vote")[:schemes],
        "rates": (1e-4, 1e-3, 1e-2)[:rates],
        "ideal": (0.9,) * schemes,
        "digital": 0.9,
        "cells": (1000,) * schemes,
        "extra": (0, 70, 140)[:schemes],
        "known_map": (False,) * schemes,
        "digital_read": (False,) * schemes,
        "memories": (PLAIN.to_dict(),) * schemes,
        "metric": "accuracy",
        "images": 100,
        "data": "made",
        "label": "Made",
    }
    return FaultCurves(**(whole | changes))


# --- the verb


def test_every_point_is_what_evaluate_says_of_such_chips() -> None:
    found = curves()
    for i, memory in enumerate((PLAIN, FLIPPED)):
        for j, rate in enumerate(RATES):
            there = memory.replace(device=StuckAt.at_rate(rate))
            chips = mho.deploy(small(), {"*classifier*": None, "*": there}, seed=3)
            one = mho.evaluate(chips, inputs(), n_chips=12, show_progress=False)
            assert found.values[i, j].tolist() == one.values[0, 0].tolist()
            assert found.ideal[i] == one.ideal
    assert found.digital == 1.0
    assert found.kept == ("*classifier*",)
    assert found.cells == ((48 + 64) * 16,) * 2
    assert found.overhead == (0.0, 0.0)
    assert found.known_map == (False, False)
    assert found.metric == "accuracy"
    assert found.images == 60
    assert not np.array_equal(found.values[0], found.values[1])
    # The two kinds of faults hit 1-bits and 0-bits so unequally that flips help any model whose planes are empty.
    assert found.difference("flip-all", "none")[-1].low > 0


def test_without_faults_a_scheme_is_quantised_and_drops_count_from_the_digital_model() -> None:
    coarse = Memory(device=CELL, mapping=BitPlanes(bits=2))
    how = {"metric": "cross-entropy", "n_chips": 2}
    found = mho.faults(small(), inputs(), schemes={"none": PLAIN, "coarse": coarse}, rates=1e-6, **how)
    assert found.ideal[1] > found.ideal[0] > 0
    assert found.ideal[1] != pytest.approx(found.digital, rel=1e-3)
    assert found.drop("coarse")[0].value == pytest.approx(found.ideal[1] - found.digital, rel=1e-6)


def test_without_stuck_cells_those_that_vary_do_so_still() -> None:
    noisy = PLAIN.replace(device=Stack(stages=(RRAM1(sigma=0.3), CELL)))
    found = mho.faults(small(), inputs(), schemes={"none": PLAIN, "noisy": noisy}, rates=(1e-3, 0.1), n_chips=6, seed=3)
    alone = PLAIN.replace(device=RRAM1(sigma=0.3))
    chips = mho.deploy(small(), {"*classifier*": None, "*": alone}, seed=3)
    one = mho.evaluate(chips, inputs(), n_chips=6, show_progress=False)
    still = mho.deploy(small(), {"*classifier*": None, "*": at_rate(noisy, 0.0)}, seed=3)
    slow = mho.evaluate(still, inputs(), n_chips=6, show_progress=False).values
    assert found.ideal[0] == curves().ideal[0] == one.ideal
    assert found.ideal[1] == pytest.approx(slow.mean(), rel=1e-12)
    assert found.ideal[1] < one.ideal - 0.02
    assert found.values.shape == (2, 2, 6)
    assert np.isfinite(found.values).all()


def test_later_chips_are_the_same_chips() -> None:
    later = mho.faults(small(), inputs(), schemes={"none": PLAIN}, rates=1e-2, n_chips=4, first_chip=5, seed=3)
    assert later.values[0, 0].tolist() == curves().values[0, 1, 5:9].tolist()
    assert later.first_chip == 5


def test_rates_are_sorted_and_a_scheme_keeps_its_share_of_stuck_at_0() -> None:
    zeros = Memory(device=StuckAt(sa0=1e-3, sa1=0.0), mapping=BitPlanes(flip="none"))
    found = mho.faults(small(), inputs(), schemes={"sa0": zeros}, rates=[0.1, 0.01], n_chips=3, digital=())
    assert found.rates == (0.01, 0.1)
    chips = mho.deploy(small(), zeros.replace(device=StuckAt(sa0=0.1, sa1=0.0)))
    assert found.values[0, 1].tolist() == mho.evaluate(chips, inputs(), n_chips=3).values[0, 0].tolist()
    assert found.kept == ()


def test_what_stays_digital() -> None:
    assert usual(small()) == ("*classifier*",)
    assert usual(nn.Sequential(nn.Linear(2, 2))) == ()
    assert usual(nn.ModuleDict({"classifier": nn.Linear(2, 2)})) == (), "something has to be stored"
    kwargs = {"schemes": {"none": PLAIN}, "rates": 0.1, "n_chips": 3}
    one = mho.faults(small(), inputs(), digital=("classifier", "query"), **kwargs)
    by_rules = mho.faults(small(), inputs(), digital=lambda m: {"fc1": m, "*": None}, **kwargs)
    given = mho.faults(small(), inputs(), **(kwargs | {"schemes": {"none": {"fc1": PLAIN, "*": None}}}))
    assert one.values.tolist() == by_rules.values.tolist() == given.values.tolist()
    assert one.kept == ("classifier", "query")
    assert given.memories[0] == {"rules": {"fc1": PLAIN.to_dict(), "*": None}}


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"rates": []}, "rates is an empty list"),
        ({"rates": [0.0]}, "rates=0 must be more than 0"),
        ({"rates": [2.0]}, "rates=2 must be more than 0 and at most 1"),
        ({"rates": [1e-3, 1e-3]}, "rates lists a value twice"),
        ({"schemes": {}}, "schemes is empty"),
        ({"schemes": 3}, "schemes=3 must be names"),
        ({"schemes": [PLAIN]}, "schemes hold a Memory; name it"),
        ({"schemes": {"mine": 3}}, "scheme 'mine': rules are a Memory or a dict"),
        ({"schemes": {"mine": Memory(device=RRAM1(sigma=0.1))}}, "scheme 'mine': RRAM1 has no stuck cells"),
        ({"schemes": {"mine": {"*": Memory(device=RRAM1(sigma=0.1))}}}, "scheme 'mine': no memory of these rules"),
        ({"digital": "classifier"}, "digital='classifier' must be patterns"),
        ({"digital": ("clasifier",)}, "did you mean 'classifier'"),
        ({"n_chips": 0}, "n_chips=0 must be one or more"),
        ({"percentiles": (0,)}, "percentile 0 must lie"),
        ({"confidence": 95}, "confidence=95 must lie"),
        ({"metric": "acuracy"}, "accuracy"),
    ],
)
def test_what_is_refused_is_refused_in_one_line(changes, named) -> None:
    with pytest.raises(MhoError) as error:
        mho.faults(small(), inputs(), **({"schemes": {"none": PLAIN}, "rates": 0.1, "n_chips": 2} | changes))
    assert named in str(error.value)
    assert "\n" not in str(error.value)


def test_a_stack_has_its_stuck_cells_at_another_rate() -> None:
    stack = Stack(stages=(RRAM1(sigma=0.1), StuckAt(sa0=1e-3, sa1=3e-3), PowerLawDrift(nu=0.05)))
    memory = at_rate(Memory(device=stack), 0.1)
    assert memory.device.stages[0] == stack.stages[0]
    assert memory.device.stages[2] == stack.stages[2]
    assert stuck_of(memory.device) == StuckAt(sa0=0.1 * 0.25, sa1=0.1 * 0.75)
    assert at_rate(Memory(device=StuckAt(sa0=0, sa1=0)), 0.1).device == StuckAt.at_rate(0.1)
    binary = StuckAt(sa0=0.1, sa1=0.1, binary_sa0=0.0, binary_sa1=0.3)
    one_bit = Memory(device=binary, mapping=SlicedMagnitude(cell_bits=1))
    assert at_rate(one_bit, 0.2).device == StuckAt(sa0=0.0, sa1=0.2)
    assert at_rate(Memory(device=binary), 0.2).device == StuckAt(sa0=0.1, sa1=0.1)


def test_the_schemes_of_the_package_take_what_they_take() -> None:
    model = nets.seeded(nn.Sequential(nn.Linear(12, 20), nn.ReLU(), nn.Linear(20, 10)))
    with torch.no_grad():
        for layer, pruned in ((model[0], 4), (model[2], 1)):  # 20 % and 10 % of the columns
            layer.weight[:pruned], layer.bias[:pruned] = 0, 0
    x = nets.inputs(40, 12)
    data = x, model(x).argmax(1)
    found = mho.faults(model, data, schemes=["none", "paper", "best-of-2", "ecc"], rates=0.01, n_chips=3)
    assert found.cells == ((240 + 200) * 16,) * 4
    # Copies of 9 columns want 18 columns of a plane, and 8 are free: 10 of 20 rows, in two arrays, are added.
    assert found.extra[:3] == (0, 10 * 20 * 2, 10 * 20 * 2)
    assert found.extra[3] > 0
    assert found.known_map == (False, False, True, False)
    assert found.digital_read == (False, False, False, True)
    needs = {line.split()[0]: line.split("  ")[-1].strip() for line in str(found).split("\n\n")[1].splitlines()[3:]}
    assert needs == {"none": "–", "paper": "–", "best-of-2": "known map of faults", "ecc": "cells read one by one"}
    assert "better of 2 (two planes)" in str(found)
    with pytest.raises(UnknownNameError, match="unknown scheme 'papr': did you mean 'paper'"):
        mho.faults(model, data, schemes="papr")
    with pytest.raises(ModelError, match="faults takes a module, not a Chips"):
        mho.faults(mho.deploy(model, PLAIN), data)


# --- what is read off curves


@given(
    drops=st.lists(st.lists(st.floats(-0.2, 0.9) | st.just(math.nan), min_size=4, max_size=4), min_size=1, max_size=5),
    most=st.floats(0.01, 0.5),
)
@settings(max_examples=150, deadline=None)
def test_crossing_is_its_slow_twin(drops, most) -> None:
    rates = np.array([1e-4, 3e-4, 1e-3, 5e-3])
    found = crossing(rates, np.array(drops), most)
    for one, row in zip(found, drops, strict=True):
        assert one == pytest.approx(slow_crossing(rates, row, most), rel=1e-9)


def test_crossing_at_one_rate() -> None:
    one = np.array([1e-3])
    assert crossing(one, np.array([[0.05], [0.2]]), 0.1).tolist() == [math.inf, 0.0]


def test_tolerated_is_straight_in_the_logarithm_of_the_rate() -> None:
    # Drops 0, 0.2, 0.4: a drop of 0.1 is half way from 1e-4 to 1e-3.
    found = made([[[0.9] * 4, [0.7] * 4, [0.5] * 4]])
    tolerance = found.tolerated("none", 0.1)
    assert tolerance.value == pytest.approx(10**-3.5)
    assert tolerance.low == pytest.approx(10**-3.5), "chips that are all alike leave nothing to chance"
    assert tolerance.high == pytest.approx(10**-3.5)
    assert tolerance.sign == ""
    assert found.tolerated("none", 0.5).sign == "≥"
    assert found.tolerated("none", 0.5).value == 1e-2
    assert math.isinf(found.tolerated("none", 0.5).high)
    below = made([[[0.7] * 4, [0.6] * 4, [0.5] * 4]]).tolerated("none", 0.1)
    assert (below.value, below.low, below.high, below.sign) == (1e-4, 0.0, 1e-4, "≤")


def test_intervals_hold_the_rate_that_all_chips_tolerate() -> None:
    # Each chip has dropped by s r at rate r, s of mean 40: all chips together have by 0.1 at r = 0.0025.
    rates = np.array([1e-3, 2e-3, 2.5e-3, 3e-3, 4e-3])
    draws = np.random.default_rng(0).gamma(4.0, 10.0, size=(150, 40))
    held = 0
    for seed, slopes in enumerate(draws):
        found = made((0.9 - rates[:, None] * slopes)[None], rates=tuple(rates.tolist()), seed=seed)
        tolerance = found.tolerated("none", 0.1)
        held += tolerance.low <= 2.5e-3 <= tolerance.high
    # A bootstrap of 40 skewed chips covers somewhat less than it says: 0.93, four standard errors of 150 are 0.08.
    assert 0.85 <= held / 150 <= 0.995


def test_intervals_of_the_tolerated_rate_are_those_of_populations_drawn_again() -> None:
    rng = np.random.default_rng(0)
    values = 0.9 - np.array([0.01, 0.09, 0.3])[:, None] * rng.uniform(0.5, 1.5, size=(3, 30))
    found = made(values[None])
    drawn = resampled(found.values, found.seed)[:, 0]
    slow = sorted(slow_crossing(found.rates, 0.9 - means, 0.1) for means in drawn)
    tolerance = found.tolerated("none", 0.1)
    # Quantiles 2.5 and 97.5 % of 2000 populations are members 50 and 1950.
    assert tolerance.low == pytest.approx(slow[49])
    assert tolerance.high == pytest.approx(slow[1949])
    assert tolerance.low < tolerance.value < tolerance.high
    assert found.tolerated("none", 0.1) == tolerance, "the same populations every time"


def test_resampled_means_are_means_of_chips_drawn_with_replacement() -> None:
    values = np.random.default_rng(1).normal(size=(2, 40))
    drawn = resampled(values, 0)
    assert drawn.shape == (2000, 2)
    # Both rows are drawn alike; a mean of 40 has a standard error of std / sqrt(40), of 2000 known to 1/sqrt(4000).
    assert resampled(np.stack([values[0], values[0]]), 0)[:, 0] == pytest.approx(drawn[:, 0])
    expected = values[0].std() / math.sqrt(40)
    assert drawn[:, 0].std() == pytest.approx(expected, rel=4 / math.sqrt(4000))
    assert drawn[:, 0].mean() == pytest.approx(values[0].mean(), abs=4 * expected / math.sqrt(2000))
    holes = np.where(np.arange(40) < 5, np.nan, values[0])
    assert resampled(holes[None], 0)[:, 0].mean() == pytest.approx(values[0, 5:].mean(), abs=5 * expected / 40)


def test_gain_is_a_ratio_of_rates_and_says_when_rates_measured_do_not_tell() -> None:
    falls = [[0.9] * 4, [0.7] * 4, [0.5] * 4]
    later = [[0.9] * 4, [0.9] * 4, [0.7] * 4]
    never = [[0.9] * 4, [0.9] * 4, [0.9] * 4]
    found = made([falls, later, never])
    gain = found.gain("paper", "none")
    assert gain.value == pytest.approx(10)
    assert (gain.low, gain.high) == (pytest.approx(10), pytest.approx(10))
    beyond = found.gain("channel-flip-all-vote", "none")
    assert (beyond.sign, beyond.value) == ("≥", pytest.approx(10**1.5))
    assert (beyond.low, beyond.high) == (pytest.approx(10**1.5), math.inf)
    less = found.gain("none", "channel-flip-all-vote")
    assert (less.sign, less.value, less.low) == ("≤", pytest.approx(10**-1.5), 0.0)
    open_ = found.gain("channel-flip-all-vote", "channel-flip-all-vote")
    assert open_.sign == "?"
    assert math.isnan(open_.value)
    assert "≥31.6 [31.6, –]" in str(found)
    assert str(made([never, never])).splitlines()[-1].split()[-4:] == ["–", "1,000", "7.00", "–"]


def test_the_cheapest_of_those_that_cannot_be_told_apart_is_recommended() -> None:
    falls, later = [[0.9] * 4, [0.7] * 4, [0.5] * 4], [[0.9] * 4, [0.9] * 4, [0.7] * 4]
    assert made([falls, later, later]).recommended() == "paper"
    assert made([falls, later, later], extra=(0, 70, 0)).recommended() == "channel-flip-all-vote"
    assert made([falls, later, later], known_map=(False, True, False)).recommended() == "channel-flip-all-vote"
    assert made([falls, falls, falls]).recommended() == "none"


def test_a_map_of_faults_is_dearer_than_reading_one_by_one_and_that_than_cells() -> None:
    falls, later = [[0.9] * 4, [0.7] * 4, [0.5] * 4], [[0.9] * 4, [0.9] * 4, [0.7] * 4]
    maps, reads = {"known_map": (False, False, True)}, {"digital_read": (False, True, False)}
    assert made([falls, later, later], extra=(0, 0, 70), **reads).recommended() == "channel-flip-all-vote"
    assert made([falls, later, later], extra=(0, 70, 0), **maps, **reads).recommended() == "paper"
    assert made([falls, later, later], **reads).price("paper") == (False, True, 70)
    assert (
        made([falls, later, later], extra=(0, 70, 0), **maps, **reads).recommended(
            among=["none", "channel-flip-all-vote"]
        )
        == "channel-flip-all-vote"
    )
    with pytest.raises(SpecError, match="among= names no scheme"):
        made([falls]).recommended(among=[])
    with pytest.raises(UnknownNameError, match="did you mean 'channel-flip-all-vote'"):
        made([falls, later, later]).recommended(among=["channel-flip-all-vot"])


def test_of_several_at_one_price_the_one_that_stands_most_is_recommended() -> None:
    # They tolerate 10^-3.5 and 10^-3.4, which four unlike chips do not tell apart.
    luck = np.array([-0.05, -0.02, 0.02, 0.05])
    less, more = (np.array([[0.9], [mean], [0.5]]) + luck * side for mean, side in ((0.7, 1), (0.735, -1)))
    found = made([less, more], extra=(0, 0))
    assert found.ranked() == ["paper", "none"]
    assert found.level() == ["paper", "none"]
    assert found.recommended() == "paper"
    assert made([less, more]).recommended() == "none", "cells first"


def test_beyond_the_rates_measured_what_the_last_one_leaves_is_told_apart_chip_by_chip() -> None:
    luck = np.array([-0.02, -0.01, 0.01, 0.02])
    stays, better = (np.array([[0.9], [0.9], [left]]) + luck for left in (0.85, 0.86))
    found = made([stays, better])
    assert math.isnan(found.gain("paper", "none").value)
    assert found.level() == ["paper"], "every chip is better, though the two populations overlap"
    assert found.recommended() == "paper"
    mixed = np.array([[0.9], [0.9], [0.851]]) - luck
    assert made([stays, mixed]).level() == ["paper", "none"]
    assert made([stays, mixed]).recommended() == "none"
    # Of a loss less is better, at the last rate too.
    loss = {"higher_is_better": False, "bounded": False, "digital": 1.1, "metric": "cross-entropy", "accepted": 1.0}
    assert made([2 - stays, 2 - better], **loss).level() == ["paper"]


def test_statistics_are_those_of_the_population() -> None:
    found = curves()
    values = found.values[0, 1]
    assert found.mean("none")[1].value == pytest.approx(values.mean())
    assert found.std("none")[1] == pytest.approx(values.std(ddof=1))
    assert found.variance("none")[1] == pytest.approx(values.var(ddof=1))
    assert found.percentile("none", 50)[1].value == pytest.approx(np.median(values))
    assert found.drop("none")[1].value == pytest.approx(1 - values.mean())
    assert found.at("none", 1e-2).values.tolist() == values.tolist()
    assert len(found.rows()) == 6
    assert found.rows()[1]["mean"] == pytest.approx(values.mean())
    with pytest.raises(UnknownNameError, match="did you mean 'none'"):
        found.mean("non")
    with pytest.raises(SpecError, match=r"no rate 0\.5 in this result; it has 0\.001, 0\.01, 0\.1"):
        found.at("none", 0.5)
    assert replace(found, accepted=0.2).tolerated("none") == found.tolerated("none", 0.2)
    assert "at most 20 points" in str(replace(found, accepted=0.2))
    with pytest.raises(SpecError, match="drop=-1 must be a number above zero"):
        found.tolerated("none", -1)


def test_of_a_loss_more_is_worse() -> None:
    found = mho.faults(
        small(), inputs(), schemes={"none": PLAIN}, rates=RATES, n_chips=6, metric="cross-entropy", digital=()
    )
    assert not found.higher_is_better
    assert found.drop("none")[-1].value == pytest.approx(found.values[0, -1].mean() - found.digital)
    assert found.drop("none")[-1].value > 0
    assert found.tolerated("none", 1e9).sign == "≥"
    assert "cross-entropy over the rate" in str(found)


def test_one_chip_has_no_intervals() -> None:
    one = made([[[0.9], [0.7], [0.5]]])
    assert math.isnan(one.tolerated("none").low)
    assert one.tolerated("none").value == pytest.approx(10**-3.5)
    assert "–" in str(one)


def test_curves_are_kept_whole(tmp_path) -> None:
    found = replace(curves(), values=np.where(curves().values < 0.2, np.nan, curves().values))
    again = FaultCurves.load(found.save(tmp_path / "c.json"))
    assert str(again) == str(found)
    assert again.rows()[0] == found.rows()[0]
    kept = json.loads((tmp_path / "c.json").read_text())
    assert kept["schemes"] == ["none", "flip-all"]
    assert kept["digital_read"] == [False, False]
    assert again.digital_read == (False, False)
    for text, said in (("{}", "holds no fault curves"), ("[", "is no JSON")):
        (tmp_path / "bad.json").write_text(text)
        with pytest.raises(CheckpointError, match=said):
            FaultCurves.load(tmp_path / "bad.json")
    with pytest.raises(CheckpointError, match="cannot read"):
        FaultCurves.load(tmp_path / "none.json")


def test_table_3_stands_beside_where_the_data_are_its_own() -> None:
    assert published("none", 5e-4) == {"mean": 0.7796, "std": pytest.approx(math.sqrt(14.35) / 100)}
    assert published("none", 6e-4) is None
    assert published("channel-flip-all-vote", 5e-4) is None
    assert all(len(t[s]) == len(TABLE3_RATES) == 9 for t in (TABLE3, TABLE3_VARIANCE) for s in ("none", "paper"))
    values = [[[0.9] * 3] * 3] * 2
    assert "li2024zerospace" not in str(made(values))
    beside = str(made(values, data="mrpc"))
    assert "[li2024zerospace]" in beside
    assert "90.68" in beside
    assert made(values).rows()[0]["published"] is None
    assert made(values, data="MRPC, dev").rows()[0]["published"] == 0.9068


# --- kept chips


def test_a_folder_keeps_chips_and_more_are_added(tmp_path, monkeypatch) -> None:
    both = {"none": PLAIN, "flip-all": FLIPPED}
    where = tmp_path / "deep" / "kept"
    first = mho.faults(small(), inputs(), schemes={"none": PLAIN}, rates=RATES[:2], n_chips=5, seed=3, folder=where)
    assert len(list(where.iterdir())) == 2
    judged = []
    measure = Lot.measure
    monkeypatch.setattr(Lot, "measure", lambda self, chips, *a: judged.append(list(chips)) or measure(self, chips, *a))
    more = mho.faults(small(), inputs(), schemes=both, rates=RATES, n_chips=7, seed=3, folder=where)
    assert judged == [[5, 6], [5, 6], *[list(range(7))] * 4]
    assert more.values.tolist() == curves().values[..., :7].tolist(), "kept or not, they are the same numbers"
    assert more.values[0, :2, :5].tolist() == first.values[0].tolist()
    judged.clear()
    again = mho.faults(small(), inputs(), schemes=both, rates=RATES, n_chips=3, first_chip=2, seed=3, folder=where)
    assert judged == []
    assert again.values.tolist() == more.values[..., 2:5].tolist()


@pytest.mark.parametrize("other", ["seed", "metric", "model", "data", "digital", "scheme", "dtype"])
def test_what_was_kept_of_another_question_is_not_used(tmp_path, other) -> None:
    x, y = inputs()
    changed = nets.seeded(Small(), seed=1) if other == "model" else small()
    kwargs = {"schemes": {"none": PLAIN}, "rates": 0.1, "n_chips": 2, "folder": tmp_path}
    mho.faults(small(), (x, y), **kwargs)
    changes = {
        "seed": {"seed": 1},
        "metric": {"metric": "cross-entropy"},
        "digital": {"digital": ()},
        "scheme": {"schemes": {"none": FLIPPED}},
        "dtype": {"dtype": "bfloat16"},
    }.get(other, {})
    mho.faults(changed, (x, y.flip(0) if other == "data" else y), **(kwargs | changes))
    assert len(list(tmp_path.iterdir())) == 2


def test_a_folder_that_cannot_be_used_is_refused(tmp_path) -> None:
    kwargs = {"schemes": {"none": PLAIN}, "rates": 0.1, "n_chips": 2}
    with pytest.raises(SpecError, match="by the name of their metric"):
        mho.faults(small(), inputs(), metric=lambda out, y: 0.5, folder=tmp_path, **kwargs)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot make the folder"):
        mho.faults(small(), inputs(), folder=tmp_path / "file" / "kept", **kwargs)
    mho.faults(small(), inputs(), folder=tmp_path / "kept", **kwargs)
    (file,) = (tmp_path / "kept").iterdir()
    file.write_text("{")
    with pytest.raises(OutputError, match="delete it"):
        mho.faults(small(), inputs(), folder=tmp_path / "kept", **kwargs)


# --- one layer, one plane


def test_a_layer_alone_is_a_deployment_whose_other_cells_never_fail() -> None:
    found = by_layer(small(), inputs(), PLAIN, rates=(1e-2, 1e-1), n_chips=5, seed=1, digital=())
    assert found.names == ("query", "fc1", "classifier")
    assert found.cells == (48 * 16, 64 * 16, 24 * 16)
    for i, layer in enumerate(found.names):
        for j, rate in enumerate(found.rates):
            slow = mho.evaluate(deployed_alone(small(), layer, PLAIN, rate, seed=1), inputs(), n_chips=5)
            assert found.values[i, j].tolist() == slow.values[0, 0].tolist()
            assert found.baseline == slow.ideal
    everywhere = mho.deploy(small(), PLAIN.replace(device=StuckAt.at_rate(0.1)), seed=1)
    assert found.together[1].tolist() == mho.evaluate(everywhere, inputs(), n_chips=5).values[0, 0].tolist()


def test_a_layer_alone_is_written_from_the_weights_as_they_were() -> None:
    # Clipped weights are clipped again where they are quantised twice; a loss shows it.
    clipped = Memory(device=CELL, mapping=BitPlanes(bits=4, clip=1.0))
    how = {"metric": "cross-entropy", "n_chips": 3}
    found = by_layer(small(), inputs(), clipped, rates=1e-2, digital=(), **how)
    for i, layer in enumerate(found.names):
        slow = mho.evaluate(deployed_alone(small(), layer, clipped, 1e-2), inputs(), **how)
        assert found.values[i, 0].tolist() == pytest.approx(slow.values[0, 0].tolist(), rel=1e-6)
        assert found.baseline == pytest.approx(slow.ideal, rel=1e-6)


def test_a_layer_of_a_pool_alone_has_its_duplicates_in_its_own_columns() -> None:
    pooled = PLAIN.replace(redundancy=Voting(pools=(("fc1", "classifier"),)))
    alone = by_layer(small(), inputs(), pooled, rates=0.1, n_chips=4, digital=())
    own = by_layer(small(), inputs(), PLAIN.replace(redundancy=Voting()), rates=0.1, n_chips=4, digital=())
    assert alone.values.tolist() == own.values.tolist()


def test_layers_may_be_hit_together() -> None:
    found = by_layer(small(), inputs(), PLAIN, rates=0.1, n_chips=4, layers=["*c*", "query"], digital=())
    assert found.names == ("*c*", "query")
    assert found.cells == ((64 + 24) * 16, 48 * 16)
    both = mho.deploy(small(), {"query": PLAIN.replace(device=StuckAt(sa0=0.0, sa1=0.0)), "*": at_rate(PLAIN, 0.1)})
    assert found.values[0, 0].tolist() == mho.evaluate(both, inputs(), n_chips=4).values[0, 0].tolist()
    with pytest.raises(UnknownNameError, match="did you mean 'query'"):
        by_layer(small(), inputs(), PLAIN, layers=["quer"], n_chips=1)
    with pytest.raises(UnknownNameError, match="stored layer"):
        by_layer(small(), inputs(), PLAIN, layers=["classifier"], n_chips=1)
    with pytest.raises(SpecError, match="layers='query' must be a list"):
        by_layer(small(), inputs(), PLAIN, layers="query", n_chips=1)


def test_a_plane_alone_is_a_mapping_of_which_one_plane_fails() -> None:
    four = Memory(device=CELL, mapping=BitPlanes(bits=4))
    found = by_plane(small(), inputs(), four, rates=0.1, n_chips=4, digital=())
    assert found.names == ("plane 3", "plane 2", "plane 1", "plane 0")
    assert found.cells == ((48 + 64 + 24) * 2,) * 4
    for i, plane in enumerate((3, 2, 1, 0)):
        only = Memory(device=StuckAt.at_rate(0.1), mapping=BitPlanes(bits=4, faulty=(plane,)))
        slow = mho.evaluate(mho.deploy(small(), only), inputs(), n_chips=4)
        assert found.values[i, 0].tolist() == slow.values[0, 0].tolist()
    assert by_plane(small(), inputs(), four, rates=0.1, n_chips=1, planes=[1]).names == ("plane 1",)
    for wrong in ([4], [-1], [True], []):
        with pytest.raises(SpecError, match="planes"):
            by_plane(small(), inputs(), four, n_chips=1, planes=wrong)
    with pytest.raises(SpecError, match="these are on SlicedMagnitude"):
        by_plane(small(), inputs(), Memory(device=CELL), n_chips=1)
    mixed = {"query": four, "*": PLAIN}
    with pytest.raises(SpecError, match="layers are on 4 and 8 planes"):
        by_plane(small(), inputs(), mixed, n_chips=1)


def test_the_worst_layer_comes_first() -> None:
    found = FaultSensitivity(
        names=("a", "b", "c"),
        of="layer",
        rates=(1e-3, 1e-2),
        values=np.array([[[0.9, 0.8], [0.8, 0.6]], [[0.9, 0.9], [0.3, 0.4]], [[0.2, 0.3], [0.9, 0.9]]]),
        together=np.array([[0.2, 0.3], [0.1, 0.1]]),
        baseline=0.9,
        cells=(10, 20, 30),
        memory=PLAIN.to_dict(),
        metric="accuracy",
        images=10,
    )
    assert found.ranking() == ("b", "a", "c")
    assert found.ranking(1e-3) == ("c", "a", "b")
    assert found.drop("b").value == pytest.approx(0.55)
    assert found.drop("all", 1e-3).value == pytest.approx(0.65)
    assert found.difference("b", "a").value == pytest.approx(0.35)
    assert [r["layer"] for r in found.rows()] == ["a", "a", "b", "b", "c", "c", "all", "all"]
    assert found.rows()[-1]["cells"] == 60
    lines = str(found).splitlines()
    assert [line.split()[0] for line in lines[3:]] == ["b", "a", "c", "all"]
    with pytest.raises(UnknownNameError, match="unknown layer 'd'"):
        found.drop("d")


def test_sensitivities_are_kept_whole(tmp_path) -> None:
    found = by_layer(small(), inputs(), PLAIN, rates=0.1, n_chips=3)
    again = FaultSensitivity.load(found.save(tmp_path / "s.json"))
    assert str(again) == str(found)
    assert again.values.tolist() == found.values.tolist()
    assert found.names == ("query", "fc1"), "the classifier stays digital"
    with pytest.raises(CheckpointError, match="holds no fault sensitivities"):
        FaultSensitivity.load(curves().save(tmp_path / "c.json"))


def test_percentiles_are_those_of_the_unlucky_chips() -> None:
    """Of accuracy the low ones, of what shall be low the high ones; one out of range is one clear line."""
    found = mho.faults(small(), inputs(), schemes=("none",), rates=[0.1], n_chips=3, show_progress=False)
    assert found.percentiles == (1, 5)
    with pytest.raises(SpecError, match="percentile 200 must lie between 0 and 100"):
        found.percentile("none", 200)
    low = mho.faults(
        small(), inputs(), schemes=("none",), rates=[0.1], n_chips=3, metric="cross-entropy", show_progress=False
    )
    assert low.percentiles == (99, 95)
