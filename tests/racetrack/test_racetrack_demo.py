"""T8: a binarised network trained here loses its accuracy as published, and far more slowly as described."""

from __future__ import annotations

import numpy as np
import pytest
from torch import nn

import mho
from mho.data import Dataset, digits
from mho.devices import Racetrack
from mho.mapping import Tracks
from mho.racetrack import compat2024
from mho.training import Recipe

CHIPS = 12


@pytest.fixture(scope="module")
def trained() -> tuple[nn.Module, Dataset]:
    train = digits(split="train")
    start = mho.zoo.build_for("bnn-vgg3", train, width=8)
    model = mho.train(start, train, recipe=Recipe(epochs=4, batch_size=64, lr=3e-3))
    return model.eval(), digits(split="test")


def after(trained: tuple[nn.Module, Dataset], memory: mho.Memory) -> np.ndarray:
    """Accuracy of every chip after 100 inferences."""
    model, test = trained
    found = mho.evaluate(mho.deploy(model, memory), test, age=100, n_chips=CHIPS, show_progress=False)
    assert found.ideal > 0.9
    return found.values[0, 0]


def physical(bits: int, passes: int = 1) -> mho.Memory:
    return mho.Memory(device=Racetrack(fault_rate=1e-4, passes=passes), mapping=Tracks(bits=bits))


def clearly_less(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether the mean of ``a`` lies more than four standard errors under that of ``b``."""
    return float(b.mean() - a.mean()) > 4 * float(np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / CHIPS))


def test_short_tracks_live_longer_and_published_ones_die_first(trained: tuple[nn.Module, Dataset]) -> None:
    long, short = (after(trained, compat2024(bits, 1e-4)) for bits in (64, 2))
    assert clearly_less(long, short)
    assert long.mean() < 0.25, "close to guessing, as published"
    for bits in (64, 16):
        published, once = after(trained, compat2024(bits, 1e-4)), after(trained, physical(bits))
        ten = after(trained, physical(bits, passes=10))
        assert clearly_less(published, once)
        assert clearly_less(ten, once), "most of it is how often an inference reads"
    assert after(trained, physical(2)).mean() > 0.9
