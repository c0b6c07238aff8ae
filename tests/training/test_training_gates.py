"""Gates: their gradient, their pace, what moves them, what is left when they are taken off, what cannot have them."""

from __future__ import annotations

import copy
import json
import math
import pickle
from pathlib import Path
from typing import get_args

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import gating, nets
from torch import Tensor, nn

import mho
from mho import devices, mapping, training, zoo
from mho.data import Dataset
from mho.errors import MhoError, ModelError, SpecError, UnknownNameError
from mho.training import Gates, Recipe
from mho.training.gates.groups import optimizer
from mho.training.gates.layers import gated, gates_of
from mho.training.gates.sparse import Sparsity
from mho.training.gates.straight import Estimator, area, factor, opened
from mho.training.gates.updates import GateOptimizer
from mho.training.run import Batch, Run

FAST = Recipe(epochs=6, batch_size=16, lr=1e-3)


class Attending(nn.Module):
    """One block with the names of an encoder's, and a classifier."""

    def __init__(self, width: int = 12, hidden: int = 20) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.norm = nn.LayerNorm(width)
        self.fc1, self.fc2 = nn.Linear(width, hidden), nn.Linear(hidden, width)
        self.classifier = nn.Linear(width, 3)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(x)
        scores = self.query(y) @ self.key(y).transpose(-1, -2) / 3
        x = x + scores.softmax(-1) @ self.value(y)
        out: Tensor = self.classifier((x + self.fc2(torch.relu(self.fc1(x)))).mean(1))
        return out


def network(seed: int = 0) -> nn.Module:
    return nets.seeded(Attending(), seed)


def samples(n: int = 96) -> Dataset:
    targets = torch.arange(n) % 3
    ways = nets.inputs(3, 12, seed=5)
    return Dataset(inputs=nets.inputs(n, 4, 12) + 0.8 * ways[targets][:, None], targets=targets, classes=3, name="ways")


def states_equal(a: nn.Module, b: nn.Module) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


@settings(max_examples=40, deadline=None)
@given(
    estimator=st.sampled_from(get_args(Estimator)),
    values=st.lists(st.floats(-8, 8), min_size=1, max_size=9),
    slope=st.floats(-3, 3),
)
def test_the_gradient_of_a_gate_is_its_own_times_the_factor(estimator: str, values: list[float], slope: float) -> None:
    z = torch.tensor(values, dtype=torch.float64, requires_grad=True)
    gates = opened(z, estimator)
    assert gates.tolist() == [float(v > 0) for v in values]
    (slope * gates).sum().backward()
    expected = [slope * gating.factor(estimator, v) for v in values]
    torch.testing.assert_close(z.grad, torch.tensor(expected, dtype=torch.float64), atol=1e-7, rtol=0)


@settings(max_examples=25, deadline=None)
@given(
    sizes=st.tuples(st.integers(1, 7), st.integers(1, 6), st.integers(1, 5)),
    bias=st.booleans(),
    seed=st.integers(0, 99),
)
def test_a_gated_layer_is_one_with_masks_written_out(sizes: tuple[int, int, int], bias: bool, seed: int) -> None:
    rows, columns, n = sizes
    net = nets.seeded(nn.Sequential(nn.Linear(rows, columns, bias=bias), nn.Linear(columns, 2)), seed)
    made = training.with_gates(net, ["0"], rows=True)
    x = nets.inputs(n, rows, seed=seed)
    torch.testing.assert_close(made(x), net(x), rtol=0, atol=0)
    gates = gates_of(made[0])
    gates.columns.data = nets.inputs(columns, seed=seed + 1)
    gates.rows.data = nets.inputs(rows, seed=seed + 2)
    expected = gating.layer(x, net[0].weight.data, net[0].bias.data if bias else None, gates.columns, gates.rows)
    torch.testing.assert_close(made[0](x), expected)
    torch.testing.assert_close(made[0](input=x), expected)
    plain = training.without_gates(made)
    assert list(plain.state_dict()) == list(net.state_dict())
    torch.testing.assert_close(plain[0](x), expected)
    shut, dead = gates.columns <= 0, gates.rows <= 0
    assert not plain[0].weight[shut].any()
    assert not plain[0].weight[:, dead].any()
    assert not bias or not plain[0].bias[shut].any()
    found = training.sparsity(plain).layers[0]
    assert (found.pruned_columns, found.pruned_rows) == gating.sparsity(plain[0].weight.data)
    assert training.sparsity(made).layers[0] == found


def test_the_slope_of_a_gate_is_that_of_all_it_multiplies_and_the_penalty_counts_open_gates() -> None:
    """Equations 7 and 10, on a step of the method itself."""
    net = nets.seeded(nn.Sequential(nn.Linear(4, 5), nn.Linear(5, 3)))
    made = training.with_gates(net, ["0"])
    data = Dataset(inputs=nets.inputs(6, 4), targets=torch.arange(6) % 3, classes=3)
    run = Run(made, FAST, classifies=True)
    run.steps = 100
    step = Gates(penalty=0.25, lr=1e-3, order="equal").begin(run)
    gates_of(made[0]).columns.data[1] = -0.5
    taught = step(Batch(run, data.inputs, data.targets, 0, 0))
    hidden = (data.inputs @ net[0].weight.T + net[0].bias) * torch.tensor([1.0, 0, 1, 1, 1])
    hidden = hidden.detach().requires_grad_()
    loss = nn.functional.cross_entropy(net[1](hidden), data.targets)
    loss.backward()
    assert float(taught.loss.detach()) == pytest.approx(float(loss.detach()) + 0.25 * 4, abs=1e-6)
    for j, z in enumerate([1.0, -0.5, 1.0, 1.0, 1.0]):
        slope = gating.slope(data.inputs, net[0].weight, net[0].bias, hidden.grad, j)
        expected = (slope + 0.25) * math.log1p(math.exp(z))
        assert float(gates_of(made[0]).columns.grad[j]) == pytest.approx(expected, abs=1e-6)
    before = gates_of(made[0]).columns.detach().clone()
    run.movers[0].step()
    moved = before - 1e-3 * gates_of(made[0]).columns.grad
    torch.testing.assert_close(gates_of(made[0]).columns.data, moved.clamp(max=1.0), atol=1e-7, rtol=0)


@pytest.mark.parametrize("estimator", get_args(Estimator))
@pytest.mark.parametrize("start", [0.1, 1.0, 2.0])
def test_a_gate_closes_when_the_formula_says_so(estimator: str, start: float) -> None:
    lr, penalty = 0.01, 0.1
    counted = gating.steps_to_close(estimator, start, lr, penalty)
    # A step is long by lr * mu * factor at most: so much later or earlier than the integral says.
    assert counted == pytest.approx(area(estimator, start) / (lr * penalty), rel=0.01, abs=2)


def test_areas_of_softplus() -> None:
    assert [round(area("softplus", z), 3) for z in (0.1, 0.5, 1.0, 2.0)] == [0.139, 0.609, 1.052, 1.649]
    assert float(factor("softplus", torch.zeros(()))) == pytest.approx(math.log(2))


def test_gates_close_on_time_and_only_the_optimiser_of_gates_moves_them() -> None:
    """A frozen network on gates that matter to nothing: 1.052 / (lr mu) steps, whatever the recipe does."""
    net = nets.seeded(nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 2)))
    net[1].weight.data.zero_()  # the task has no slope by the gates of layer 0
    net[1].requires_grad_(False)
    data = Dataset(inputs=nets.inputs(32, 4), targets=torch.arange(32) % 2, classes=2)
    recipe = Recipe(epochs=20, batch_size=4, optimizer="adamw", lr=0.1, weight_decay=0.9)  # 160 steps
    lr, penalty = 1.0, area("softplus", 1.0) / 100.5
    gates = Gates(columns=0.5, lr=lr, penalty=penalty, order="equal", boost=1, reached="continue")
    assert 96 < gating.steps_to_close("softplus", 1.0, lr, penalty) <= 104
    for epochs, closed in ((12, False), (13, True)):  # 96 and 104 steps
        short = training.train(training.with_gates(net), data, method=gates, recipe=recipe.replace(epochs=epochs))
        assert bool((gates_of(short[0]).columns <= 0).all()) is closed
    started = training.with_gates(net)
    plainly = training.train(started, data, recipe=recipe)
    assert torch.equal(gates_of(plainly[0]).columns, torch.ones(8))
    assert not torch.equal(plainly[0].weight, started[0].weight)


def test_a_fixed_penalty_that_is_too_small_prunes_nothing_and_says_so() -> None:
    tiny = Gates(columns=0.3, penalty=1e-6, lr=1e-3, boost=1)
    with pytest.raises(ModelError) as raised:
        training.prune(network(), samples(), method=tiny, recipe=FAST)
    said = str(raised.value)
    assert "\n" not in said
    assert "query 0 of 12 columns, not 4" in said
    assert "and 2 more" in said


@pytest.mark.parametrize(
    ("options", "targets"),
    [
        ({"columns": 0.3}, (4, 6, 0)),
        ({"columns": 0.3, "method": Gates(reached="hold", order="equal")}, (4, 6, 0)),
        ({"columns": 0.5, "rows": 0.25}, (6, 10, 3)),
        ({"method": Gates(columns=None, rows=0.4)}, (0, 0, 5)),
    ],
)
def test_pruning_reaches_the_target_of_every_layer_exactly(options: dict, targets: tuple[int, int, int]) -> None:
    net, data = network(), samples()
    start = copy.deepcopy(net.state_dict())
    pruned = training.prune(net, data, recipe=FAST, validation=data, **options)
    assert all(torch.equal(a, b) for a, b in zip(start.values(), net.state_dict().values(), strict=True))
    assert [row.name for row in pruned.layers] == ["query", "key", "value", "fc1", "fc2"]  # the classifier has none
    for row in pruned.layers:
        assert row.pruned_columns == (targets[1] if row.columns == 20 else targets[0])
        assert row.pruned_rows >= (math.ceil(targets[2] / 12 * 20 - 1) if row.rows == 20 else targets[2])
    assert type(pruned.model) is Attending
    assert list(pruned.model.state_dict()) == list(net.state_dict())
    assert not gated(pruned.model)
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in pruned.model.modules())
    for row in pruned.layers:
        layer = pruned.model.get_submodule(row.name)
        assert int(((layer.weight == 0).all(1) & (layer.bias == 0)).sum()) == row.pruned_columns
    assert all(p.requires_grad for p in pruned.model.parameters())
    assert training.origin(pruned.model).method == pruned.method
    assert "li2024zerospace" in mho.cite(pruned)
    assert pruned.before is not None
    assert pruned.after is not None
    assert pruned.after[1] > 0.5, "the network still tells the classes"
    assert f"{pruned.layers[0].name} " in str(pruned)
    assert pruned.least == min(row.column_sparsity for row in pruned.layers)
    assert len(pruned.epochs) == 12
    json.dumps(pruned.to_dict(), allow_nan=False)
    found = training.sparsity(pruned.model)
    assert pruned.to_dict()["layers"] == found.to_dict()["layers"][:5]
    assert str(pruned).splitlines()[1:] == str(Sparsity(layers=found.layers[:5])).splitlines()[1:]
    assert training.sparsity(training.shrink(pruned.model)).layers == training.sparsity(pruned.model).layers


def test_pools_share_inputs_and_a_target() -> None:
    net, data = network(), samples()
    found = training.pools(net, data)
    assert found == (("query", "key", "value"),)
    assert training.pools(net, data.inputs) == found
    apart = nn.Sequential(nn.Linear(12, 12), nn.ReLU(inplace=True), nn.Linear(12, 3))  # one memory, another value
    assert training.pools(apart, nets.inputs(2, 12)) == ()
    pruned = training.prune(net, data, columns=0.3, pools=found, recipe=FAST)
    counts = {row.name: row.pruned_columns for row in pruned.layers}
    assert counts["query"] + counts["key"] + counts["value"] == math.ceil(0.3 * 36)
    assert counts["fc1"] == 6
    assert pruned.pools == found
    assert pruned.least >= 0.3
    two: list[int] = []
    watched = copy.deepcopy(net)
    watched.query.register_forward_pre_hook(lambda _, args: two.append(len(args[0])))
    for some in (data, data.inputs, data.inputs[:1]):
        training.pools(watched, some)
    training.pools(watched, {"x": data.inputs})
    assert two == [2, 2, 1, 2]
    with pytest.raises(MhoError, match="querry"):
        training.prune(net, data, pools=[["querry", "key"]], recipe=FAST)


class _Stop(BaseException):
    pass


class _StopAfter(training.Observer):
    def __init__(self, number: int) -> None:
        self.left = number

    def epoch(self, epoch: training.Epoch) -> None:
        self.left -= 1
        if not self.left:
            raise _Stop


@pytest.mark.parametrize("stop", [2, 4, 7])
def test_pruning_that_stopped_ends_with_the_weights_of_one_that_did_not(stop: int, tmp_path: Path) -> None:
    """Stopped while the gates learn (before and after some have settled), and while the weights learn on."""
    how = {"columns": 0.3, "rows": 0.2, "recipe": FAST.replace(epochs=5, optimizer="sgd", momentum=0.9)}
    whole = training.prune(network(), samples(), **how)
    file = tmp_path / "run.safetensors"
    with pytest.raises(_Stop):
        training.prune(network(), samples(), **how, checkpoint=file, observers=[_StopAfter(stop)])
    again = training.prune(network(), samples(), **how, checkpoint=file)
    assert states_equal(whole.model, again.model)
    assert (tmp_path / "run.gates.safetensors").exists()


def test_the_best_epoch_is_kept_with_its_gates() -> None:
    data = samples()
    pruned = training.prune(
        network(), data, columns=0.3, recipe=FAST, validation=0.25, monitor=training.Monitor(keep="accuracy")
    )
    made = training.origin(pruned.model)
    assert made.kept is not None
    assert pruned.after[1] == pytest.approx(made.epochs[made.kept - 1].validation_accuracy)
    assert all(row.pruned_columns >= 4 for row in pruned.layers)


def test_shrinking_leaves_out_what_is_pruned_and_changes_no_output() -> None:
    data = samples()
    net = zoo.build("mlp", seed=0, inputs=48, hidden=[20, 16], classes=3)
    flat = Dataset(inputs=data.inputs.flatten(1), targets=data.targets, classes=3)
    pruned = training.prune(net, flat, columns=0.5, rows=0.25, recipe=FAST)
    assert zoo.registry.built_as(pruned.model) is not None
    small = training.shrink(pruned.model)
    x = flat.inputs
    torch.testing.assert_close(small(x), pruned.model(x), atol=1e-5, rtol=1e-5)
    compact = [m for m in small.modules() if isinstance(m, training.CompactLinear)]
    assert len(compact) == 2
    assert compact[0].weight.shape == (10, 36)
    assert compact[0](x).shape == (len(x), 20)
    assert sum(p.numel() for p in small.parameters()) < sum(p.numel() for p in pruned.model.parameters())
    assert zoo.registry.built_as(small) is None
    exported = torch.export.export(small, (x[:5],)).module()
    torch.testing.assert_close(exported(x[:5]), small(x[:5]))
    torch.testing.assert_close(torch.vmap(small)(x[:5, None])[:, 0], small(x[:5]))
    chips = mho.deploy(small, mho.Memory(device=mho.devices.RRAM1(sigma=0.0)))
    assert [p.rows for p in mho.describe(chips).stored][:1] == [36]


def test_shrinking_keeps_biases_of_columns_without_weights_and_layers_that_are_whole() -> None:
    net = network()
    assert states_equal(training.shrink(net), net)
    with torch.no_grad():
        net.fc1.weight[3] = 0.0
    assert isinstance(training.shrink(net).fc1, nn.Linear)  # its bias is an output still
    with torch.no_grad():
        net.fc1.bias[3] = 0.0
        net.fc2.weight.zero_()
        net.fc2.bias.zero_()
    small = training.shrink(net)
    assert small.fc1.weight.shape == (19, 12)
    assert small.fc2.weight.shape == (0, 0)
    x = samples().inputs
    torch.testing.assert_close(small(x), net(x))


def test_layers_that_torch_reads_without_calling_them_are_gated_but_not_shrunk() -> None:
    """In evaluation without gradients ``nn.TransformerEncoderLayer`` calls neither of its linear layers."""
    inner = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
    net = nets.seeded(nn.Sequential(nn.TransformerEncoder(inner, 1), nn.Flatten(), nn.Linear(24, 3)))
    made = training.with_gates(net, ["*.linear?"])
    for layer in gated(made).values():
        gates_of(layer).columns.data[::2] = -1.0
    x = nets.inputs(4, 3, 8)
    plain = training.without_gates(made)
    with torch.no_grad():
        torch.testing.assert_close(made(x), plain(x))
        torch.testing.assert_close(training.shrink(plain)(x), plain(x))
        assert not torch.allclose(net(x), plain(x))


def test_shrinking_leaves_layers_whole_that_do_more_than_their_class() -> None:
    """Hooks, parametrisations and a forward of the layer's own would be lost with it."""
    x = samples().inputs
    for change in (_hooked, _hooked_before, _biased, _rewritten):
        net = network()
        with torch.no_grad():
            for layer in (net.fc1, net.fc2):
                layer.weight[:5] = 0.0
                layer.bias[:5] = 0.0
        change(net.fc1)
        small = training.shrink(net)
        assert isinstance(small.fc1, nn.Linear), change
        assert isinstance(small.fc2, training.CompactLinear)
        torch.testing.assert_close(small(x), net(x))


def _hooked(layer: nn.Module) -> None:
    layer.register_forward_hook(lambda _, args, output: output + 3)


def _hooked_before(layer: nn.Module) -> None:
    layer.register_forward_pre_hook(lambda _, args: args[0] * 3)


class _Raised(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + 3


def _biased(layer: nn.Module) -> None:
    nn.utils.parametrize.register_parametrization(layer, "bias", _Raised())


def _rewritten(layer: nn.Module) -> None:
    layer.forward = lambda x: nn.functional.linear(x, layer.weight, layer.bias) + 3


def test_shrinking_replaces_a_layer_wherever_it_is_registered() -> None:
    layer = nn.Linear(6, 6)
    with torch.no_grad():
        layer.weight[:2] = 0.0
        layer.bias[:2] = 0.0
    net = nets.seeded(nn.Sequential(layer, nn.ReLU(), layer))
    with torch.no_grad():
        layer.weight[:2] = 0.0
        layer.bias[:2] = 0.0
    small = training.shrink(net)
    assert isinstance(small[0], training.CompactLinear)
    assert small[0] is small[2]
    x = nets.inputs(5, 6)
    torch.testing.assert_close(small(x), net(x))
    assert isinstance(training.shrink(layer), training.CompactLinear)


def test_chips_of_shrunk_networks_are_pickled() -> None:
    net = network()
    with torch.no_grad():
        net.fc1.weight[:5] = 0.0
        net.fc1.bias[:5] = 0.0
    chips = mho.deploy(training.shrink(net).eval(), mho.Memory(device=devices.RRAM1(sigma=0.1)))
    again = pickle.loads(pickle.dumps(chips))
    x = samples().inputs
    assert torch.equal(again.chip(3)(x), chips.chip(3)(x))


@settings(max_examples=40, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 6), min_size=1, max_size=3),
    share=st.floats(0.05, 0.95),
    reached=st.sampled_from(["stop", "hold"]),
    seed=st.integers(0, 99),
)
def test_a_pool_closes_no_layer_altogether(sizes: list[int], share: float, reached: str, seed: int) -> None:
    """Gates of the first layer fall fastest: its highest stays open, and those of others close in its place."""
    names = [f"layer{i}" for i in range(len(sizes))]
    net = nn.ModuleDict({name: nn.Linear(2, size) for name, size in zip(names, sizes, strict=True)})
    made = training.with_gates(net, names)
    method = Gates(columns=share, lr=1.0, penalty=1.0, boost=2, reached=reached, order="equal", pools=(tuple(names),))
    run = Run(made, FAST, classifies=True)
    run.steps = 100
    gates = optimizer(method, run, gated(made))
    values = [gates_of(made[name]).columns for name in names]
    goal = method.goal("columns", sizes)
    for step in range(100):
        for i, z in enumerate(values):
            slopes = nets.inputs(len(z), seed=seed + step).abs() + (0.1 if i else 1)
            # At the target, gates of the other layers open again.
            z.grad = slopes * (0.05 if gates.param_groups[0]["pushed"] else -0.5 * bool(i))
        gates.step()
        assert all(bool((z > 0).any()) for z in values)
    assert gates.param_groups[0]["settled"]
    assert sum(int((z <= 0).sum()) for z in values) == goal


@settings(max_examples=50, deadline=None)
@given(sizes=st.lists(st.integers(1, 9), min_size=1, max_size=4), share=st.floats(0.01, 0.99))
def test_the_goal_leaves_every_layer_a_gate(sizes: list[int], share: float) -> None:
    goal = Gates(columns=share).goal("columns", sizes)
    assert goal == min(sum(n - 1 for n in sizes), math.ceil(share * sum(sizes) - 1e-9))
    if all(n > 1 for n in sizes) and share < 0.5:
        assert goal >= share * sum(sizes) - 1e-9


def test_the_optimiser_of_gates_calls_a_closure() -> None:
    net = nets.seeded(nn.Sequential(nn.Linear(4, 5), nn.Linear(5, 3)))
    data = Dataset(inputs=nets.inputs(6, 4), targets=torch.arange(6) % 3, classes=3)
    values = []
    for closed in (False, True):
        made = training.with_gates(net, ["0"])
        run = Run(made, FAST, classifies=True)
        run.steps = 100
        step = Gates(penalty=0.25, lr=1e-2).begin(run)

        def lesson(run: Run = run, step: object = step) -> float:
            return float(step(Batch(run, data.inputs, data.targets, 0, 0)).loss.detach())

        (gates,) = run.movers
        assert isinstance(gates, GateOptimizer)
        if closed:
            assert gates.step(lesson) == values[0]
        else:
            values.append(lesson())
            assert gates.step() is None
        values.append(gates_of(made[0]).columns.detach().clone())
    assert torch.equal(values[1], values[2])


def test_networks_with_gates_are_judged_as_what_they_will_be_and_not_deployed() -> None:
    net, data = network(), samples()
    memory = mho.Memory(device=devices.RRAM1(sigma=0.1))
    made = training.with_gates(net)
    for call in (
        lambda: mho.deploy(made, memory),
        lambda: mho.memory.fix(made),
        lambda: mho.train(made, data, method=training.NoiseInjection(), memory=memory, recipe=FAST),
    ):
        with pytest.raises(ModelError) as raised:
            call()
        assert "query.gates: gates are not stored in memory" in str(raised.value)
        assert "mho.training.without_gates(model)" in str(raised.value)
        assert "\n" not in str(raised.value)
    mho.deploy(training.without_gates(made), memory)

    monitor = training.Monitor(memory=memory, chips=3, keep="mean")
    pruned = training.prune(net, data, columns=0.3, recipe=FAST, validation=data, monitor=monitor)
    assert training.origin(pruned.model).kept is not None
    gates = Gates(columns=0.3)
    learnt = mho.train(made, data, method=gates, recipe=FAST, validation=data, monitor=monitor.replace(keep="last"))
    told = training.history(learnt)[-1].chips_mean
    judge = training.monitor.judge(monitor, None, data, FAST.seed, net)
    assert told == judge(training.without_gates(learnt)).mean


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(7, 4)
        self.body, self.last, self.head = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 7)
        self.head.weight = self.embed.weight

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(self.last(self.body(self.embed(x)))).mean(1)
        return out


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: training.with_gates(network(), ["quary"]), UnknownNameError, "'quary': did you mean 'query'"),
        (lambda: training.with_gates(network(), "query"), SpecError, "layers=['query']"),
        (lambda: training.with_gates(network(), []), SpecError, "layers=[] names no layer; leave layers out"),
        (lambda: training.prune(network(), samples(), layers=()), SpecError, "layers=[] names no layer; leave layers"),
        (lambda: training.with_gates(network(), columns=False), SpecError, "nothing to gate"),
        (lambda: training.with_gates(training.with_gates(network())), ModelError, "has gates already"),
        (lambda: training.with_gates(Tied(), ["head"]), ModelError, "its weight is also that of embed"),
        (
            lambda: training.with_gates(zoo.build("vit", width=16, depth=1, heads=2, mlp=16), ["*.attention"]),
            ModelError,
            "in_proj_weight",
        ),
        (
            lambda: training.with_gates(zoo.build("vit", width=16, depth=1, heads=2, mlp=16), ["*.out_proj"]),
            ModelError,
            "without calling it",
        ),
        (lambda: training.with_gates(zoo.build("lenet"), ["conv1"]), ModelError, "linear layers, and this is a Conv2d"),
        (
            lambda: training.with_gates(nn.Sequential(nn.Linear(3, 3))),
            ModelError,
            "nothing to gate; name it, layers=['0'], or do not prune it",
        ),
        (lambda: training.with_gates(nn.Sequential(nn.ReLU())), ModelError, "nothing to gate; build it of nn.Linear"),
        (lambda: training.train(network(), samples(), method=Gates()), ModelError, "has no gates"),
        (
            lambda: training.train(
                training.with_gates(network()), samples(), method=Gates(), recipe=FAST.replace(compile=True)
            ),
            SpecError,
            "compile=True",
        ),
        (
            lambda: training.train(training.with_gates(network()), samples(), method=Gates(rows=0.2)),
            SpecError,
            "no gates on rows",
        ),
        (lambda: Gates(columns=1.0), SpecError, "columns=1.0 must be a fraction"),
        (lambda: Gates(columns=None), SpecError, "leave nothing to gate"),
        (lambda: Gates(estimator="softmax"), SpecError, "estimator='softmax'"),
        (lambda: Gates(boost=0.5), SpecError, "boost=0.5"),
    ],
)
def test_what_cannot_be_gated_is_one_line(call: object, error: type[Exception], words: str) -> None:
    with pytest.raises(error) as raised:
        call()  # type: ignore[operator]
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


def test_layers_that_have_no_gates_are_told() -> None:
    assert list(gated(training.with_gates(Tied()))) == ["body", "last"], "the head is the last, though it is tied"
    vit = zoo.build("vit", image_size=8, channels=1, patch=4, width=16, depth=1, heads=2, mlp=16, classes=3)
    data = Dataset(inputs=nets.inputs(32, 1, 8, 8), targets=torch.arange(32) % 3, classes=3)
    pruned = training.prune(vit, data, recipe=FAST.replace(epochs=3))
    assert [row.name for row in pruned.layers] == ["embed", "blocks.0.fc1", "blocks.0.fc2"]
    assert "blocks.0.attention had no gates: nn.MultiheadAttention" in str(pruned)


def test_zeros_stay_on_planes_of_bits_until_something_learns_on() -> None:
    """What the docstring of prune says of chips, noise and in-situ training."""
    from mho.training.insitu import _lesson

    pruned = training.prune(network(), samples(), columns=0.25, recipe=FAST, progress=False).model
    planes = mho.Memory(device=devices.StuckAt.at_rate(0.1), mapping=mapping.BitPlanes())
    levels = mho.Memory(device=devices.RRAM1(sigma=0.1))
    gone = (pruned.value.weight == 0).all(1)
    assert int(gone.sum()) == 3
    for memory, still in ((planes, True), (levels, False)):
        chip = mho.deploy(pruned, memory).weights([0])["value.weight"][0]
        assert bool((chip[gone] == 0).all()) == still
        assert not torch.equal(chip[~gone], pruned.value.weight[~gone])
        noisy = mho.train(
            pruned, samples(), method=training.NoiseInjection(), memory=memory, recipe=FAST.replace(epochs=1)
        )
        assert not bool((noisy.value.weight[gone] == 0).any())
        lesson = _lesson(mho.deploy(pruned, memory), copy.deepcopy(pruned), 0, None, FAST, samples())
        next(lesson)
        taught, _ = next(lesson)
        assert not bool((taught.value.weight[gone] == 0).any())
