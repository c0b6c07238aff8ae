"""What the verb returns: a mapping, rows by layer, rankings, files."""

from __future__ import annotations

import pytest
import torch
from reference import nets
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

import mho
from mho.errors import CheckpointError, SpecError, UnknownNameError
from mho.evaluation.sensitivity import Sensitivity, sensitivity

X, Y = nets.inputs(12, 6), torch.arange(12) % 3


def measured(model: object, **options: object) -> Sensitivity:
    return sensitivity(model, (X, Y), show_progress=False, **options)  # type: ignore[arg-type]


def net() -> nn.Module:
    return nets.seeded(nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3)))


def test_the_result_is_a_mapping_of_non_negative_tensors() -> None:
    model = nets.seeded(nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 3)))
    got = measured(model)
    assert isinstance(got, dict | Sensitivity)
    assert list(got) == ["0.weight", "2.weight"]
    assert len(got) == 2
    assert "0.weight" in got
    assert "0.bias" not in got
    assert (got.signed["0.weight"] < 0).any(), "a tanh network curves downwards somewhere"
    assert all(bool((h >= 0).all()) and h.dtype == torch.float32 for h in got.values())
    assert torch.equal(got["0.weight"], got.signed["0.weight"].clamp(min=0))
    assert (got.method, got.asked, got.loss, got.images, got.data) == (
        "second-derivative", "second-derivative", "cross-entropy", 12, "data",
    )  # fmt: skip
    assert got.value == pytest.approx(float(F.cross_entropy(model(X), Y).detach()))
    assert not got.sampled
    assert got.error == {}
    assert got.weights == 45
    assert "yan2022swim" in mho.cite(got)
    assert got == got
    assert got != measured(model)
    with pytest.raises(UnknownNameError, match=r"unknown weight '0.weigth': did you mean '0.weight'\?"):
        got["0.weigth"]


def made(**tensors: Tensor) -> Sensitivity:
    return Sensitivity(
        signed=tensors, scales={n: torch.tensor(2.0) for n in tensors}, method="fisher", asked="fisher", power=2
    )


def test_rows_by_layer() -> None:
    first = torch.cat([torch.zeros(50), torch.arange(1.0, 51.0)]).view(10, 10)
    got = made(a=first, b=torch.full((100,), 100.0), c=torch.tensor([-1.0, 0.0]))
    a, b, c = got.layers()
    assert (a.name, a.weights, a.zero, a.largest) == ("a", 100, 0.5, 200.0)
    assert a.total == 4 * 1275
    assert a.share == pytest.approx(1275 / 11275)
    assert b.share == pytest.approx(10000 / 11275)
    assert (b.median, b.zero, b.top1, b.top10) == (400.0, 0.0, 1.0, 1.0)
    assert (a.top1, a.top10) == (0.0, 0.0)
    assert (c.total, c.zero, c.negative, c.top10) == (0.0, 1.0, 0.5, 0.0)
    lines = str(got).splitlines()
    assert "below 0 %" in lines[1]
    assert lines[3].split() == ["a", "100", "11.31", "50.00", "0.00", "0", "200", "0.00", "0.00"]
    few, many = made(few=torch.arange(981.0, 1001.0), many=torch.arange(0.0, 980.0)).layers()
    assert (few.top1, few.top10, many.top1, many.top10) == (10 / 20, 1.0, 0.0, 80 / 980)
    nothing = made(a=torch.zeros(5)).layers()[0]
    assert (nothing.share, nothing.top1) == (0.0, 0.0)


def test_the_strongest_weights() -> None:
    got = made(a=torch.tensor([[1.0, 5.0], [5.0, 0.0]]), b=torch.tensor([5.0, 7.0]))
    assert got.strongest(4) == [("b", (1,), 28.0), ("a", (0, 1), 20.0), ("a", (1, 0), 20.0), ("b", (0,), 20.0)]
    assert got.strongest(1) == [("b", (1,), 28.0)]
    assert len(got.strongest(100)) == 6
    with pytest.raises(SpecError, match="n=0 must be an integer of one or more"):
        got.strongest(0)


def test_normalised_takes_other_scales() -> None:
    got = made(a=torch.ones(2, 2))
    assert got.normalised({"a": 3})["a"].tolist() == [[9.0, 9.0], [9.0, 9.0]]
    assert got.normalised({"a": torch.tensor([[1.0], [2.0]])})["a"].tolist() == [[1.0, 1.0], [4.0, 4.0]]
    with pytest.raises(SpecError, match="scales has no entry 'a'"):
        got.normalised({})


def test_a_result_is_read_back(tmp_path) -> None:
    got = measured(net(), method="gauss-newton")
    path = got.save(tmp_path / "h.safetensors")
    back = Sensitivity.load(path)
    for group in ("signed", "error", "scales"):
        one, two = getattr(got, group), getattr(back, group)
        assert list(one) == list(two)
        assert all(torch.equal(one[n], two[n]) for n in one)
    assert back.to_dict() == got.to_dict()
    assert str(back) == str(got)
    assert back.references == got.references
    with pytest.raises(SpecError, match=r"must end in \.safetensors"):
        got.save(tmp_path / "h.pt")


def test_files_that_hold_no_result(tmp_path) -> None:
    from mho import zoo

    with pytest.raises(CheckpointError, match="no file"):
        Sensitivity.load(tmp_path / "none.safetensors")
    zoo.save(net(), tmp_path / "net.safetensors")
    with pytest.raises(CheckpointError, match="holds no sensitivity"):
        Sensitivity.load(tmp_path / "net.safetensors")
    whole = measured(net()).save(tmp_path / "h.safetensors").read_bytes()
    (tmp_path / "half.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CheckpointError, match="truncated"):
        Sensitivity.load(tmp_path / "half.safetensors")
    (tmp_path / "other.safetensors").write_bytes(whole.replace(b"asked", b"risen"))
    with pytest.raises(CheckpointError, match="cannot be read"):
        Sensitivity.load(tmp_path / "other.safetensors")
