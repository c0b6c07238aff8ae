"""validate -> explain -> fix: every obstacle is one clear line, and what can be fixed is, in a copy."""

from __future__ import annotations

import copy
import warnings

import pytest
import torch
from reference import nets
from torch import nn
from torch.nn.utils import parametrizations, prune

import mho
from mho.devices import RRAM1
from mho.errors import ModelError
from mho.memory import Memory, deploy, fix, validate

MEMORY = Memory(device=RRAM1(sigma=0.1))


def linear() -> nn.Sequential:
    return nets.seeded(nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3)))


def with_weight(value: float) -> nn.Module:
    model = linear()
    model[2].weight.data[0, 1] = value
    return model


class Tied(nn.Module):
    """An embedding whose table is the output layer, as in GPT-2."""

    def __init__(self) -> None:
        super().__init__()
        self.emb, self.head = nn.Embedding(7, 4), nn.Linear(4, 7, bias=False)
        self.head.weight = self.emb.weight

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.emb(x))


class TwoHeads(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 4)
        self.b.weight = self.a.weight


def parametrised() -> nn.Module:
    model = linear()
    parametrizations.weight_norm(model[0])
    parametrizations.spectral_norm(model[2])
    return model


def pruned() -> nn.Module:
    model = linear()
    prune.l1_unstructured(model[0], "weight", 0.5)
    model(nets.inputs(2, 6))
    return model


def hooked() -> nn.Module:
    model = linear()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        nn.utils.weight_norm(model[0])
    return model


def quantised(model: nn.Module, kinds: set[type]) -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.ao.quantization.quantize_dynamic(model, kinds)


def static() -> nn.Module:
    model = nn.Sequential(torch.ao.quantization.QuantStub(), nn.Conv2d(1, 2, 3), nn.Linear(2, 2)).eval()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.qconfig = torch.ao.quantization.default_qconfig
        torch.ao.quantization.prepare(model, inplace=True)
        model[1](model[0](torch.rand(1, 1, 4, 4)))
        return torch.ao.quantization.convert(model)


PROBLEMS = [  # name, model, lines (where, part of what), whether fix() solves it
    ("sound", linear, [], True),
    ("nan", lambda: with_weight(float("nan")), [("2.weight", "1 of 15 weights are NaN or infinite")], False),
    ("infinite", lambda: with_weight(float("-inf")), [("2.weight", "1 of 15 weights are NaN or infinite")], False),
    ("tied", lambda: Tied().eval(), [("emb.weight and head.weight", "one shared (tied) tensor")], True),
    ("two heads", lambda: TwoHeads().eval(), [("a.weight and b.weight", "one shared (tied) tensor")], True),
    ("bf16", lambda: linear().bfloat16(), [("0.weight", "bfloat16; only float32"), ("2.weight", "bfloat16")], True),
    ("f64", lambda: linear().double(), [("0.weight", "float64; only float32"), ("2.weight", "float64")], True),
    ("complex", lambda: nn.Linear(2, 2, dtype=torch.cfloat).eval(), [("weight", "complex64")], False),
    ("batch norm", lambda: nets.convnet().train(), [("1", "BatchNorm2d is in training mode")], True),
    (
        "no statistics",
        lambda: nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2, track_running_stats=False)).eval(),
        [("1", "keeps no running statistics, so a result would depend on the batch")],
        False,
    ),
    ("lazy", lambda: nn.Sequential(nn.LazyLinear(2)), [("0.weight", "has no shape yet (lazy module)")], False),
    ("parametrised", parametrised, [("0", "computed by a parametrisation"), ("2", "parametrisation")], True),
    ("pruned", pruned, [("0.weight", "is computed by a hook")], False),
    ("hooked", hooked, [("0.weight", "is computed by a hook")], False),
    (
        "dynamic linear",
        lambda: quantised(linear(), {nn.Linear}),
        [("0", "Linear is already quantised"), ("2", "already quantised")],
        False,
    ),
    (
        "dynamic lstm",
        lambda: quantised(nn.Sequential(nn.LSTM(3, 3), nn.Linear(3, 3)).eval(), {nn.LSTM}),
        [("0", "LSTM is already quantised")],
        False,
    ),
    ("static", static, [("1", "Conv2d is already quantised"), ("2", "Linear is already quantised")], False),
]


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
@pytest.mark.parametrize(("model", "lines", "fixable"), [p[1:] for p in PROBLEMS], ids=[p[0] for p in PROBLEMS])
def test_every_obstacle_is_one_clear_line(model, lines: list[tuple[str, str]], fixable: bool) -> None:
    model = model()
    problems = validate(model)
    assert [p.where for p in problems] == [where for where, _ in lines]
    for problem, (_, what) in zip(problems, lines, strict=True):
        assert what in problem.what
        assert problem.remedy
        assert "\n" not in str(problem)
        assert problem.fixable == fixable
    if problems:
        with pytest.raises(ModelError) as error:
            deploy(model, MEMORY)
        said = str(error.value).splitlines()
        assert said[: len(lines)] == [str(p) for p in problems]
        assert ("mho.memory.fix(model)" in said[-1]) == fixable
    if fixable:
        assert deploy(fix(model), MEMORY).placements
    else:
        with pytest.raises(ModelError) as error:
            fix(model)
        assert "mho.memory.fix" not in str(error.value)


FIXABLE = {
    "tied": (Tied, torch.arange(14).reshape(2, 7) % 7),
    "parametrised": (parametrised, nets.inputs(4, 6)),
    "batch norm": (nets.convnet, nets.inputs(4, 2, 8, 8)),
    "f64": (lambda: linear().double(), nets.inputs(4, 6)),
}


@pytest.mark.parametrize("name", FIXABLE)
def test_a_fixed_copy_computes_the_same_and_the_original_stays(name: str) -> None:
    make, x = FIXABLE[name]
    model = make().train(name == "batch norm")
    before, mode = copy.deepcopy(model.state_dict()), model.training
    fixed = fix(model)
    assert model.training == mode
    assert all(torch.equal(a, b) for a, b in zip(before.values(), model.state_dict().values(), strict=True))
    with torch.no_grad():
        wanted = copy.deepcopy(model).eval()(x.double() if name == "f64" else x)
        assert torch.allclose(fixed(x), wanted.float(), atol=1e-5)
    assert validate(fixed) == []


def test_untied_weights_are_two_arrays() -> None:
    fixed = fix(Tied())
    chips = deploy(fixed, {"emb": MEMORY, "*": MEMORY})
    weights = chips.weights(0)
    assert torch.equal(fixed.emb.weight, fixed.head.weight)
    assert not torch.equal(weights["emb.weight"], weights["head.weight"])


def test_a_layer_that_is_called_twice_is_one_array() -> None:
    """Sharing a module is reading one array twice; only tensors shared between layers are refused."""

    class Shared(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Linear(6, 6)
            self.second = self.first

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.second(torch.relu(self.first(x)))

    model = nets.seeded(Shared())
    assert validate(model) == []
    chips = deploy(model, MEMORY)
    assert list(chips.placements) == ["first.weight"]
    chip = chips.chip(0)
    assert chip.first is chip.second
    x, targets = nets.inputs(30, 6), torch.arange(30) % 6
    with torch.no_grad():
        accuracy = float((chip(x).argmax(1) == targets).double().mean())
    for batching in ("vmap", "loop"):
        # Twice: torch's functional_call, left to tie weights, would leave one chip's weights behind in the model.
        for _ in range(2):
            got = mho.evaluate(chips, (x, targets), n_chips=1, batching=batching)
            assert got.values.item() == pytest.approx(accuracy, abs=1e-9)
        assert torch.equal(chips.model.first.weight, model.first.weight)


def test_many_problems_are_counted() -> None:
    model = nn.Sequential(*(nn.Linear(2, 2) for _ in range(12))).double().eval()
    with pytest.raises(ModelError, match=r"\n... and 4 more\n") as error:
        deploy(model, MEMORY)
    assert len(str(error.value).splitlines()) == 10


def test_what_is_no_module() -> None:
    with pytest.raises(ModelError, match=r"deploy takes a torch\.nn\.Module, not a function"):
        deploy(lambda x: x, MEMORY)


def test_layer_and_instance_norms_may_be_in_training_mode() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4), nn.Dropout()).train()
    assert validate(model) == []


def test_statistics_that_are_no_numbers_are_refused() -> None:
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2)).eval()
    net[1].running_var[1] = float("nan")
    (problem,) = validate(net)
    assert str(problem).startswith("1.running_var: 1 of 2 statistics are NaN")


class Standing(nn.Module):
    """A part that says of itself that it cannot be deployed, as the gates of training do."""

    deploy_refused = ("is but a stand-in", "put the real one there")


def test_modules_that_say_that_they_cannot_be_deployed_are_one_line() -> None:
    model = linear()
    for layer in (model[0], model[2]):
        layer.add_module("part", Standing())
    assert [str(p) for p in validate(model)] == ["0.part: is but a stand-in; put the real one there"]
    for call in (lambda: deploy(model, MEMORY), lambda: fix(model)):
        with pytest.raises(ModelError, match=r"^0\.part: is but a stand-in; put the real one there$"):
            call()
