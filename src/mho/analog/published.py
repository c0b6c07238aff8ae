"""Published numbers, for a column beside ours; nothing is computed from them [rasch2024fast]."""

from __future__ import annotations

from mho.analog.hardware import Hardware
from mho.analog.operations import ArrayUpdate

UPDATE_NANOSECONDS = {"InMemorySGD": 30.9, "TTv2": 56.3, "ChoppedTTv2": 56.3, "AGAD": 62.1, "MixedPrecision": 3024.5}
"""Table 1: N = 512, l = 5, n_s = 2, B = 100, :class:`~mho.analog.hardware.Hardware` as it is."""

AGAD_SPARSE_NANOSECONDS = 17.1
"""AGAD at n_s = 10 and single pulses (l = 1), "about 175 times faster" than mixed precision."""

PULSES_A_SAMPLE = {"gradient": (0.5, 4.0), "weight": (2e-4, 4e-4)}
"""Of the device that gets most, least and most over layers and settings: AGAD, LeNet on MNIST.

Whether a position of a convolution is a sample there is not said; nothing on an array goes beyond l_max a position.
"""

REFERENCE_DRIFT = {"TTv2": 0.05, "ChoppedTTv2": 0.25}
"""How far references may move during a training, as a share of the range; AGAD has none to move."""

RETENTION_SAMPLES = (100, 1000)
"""What the gradient array has to remember, in samples: "about one transfer period"."""


def update_nanoseconds(kind: str, update: ArrayUpdate, hardware: Hardware) -> float | None:
    """What the paper prints for this case, ``None`` where it prints nothing.

    Args:
        kind: class of the algorithm.
        update: the array and how it is trained.
        hardware: what it runs on.
    """
    paper = ArrayUpdate()
    if hardware != Hardware() or (update.outputs, update.inputs) != (paper.outputs, paper.inputs):
        return None
    if kind == "MixedPrecision":
        return UPDATE_NANOSECONDS[kind] if update.batch == paper.batch else None
    if kind == "AGAD" and update.beta == 1:
        return None
    timing = (update.transfer_every, update.mean_length)
    if kind == "AGAD" and timing == (10, 1):
        return AGAD_SPARSE_NANOSECONDS
    same = timing == (paper.transfer_every, paper.mean_length)
    if kind == "InMemorySGD":
        same = update.mean_length == paper.mean_length
    return UPDATE_NANOSECONDS.get(kind) if same else None
