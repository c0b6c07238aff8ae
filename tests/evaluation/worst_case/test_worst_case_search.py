"""The search: exact where the optimum is known, within the box always, the same as a plain loop, and strong."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import descent, nets
from torch import nn

from mho import mapping
from mho.devices import RRAM1
from mho.evaluation.bench import Bench
from mho.evaluation.worst_case import Lagrangian, SignedDescent, worst_case
from mho.evaluation.worst_case import losses as known
from mho.evaluation.worst_case.box import box_of, largest_float
from mho.evaluation.worst_case.method import Candidate, Search
from mho.evaluation.worst_case.objective import Objective
from mho.memory import Memory, deploy

QUICK = {"random": 0, "show_progress": False}


def objective_of(model, data) -> Objective:
    box = box_of(model)
    bench = Bench(box.chips, data)
    centre, reach = box.on(bench.where, bench.data.inputs[:1], 0)
    return Objective(Bench(centre, bench.data), reach, higher_is_better=True)


@pytest.mark.parametrize("loss", ["hinge", "cross-entropy"])
@pytest.mark.parametrize("kind", ["perceptron", "batch norms"])
def test_the_iterates_are_those_of_a_plain_loop(small, loss: str, kind: str) -> None:
    model, (x, y) = small
    if kind == "batch norms":
        model, x = nets.seeded(nets.convnet()), nets.inputs(20, 2, 8, 8)
        with torch.no_grad():
            y = model(x).argmax(1)
    names, bound, steps = [n for n, p in model.named_parameters() if p.dim() > 1], 0.07, 6
    wanted, accuracies = descent.descend(model, names, x, y, bound, loss, steps)

    objective = objective_of(model, (x, y))
    seen, values, plain = [], [], objective.look

    def watched(delta, *rest):
        seen.append(delta.clone())
        look = plain(delta, *rest)
        values.append(look.value)
        return look

    objective.look = watched  # type: ignore[method-assign]
    made = known.make(loss, objective.outputs(objective.zeros()), objective.bench.data, objective.margin)
    found = SignedDescent(steps=steps).search(
        objective, [made], largest_float(bound), previous=None, seed=0, advance=lambda _: None
    )
    assert values == pytest.approx(accuracies)
    assert len(set(values)) > 1, "the search did something"
    for ours, theirs in zip(seen, wanted, strict=True):
        for name, part in objective.by_name(ours).items():
            torch.testing.assert_close(part, theirs[name], rtol=1e-5, atol=1e-6)
    best = wanted[descent.kept(accuracies)]
    for name, part in objective.by_name(found.delta).items():
        torch.testing.assert_close(part, best[name], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("loss", ["hinge", "cross-entropy"])
def test_of_a_linear_classifier_the_worst_is_a_corner(loss: str) -> None:
    model = nets.seeded(nn.Linear(5, 2))
    x, bound = nets.inputs(1, 5), 0.02
    with torch.no_grad():
        y = model(x).argmax(1)
    case = worst_case(model, (x, y), bound=bound, loss=loss, **QUICK)
    assert case.found[0] == 1.0, "the bound is too small to be wrong, so the loss decides"
    sign = torch.where(torch.arange(2) == y, -1.0, 1.0)
    corner = sign[:, None] * x.sign() * largest_float(bound)
    assert torch.equal(case.perturbations[0]["weight"], corner)
    with torch.no_grad():
        margin = float(descent.margin(model(x)[0], int(y)))
        worse = float(descent.margin(case.chip()(x)[0], int(y)))
        scale = float(model.weight.abs().max())
    assert worse == pytest.approx(margin - 2 * bound * scale * float(x.abs().sum()), rel=1e-4)


def test_of_a_linear_regression_the_worst_is_a_corner() -> None:
    model = nets.seeded(nn.Linear(4, 1))
    x, y = nets.inputs(1, 4), torch.tensor([[0.3]])
    case = worst_case(model, (x, y), bound=[0.1, 0.3], metric="mse", **QUICK)
    with torch.no_grad():
        scale, off = float(model.weight.abs().max()), float(model(x) - y)
    for bound, found in zip(case.bounds, case.found, strict=True):
        assert found == pytest.approx((abs(off) + bound * scale * float(x.abs().sum())) ** 2, rel=1e-4)
    assert not case.higher_is_better
    assert case.found[1] > case.found[0] > case.ideal == case.digital
    assert case.won == ("mse, zero", "mse, smaller bound") or case.won == ("mse, zero", "mse, zero")


@settings(max_examples=15, deadline=None)
@given(
    hidden=st.integers(1, 7), classes=st.integers(2, 5), samples=st.integers(1, 9), seed=st.integers(0, 99),
    bound=st.floats(1e-4, 1.0), start=st.sampled_from(["zero", "uniform", "gaussian"]),
)  # fmt: skip
def test_errors_never_leave_the_box(hidden, classes, samples, seed, bound, start) -> None:
    # Not ReLU: a layer of which every unit is dead has no gradient, and is refused.
    model = nets.seeded(nn.Sequential(nn.Linear(3, hidden), nn.Tanh(), nn.Linear(hidden, classes)), seed)
    data = nets.inputs(samples, 3, seed=seed), torch.arange(samples) % classes
    method = SignedDescent(steps=4, starts=(start,))
    case = worst_case(model, data, bound=[bound / 2, bound], method=method, **QUICK)
    for b, reached, errors in zip(case.bounds, case.reached, case.perturbations, strict=True):
        assert max(float(e.abs().max()) for e in errors.values()) == reached <= b
    chip = case.chip(bound)
    for name, weight in model.named_parameters():
        change = (chip.get_parameter(name) - weight).abs().max().detach()
        allowed = bound * weight.detach().abs().max() if weight.dim() > 1 else torch.tensor(0.0)
        assert float(change) <= float(allowed) * (1 + 1e-5) + 1e-7 * float(weight.detach().abs().max())


@settings(max_examples=10, deadline=None)
@given(
    bounds=st.lists(st.floats(1e-3, 0.5), min_size=2, max_size=5, unique=True), seed=st.integers(0, 99),
    metric=st.sampled_from(["accuracy", "f1", "perplexity"]),
)  # fmt: skip
def test_a_wider_bound_is_never_better(bounds, seed: int, metric: str) -> None:
    model = nets.seeded(nn.Sequential(nn.Linear(3, 6), nn.Tanh(), nn.Linear(6, 3)), seed)
    x = nets.inputs(20, 3, seed=seed)
    with torch.no_grad():
        y = model(x).argmax(1)
    case = worst_case(model, (x, y), bound=bounds, metric=metric, method=SignedDescent(steps=4), **QUICK)
    assert case.bounds == tuple(sorted(bounds))
    steps = np.diff(np.array([case.ideal, *case.searched]))
    assert (steps <= 1e-6).all() if case.higher_is_better else (steps >= -1e-4).all()


def test_a_wider_bound_keeps_what_a_smaller_one_found(small) -> None:
    """Also where the search itself does worse."""

    @dataclass(frozen=True, kw_only=True)
    class _Fading(Search):
        def passes(self, losses: int, bounds: int) -> int:
            return 0

        def search(self, objective, losses, limit, *, previous, seed, advance):
            delta = objective.zeros() if previous else -limit * torch.ones_like(objective.zeros())
            return Candidate(delta, objective.measure(delta), "fading")

    model, data = small
    case = worst_case(model, data, bound=[0.8, 0.9], method=_Fading(), **QUICK)
    assert case.found[0] < case.ideal
    assert case.found[1] == case.found[0]
    assert case.reached.tolist() == [largest_float(0.8)] * 2


def test_it_finds_what_sampling_does_not(lenet, digits) -> None:
    case = worst_case(lenet, digits.take(200), bound=0.02, random=20, show_progress=False)
    corners = case.random["corners"][0]
    assert corners.mean() >= case.digital - 0.03
    assert case.found[0] <= corners.min() - 0.2
    assert case.found[0] <= case.random["gaussian"].min() - 0.2
    assert case.passes <= 2 * SignedDescent().steps


def test_a_chip_found_on_one_set_is_bad_on_another(lenet, digits) -> None:
    from mho import data

    train = data.digits(split="train")
    case = worst_case(lenet, train, test=digits, images=200, bound=0.02, method=SignedDescent(steps=10), **QUICK)
    assert (case.data, case.images, case.search_images) == ("digits", 355, 200)
    assert case.found[0] < case.ideal - 0.2
    assert "searched in" in str(case)
    assert "reported on 355 samples of digits" in str(case)
    again = worst_case(lenet, train.take(300), images=200, bound=0.02, method=SignedDescent(steps=10), **QUICK)
    assert "reported on 300 samples" in str(again), "limited: not the same samples"
    assert again.searched[0] != again.found[0]


def test_the_lagrangian_stays_in_the_box_and_is_comparable(lenet, digits) -> None:
    part = digits.take(120)
    options = {"bound": 0.03, "random": 10, "show_progress": False}
    adam = worst_case(lenet, part, method=Lagrangian(steps=6, searches=5), **options)
    signed = worst_case(lenet, part, **options)
    assert adam.reached[0] <= 0.03
    assert adam.found[0] <= adam.random["corners"].min() - 0.2
    assert signed.found[0] <= adam.found[0] + 0.05
    assert adam.won[0].startswith("hinge, c = ")
    assert adam.passes <= 5 * 7
    far = worst_case(lenet, part, method=Lagrangian(steps=4, searches=1, start=1e3), **options)
    assert far.won[0].endswith(", projected")
    assert far.reached[0] == largest_float(0.03)
    largest = worst_case(lenet, part, method=Lagrangian(steps=2, searches=2, norm="max"), **options)
    assert largest.reached[0] <= 0.03


def test_a_loss_of_ones_own(small) -> None:
    model, data = small

    def brier(outputs, targets):
        return (outputs.softmax(1) - nn.functional.one_hot(targets, 3)).square().sum(1).mean()

    case = worst_case(model, data, bound=0.2, loss=brier, **QUICK)
    assert case.won == ("brier, zero",)
    assert case.found[0] < case.ideal
    both = worst_case(model, data, bound=0.2, loss=[brier, "hinge"], **QUICK)
    assert both.found[0] <= case.found[0]
    assert both.passes == 2 * case.passes


ALL = {
    "batch norms": (nets.convnet, nets.inputs(30, 2, 8, 8)),
    "residual": (nets.Residual, nets.inputs(30, 2, 6, 6)),
    "attention": (nets.Attention, nets.inputs(30, 5, 8)),
    "transformer": nets.EVERY_LAYER["transformer"],
    "lstm": nets.EVERY_LAYER["lstm"],
    "transposed": nets.EVERY_LAYER["transposed 2d"],
}


@pytest.mark.parametrize("name", ALL)
def test_any_network_can_be_searched(name: str) -> None:
    make, x = ALL[name]
    model = nets.seeded(make())
    with torch.no_grad():
        y = model(x).argmax(1)
    before = copy.deepcopy(model.state_dict())
    method = SignedDescent(steps=8)
    case = worst_case(model, (x, y), bound=0.1, method=method, random=10, show_progress=False)
    assert case.ideal == 1.0
    assert case.found[0] <= min(v.min() for v in case.random.values())
    assert case.found[0] < 1.0
    with torch.no_grad():
        right = (case.chip()(x).argmax(1) == y).double().mean()
    assert float(right) == pytest.approx(case.found[0])
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    assert all(p.grad is None and p.requires_grad for p in model.parameters())


def test_tokens_and_mappings_of_inputs() -> None:
    class Tagger(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.emb, self.head = nn.Embedding(11, 6), nn.Linear(6, 4)

        def forward(self, ids, shift):
            return {"logits": self.head(self.emb(ids) + shift[:, None])}

    model = nets.seeded(Tagger())
    x = {"ids": torch.arange(60).reshape(12, 5) % 11, "shift": nets.inputs(12, 6)}
    with torch.no_grad():
        y = model(**x)["logits"].argmax(-1)
    y[:, 0] = -100
    case = worst_case(model, (x, y), bound=[0.05, 0.3], metric="perplexity", **QUICK)
    assert not case.higher_is_better
    assert case.found[1] > case.found[0] > case.ideal
    assert list(case.perturbations[0]) == ["head.weight"], "a table look-up stays digital"


def test_chips_are_searched_around_their_quantised_weights(small) -> None:
    model, data = small
    memory = Memory(device=RRAM1(sigma=0.1), mapping=mapping.SlicedMagnitude(weight_bits=4, granularity="channel"))
    chips = deploy(model, {"2": memory, "*": None})
    case = worst_case(chips, data, bound=0.1, **QUICK)
    assert list(case.perturbations[0]) == ["2.weight"]
    centre = chips.ideal().get_parameter("2.weight")
    change = (case.chip().get_parameter("2.weight") - centre).abs().detach()
    scale = model[2].weight.abs().amax(1).detach()
    assert bool((change <= 0.1 * scale[:, None] * (1 + 1e-5)).all())
    assert float(change.max() / scale.max()) == pytest.approx(0.1, rel=1e-4)
    assert case.label == "RRAM1"


def test_the_same_call_gives_the_same_numbers(small) -> None:
    model, data = small
    method = SignedDescent(steps=5, starts=("uniform", "gaussian"))
    state = torch.random.get_rng_state()
    first, second, other = (
        worst_case(model, data, bound=0.1, method=method, random=5, seed=s, show_progress=False) for s in (0, 0, 1)
    )
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(torch.equal(a, second.perturbations[0][n]) for n, a in first.perturbations[0].items())
    assert all(np.array_equal(v, second.random[k]) for k, v in first.random.items())
    assert any(not torch.equal(a, other.perturbations[0][n]) for n, a in first.perturbations[0].items())


def test_nothing_is_worse_than_nothing_right(small) -> None:
    model, data = small
    case = worst_case(model, data, bound=[0.9, 0.95, 1.0], method=SignedDescent(steps=30), **QUICK)
    assert case.found[-1] == 0.0
    first = int(np.argmax(case.found == 0))
    assert case.reached[-1] <= case.bounds[first], "a smaller bound's chip is kept"
