"""Texts are judged longest first, in batches that hold little padding."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import mho
from mho import devices, zoo
from mho.data import Dataset
from mho.evaluation.bench import Bench


def texts() -> Dataset:
    g = torch.Generator().manual_seed(0)
    mask = (torch.arange(16) < torch.randint(2, 17, (90, 1), generator=g)).long()
    inputs = {"input_ids": torch.randint(1, 50, (90, 16), generator=g) * mask, "attention_mask": mask}
    return Dataset(inputs=inputs, targets=torch.randint(0, 2, (90,), generator=g), classes=2)


@pytest.mark.parametrize("metric", ["accuracy", "mcc", "cross-entropy"])
def test_the_order_of_texts_changes_nothing(metric: str) -> None:
    data = texts()
    model = zoo.build("encoder", vocabulary=50, width=16, depth=1, heads=2, hidden=32, length=16).eval()
    chips = mho.deploy(model, mho.Memory(device=devices.RRAM1(sigma=0.3)))
    lengths = Bench(chips, data).data.inputs["attention_mask"].sum(1)
    assert (lengths.diff() <= 0).all()
    assert lengths[0] > lengths[-1]
    mixed = data.subset(torch.randperm(90, generator=torch.Generator().manual_seed(1)))
    one, other = (
        mho.evaluate(chips, some, n_chips=6, metric=metric, batch_size=size, show_progress=False).values
        for some, size in ((data, None), (mixed, 7))
    )
    assert np.allclose(one, other, atol=1e-6)
    by_hand = [model_accuracy(chips.chip(i), data) for i in range(6)]
    assert metric != "accuracy" or np.allclose(one.ravel(), by_hand)


def model_accuracy(model: torch.nn.Module, data: Dataset) -> float:
    with torch.inference_mode():
        return float((model(**data.inputs).argmax(-1) == data.targets).double().mean())
