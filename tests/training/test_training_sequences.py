"""Samples with one class a position, such as the next character of a text, train and are judged like others."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

import mho
from mho import devices, training, zoo
from mho.data import Dataset, encode
from mho.data.sequences import sequences
from mho.errors import MhoError, ModelError, SpecError
from mho.training import Recipe

FAST = Recipe(epochs=2, batch_size=8, lr=0.02)


def rhyme(length: int = 9) -> Dataset:
    """A text in which every character says which one comes next."""
    return sequences("hello"[:2] + "abcd" * 80, "abcdeh", length=length, limit=None, name="rhyme")


def reader(**options: Any) -> nn.Module:
    return zoo.build("char-lstm", classes=6, hidden=8, depth=1, **options)


class Flat(nn.Module):
    """One class a sample."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(5, 3)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.layer(x)
        return logits


class Single(Flat):
    """The same network, which calls its one class a sequence of length one."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x)[:, None, :]


def pairs(n: int = 43) -> tuple[Tensor, Tensor]:
    x = torch.randn(n, 5, generator=torch.Generator().manual_seed(3))
    return x, x[:, :3].argmax(1)


@pytest.mark.parametrize(
    ("recipe", "method"),
    [
        (FAST, None),
        (FAST.replace(label_smoothing=0.1, optimizer="sgd", lr=0.5), None),
        (FAST.replace(loss="binary-hinge", margin=2.0), None),
        (FAST, training.AdversarialWeights(bound=0.1, objective="hinge")),
        (FAST, training.NoiseInjection(sigma=0.1)),
    ],
)
def test_a_sequence_of_one_is_a_sample(recipe: Recipe, method: Any) -> None:
    torch.manual_seed(0)
    flat, single = Flat(), Single()
    single.load_state_dict(flat.state_dict())
    x, y = pairs()
    a = mho.train(flat, (x, y), recipe=recipe, method=method, validation=0.2)
    b = mho.train(single, (x, y[:, None]), recipe=recipe, method=method, validation=0.2)
    for p, q in zip(a.parameters(), b.parameters(), strict=True):
        assert torch.equal(p, q)
    for one, other in zip(training.history(a), training.history(b), strict=True):
        assert (one.loss, one.accuracy) == (other.loss, other.accuracy)
        assert (one.validation_loss, one.validation_accuracy) == (other.validation_loss, other.validation_accuracy)
    assert not torch.equal(a.layer.weight, flat.layer.weight)


def test_the_loss_is_the_mean_over_all_characters() -> None:
    data = rhyme().take(5)
    model = reader().eval()
    trained = mho.train(model, data, recipe=FAST.replace(epochs=1, batch_size=5, lr=1e-30), validation=data)
    epoch = training.history(trained)[0]
    total = hits = 0.0
    with torch.no_grad():
        shares = model(data.inputs).softmax(-1)
    for n in range(5):
        for t in range(9):
            total -= shares[n, t, data.targets[n, t]].log().item()
            hits += int(shares[n, t].argmax() == data.targets[n, t])
    assert epoch.loss == pytest.approx(total / 45, rel=1e-5)
    assert epoch.validation_loss == pytest.approx(total / 45, rel=1e-5)
    assert epoch.accuracy == epoch.validation_accuracy == hits / 45


def test_a_rhyme_is_learnt_and_its_chips_are_judged() -> None:
    data = rhyme()
    monitor = training.Monitor(memory=mho.Memory(device=devices.RRAM1(sigma=0.05)), chips=3, keep="mean")
    trained = mho.train(reader(), data, recipe=FAST.replace(epochs=12), validation=data.take(10), monitor=monitor)
    last = training.history(trained)[training.origin(trained).kept - 1]
    assert last.validation_accuracy == pytest.approx(1, abs=0.04)  # the start of the first line is seen once
    assert last.chips_mean is not None
    chips = mho.deploy(trained, mho.Memory(device=devices.RRAM1(sigma=0.05)))
    for metric, wanted in (("cross-entropy", last.validation_loss), ("accuracy", last.validation_accuracy)):
        result = mho.evaluate(chips, data.take(10), n_chips=3, metric=metric)
        assert result.digital == pytest.approx(wanted, rel=1e-5)
    line = encode("abcda", "abcdeh")[None]
    assert trained(line).argmax(-1).tolist() == [[1, 2, 3, 0, 1]]


def test_dropout_between_lstm_layers_is_repeatable() -> None:
    model = zoo.build("char-lstm", classes=6, hidden=4, dropout=0.5)
    first, again = (mho.train(model, rhyme(), recipe=FAST) for _ in range(2))
    assert all(torch.equal(p, q) for p, q in zip(first.parameters(), again.parameters(), strict=True))


class Turned(nn.Module):
    """Classes before positions, as torch's loss has them."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = reader()

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x).transpose(1, 2)


DATA = rhyme()


@pytest.mark.parametrize(
    ("model", "samples", "options", "error", "words"),
    [
        (Turned(), DATA, {}, ModelError, "Turned gives (6, 9) outputs a sample for targets of shape (9,)"),
        (Turned(), DATA, {}, ModelError, "one output a class, classes last"),
        (
            reader(),
            (DATA.inputs, DATA.targets[:, -1]),
            {},
            ModelError,
            "(9, 6) outputs a sample for targets of shape ()",
        ),
        (zoo.build("char-lstm", classes=7), DATA, {}, ModelError, "CharLSTM has 7 outputs but rhyme has 6 classes"),
        (zoo.build("char-lstm", classes=3), DATA, {}, ModelError, "CharLSTM does not take inputs of shape (9,)"),
        (reader(), (DATA.inputs, DATA.targets - 1), {}, ModelError, "data has the label -1"),
        (
            reader(),
            DATA,
            {"method": training.IntermediateSnapshots(sigma=0.1, taps=("head",))},
            SpecError,
            "IntermediateSnapshots classifies whole samples, and CharLSTM gives (9, 6) outputs a sample",
        ),
    ],
)
def test_bad_requests_are_one_line(model: Any, samples: Any, options: dict, error: type[MhoError], words: str) -> None:
    with pytest.raises(error) as caught:
        mho.train(model, samples, recipe=FAST, **options)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
