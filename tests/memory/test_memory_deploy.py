"""Which tensor goes where: name rules, every kind of layer, and a user's model that is never touched."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from reference import nets
from torch import nn

import mho
from mho.devices import PCM, RRAM1, FeFET2
from mho.errors import SpecError, UnknownNameError
from mho.mapping import Analog, Differential, SlicedMagnitude
from mho.memory import LayerRule, Memory, deploy, describe, register
from mho.memory.rules import first_match, matches

A, B = Memory(device=RRAM1(sigma=0.1)), Memory(device=FeFET2(sigma=0.2))
STORED = {
    "linear": ["weight"],
    "attention": ["attention.in_proj_weight", "attention.out_proj.weight"],
    "attention kdim vdim": [*(f"attention.{x}_proj_weight" for x in "qkv"), "attention.out_proj.weight"],
    "transformer": [
        "body.linear1.weight",
        "body.linear2.weight",
        "body.self_attn.in_proj_weight",
        "body.self_attn.out_proj.weight",
    ],
    "lstm": [f"body.weight_{x}h_l{i}{way}" for x in "ih" for i in (0, 1) for way in ("", "_reverse")],
    "lstm projected": ["body.weight_hh_l0", "body.weight_hr_l0", "body.weight_ih_l0"],
    "lstm cell": ["cell.weight_hh", "cell.weight_ih"],
    "gru": ["body.weight_hh_l0", "body.weight_ih_l0"],
    "embedding": ["head.weight"],
    "batch norms": ["0.weight", "10.weight", "3.weight", "7.weight"],
}


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn, self.head = nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Linear(2, 3)


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.block, self.head = Block(), nn.Linear(3, 2)


RULES = [  # rules, parameter to memory of the stored ones
    (A, {"block.conv1.weight": A, "block.head.weight": A, "head.weight": A}),
    ({"*": A}, {"block.conv1.weight": A, "block.head.weight": A, "head.weight": A}),
    ({"head": None, "*": A}, {"block.conv1.weight": A, "block.head.weight": A}),
    ({"head.*": None, "*": A}, {"block.conv1.weight": A, "block.head.weight": A}),
    ({"*head": None, "*": A}, {"block.conv1.weight": A}),
    ({"*.weight": A, "head.*": B}, {"block.conv1.weight": A, "block.head.weight": A, "head.weight": A}),
    ({"head": B, "*": A}, {"block.conv1.weight": A, "block.head.weight": A, "head.weight": B}),
    ({"block": A}, {}),
    ({"block.*": B}, {"block.conv1.weight": B, "block.head.weight": B}),
    ({"block.conv?": B}, {"block.conv1.weight": B}),
    ({"block.conv1.weight": B, "*.weight": A}, {"block.conv1.weight": B, "block.head.weight": A, "head.weight": A}),
    ({"*.bias": B, "*": A}, {"block.conv1.weight": A, "block.head.weight": A, "head.weight": A}),
    ({"[bh]*.conv1": A, "h*": B}, {"block.conv1.weight": A, "head.weight": B}),
]


@pytest.mark.parametrize(("rules", "stored"), RULES, ids=lambda v: str(list(v)) if isinstance(v, dict) else "Memory")
def test_first_match_wins(rules, stored: dict[str, Memory]) -> None:
    if stored:
        chips = deploy(Net().eval(), rules)
        assert {n: p.memory for n, p in chips.placements.items()} == stored
        everything = set(stored) | {d.name for d in chips.digital}
        assert everything == {n for n, _ in Net().named_parameters()}, "every parameter is somewhere"
    else:
        with pytest.raises((SpecError, UnknownNameError)):
            deploy(Net().eval(), rules)


def test_a_pattern_names_a_parameter_or_its_module() -> None:
    assert matches("a.b", "a.b.weight")
    assert matches("a.b.weight", "a.b.weight")
    assert not matches("a", "a.b.weight")
    assert not matches("A.b", "a.b.weight")
    assert first_match({"x": A, "*.weight": B, "*": A}, "a.weight") == "*.weight"
    assert first_match({"x": A}, "a.weight") is None


BAD_RULES = [
    ({"hed": A}, UnknownNameError, "rule 'hed' matches no layer: did you mean 'head'?"),
    ({"block.conv.*": A, "*": A}, UnknownNameError, "'block.conv.*' matches no layer: did you mean 'block.conv1'?"),
    ({"zzz": A}, UnknownNameError, "valid names: block.bn, block.conv1, block.head, head"),
    ({"*": A, "head": None}, SpecError, "rule 'head' is never reached: '*' comes first"),
    ({}, SpecError, "rules are empty"),
    ({"*": RRAM1(sigma=0.1)}, SpecError, "rule '*' is a LevelGaussian; it takes mho.Memory(...) or None"),
    (RRAM1(sigma=0.1), SpecError, "not a LevelGaussian"),
    ("RRAM1", SpecError, "not a str"),
    ({"*": None}, SpecError, "keep every weight digital"),
    ({"*.bias": A}, SpecError, "keep every weight digital"),
]


@pytest.mark.parametrize(("rules", "error", "says"), BAD_RULES, ids=[says for *_, says in BAD_RULES])
def test_bad_rules_are_one_line(rules, error: type, says: str) -> None:
    with pytest.raises(error) as raised:
        deploy(Net().eval(), rules)
    assert says in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", nets.EVERY_LAYER)
def test_every_kind_of_layer_is_programmed(name: str) -> None:
    """Noiseless cells give the quantised weights; with sigma, every stored weight moves and nothing else does."""
    make, x = nets.EVERY_LAYER[name]
    model = nets.seeded(make())
    chips = deploy(model, A)
    if name in STORED:
        assert sorted(chips.placements) == sorted(STORED[name])
    assert all(p.dim() == 1 or n in chips.placements or "emb" in n for n, p in model.named_parameters())
    noisy, clean = chips.chip(7), chips.ideal()
    for parameter, value in model.named_parameters():
        stored = parameter in chips.placements
        assert bool((noisy.get_parameter(parameter) != value).all()) == stored
        step = float(value.detach().abs().max()) / 255
        assert (clean.get_parameter(parameter) - value).abs().max() <= (0.501 * step if stored else 0)
    with torch.no_grad():
        assert torch.isfinite(noisy(x)).all()
        assert not torch.equal(noisy(x), model(x))


def test_weights_are_the_chip_s_parameters() -> None:
    chips = deploy(Net().eval(), {"block.*": A, "*": B}, seed=3)
    together = chips.weights(range(5, 9), sigma=0.05)
    for i, number in enumerate(range(5, 9)):
        module = chips.chip(number, sigma=0.05)
        alone = chips.weights(number, sigma=0.05)
        for name, weight in together.items():
            assert torch.equal(weight[i], module.get_parameter(name))
            assert torch.equal(weight[i], alone[name][0])
    assert torch.equal(chips.weights(torch.tensor([8, 5]))["head.weight"][0], chips.weights(8)["head.weight"][0])
    other = deploy(chips.model, {"block.*": A, "*": B}, seed=4)
    assert not torch.equal(other.weights(5)["head.weight"], chips.weights(5)["head.weight"])


def test_layers_of_one_shape_have_their_own_cells() -> None:
    model = nets.seeded(nn.Sequential(nn.Linear(50, 50), nn.Linear(50, 50)))
    model[1].load_state_dict(model[0].state_dict())
    chips = deploy(model, A)
    one, two = (chips.weights(0)[f"{i}.weight"][0] - model[i].weight.detach() for i in (0, 1))
    assert abs(float(torch.corrcoef(torch.stack([one.flatten(), two.flatten()]))[0, 1])) < 4 / math.sqrt(2500)


def test_the_user_s_model_is_untouched() -> None:
    """Values, modes, flags, hooks and identity of every tensor; in training mode too where nothing forbids it."""
    model = nn.Sequential(nn.Linear(6, 5), nn.Dropout(), nn.Linear(5, 3)).train()
    model[2].weight.requires_grad_(False)
    before = {n: (p.data_ptr(), p.clone(), p.requires_grad) for n, p in model.named_parameters()}
    chips = deploy(model, A)
    chips.chip(3), chips.ideal(), describe(chips)
    mho.evaluate(chips, (nets.inputs(8, 6), torch.arange(8) % 3), n_chips=2, sigma=[0.0, 0.2])
    assert [m.training for m in model.modules()] == [True] * 4
    assert not any(m._forward_hooks for m in model.modules())
    for name, parameter in model.named_parameters():
        where, value, trained = before[name]
        assert (parameter.data_ptr(), parameter.requires_grad) == (where, trained)
        assert torch.equal(parameter, value)
    assert all(p.data_ptr() not in {w for w, *_ in before.values()} for p in chips.model.parameters())
    assert not any(m.training for m in chips.model.modules())


def test_an_embedding_is_stored_only_by_name() -> None:
    model = nets.seeded(nets.Words())
    assert "emb.weight" not in deploy(model, A).placements
    reasons = {d.name: d.reason for d in deploy(model, {"*": A}).digital}
    assert reasons["emb.weight"] == "table look-up; a rule must name it"
    assert set(deploy(model, {"emb": B, "*": A}).placements) == {"emb.weight", "head.weight"}


def test_every_digital_tensor_has_its_reason() -> None:
    model = nn.ModuleDict({"conv": nn.Conv2d(1, 2, 3), "bn": nn.BatchNorm2d(2), "ln": nn.LayerNorm(2)})
    model["bi"], model["fc"] = nn.Bilinear(2, 2, 2), nn.Linear(2, 2)
    chips = deploy(model.eval(), {"fc": None, "conv": A})
    assert {d.name: d.reason for d in chips.digital} == {
        "conv.bias": "bias",
        "bn.weight": "normalisation",
        "bn.bias": "bias",
        "ln.weight": "normalisation",
        "ln.bias": "bias",
        "bi.weight": "no rule for Bilinear.weight (mho.memory.register adds one)",
        "bi.bias": "bias",
        "fc.weight": "rule 'fc'",
        "fc.bias": "bias",
    }
    alone = deploy(model, {"conv": A})
    assert {d.name: d.reason for d in alone.digital}["fc.weight"] == "no rule names it"


def test_a_registered_layer_is_stored() -> None:
    class Mine(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table = nn.Parameter(torch.ones(3, 4))

    with pytest.raises(SpecError, match="keep every weight digital"):
        deploy(Mine().eval(), A)
    register(Mine, LayerRule(("table",), 1, lambda module, shape: (shape[0], shape[1], 1)))
    chips = deploy(Mine().eval(), A)
    assert list(chips.placements) == ["table"]
    assert (describe(chips).stored[0].rows, describe(chips).stored[0].columns) == (3, 4)


@pytest.mark.parametrize("name", ["transposed 1d", "transposed 2d", "transposed 3d", "linear", "conv2d", "lstm"])
def test_channel_granularity_is_by_output_channel(name: str) -> None:
    """Output channels are dimension 1 of a transposed convolution and dimension 0 of everything else."""
    dim = 1 if name.startswith("transposed") else 0
    mapping = SlicedMagnitude(granularity="channel", weight_bits=2)
    chips = deploy(nets.seeded(nets.EVERY_LAYER[name][0]()), Memory(device=RRAM1(sigma=0.0), mapping=mapping))
    for parameter in chips.placements:
        weight, held = chips.model.get_parameter(parameter), chips.weights(0)[parameter][0]
        for w, h in zip(weight.unbind(dim), held.unbind(dim), strict=True):
            assert float(h.abs().max()) == pytest.approx(float(w.abs().max()), rel=1e-6), "the largest is exact"
            step = w.abs().max() / 3
            assert torch.allclose((h / step).round() * step, h, rtol=1e-5, atol=1e-7)


def test_describe_by_hand() -> None:
    """LeNet-like: conv 1->6 k5 with groups, linear 100->40; 8 bits on 2-bit cells (4 a weight), tiles of 64 x 64.

    conv (2 groups of 3 channels, 1 input channel each): 25 rows, 3 columns of 4 cells: 1 tile a group. linear: 100
    rows = 2 tiles down, 40 x 4 = 160 columns = 3 tiles across. As a differential pair, 8 cells a weight: 320 = 5.
    """
    model = nn.Sequential(nn.Conv2d(2, 6, 5, groups=2), nn.Flatten(), nn.Linear(100, 40)).eval()
    table = describe(deploy(model, A), tile=(64, 64))
    conv, fc = table.stored
    assert (conv.rows, conv.columns, conv.matrices, conv.cells, conv.tiles) == (25, 3, 2, 150 * 4, 2)
    assert (fc.rows, fc.columns, fc.matrices, fc.cells, fc.tiles) == (100, 40, 1, 4000 * 4, 6)
    assert (table.cells, table.tiles, table.model) == (16_600, 8, "Sequential")
    assert (fc.name, fc.kind, fc.shape, fc.scale, fc.memory) == ("2.weight", "Linear", (40, 100), "tensor", "RRAM1")
    assert [d.name for d in table.digital] == ["0.bias", "2.bias"]
    pairs = describe(deploy(model, Memory(device=RRAM1(sigma=0.1), mapping=Differential())), tile=(64, 64))
    assert (pairs.stored[1].cells, pairs.stored[1].tiles) == (32_000, 10)
    exact = describe(deploy(model, Memory(device=RRAM1(sigma=0.1), mapping=Analog())))
    assert exact.stored[1].cells == 4000
    assert exact.stored[1].max_error < 1e-6
    text = str(table)
    assert "16,600" in text
    assert "25x3 x2" in text
    assert "bias" in text


def test_describe_states_the_quantisation_error() -> None:
    """Weights 1 and 1/6 on 2 bits, levels of 1/3: 1/6 lies half-way, error 1/6, over a norm of sqrt(1 + 1/36)."""
    model = nn.Linear(2, 1, bias=False).eval()
    model.weight.data = torch.tensor([[1.0, 1 / 6]])
    mapping = SlicedMagnitude(weight_bits=2, cell_bits=1)
    row = describe(deploy(model, Memory(device=RRAM1(sigma=0.1), mapping=mapping))).stored[0]
    assert row.max_error == pytest.approx(1 / 6, rel=1e-5)
    assert row.rms_error == pytest.approx((1 / 6) / math.sqrt(1 + 1 / 36), rel=1e-5)
    model.weight.data.zero_()
    assert describe(deploy(model, A)).stored[0].rms_error == 0


def test_describe_tells_memories_of_one_name_apart() -> None:
    other = Memory(device=RRAM1(sigma=0.3))
    table = describe(deploy(Net().eval(), {"block.*": A, "*": other}))
    assert len({s.memory for s in table.stored}) == 2
    assert set(table.memories) == {s.memory for s in table.stored}
    assert "sigma: 0.3" in table.memories[table.stored[-1].memory]


@pytest.mark.parametrize("tile", [(0, 64), (64,), (64, 64, 64), (-1, 2)])
def test_describe_refuses_tiles_of_no_size(tile) -> None:
    with pytest.raises(SpecError, match="must be two positive numbers"):
        describe(deploy(Net().eval(), A), tile=tile)


def test_chips_that_do_not_exist() -> None:
    chips = deploy(Net().eval(), A)
    with pytest.raises(SpecError, match="chip -1 does not exist"):
        chips.weights(-1)
    for age in (-1.0, math.nan, math.inf):
        with pytest.raises(SpecError, match="zero or more"):
            chips.programmed(age=age)
    with pytest.raises(SpecError, match="PCM has no stage with a sigma"):
        deploy(Net().eval(), Memory(device=PCM())).weights(0, sigma=0.1)


def test_labels_name_the_devices_once() -> None:
    assert deploy(Net().eval(), {"head": A, "*": B}).label == "FeFET2, RRAM1"
    assert copy.copy(A).label == "RRAM1"
