"""Whatever a user has becomes the same data set."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

from mho import data
from mho.data import Dataset, as_dataset
from mho.errors import DataError, UnknownNameError

X = torch.arange(60, dtype=torch.float32).view(10, 2, 3)
Y = torch.arange(10) % 4


class Items(torch.utils.data.Dataset):
    def __init__(self, items: list) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> object:
        return self.items[index]


class Endless(IterableDataset):
    def __iter__(self):
        return iter(())


@pytest.mark.parametrize(
    "given_data",
    [
        Dataset(inputs=X, targets=Y),
        (X, Y),
        [X, Y],
        (X.numpy(), Y.numpy()),
        (X.double(), Y.int()),
        (X.numpy().astype(np.float64), Y.tolist()),
        TensorDataset(X, Y),
        Items([(x.numpy(), int(y)) for x, y in zip(X, Y, strict=True)]),
        DataLoader(TensorDataset(X, Y), batch_size=3),
        DataLoader(Items([(x, y) for x, y in zip(X, Y, strict=True)]), batch_size=4),
    ],
)
def test_the_same_data_in_every_form(given_data: object) -> None:
    got = as_dataset(given_data)
    assert torch.equal(got.inputs, X)
    assert torch.equal(got.targets, Y)
    assert (got.inputs.dtype, got.targets.dtype) == (torch.float32, torch.int64)


def test_named_inputs() -> None:
    tokens = torch.arange(8).view(4, 2)
    pairs = [({"input_ids": t, "mask": t > 3}, 1) for t in tokens]
    for form in (
        ({"input_ids": tokens, "mask": tokens > 3}, torch.ones(4, dtype=torch.long)),
        Items(pairs),
        DataLoader(Items(pairs), batch_size=3),
    ):
        got = as_dataset(form, classes=2, name="text")
        assert set(got.inputs) == {"input_ids", "mask"}
        assert torch.equal(got.inputs["input_ids"], tokens)
        assert (got.classes, got.name) == (2, "text")


@pytest.mark.parametrize(
    ("given_data", "words"),
    [
        (3, "data is a int; it takes a mho Dataset"),
        (X, "data is a Tensor"),
        ((X, Y, Y), "data is a tuple"),
        ((X, Y[:3]), "inputs and targets differ in length (inputs 10, targets 3)"),
        ((X[:0], Y[:0]), "the data set is empty"),
        ((X, 3), "targets are a single number"),
        ((X, ["a"] * 10), "targets are a list that is no array of numbers"),
        ((X.to(torch.uint8), Y), "inputs are bytes: scale them"),
        (
            (torch.full((2, 2), float("nan")), Y[:2]),
            "2 of 2 samples have NaN or infinite inputs",
        ),
        ((X, torch.full((10,), float("inf"))), "NaN or infinite targets"),
        (Dataset(inputs=X.log(), targets=Y), "1 of 10 samples have NaN or infinite inputs, first sample 0"),
        (Items([]), "data is an empty Items"),
        (Items([1, 2]), "a sample or batch must be (inputs, target); got a int"),
        (Items([(torch.zeros(2), 0), (torch.zeros(3), 0)]), "the samples of Items do not stack"),
        (Items([(torch.zeros(2), "cat")]), "targets are a"),
        (Endless(), "data is a Endless without a length: give a DataLoader of it"),
        (DataLoader(Endless()), "the DataLoader gave no batch"),
    ],
)
def test_bad_data_is_one_line(given_data: object, words: str) -> None:
    with pytest.raises(DataError) as caught:
        as_dataset(given_data)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@settings(max_examples=25, deadline=None)
@given(n=st.integers(1, 9), shape=st.lists(st.integers(1, 4), max_size=3), batch=st.integers(1, 10))
def test_loaders_join_whatever_the_batch(n: int, shape: list[int], batch: int) -> None:
    x = torch.arange(float(n * int(np.prod(shape)))).view(n, *shape)
    y = torch.arange(n)
    got = as_dataset(DataLoader(TensorDataset(x, y), batch_size=batch))
    assert torch.equal(got.inputs, x)
    assert torch.equal(got.targets, y)


def test_digits_are_split_for_good() -> None:
    train, test = data.digits(split="train"), data.digits()
    row = data.DATASETS["digits"]
    assert (len(train), len(test)) == (row.train, row.test)
    assert tuple(test.inputs.shape[1:]) == row.shape
    assert 0 <= test.inputs.min() < test.inputs.max() <= 1
    share = test.targets.bincount() / (test.targets.bincount() + train.targets.bincount())
    assert ((share - 0.2).abs() < 0.01).all()
    small = data.digits(split="train", size=8), data.digits(size=8)
    seen = {x.numpy().tobytes() for x in small[0].inputs}
    assert not any(x.numpy().tobytes() in seen for x in small[1].inputs)
    assert len(data.digits(limit=7)) == 7
    assert tuple(data.digits(size=32, limit=1).inputs.shape) == (1, 1, 32, 32)


def test_class_names() -> None:
    for name in ("digits", "mnist", "fashion_mnist", "cifar10", "cifar100"):
        labels = data.classes(name)
        assert len(set(labels)) == len(labels) == data.DATASETS[name].classes
    assert list(data.classes("cifar100")) == sorted(data.classes("cifar100"))
    assert data.classes("cifar10")[3] == "cat"
    with pytest.raises(DataError, match=r"tiny-imagenet-200/words\.txt"):
        data.classes("tiny_imagenet")
    with pytest.raises(UnknownNameError, match="did you mean 'digits'"):
        data.classes("digit")
