"""The transformer encoder: beside its equations, with padding, under functional calls and vmap, on chips."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.func import functional_call, vmap

import mho
from mho import devices, training, zoo
from mho.data import Dataset
from mho.errors import MhoError, ModelError, SpecError
from mho.zoo.encoder import Encoder

SMALL = {"vocabulary": 11, "width": 8, "heads": 2, "hidden": 6, "length": 9}


def sentences(lengths: list[int], size: int = 9, seed: int = 0) -> dict[str, Tensor]:
    """Random tokens (0 where there is none), the second half of each of the second text."""
    generator = torch.Generator().manual_seed(seed)
    places = torch.arange(size)
    count = torch.tensor(lengths)[:, None]
    mask = (places < count).long()
    ids = torch.randint(1, 11, (len(lengths), size), generator=generator) * mask
    return {"input_ids": ids, "attention_mask": mask, "token_type_ids": (places >= count // 2).long() * mask}


def normalised(x: Tensor, layer: nn.LayerNorm) -> Tensor:
    centred = x - x.mean()
    return centred / (centred.square().mean() + layer.eps).sqrt() * layer.weight + layer.bias


def by_hand(model: Encoder, ids: list[int], kinds: list[int]) -> Tensor:
    """One sample without padding, token by token and head by head."""
    tokens = [
        normalised(model.tokens.weight[i] + model.position[0, p] + model.types.weight[k], model.norm)
        for p, (i, k) in enumerate(zip(ids, kinds, strict=True))
    ]
    for block in model.blocks:
        size = len(tokens[0]) // block.heads
        q, k, v = ([layer.weight @ x + layer.bias for x in tokens] for layer in (block.query, block.key, block.value))
        mixed = []
        for at in range(len(tokens)):
            heads = []
            for head in range(block.heads):
                part = slice(head * size, (head + 1) * size)
                scores = [math.exp(float(q[at][part] @ other[part]) / math.sqrt(size)) for other in k]
                heads.append(sum(s * other[part] for s, other in zip(scores, v, strict=True)) / sum(scores))
            mixed.append(torch.cat(heads))
        tokens = [
            normalised(x + block.output.weight @ m + block.output.bias, block.norm1)
            for x, m in zip(tokens, mixed, strict=True)
        ]
        hidden = [block.fc1.weight @ x + block.fc1.bias for x in tokens]
        hidden = [0.5 * h * (1 + torch.erf(h / math.sqrt(2))) for h in hidden]
        tokens = [
            normalised(x + block.fc2.weight @ h + block.fc2.bias, block.norm2)
            for x, h in zip(tokens, hidden, strict=True)
        ]
    pooled = tokens[0] if model.pooling == "cls" else sum(tokens) / len(tokens)
    assert isinstance(pooled, Tensor)
    return model.classifier.weight @ pooled + model.classifier.bias


@settings(max_examples=20, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 9), min_size=1, max_size=3),
    depth=st.integers(1, 2),
    heads=st.sampled_from([1, 2, 4]),
    pooling=st.sampled_from(["mean", "cls"]),
    classes=st.integers(1, 3),
)
def test_outputs_are_the_equations_and_padding_is_nothing(
    lengths: list[int], depth: int, heads: int, pooling: str, classes: int
) -> None:
    options = SMALL | {"depth": depth, "heads": heads, "pooling": pooling, "classes": classes}
    model = zoo.build("encoder", **options).eval().double()
    with torch.no_grad():
        for p in model.parameters():  # weights as large as trained ones
            p.normal_(std=0.5, generator=torch.Generator().manual_seed(p.numel()))
        inputs = sentences(lengths)
        got = model(**inputs)
        assert got.shape == ((len(lengths),) if classes == 1 else (len(lengths), classes))
        for row, count in enumerate(lengths):
            alone = by_hand(model, *(inputs[key][row, :count].tolist() for key in ("input_ids", "token_type_ids")))
            torch.testing.assert_close(got[row], alone.squeeze(-1) if classes == 1 else alone)


def test_what_the_mask_leaves_out_changes_nothing() -> None:
    model = zoo.build("encoder", **SMALL).eval()
    inputs = sentences([3, 5])
    other = dict(inputs) | {"input_ids": inputs["input_ids"] + 7 * (1 - inputs["attention_mask"])}
    with torch.no_grad():
        want = model(**inputs)
        assert torch.equal(model(**other), want)
        short = {key: value[:, :5] for key, value in inputs.items()}
        assert torch.equal(model(**short), want)
        ones = torch.ones_like(inputs["input_ids"])
        assert torch.equal(model(inputs["input_ids"]), model(inputs["input_ids"], ones, ones * 0))
        assert torch.isfinite(model(**sentences([0, 0]))).all()


def test_places_that_nothing_uses_are_not_computed() -> None:
    model = zoo.build("encoder", **SMALL).eval()
    seen: list[int] = []
    model.blocks[0].fc1.register_forward_pre_hook(lambda _, args: seen.append(args[0].shape[1]))
    long = {key: torch.nn.functional.pad(value, (0, 20)) for key, value in sentences([3, 5]).items()}
    with torch.no_grad():
        torch.testing.assert_close(model(**long), model(**sentences([3, 5])))
    assert seen == [5, 5]
    with pytest.raises(ModelError, match="encoder: a sample has 10 tokens; this one was built with length=9"):
        model(torch.ones(1, 10, dtype=torch.int64))


def test_chips_at_once_are_chips_one_by_one() -> None:
    model = zoo.build("encoder", **SMALL).eval()
    inputs = sentences([3, 6, 4, 2])
    states = [dict(zoo.build("encoder", seed=s, **SMALL).state_dict()) for s in range(2)]
    stacked = {key: torch.stack([state[key] for state in states]) for key in states[0]}
    with torch.no_grad():
        want = torch.stack([functional_call(model, state, (), inputs) for state in states])
        together = vmap(lambda s: functional_call(model, s, (), inputs))(stacked)
        torch.testing.assert_close(together, want, rtol=1e-4, atol=1e-5)
        # Inputs of their own: shapes must not depend on values there.
        own = {key: value.view(2, 2, -1) for key, value in inputs.items()}
        apart = vmap(lambda s, x: functional_call(model, s, (), x))(stacked, own)
        torch.testing.assert_close(apart, torch.stack([want[0, :2], want[1, 2:]]), rtol=1e-4, atol=1e-5)


def test_it_traces_and_exports() -> None:
    model, inputs = zoo.build("encoder", **SMALL).eval(), sentences([3, 6])
    with torch.no_grad():
        want = model(**inputs)
        torch.testing.assert_close(torch.fx.symbolic_trace(model)(**inputs), want)
        exported = torch.export.export(model, (), inputs).module()
        torch.testing.assert_close(exported(**inputs), want)


def learnable(count: int, seed: int, values: bool = False) -> Dataset:
    """Whether token 1 is in a sentence."""
    inputs = sentences([4 + n % 5 for n in range(count)], seed=seed)
    found = (inputs["input_ids"] == 1).any(1)
    return Dataset(inputs=inputs, targets=found.float() if values else found.long(), classes=None if values else 2)


@pytest.mark.parametrize("values", [False, True])
def test_it_is_built_for_data_learns_and_goes_on_chips(tmp_path: Path, values: bool) -> None:
    train, test = learnable(600, 1, values), learnable(200, 2, values)
    start = zoo.build_for("encoder", train, vocabulary=11, width=16, depth=1, hidden=16)
    assert (start.length, start.classes) == (9, 1 if values else 2)
    model = mho.train(start, train, recipe=training.Recipe(epochs=6, batch_size=32, lr=3e-3, optimizer="adamw"))
    path = zoo.save(model, tmp_path / "encoder.safetensors")
    again = zoo.load(path)
    with torch.no_grad():
        assert torch.equal(again(**test.inputs), model.eval()(**test.inputs))  # type: ignore[arg-type]
    chips = mho.deploy(again, {"classifier*": None, "*": mho.Memory(device=devices.LevelGaussian(sigma=0.02))})
    names = ("query", "key", "value", "output", "fc1", "fc2")
    assert list(chips.placements) == [f"blocks.0.{name}.weight" for name in names]
    result = mho.evaluate(chips, test, n_chips=3, metric="spearman" if values else "accuracy")
    # A constant answer is right for about 6 in 10, and correlates with nothing.
    assert result.digital > (0.8 if values else 0.9)
    assert result.at().mean.value > (0.7 if values else 0.8)


def test_other_networks_are_built_for_their_data_as_before() -> None:
    digits = Dataset(inputs=torch.zeros(2, 1, 28, 28), targets=torch.tensor([0, 1]), classes=10)
    assert zoo.build_for("lenet", digits)(digits.inputs).shape == (2, 10)
    with pytest.raises(ModelError, match=r"inputs are numbers of tokens, \(N, tokens\); these have 4 dimensions"):
        mho.train(zoo.build_for("encoder", digits, depth=1), digits, recipe=training.Recipe(epochs=1))


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"depth": 0}, SpecError, "encoder: depth=0 must be an integer of at least 1"),
        ({"heads": 3}, SpecError, "encoder: width=128 must be a multiple of heads=3"),
        ({"dropout": 1.0}, SpecError, "encoder: dropout=1.0 must be in [0, 1)"),
        ({"pooling": "max"}, SpecError, "encoder: pooling='max' must be 'mean' or 'cls'"),
        ({"classes": True}, SpecError, "encoder: classes=True"),
    ],
)
def test_bad_requests_are_one_line(options: dict, error: type[MhoError], words: str) -> None:
    with pytest.raises(error) as caught:
        zoo.build("encoder", **options)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
