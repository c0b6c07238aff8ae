"""``mho.verify``: the same chips as deploying every selection by itself, its costs, its loop and its answers."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from reference import nets
from torch import nn

import mho
from mho.devices import RRAM1, PowerLawDrift, Stack
from mho.errors import MhoError
from mho.evaluation.verification import Verification
from mho.evaluation.verification.speed import speedup
from mho.mapping import Differential, SlicedMagnitude
from mho.programming import OpenLoop, Selective, WriteVerify

VERIFY = WriteVerify(tolerance=0.05, cycle_seconds=1e-7)
DEVICE = Stack(stages=(RRAM1(sigma=0.25), PowerLawDrift(nu=0.02, nu_std=0.01)))
FRACTIONS = (0.0, 0.1, 0.5, 1.0)


def model() -> nn.Module:
    layers = (nn.Conv2d(1, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.Flatten(), nn.Linear(6 * 36, 4))
    return nets.seeded(nn.Sequential(*layers))


def labelled(net: nn.Module, n: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Samples with the labels that the network gives them, so that its own accuracy is one."""
    x = nets.inputs(n, 1, 8, 8, seed=seed)
    return x, net(x).argmax(-1)


@pytest.mark.parametrize("unit", ["weight", "cell"])
@pytest.mark.parametrize(
    "mapping", [SlicedMagnitude(), Differential(clip_negative=True)], ids=lambda m: type(m).__name__
)
@pytest.mark.parametrize("age", [0.0, 1e6])
def test_every_point_is_the_evaluation_of_that_selection(unit: str, mapping, age: float) -> None:
    net = model()
    data, held_out = labelled(net, 200, 5), labelled(net, 100, 6)
    memory = mho.Memory(device=DEVICE, mapping=mapping, programming=Selective(fraction=1.0, verify=VERIFY, unit=unit))
    found = mho.verify(
        net, memory, data, calibration=held_out, fractions=FRACTIONS, n_chips=3, first_chip=4, seed=2, age=age,
        rankings=("second-derivative", "random"),
    )  # fmt: skip
    h = mho.sensitivity(mho.deploy(net, memory.replace(programming=VERIFY)), held_out)
    for i, ranking in enumerate(found.rankings):
        for j, fraction in enumerate(FRACTIONS):
            scheme = memory.programming.replace(ranking=ranking, fraction=fraction) if fraction else OpenLoop()
            alone = mho.deploy(net, memory.replace(programming=scheme), seed=2, sensitivity=h)
            by_cell = mho.evaluate(alone, data, n_chips=3, first_chip=4, age=age)
            if fraction:
                assert found.values[i, j].tolist() == by_cell.values[0, 0].tolist()
                assert found.nwc[i, j] == pytest.approx(by_cell.writing.nwc[0])
                assert found.cycles[i, j] == pytest.approx(by_cell.writing.cycles[0])
                assert found.seconds[i, j] == pytest.approx(by_cell.writing.seconds[0])
    assert found.nwc[:, 0].tolist() == [0, 0]
    assert found.nwc[:, -1].tolist() == [1, 1]
    assert found.values[0, 0].tolist() == found.values[1, 0].tolist()


def test_the_loop_stops_at_the_first_fraction_that_does_on_calibration_data() -> None:
    net = model()
    data, held_out = labelled(net, 200, 5), labelled(net, 150, 6)
    scheme = Selective(ranking="magnitude", target_drop=0.15, increment=0.25, verify=VERIFY)
    memory = mho.Memory(device=RRAM1(sigma=0.25), programming=scheme)
    found = mho.verify(net, memory, data, calibration=held_out, rankings=("magnitude",), n_chips=6)
    steps = (0.0, 0.25, 0.5, 0.75, 1.0)
    options = {"rankings": ("magnitude",), "fractions": steps, "n_chips": 6}
    memory = memory.replace(programming=VERIFY)
    looked, judged = (mho.verify(net, memory, samples, **options).values[0] for samples in (held_out, data))
    for chip in range(6):
        good = [i for i in range(5) if looked[i, chip] >= 1.0 - 0.15]
        at = good[0] if good else None
        assert np.isnan(found.needed[0, chip]) if at is None else found.needed[0, chip] == steps[at]
        assert found.reached[0, chip] == judged[-1 if at is None else at, chip]
    assert len(set(found.needed[0])) > 1, "chips that all stop together would show nothing"
    assert "magnitude: " in str(found)


def test_the_loop_measures_its_drop_from_the_digital_network() -> None:
    """Two levels a weight cost accuracy by themselves: a drop from the noiseless cells would be met earlier."""
    net = model()
    held_out = labelled(net, 150, 6)
    coarse = SlicedMagnitude(weight_bits=1, cell_bits=1)
    memory = mho.Memory(device=RRAM1(sigma=0.01), mapping=coarse, programming=VERIFY)
    options = {"rankings": "magnitude", "fractions": (0.0, 1.0), "n_chips": 2}
    found = mho.verify(net, memory, labelled(net, 50, 5), calibration=held_out, target_drop=0.02, **options)
    assert found.ideal < found.digital - 0.05
    assert np.isnan(found.needed).all()


def test_what_cannot_be_asked_of_a_result_is_refused() -> None:
    net = model()
    memory = mho.Memory(device=RRAM1(sigma=0.25), programming=VERIFY)
    found = mho.verify(net, memory, labelled(net, 50, 5), rankings="random", fractions=(0.1, 0.5), n_chips=2, sigma=0.2)
    assert (found.at("random", 0.1).sigma, found.sigma, found.first_chip) == (0.2, 0.2, 0)
    assert "WriteVerify" in found.memory
    assert "sigma 0.2" in str(found)
    assert "qin2025neft" in mho.cite(found)
    for ask, said in (
        (lambda: found.speedup(0.01), "the last fraction is 0.5"),
        (lambda: found.speedup(1), "half a point is 0.005"),
        (lambda: found.area("random"), "measure both ends"),
        (lambda: found.at("random", 0.2), "it has 0.1, 0.5"),
        (lambda: found.at("rando", 0.1), "did you mean 'random'"),
    ):
        with pytest.raises(MhoError, match=said):
            ask()


def test_a_selective_memory_chooses_the_rankings() -> None:
    net = model()
    chosen = Selective(ranking="random", fraction=0.3, verify=VERIFY, unit="cell")
    memory = mho.Memory(device=RRAM1(sigma=0.25), programming=chosen)
    found = mho.verify(net, memory, labelled(net, 20, 5), fractions=(0, 1), n_chips=1)
    assert found.rankings == ("random",)
    memory = memory.replace(programming=chosen.replace(ranking="fisher", unit="weight"))
    data, held_out = labelled(net, 20, 5), labelled(net, 20, 6)
    found = mho.verify(net, memory, data, calibration=held_out, fractions=(0, 1), n_chips=1)
    assert found.rankings == ("fisher", "magnitude", "random")


def test_a_result_survives_json_and_says_what_it_is_about() -> None:
    net = model()
    memory = mho.Memory(device=RRAM1(sigma=0.25), programming=VERIFY)
    found = mho.verify(net, memory, labelled(net, 50, 5), rankings=("magnitude", "random"), n_chips=4)
    again = Verification.from_dict(json.loads(json.dumps(found.to_dict())))
    assert str(again) == str(found)
    assert again.rows() == found.rows()
    assert len(found.rows()) == 20
    text = str(found)
    for said in ("NWC", "magnitude", "random", "4 chips x 50 samples", "seconds"):
        assert said in text


def test_second_derivatives_beat_magnitude_and_chance() -> None:
    """A LeNet-like net on real digits; the area under the curve, paired over the same chips."""
    train, test = mho.data.digits(split="train"), mho.data.digits(split="test")
    recipe = mho.training.Recipe(epochs=6, lr=3e-3, seed=0)
    net = mho.train(mho.zoo.build("lenet", seed=0), train, recipe=recipe, progress=False)
    memory = mho.Memory(device=RRAM1(sigma=0.3), programming=WriteVerify(tolerance=0.06))
    found = mho.verify(net, memory, test.take(150), calibration=train.take(400), n_chips=8)
    for other in ("magnitude", "random"):
        assert found.area("second-derivative", other).low > 0
    first = found.at("second-derivative", 0.1).mean.value
    assert first > found.at("random", 0.5).mean.value
    assert found.speedup(0.02)["second-derivative"][0] > found.speedup(0.02)["random"][0]


def test_speedup_counts_only_measured_points() -> None:
    values = np.array([[0.5, 0.6], [0.88, 0.9], [0.9, 0.9], [0.9, 0.9]])
    nwc = np.array([0.0, 0.1, 0.5, 1.0])
    assert speedup(values, nwc, 0.015, 0.95)[0] == pytest.approx(10)
    value, low, high = speedup(values, nwc, 0.005, 0.95)
    assert value == pytest.approx(2)
    assert low <= value <= high
    assert speedup(values, nwc, 0.5, 0.95)[0] == np.inf
    one = speedup(values[:, :1], nwc, 0.0, 0.95)
    assert one[0] == pytest.approx(2)
    assert np.isnan(one[1:]).all()


NET = model()
DATA, HELD_OUT = labelled(NET, 20, 5), labelled(NET, 20, 6)
MEMORY = mho.Memory(device=RRAM1(sigma=0.1), programming=VERIFY)
REFUSED = [
    ({"memory": MEMORY.replace(programming=OpenLoop())}, "writes with OpenLoop, which does not verify"),
    ({"rankings": ("magnitud",)}, "did you mean 'magnitude'"),
    ({"rankings": "randm"}, "unknown ranking 'randm'"),
    ({"rankings": ()}, "must be one or more different names"),
    ({"rankings": ("random", "random")}, "must be one or more different names"),
    ({"fractions": (0.1, 10)}, "fractions=10 must be a number from 0 to 1; 10 % is 0.1"),
    ({"fractions": (0.5, 0.1)}, "must rise"),
    (
        {"rankings": ("second-derivative",)},
        "ranking 'second-derivative' needs the model's curvature: give calibration=",
    ),
    ({"target_drop": 0.01}, "judged on calibration data, never on test data; give calibration="),
    ({"calibration": DATA}, "calibration is the test data, on which nothing may be chosen"),
    ({"target_drop": 1.5, "calibration": HELD_OUT}, "half a point is 0.005"),
    ({"target_drop": 0.1, "calibration": HELD_OUT, "metric": "perplexity"}, "perplexity is none"),
    ({"rankings": ("given",)}, "give sensitivity={name: tensor}"),
    ({"rankings": ("fisher",), "sensitivity": torch.ones(3)}, "sensitivity is a Tensor; it takes what mho.sensitivity"),
    ({"sigma": [0.1, 0.2]}, "sigma lists 2 values; this takes one"),
    ({"sigma": "0.1"}, "sigma='0.1' is a str; it takes a number"),
    ({"age": -1.0}, "age=-1 must be zero or more seconds"),
    ({"fractions": "0.1"}, "fractions='0.1' is a str; it takes a number"),
    ({"n_chips": 0}, "n_chips=0 must be one or more"),
]


@pytest.mark.parametrize(("changed", "said"), REFUSED, ids=[said for _, said in REFUSED])
def test_bad_questions_are_refused_in_one_line(changed: dict, said: str) -> None:
    asked = {"memory": MEMORY, "rankings": ("magnitude",), "n_chips": 2} | changed
    with pytest.raises(MhoError) as caught:
        mho.verify(NET, asked.pop("memory"), DATA, **asked)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_two_selections_in_one_model_are_refused() -> None:
    one, two = (MEMORY.replace(programming=Selective(fraction=f)) for f in (0.1, 0.2))
    with pytest.raises(MhoError, match="one Selective for the whole model"):
        mho.verify(NET, {"0": one, "*": two}, DATA, rankings=("magnitude",))
