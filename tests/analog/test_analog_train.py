"""``mho.train`` on converted models: as in floating point where arrays are exact, resumable, and what it refuses."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import mho
from mho import devices, training
from mho.analog.agad import AGAD
from mho.analog.conversion import convert
from mho.analog.extraction import extract
from mho.analog.floating import FloatingPoint
from mho.analog.layers import AnalogLinear
from mho.analog.peripherals import Peripherals
from mho.data import Dataset
from mho.errors import CheckpointError, ModelError, SpecError
from mho.memory import Memory
from mho.training import Monitor, NoiseInjection, Plain, Recipe
from mho.training.own_updates import check_own_updates
from mho.training.ranks import Ranks

EXACT = FloatingPoint()
RECIPE = Recipe(optimizer="sgd", lr=0.05, batch_size=16, epochs=3)


def blobs(n: int = 80) -> Dataset:
    targets = torch.arange(n) % 3
    inputs = torch.randn(n, 1, 8, 8, generator=torch.Generator().manual_seed(0)) + targets.view(-1, 1, 1, 1)
    return Dataset(inputs=inputs, targets=targets, classes=3, name="blobs")


def small(*, bias: bool = True) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        norm = [nn.BatchNorm2d(4)] if bias else []
        front = [nn.Conv2d(1, 4, 3, bias=bias), *norm, nn.ReLU(), nn.Flatten(), nn.Dropout(0.2)]
        return nn.Sequential(*front, nn.Linear(144, 3, bias=bias))


def states_equal(a: nn.Module, b: nn.Module) -> bool:
    one, two = a.state_dict(), b.state_dict()
    return one.keys() == two.keys() and all(torch.equal(one[k], two[k]) for k in one)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("options", [{}, {"precision": "bfloat16"}, {"channels_last": True}, {"norms": "clean"}])
def test_exact_arrays_train_as_floating_point_does(bias: bool, options: dict[str, Any]) -> None:
    recipe = RECIPE.replace(**options)
    model = small(bias=bias)
    plain = mho.train(model, blobs(), recipe=recipe, progress=False)
    analog = mho.train(convert(model, EXACT), blobs(), recipe=recipe, progress=False)
    # Arrays compute in float32 where the others are rounded to bfloat16, three digits.
    near = 0.05 if "precision" in options else 1e-4
    held = extract(analog)
    for name, weight in plain.named_parameters():
        torch.testing.assert_close(held.get_parameter(name), weight, rtol=near, atol=near)
        if "weight" in name:
            assert not torch.equal(model.get_parameter(name), weight)
    assert not analog.training
    history = training.history(analog)
    assert [e.number for e in history] == [1, 2, 3]
    assert training.history(held) == history


@pytest.mark.parametrize("bias", [True, False])
def test_a_run_that_stopped_goes_on_bit_for_bit(bias: bool, tmp_path: Path) -> None:
    class Stop(training.Observer):
        def epoch(self, epoch: training.Epoch) -> None:
            if epoch.number == 2:
                raise KeyboardInterrupt

    options = {"peripherals": Peripherals(output_noise=0.01)}
    analog, file = convert(small(bias=bias), AGAD(), **options), tmp_path / "run.safetensors"
    whole = mho.train(analog, blobs(), recipe=RECIPE, progress=False)
    with pytest.raises(KeyboardInterrupt):
        mho.train(analog, blobs(), recipe=RECIPE, checkpoint=file, observers=[Stop()], progress=False)
    again = mho.train(analog, blobs(), recipe=RECIPE, checkpoint=file, progress=False)
    assert states_equal(whole, again)
    other = convert(small(bias=bias), AGAD(beta=0.3), **options)
    with pytest.raises(CheckpointError, match="its updates differ"):
        mho.train(other, blobs(), recipe=RECIPE, checkpoint=file, progress=False)
    loaded = training.load_checkpoint(convert(small(bias=bias), AGAD(), **options), file)
    assert states_equal(loaded, whole)
    assert not states_equal(whole, analog)


def test_the_best_epoch_on_chips_can_be_kept() -> None:
    memory = Memory(device=devices.RRAM1(sigma=0.3))
    monitor = Monitor(chips=4, keep="mean", memory=memory)
    analog = convert(small(), EXACT)
    kept = mho.train(analog, blobs(), recipe=RECIPE, validation=0.25, monitor=monitor, progress=False)
    origin = training.origin(kept)
    assert origin is not None
    assert origin.kept in (1, 2, 3)
    layer = kept[-1]
    assert isinstance(layer, AnalogLinear)
    bank = layer.bank("weight")
    torch.testing.assert_close(layer.weight, bank.weight(), check_stride=False)


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"recipe": Recipe()}, r"optimizer='adam'; give Recipe\(optimizer='sgd'\)"),
    ({"recipe": RECIPE.replace(momentum=0.9)}, "momentum=0.9; leave it out"),
    ({"recipe": RECIPE.replace(weight_decay=0.1)}, "weight_decay=0.1; leave it out"),
    ({"recipe": RECIPE.replace(clamp=1.0)}, "clamp; leave it out: devices have bounds"),
    ({"recipe": RECIPE.replace(compile=True)}, "compile=True; leave it out"),
    ({"recipe": RECIPE, "method": NoiseInjection(sigma=0.1)}, "method=NoiseInjection; leave it out"),
]


@pytest.mark.parametrize(("options", "said"), REFUSED, ids=[said[:16] for _, said in REFUSED])
def test_refusals_are_one_line_that_names_the_layer(options: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError, match=rf"^0 \(AnalogConv2d\) changes its own weights.*without {said}") as caught:
        mho.train(convert(small(), EXACT), blobs(), progress=False, **options)
    assert "\n" not in str(caught.value)


def test_plain_training_may_be_said() -> None:
    one, two = (
        mho.train(convert(small(), EXACT), blobs(), recipe=RECIPE, method=method, progress=False)
        for method in (None, Plain())
    )
    assert states_equal(one, two)


def test_divergence_is_told() -> None:
    data = blobs()
    data.inputs[3] = 1e38
    with pytest.raises(ModelError, match="diverged"):
        mho.train(convert(small(bias=False), EXACT), data, recipe=RECIPE.replace(lr=1e3), progress=False)


def test_a_network_of_arrays_that_reach_no_output_has_nothing_to_learn_from() -> None:
    class Aside(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.used, self.aside = nn.Linear(64, 3), nn.Linear(3, 3)
            self.used.requires_grad_(False)
            self.aside.bias.requires_grad_(False)

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.used(x.flatten(1))
            return out

    with pytest.raises(ModelError, match=r"no gradient on any parameter"):
        mho.train(convert(Aside(), EXACT), blobs(), recipe=RECIPE, progress=False)


def test_one_process_trains_arrays() -> None:
    with pytest.raises(SpecError, match=r"without 2 processes; train in one"):
        check_own_updates(convert(small(), EXACT), RECIPE, None, Ranks(rank=0, world=2))
    check_own_updates(small(), RECIPE, None, Ranks(rank=0, world=2))


def test_a_trained_network_is_better_and_its_arrays_hold_it() -> None:
    data, recipe = blobs(240), RECIPE.replace(lr=0.2, epochs=6)
    analog = mho.train(convert(small(), AGAD()), data, recipe=recipe, validation=0.2, progress=False)
    last = training.history(analog)[-1]
    assert last.validation_accuracy is not None
    assert last.validation_accuracy > 0.8  # of three classes, 48 samples
    x = data.inputs[:5]
    torch.testing.assert_close(extract(analog)(x), analog(x))
    origin = training.origin(extract(analog))
    assert origin is not None
    assert origin.updates == (AGAD(),)
    assert set(AGAD().references) <= set(origin.references)
    assert origin.to_dict()["updates"] == [AGAD().to_dict()]


@pytest.mark.parametrize(("algorithm", "warned"), [(AGAD(cell=devices.ecram()), True), (EXACT, False)])
def test_too_few_samples_for_fine_cells_are_told(algorithm: Any, warned: bool) -> None:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        mho.train(convert(small(), algorithm), blobs(), recipe=RECIPE, progress=False)
    lines = [str(w.message) for w in told if "can hardly learn" in str(w.message)]
    assert len(lines) == warned
    if warned:  # 240 vectors, 144 columns of which one is read every second
        assert lines[0].startswith(
            "5.weight can hardly learn: 240 vectors are at most 0.833 steps of a weight (one in 288)"
        )
        assert "of the 1,000 " in lines[0]
        assert "read='rows'" in lines[0]
        assert "\n" not in lines[0]
