"""Converting: what goes where, what is refused, and that everything else takes a converted model as any other."""

from __future__ import annotations

import copy
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import prune

import mho
from mho import analog as room
from mho import devices, zoo
from mho.analog.agad import AGAD
from mho.analog.bank import Bank
from mho.analog.conversion import convert
from mho.analog.extraction import extract
from mho.analog.floating import FloatingPoint
from mho.analog.layers import AnalogConv2d, AnalogLayer, AnalogLinear
from mho.analog.optimizer import SGD
from mho.analog.peripherals import Peripherals
from mho.analog.sgd import InMemorySGD
from mho.analog.tile import Tile
from mho.data import Dataset
from mho.errors import ModelError, SpecError, UnknownNameError
from mho.memory import Memory
from mho.zoo.registry import built_as

EXACT = FloatingPoint()
MEMORY = Memory(device=devices.RRAM1(sigma=0.1))
UNLIKE = Peripherals(input_bits=5, output_bits=6, output_bound=4.0)


def normal(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(3))


def net() -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        head = [nn.Flatten(), nn.Linear(72, 5), nn.ReLU(), nn.Linear(5, 3)]
        return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), *head)


def data() -> Dataset:
    targets = torch.arange(30) % 3
    return Dataset(inputs=normal(30, 1, 8, 8) + targets.view(-1, 1, 1, 1), targets=targets, classes=3, name="blobs")


def trained(algorithm: Any = EXACT, steps: int = 2, **options: Any) -> nn.Module:
    model, samples = convert(net(), algorithm, **options), data()
    optimizer = SGD(model, lr=0.05)
    for _ in range(steps):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(samples.inputs), samples.targets).backward()
        optimizer.step()
    return model


def states_equal(a: nn.Module, b: nn.Module) -> bool:
    one, two = a.state_dict(), b.state_dict()
    return one.keys() == two.keys() and all(torch.equal(one[k], two[k]) for k in one)


def test_the_model_given_stays_as_it_is_and_the_copy_has_the_same_parameters() -> None:
    model = net()
    before = copy.deepcopy(model)
    analog = convert(model, AGAD())
    assert states_equal(model, before)
    assert [type(m) for m in model.modules()] == [type(m) for m in before.modules()]
    assert [n for n, _ in analog.named_parameters()] == [n for n, _ in model.named_parameters()]
    learns = {n for n, p in analog.named_parameters() if p.requires_grad}
    assert learns == {"0.bias", "1.weight", "1.bias", "4.bias", "6.bias"}
    assert isinstance(analog[0], AnalogConv2d)
    assert isinstance(analog[0], nn.Conv2d)
    assert analog.training
    assert not convert(model.eval(), AGAD()).training


def test_rules_are_first_match_wins_and_name_layers_or_parameters() -> None:
    analog = convert(net(), {"6": None, "4.weight": InMemorySGD(), "*": EXACT})
    assert type(analog[6]) is nn.Linear
    assert analog[6].weight.requires_grad
    kinds = {t.name: type(t.algorithm).__name__ for t in analog.modules() if isinstance(t, Tile)}
    assert kinds == {"0.weight": "FloatingPoint", "4.weight": "InMemorySGD"}


def test_the_model_itself_may_be_the_layer() -> None:
    analog = convert(nn.Linear(4, 3), EXACT)
    assert isinstance(analog, AnalogLinear)
    assert analog.bank("weight").name == "weight"
    assert type(extract(analog)) is nn.Linear


@pytest.mark.parametrize("scale", ["weights", 2.0])
def test_arrays_hold_weights_over_the_scale_and_cells_bound_them(scale: Any) -> None:
    cell = devices.SoftBounds(bounds_dtod=0.0)
    layer = nn.Linear(30, 20)
    with torch.no_grad():
        layer.weight.copy_(3 * normal(20, 30))
    analog = convert(layer, InMemorySGD(cell=cell), scale=scale, omega=0.5)
    bank = analog.bank("weight")
    s = float(bank.scale)
    assert s == (float(layer.weight.detach().abs().max()) / 0.5 if scale == "weights" else 2.0)
    torch.testing.assert_close(bank.tile(0).weight[0], (layer.weight / s).clamp(-1, 1).detach())
    torch.testing.assert_close(analog.weight, (layer.weight / s).clamp(-1, 1) * s, check_stride=False)
    assert (float(analog.weight.abs().max()) > s * 0.999) == (scale == 2.0)
    analog.program(weight=torch.zeros(20, 30))
    assert not analog.weight.any()


def test_zero_weights_have_a_scale() -> None:
    layer = nn.Linear(3, 2)
    nn.init.zeros_(layer.weight)
    assert float(convert(layer, EXACT).bank("weight").scale) == 1.0


def test_a_rate_means_the_same_at_any_scale() -> None:
    one, two = (trained(scale=s)[4].weight for s in (0.1, 3.0))
    torch.testing.assert_close(one, two, rtol=1e-4, atol=1e-6)


def test_chip_and_seed_decide_the_devices() -> None:
    layer = nn.Linear(40, 40)
    nn.init.ones_(layer.weight)

    def made(**where: int) -> Tensor:
        return convert(layer, InMemorySGD(), scale=1.0, **where).weight

    assert torch.equal(made(seed=1, chip=2), made(seed=1, chip=2))
    assert not torch.equal(made(seed=1, chip=2), made(seed=1, chip=3))
    assert not torch.equal(made(seed=1, chip=2), made(seed=2, chip=2))


def test_a_layer_used_twice_is_one_array() -> None:
    layer = nn.Linear(4, 4)
    analog = convert(nn.Sequential(layer, nn.Tanh(), layer), EXACT)
    assert analog[0] is analog[2]
    assert len([m for m in analog.modules() if isinstance(m, Tile)]) == 1


def test_frozen_weights_are_on_arrays_and_stay() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2))
    model[0].weight.requires_grad_(False)
    analog = convert(model, EXACT)
    before = analog[0].weight.clone()
    optimizer = SGD(analog, lr=0.1)
    analog(normal(3, 4)).square().sum().backward()
    optimizer.step()
    assert torch.equal(analog[0].weight, before)
    plain = extract(analog)
    assert [p.requires_grad for p in plain.parameters()] == [False, True, True, True]


REFUSED: list[tuple[Any, Any, type[Exception], str]] = [
    (nn.ConvTranspose2d(1, 1, 2), EXACT, ModelError, r"the model: ConvTranspose2d is none of .*Conv2d.*rule"),
    (nn.Sequential(nn.Conv3d(1, 1, 2)), EXACT, ModelError, r"^0: Conv3d is none of"),
    (zoo.build("bnn-vgg3"), EXACT, ModelError, r"forward pass of its own, and is no Conv2d"),
    (nn.Linear(2, 2).double(), EXACT, ModelError, r"float64; only float32"),
    (nn.utils.parametrizations.weight_norm(nn.Linear(2, 2)), EXACT, ModelError, r"computed by a parametrisation"),
    (prune.l1_unstructured(nn.Linear(4, 4), "weight", 0.5), EXACT, ModelError, r"computed by a hook"),
    (nn.LazyLinear(3), EXACT, ModelError, r"no shape yet"),
    (nn.ReLU(), EXACT, ModelError, r"nothing in ReLU can be put on arrays"),
    (nn.Bilinear(3, 4, 5), AGAD(), ModelError, r"nothing in Bilinear can be put on arrays, .* Linear"),
    (nn.Linear(2, 2), {"*": None}, SpecError, r"keep every weight digital"),
    (nn.Linear(2, 2), {}, SpecError, r"rules are empty"),
    (nn.Sequential(nn.Linear(2, 2)), {"1": EXACT, "*": EXACT}, UnknownNameError, r"'1' matches no layer"),
    (nn.Linear(2, 2), AGAD, SpecError, r"analog.AGAD\(...\)"),
    (nn.Linear(2, 2), "agad", SpecError, r"algorithm= 'agad'; it takes an algorithm"),
    (nn.Linear(2, 2), {"*": "agad"}, SpecError, r"rule '\*' is 'agad'"),
    ("mlp", EXACT, ModelError, r"no torch.nn.Module"),
    (convert(nn.Linear(2, 2), EXACT), EXACT, ModelError, r"on arrays already; convert analog.extract"),
]


@pytest.mark.parametrize(("model", "algorithm", "kind", "said"), REFUSED, ids=[r[3][:20] for r in REFUSED])
def test_refusals_are_one_line(model: Any, algorithm: Any, kind: type[Exception], said: str) -> None:
    with pytest.raises(kind, match=said) as caught:
        convert(model, algorithm)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "option",
    [{"omega": 0.0}, {"scale": -1.0}, {"scale": True}, {"scale": "max"}, {"chip": -1}, {"seed": 0.5}, {"backward": 3}],
)
def test_options_out_of_range(option: dict[str, Any]) -> None:
    with pytest.raises(SpecError, match=next(iter(option))):
        convert(nn.Linear(2, 2), EXACT, **option)


def test_tied_weights_are_refused_only_where_they_are_on_arrays() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3), nn.Linear(3, 2))
    model[1].weight = model[0].weight
    with pytest.raises(ModelError, match=r"0\.weight and 1\.weight: they are one shared"):
        convert(model, EXACT)
    analog = convert(model, {"2": EXACT})
    assert analog[1].weight is analog[0].weight


def test_embeddings_stay_digital_unless_named() -> None:
    model = nn.Sequential(nn.Embedding(5, 4), nn.Linear(4, 2))
    assert type(convert(model, EXACT)[0]) is nn.Embedding
    with pytest.raises(ModelError, match=r"^0: Embedding is none of"):
        convert(model, {"0": EXACT, "*": EXACT})


@pytest.mark.parametrize("peripherals", [None, UNLIKE])
def test_an_extracted_model_is_a_plain_one_with_what_the_arrays_hold(peripherals: Any) -> None:
    analog = trained(AGAD(), peripherals=peripherals)
    before = copy.deepcopy(analog)
    plain = extract(analog)
    assert states_equal(analog, before)
    assert [type(m) for m in plain.modules()] == [type(m) for m in net().modules()]
    assert all(p.requires_grad for p in plain.parameters())
    assert not any(m._forward_hooks for m in plain.modules())
    held = analog[4].bank("weight")
    torch.testing.assert_close(plain[4].weight.detach(), held.tile(0).weight[0] * float(held.scale))
    x = normal(4, 1, 8, 8)
    same = torch.allclose(plain.eval()(x), analog.eval()(x), atol=1e-6)
    assert same == (peripherals is None)
    with pytest.raises(ModelError, match="nothing to extract"):
        extract(plain)


def test_a_converted_model_deploys_as_the_extracted_one_does() -> None:
    analog = trained().eval()
    plain = extract(analog)
    chips, theirs = mho.deploy(analog, MEMORY, seed=4), mho.deploy(plain, MEMORY, seed=4)
    weights = theirs.weights([0, 1])
    assert all(torch.equal(w, weights[name]) for name, w in chips.weights([0, 1]).items())
    one, two = (mho.evaluate(c, data(), n_chips=6, show_progress=False) for c in (chips, theirs))
    assert one.values.tolist() == two.values.tolist()
    assert (one.ideal, one.digital) == (two.ideal, two.digital)
    tables = mho.describe(chips), mho.describe(theirs)
    assert [replace(row, kind=f"Analog{row.kind}") for row in tables[1].stored] == list(tables[0].stored)


@pytest.mark.parametrize("spec", [UNLIKE, Peripherals(output_noise=0.3)])
def test_peripherals_are_part_of_every_chip(spec: Peripherals) -> None:
    analog = trained(peripherals=spec).eval()
    ideal = mho.evaluate(mho.deploy(extract(analog), MEMORY, seed=4), data(), n_chips=12, show_progress=False)
    result = mho.evaluate(mho.deploy(analog, MEMORY, seed=4), data(), n_chips=12, show_progress=False)
    again = mho.evaluate(mho.deploy(analog, MEMORY, seed=4), data(), n_chips=12, show_progress=False)
    assert result.values.tolist() == again.values.tolist()
    assert result.values.tolist() != ideal.values.tolist()


def test_fused_kernels_do_not_pass_by_the_converters() -> None:
    plain = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval()
    analog, x = convert(plain, EXACT, peripherals=UNLIKE), normal(2, 3, 8)
    with torch.no_grad():
        out = analog(x)
    torch.testing.assert_close(out, analog(x.requires_grad_()).detach())
    assert not torch.allclose(out, plain(x), atol=1e-3)


def test_the_last_projection_of_an_attention_is_not_passed_by_either() -> None:
    plain, x = nn.MultiheadAttention(8, 2, batch_first=True).eval(), normal(2, 3, 8)
    analog = convert(plain, {"out_proj": EXACT}, peripherals=UNLIKE)
    with torch.no_grad():
        assert not torch.allclose(analog(x, x, x)[0], plain(x, x, x)[0], atol=1e-3)


def test_what_is_not_deployed_is_not_described() -> None:
    with pytest.raises(ModelError, match=r"takes the chips of a deployed model, not: AnalogLinear") as caught:
        mho.describe(convert(nn.Linear(2, 2), EXACT))
    assert "\n" not in str(caught.value)


def test_sensitivity_of_a_converted_model() -> None:
    analog = trained().eval()
    one, two = (mho.sensitivity(m, data(), show_progress=False) for m in (analog, extract(analog)))
    torch.testing.assert_close(one["4.weight"], two["4.weight"])


def test_a_deep_copy_learns_by_itself() -> None:
    analog, samples = trained(AGAD()), data()
    SGD(analog, lr=0.1)
    nn.functional.cross_entropy(analog(samples.inputs), samples.targets).backward()
    twin = copy.deepcopy(analog)
    assert states_equal(analog, twin)
    assert not any(m.waiting() for m in twin.modules() if isinstance(m, AnalogLayer))
    before = copy.deepcopy(twin)
    optimizer = SGD(twin, lr=0.5)
    nn.functional.cross_entropy(twin(samples.inputs), samples.targets).backward()
    optimizer.step()
    assert not states_equal(twin, before)
    assert torch.equal(analog[4].weight, before[4].weight)
    assert all(isinstance(bank, Bank) for bank in twin[4].banks.values())


def test_a_state_dict_is_all_there_is_to_know() -> None:
    one = trained(AGAD(), peripherals=Peripherals(output_noise=0.02))
    other = convert(net(), AGAD(), peripherals=Peripherals(output_noise=0.02), scale=7.0)
    other.load_state_dict(one.state_dict())
    for model in (one, other):
        optimizer, samples = SGD(model, lr=0.05), data()
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(samples.inputs), samples.targets).backward()
        optimizer.step()
    assert states_equal(one, other)


def test_the_zoo_saves_a_converted_network_as_tensors_and_an_extracted_one_as_itself(tmp_path: Path) -> None:
    model = zoo.build("mlp", inputs=6, hidden=[5], classes=3)
    analog = convert(model, AGAD())
    assert built_as(analog) is None
    with pytest.warns(UserWarning, match=r"on arrays.*analog\.extract"):
        zoo.save(analog, tmp_path / "a.safetensors")
    fresh = zoo.load_into(
        convert(zoo.build("mlp", seed=1, inputs=6, hidden=[5], classes=3), AGAD()), tmp_path / "a.safetensors"
    )
    assert states_equal(fresh, analog)
    zoo.save(extract(analog), tmp_path / "b.safetensors")
    assert states_equal(zoo.load(tmp_path / "b.safetensors"), extract(analog))


def test_other_devices_and_types_leave_the_arrays_alone() -> None:
    analog = convert(nn.Linear(3, 2), AGAD())
    before = {k: v.dtype for k, v in analog.banks.state_dict().items()}
    analog.double()
    assert {k: v.dtype for k, v in analog.banks.state_dict().items()} == before
    assert analog.weight.dtype is torch.float64
    optimizer = SGD(analog, lr=0.1)
    analog(normal(4, 3).double()).sum().backward()
    optimizer.step()
    assert optimizer.skipped == 0


def test_no_module_has_the_name_of_a_verb() -> None:
    """An import of such a module, anywhere, would put it in the place of the verb."""
    for name in ("convert", "extract"):
        assert callable(getattr(room, name))
        assert find_spec(f"mho.analog.{name}") is None
