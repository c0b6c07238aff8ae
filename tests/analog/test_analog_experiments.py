"""Experiments: one crosspoint, a small array, whole networks; what they say, keep, resume and refuse."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch

import mho
from mho import data, zoo
from mho.analog.agad import AGAD
from mho.analog.chopped import ChoppedTTv2
from mho.analog.experiments import sweep as sweeping
from mho.analog.experiments.intervals import bounded
from mho.analog.experiments.programming import program
from mho.analog.experiments.programming_result import Programming
from mho.analog.experiments.samples import BLOCK, stream, targets
from mho.analog.experiments.settings import ALGORITHMS, SETTINGS, setting
from mho.analog.experiments.sweep import sweep
from mho.analog.experiments.sweep_result import Sweep
from mho.analog.experiments.toy import Toy, toy
from mho.analog.floating import FloatingPoint
from mho.analog.mixed import MixedPrecision
from mho.analog.naming import NAMES
from mho.analog.sgd import InMemorySGD
from mho.analog.tile import Tile
from mho.analog.ttv2 import TTv2
from mho.devices import SoftBounds
from mho.errors import DataError, MhoError, ModelError, OutputError, SpecError, UnknownNameError
from mho.evaluation.statistics import mean_interval
from mho.training import Recipe

QUICK = Recipe(optimizer="sgd", lr=0.1, batch_size=16, epochs=1, schedule="constant")
TOY = SETTINGS["toy"]


def test_intervals_stay_within_errors_and_need_three() -> None:
    wide = bounded(np.array([0.0, 0.9, 0.95]), 0.95, 1.0)
    assert (wide.low, wide.high) == (0, 1)
    assert wide.value == pytest.approx(1.85 / 3)
    for few in ([0.1, 0.2], [0.1, 0.2, math.nan], [0.1]):
        found = bounded(np.array(few), 0.95)
        assert found.value == pytest.approx(np.nanmean(few))
        assert math.isnan(found.low)
        assert math.isnan(found.high)
    assert bounded(np.array([1.0, 1.1, 1.2]), 0.9) == mean_interval(np.array([1.0, 1.1, 1.2]), 0.9)


# ------------------------------------------------------------------------------------------------ samples, settings


def test_samples_are_addressed_by_chip_and_number() -> None:
    few, many = torch.tensor([7]), torch.tensor([2, 7])
    short = torch.cat(list(stream(0, "inputs", few, 3, BLOCK + 5)), 1)
    long = torch.cat(list(stream(0, "inputs", many, 3, 2 * BLOCK)), 1)
    assert short.shape == (1, BLOCK + 5, 3)
    assert torch.equal(short[0], long[1, : BLOCK + 5])
    assert not torch.equal(long[0, :BLOCK], long[0, BLOCK:]), "blocks differ"
    assert not torch.equal(short, torch.cat(list(stream(0, "noise", few, 3, BLOCK + 5)), 1))
    assert torch.equal(targets(0, few, 4, 0.3)[0], targets(0, many, 4, 0.3)[1])


def test_samples_have_the_law_they_should() -> None:
    n = 4 * BLOCK
    uniform = torch.cat(list(stream(3, "inputs", torch.tensor([0]), 10, n, "uniform")), 1)
    assert uniform.abs().max() <= 1
    # Six standard errors of the mean, and of the mean square (variance of u^2 is 4/45).
    assert abs(float(uniform.mean())) < 6 * math.sqrt(1 / 3 / (10 * n))
    assert abs(float(uniform.square().mean()) - 1 / 3) < 6 * math.sqrt(4 / 45 / (10 * n))
    normal = torch.cat(list(stream(3, "inputs", torch.tensor([0]), 10, n)), 1)
    assert abs(float(normal.square().mean()) - 1) < 6 * math.sqrt(2 / (10 * n))


def test_settings_give_every_algorithm_the_fields_that_it_has() -> None:
    assert {name: kind.__name__ for name, kind in ALGORITHMS.items()} == dict(NAMES)
    caption = setting("caption")
    assert [type(a) for a in caption.algorithms()] == list(ALGORITHMS.values())
    agad = caption.algorithm("agad")
    assert isinstance(agad, AGAD)
    assert (agad.granularity, agad.transfer_every, agad.fast_rate, agad.flip_rate, agad.beta) == (200, 5, 1, 0.1, 0.5)
    assert agad.cell.bounds_dtod == 0
    assert agad.cells["gradient"].bounds_dtod == 0.3
    assert caption.algorithm("AGAD", beta=1.0) == agad.replace(beta=1.0)
    assert setting("corrected").algorithm("c-ttv2").multiple_read_correction
    assert setting("uniform").algorithm("mp").write_every == 10
    with pytest.raises(UnknownNameError, match="did you mean 'agad'"):
        caption.algorithm("agda")
    with pytest.raises(UnknownNameError, match="beta"):
        caption.algorithm("agad", betta=1)
    with pytest.raises(UnknownNameError, match="did you mean 'caption'"):
        setting("captoin")


# ------------------------------------------------------------------------------------------------------- one crosspoint


@pytest.fixture(scope="module")
def pushed() -> dict[str, Toy]:
    """Each algorithm under a constant gradient, 3 chips, without error of the reference."""
    return {name: toy(TOY.algorithm(name), samples=1500, chips=3) for name in ("ttv2", "c-ttv2", "agad", "sgd")}


def test_a_constant_gradient_raises_the_weight(pushed) -> None:
    for made in pushed.values():
        weight = made.traces["weight"]
        assert weight.shape == (1501, 3)
        assert (weight[0] == 0).all()
        # It asks for 0.4 x 0.1 x 1,500 = 60; how far each device goes is up to its steps and bounds.
        assert (weight[-500:].mean(axis=0) > 0).all()
        assert weight[-500:].mean() > 0.2


def test_traces_are_those_that_the_algorithm_has(pushed) -> None:
    assert set(pushed["sgd"].traces) == {"weight"}
    assert set(pushed["ttv2"].traces) == {"gradient", "reference", "hidden", "weight"}
    assert set(pushed["agad"].traces) == {"gradient", "hidden", "average", "baseline", "weight"}
    hidden = pushed["agad"].traces["hidden"]
    assert np.abs(hidden).max() < 1, "at 1 it is reset"


def test_flips_are_those_of_the_chopper(pushed) -> None:
    assert not pushed["ttv2"].flips.any()
    assert not pushed["sgd"].flips.any()
    # A column is read every 5 x 5 samples, a regular chopper turns after every 10 reads.
    for chip in range(3):
        assert np.flatnonzero(pushed["agad"].flips[:, chip]).tolist() == [230, 480, 730, 980, 1230, 1480]
    # 60 reads, each turns with 0.1: 6 +- 2.3; six standard deviations over three chips.
    assert abs(pushed["c-ttv2"].flips.sum() - 18) < 6 * math.sqrt(3 * 60 * 0.1 * 0.9)


def test_a_toy_is_the_first_crosspoint_of_a_tile(pushed) -> None:
    """The slow twin: one chip alone, one call for all samples."""
    tile = Tile(TOY.algorithm("agad"), (5, 5), name="toy", seed=0, chips=(1,))
    chips = torch.tensor([1])
    common, noise = (torch.cat(list(stream(0, f"toy {name}", chips, 5, 1500)), 1) for name in ("common", "noise"))
    tile.update(-common, 0.4 * common + 0.6 * noise, 0.1)
    made = pushed["agad"]
    for name, array in tile.arrays.items():
        assert float(array[0, 0, 0]) == pytest.approx(float(made.traces[name][-1, 1]), abs=1e-5), name


def test_without_a_gradient_a_bad_reference_moves_only_what_reads_it() -> None:
    run = {"samples": 1500, "chips": 4, "gradient": False}
    last = {
        (name, offset): toy(TOY.algorithm(name), offset=offset, **run).traces["weight"][-1]
        for name in ("ttv2", "c-ttv2", "agad")
        for offset in (0.8, -0.8)
    }
    for offset, sign in ((0.8, -1), (-0.8, 1)):
        # A read adds 0.8 x 0.1 x 5 x 5 / (200 x 0.05) = 0.2 to H: every 5th of 60 is a pulse, 12 steps of about 0.05
        # that shrink towards the bound.
        assert (sign * last["ttv2", offset] > 0.1).all()
        assert sign * last["ttv2", offset].mean() > 0.3
        # Choppers leave at most what a few pulses of one cycle are.
        assert np.abs(last["c-ttv2", offset]).mean() < np.abs(last["ttv2", offset]).mean() / 2
    assert np.array_equal(last["agad", 0.8], last["agad", -0.8]), "there is no reference to be wrong"


def test_chips_of_a_toy_are_the_same_alone() -> None:
    run = {"samples": 200, "size": 3}
    many = toy(TOY.algorithm("c-ttv2"), chips=3, **run)
    one = toy(TOY.algorithm("c-ttv2"), chips=1, first_chip=2, **run)
    for name, trace in one.traces.items():
        assert np.array_equal(trace[:, 0], many.traces[name][:, 2]), name


def test_a_toy_survives_json(pushed) -> None:
    made = pushed["agad"]
    again = Toy.from_dict(json.loads(json.dumps(made.to_dict())))
    assert str(again) == str(made)
    assert again.algorithm == made.algorithm
    assert all(np.array_equal(again.traces[name], trace) for name, trace in made.traces.items())
    assert np.array_equal(again.flips, made.flips)
    rows = made.rows(every=500)
    assert [(row["chip"], row["sample"]) for row in rows[:5]] == [(0, 0), (0, 500), (0, 1000), (0, 1500), (1, 0)]
    assert rows[3]["weight"] == float(made.traces["weight"][-1, 0])
    assert rows[3]["flips"] == 6
    assert "rasch2024fast" in made.references
    assert "AGAD: crosspoint (0, 0) of 5x5 under a constant gradient of -0.4" in str(made)


BAD_TOYS = [
    ({"samples": 0}, "samples=0 must be one or more"),
    ({"size": 2.5}, "size=2.5 is a float"),
    ({"alpha": 1.5}, "alpha=1.5 must be 0 to 1"),
    ({"offset": math.nan}, "offset=nan is not a finite number"),
    ({"rate": 0.0}, "rate=0.0 must be a number above zero"),
    ({"chips": 0}, "chips=0 must be one or more"),
    ({"first_chip": -1}, "first_chip=-1 must be zero or more"),
]


@pytest.mark.parametrize(("how", "words"), BAD_TOYS, ids=[next(iter(how)) for how, _ in BAD_TOYS])
def test_bad_toys_are_refused(how, words: str) -> None:
    with pytest.raises(SpecError) as caught:
        toy(TOY.algorithm("agad"), **how)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_toy_takes_an_algorithm() -> None:
    with pytest.raises(SpecError, match="AGAD"):
        toy("agad")


# --------------------------------------------------------------------------------------------------------- programming


SMALL = {"size": 4, "samples": 300, "chips": 3}


@pytest.fixture(scope="module")
def programmed() -> Programming:
    """All algorithms, two numbers of states, two errors of the reference."""
    ways = SETTINGS["uniform"].algorithms()
    return program(ways, n_states=(20, 100), reference_std=(0.5, 0), inputs="uniform", loss="sum", **SMALL)


def test_errors_fall_and_pulses_are_counted(programmed) -> None:
    assert programmed.labels == ("in-memory SGD", "TTv2", "c-TTv2", "AGAD", "mixed precision")
    assert programmed.n_states == (20, 100)
    assert programmed.reference_std == (0, 0.5)
    assert programmed.at[0] == 0
    assert programmed.at[-1] == 300
    target = targets(0, torch.arange(3), 4, 0.3)
    for level in programmed.levels:
        assert level.course.shape == (len(programmed.at), 3)
        assert level.course[0] == pytest.approx(target.double().flatten(1).std(1, correction=0).numpy())
        last = programmed.at > 225
        assert level.errors == pytest.approx(level.course[last].mean(axis=0))
        assert level.algorithm.cell.n_states == level.n_states
        transfers = level.label in ("TTv2", "c-TTv2", "AGAD")
        assert math.isnan(level.gradient_mean) == (not transfers)
        assert 0 <= level.weight_mean <= level.weight_max
        if transfers:
            assert 0 < level.gradient_mean <= level.gradient_max <= 5, "a train has 5 slots"
    for label in ("in-memory SGD", "mixed precision"):
        assert programmed.of(label, 100, 0).errors.mean() < 0.15, "half of where they start"


def test_what_reads_no_reference_is_measured_once(programmed) -> None:
    for label in ("in-memory SGD", "AGAD", "mixed precision"):
        none, half = (programmed.of(label, 20, std) for std in (0, 0.5))
        assert not none.has_reference
        assert none.seconds == half.seconds, "the same run"
        assert np.array_equal(none.errors, half.errors)
    for label in ("TTv2", "c-TTv2"):
        none, half = (programmed.of(label, 100, std) for std in (0, 0.5))
        assert none.has_reference
        assert half.algorithm.reference_std == 0.5
        assert not np.array_equal(none.course, half.course)
    assert str(programmed).count("same") == 6


def test_floating_point_follows_the_textbook() -> None:
    """The slow twin: chip by chip, sample by sample, in numpy."""
    found = program(FloatingPoint(), size=3, samples=40, chips=2, first_chip=4, rate=0.2, inputs="normal", loss="mean")
    (level,) = {id(lv.course): lv for lv in found.levels}.values()
    assert level.n_states is None
    assert "–" in str(found)
    for i, chip in enumerate((4, 5)):
        number = torch.tensor([chip])
        x = next(stream(0, "inputs", number, 3, 40))[0].double().numpy()
        goal = targets(0, number, 3, 0.3)[0].double().numpy()
        weight, course = np.zeros((3, 3)), []
        for sample in range(41):
            course.append((weight - goal).std())
            if sample < 40:
                d = (weight @ x[sample] - goal @ x[sample]) / 3
                weight = weight - 0.2 * np.outer(d, x[sample])
        assert level.course[:, i] == pytest.approx(course, abs=1e-5)
    assert found.at.tolist() == list(range(41))


def test_chips_of_a_programming_are_the_same_alone(programmed) -> None:
    agad = SETTINGS["uniform"].algorithm("agad")
    how = {"inputs": "uniform", "loss": "sum", "size": 4, "samples": 300}
    alone = program(agad, n_states=20, reference_std=0, chips=1, first_chip=2, **how)
    assert np.array_equal(alone.levels[0].course[:, 0], programmed.of("AGAD", 20, 0).course[:, 2])


def test_a_setting_by_its_name(programmed) -> None:
    named = program("uniform", n_states=20, reference_std=0, **SMALL)
    assert (named.setting, named.inputs, named.loss) == ("uniform", "uniform", "sum")
    for level in named.levels:
        assert np.array_equal(level.course, programmed.of(level.label, 20, 0).course)
    caption = program("caption", n_states=None, reference_std=None, samples=5, size=2, chips=1)
    assert (caption.inputs, caption.loss) == ("normal", "mean")
    assert caption.n_states == (20,)


def test_a_programming_survives_json(programmed) -> None:
    again = Programming.from_dict(json.loads(json.dumps(programmed.to_dict(), allow_nan=False)))
    assert str(again) == str(programmed)
    assert again.levels[0].algorithm == programmed.levels[0].algorithm
    assert np.array_equal(again.at, programmed.at)
    rows = programmed.rows()
    assert len(rows) == 5 * 2 * 2
    level = programmed.of("AGAD", 100, 0.5)
    row = next(r for r in rows if (r["algorithm"], r["n_states"], r["reference_std"]) == ("AGAD", 100, 0.5))
    interval = mean_interval(level.errors)
    assert (row["error"], row["error_low"], row["error_high"]) == tuple(interval)
    assert {"rasch2024fast", "gokmen2021ttv2"} <= set(programmed.references)
    shown = str(programmed)
    assert f"{interval.value:.4f} [{interval.low:.4f}, {interval.high:.4f}]" in shown


def test_programming_comes_where_the_paper_has_it() -> None:
    """20 states, the caption's parameters, as long as it takes at this gain.

    TTv2 ends at about 5 % in [rasch2024fast Fig. 4], SGD far above. A chip's error is known to 1 / sqrt(2 x 400), and
    chips differ in theirs by 10 % or so: two chips to 8 %. Ranges are three times that.
    """

    def error(name: str, samples: int) -> float:
        way = SETTINGS["caption"].algorithm(name)
        found = program(way, n_states=20, reference_std=0, samples=samples, chips=2, average_last=0.25)
        return float(found.levels[0].errors.mean())

    agad = error("agad", 4000)
    assert agad == pytest.approx(0.075, rel=0.24), "hotter than what the figure shows; see the other settings"
    assert error("ttv2", 8000) == pytest.approx(0.055, rel=0.24)
    assert error("sgd", 1000) > 2 * agad


def test_levels_that_are_not_there(programmed) -> None:
    with pytest.raises(UnknownNameError, match="AGAD has no level of n_states=50 and reference_std=0; it has 20 and 0"):
        programmed.of("AGAD", 50, 0)
    with pytest.raises(UnknownNameError, match="did you mean 'AGAD'"):
        programmed.of("ADAG", 20, 0)


BAD_PROGRAMMINGS = [
    ({"algorithms": "captain"}, "did you mean 'caption'"),
    ({"algorithms": []}, "algorithms is empty"),
    ({"algorithms": 3}, "it takes algorithms, such as analog.AGAD()"),
    ({"algorithms": [AGAD(), AGAD(beta=1.0)]}, "two algorithms are called 'AGAD'; give a mapping of names"),
    ({"algorithms": {"": AGAD()}}, "it takes a name"),
    ({"n_states": 1}, "n_states=1 must be 2 or more"),
    ({"n_states": ()}, "n_states is an empty list"),
    ({"n_states": "many"}, "it takes a number or several"),
    ({"reference_std": (0, -0.1)}, "reference_std=-0.1 must be zero or more"),
    ({"reference_std": (0, 0)}, "reference_std lists a value twice"),
    ({"samples": 0}, "samples=0 must be one or more"),
    ({"rate": -0.1}, "rate=-0.1 must be a number above zero"),
    ({"average_last": 2}, "average_last=2 is a fraction of the samples"),
    ({"target_std": math.inf}, "target_std=inf must be a number above zero"),
    ({"inputs": "gaussian"}, "normal"),
    ({"loss": "total"}, "mean"),
    ({"confidence": 95}, "confidence"),
]


@pytest.mark.parametrize(("how", "words"), BAD_PROGRAMMINGS, ids=lambda v: "" if isinstance(v, dict) else v[:30])
def test_bad_programmings_are_refused(how, words: str) -> None:
    with pytest.raises(MhoError) as caught:
        program(**{"algorithms": AGAD(), **how})
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_variants_of_one_algorithm_have_names() -> None:
    ways = {"beta 0.5": AGAD(), "beta 1": AGAD(beta=1.0)}
    found = program(ways, n_states=20, reference_std=0, samples=20, size=2, chips=1)
    assert found.labels == ("beta 0.5", "beta 1")


# ------------------------------------------------------------------------------------------------------ whole networks


@pytest.fixture(scope="module")
def few():
    """A few digits, to train on and to test."""
    return data.digits(split="train").take(96), data.digits(split="test").take(60)


def net(seed: int) -> torch.nn.Module:
    return zoo.build("mlp", seed=seed, inputs=784, hidden=[8])


def test_a_sweep_trains_every_combination_once_and_goes_on(few, tmp_path, monkeypatch) -> None:
    folder = tmp_path / "new" / "sweep"
    asked = {"n_states": 20, "reference_std": (0, 0.2), "seeds": (0, 1), "recipe": QUICK, "folder": folder}
    found = sweep(net, few, [AGAD(), TTv2()], **asked)
    assert found.labels == ("AGAD", "TTv2")
    files = sorted(p.name.split("-")[0] for p in folder.iterdir())
    assert files == ["AGAD"] * 2 + ["TTv2"] * 4 + ["floating"] * 2, "AGAD reads no reference"
    agad = [found.of("AGAD", reference_std=std) for std in (0, 0.2)]
    assert np.array_equal(agad[0].errors, agad[1].errors)
    assert not agad[0].has_reference
    ttv2 = [found.of("TTv2", reference_std=std) for std in (0, 0.2)]
    assert ttv2[1].algorithm.reference_std == 0.2
    assert not np.array_equal(ttv2[0].losses, ttv2[1].losses)
    assert found.floating is not None
    assert np.isnan(found.floating.weight_pulses).all()
    for point in found.points:
        assert point.errors.shape == (2,)
        assert ((point.errors >= 0) & (point.errors <= 1)).all()
        assert (point.gradient_pulses > 0).all()
        assert (point.bounds, point.n_states) == (1, 20)

    def refuse(*_args, **_how):
        raise AssertionError("trained again")

    monkeypatch.setattr(sweeping, "train", refuse)
    again = sweep(net, few, [AGAD(), TTv2()], **asked)
    assert str(again) == str(found)
    assert again.rows() == found.rows()
    with pytest.raises(AssertionError, match="trained again"):
        sweep(net, few, AGAD(), **{**asked, "recipe": QUICK.replace(lr=0.2)})
    with pytest.raises(AssertionError, match="trained again"):
        sweep(net, (few[0].take(90), few[1]), AGAD(), **asked)
    with pytest.raises(AssertionError, match="trained again"):
        sweep(net, few, AGAD(), omega=0.5, **asked)
    monkeypatch.undo()
    broken = next(folder.glob("AGAD-seed1-*"))
    broken.write_text("{")
    assert str(sweep(net, few, [AGAD(), TTv2()], **asked)) == str(found)
    assert json.loads(broken.read_text())["numbers"]["weight_pulses"] == agad[0].weight_pulses[1]


def test_floating_point_is_ordinary_training(few) -> None:
    found = sweep(net, few, AGAD(), seeds=3, recipe=QUICK)
    trained = mho.train(net(3), few[0], recipe=QUICK.replace(seed=3))
    right = (trained(few[1].inputs).argmax(1) == few[1].targets).float().mean()
    assert found.floating is not None
    assert found.floating.errors[0] == pytest.approx(1 - float(right))
    assert found.model == "net"


def test_rules_keep_layers_digital_and_names_take_their_sizes_from_data(few) -> None:
    ways = {"sgd": InMemorySGD(), "mp": MixedPrecision(write_every=10)}
    found = sweep(
        "mlp", few, ways, recipe=QUICK, rules=lambda way: {"layers.0": None, "*": way}, bounds=(1, 4), floating=False
    )
    assert found.model == "mlp"
    assert found.floating is None
    wide = found.of("sgd", bounds=4)
    assert wide.algorithm is not None
    assert (wide.algorithm.cell.w_max, wide.algorithm.cell.step) == (4.0, SoftBounds().step)
    assert wide.n_states == 20, "on the range there was"
    assert [point.bounds for point in found.points] == [1, 4, 1, 4]


def test_a_sweep_survives_json(few) -> None:
    found = sweep(net, few, ChoppedTTv2(), recipe=QUICK, seeds=[0])
    again = Sweep.from_dict(json.loads(json.dumps(found.to_dict(), allow_nan=False)))
    assert str(again) == str(found)
    assert again.recipe == QUICK
    assert [row["algorithm"] for row in found.rows()] == ["c-TTv2", "floating point"]
    assert found.rows()[0]["error"] == found.points[0].errors[0]
    assert "rasch2024fast" in found.references
    assert "net on digits: test error in %, 1 seed, 60 samples; 1 epoch" in str(found)
    with pytest.raises(UnknownNameError, match="c-TTv2 has 0 points of reference_std=3"):
        found.of("c-TTv2", reference_std=3)
    with pytest.raises(UnknownNameError, match="did you mean 'bounds'"):
        found.of("c-TTv2", bound=1)


def test_what_diverges_is_a_result(few) -> None:
    wild = QUICK.replace(lr=1e25)
    found = sweep(net, few, FloatingPoint(), recipe=wild, floating=False)
    assert np.isnan(found.points[0].errors).all()
    assert "–" in str(found)


BAD_SWEEPS = [
    ({"model": "mlpp"}, UnknownNameError, "did you mean 'mlp'"),
    ({"model": lambda seed: None}, ModelError, "model(seed) returned a NoneType"),
    ({"data": "digitz"}, MhoError, "did you mean 'digits'"),
    ({"data": (1, 2, 3)}, SpecError, "a pair of training and test samples"),
    ({"data": (1, 2)}, DataError, "int"),
    ({"algorithms": ()}, SpecError, "algorithms is empty"),
    ({"bounds": 0}, SpecError, "bounds=0 must be above zero"),
    ({"n_states": 1}, SpecError, "n_states=1 must be 2 or more"),
    ({"seeds": ()}, SpecError, "must name one or more"),
    ({"seeds": (1, 1)}, SpecError, "each once"),
    ({"seeds": (0.5,)}, SpecError, "seeds holds 0.5"),
    ({"recipe": "sgd"}, SpecError, "recipe='sgd' is no Recipe"),
    ({"folder": "/dev/null/here"}, OutputError, "cannot make the folder"),
    ({"recipe": Recipe()}, MhoError, "sgd"),
]


@pytest.mark.parametrize(("how", "kind", "words"), BAD_SWEEPS, ids=[words for _, _, words in BAD_SWEEPS])
def test_bad_sweeps_are_refused(few, how, kind, words: str) -> None:
    with pytest.raises(kind) as caught:
        sweep(**{"model": net, "data": few, "algorithms": AGAD(), "recipe": QUICK, "floating": False, **how})
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
