"""Binarised layers on every memory: what is stored are the bits that they compute with, not latent weights."""

from __future__ import annotations

import pytest
import torch
from reference import binary
from torch import nn

import mho
from mho import devices, mapping
from mho.zoo.binary import BinaryLinear, packed

ANALOG = devices.RRAM1(sigma=0.05)
MEMORIES = {
    "slices": mho.Memory(device=ANALOG),
    "differential": mho.Memory(device=ANALOG, mapping=mapping.Differential(weight_bits=4)),
    "one bit of tracks": mho.Memory(device=ANALOG, mapping=mapping.Tracks()),
    "planes of tracks": mho.Memory(device=devices.Racetrack(), mapping=mapping.Tracks(weight_bits=4)),
}


def latent() -> tuple[nn.Module, mho.data.Dataset]:
    """The binary classifier with latent weights of all sizes, half of them nearly zero."""
    model, data = binary.classifier(64, 32)
    draw = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for layer in model.modules():
            if isinstance(layer, BinaryLinear):
                layer.weight.mul_(10 ** -(4 * torch.rand(layer.weight.shape, generator=draw)))
    return model, data


@pytest.mark.parametrize("name", MEMORIES)
@pytest.mark.parametrize("pack", [False, True])
def test_without_noise_nothing_is_lost(name: str, pack: bool) -> None:
    model, data = latent()
    chips = mho.deploy(packed(model) if pack else model, MEMORIES[name])
    found = mho.evaluate(chips, data, n_chips=2)
    assert found.ideal == found.digital > 0.5
    assert all(set(w.unique().tolist()) == {-1.0, 1.0} for w in chips.ideal().parameters() if w.dim() == 2)


def test_an_array_adds_up_noisy_cells_and_does_not_take_signs_again() -> None:
    model, data = latent()
    noisy = mho.Memory(device=devices.RRAM1(sigma=0.4))
    chip = mho.deploy(model, noisy).chip(0)
    x = data.inputs[:4].flatten(1)
    first = chip.get_submodule("fc1")
    assert torch.equal(first(x), nn.functional.linear(x, first.weight))
    assert not torch.equal(first.weight, first.weight.sign())
    # The model that was passed in still takes signs.
    assert torch.equal(model.get_submodule("fc1")(x), nn.functional.linear(x, model.fc1.weight.sign()))
