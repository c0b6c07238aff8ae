"""Selective write-verify: which weights are chosen, and that the chips and their costs are those of the choice."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import nets
from torch import nn

import mho
from mho.devices import RRAM1, FeFET2
from mho.errors import MhoError
from mho.mapping import Analog, Differential, Offset, SlicedMagnitude
from mho.memory.selection import order, top
from mho.programming import CURVATURES, RANKINGS, OpenLoop, Selective, WriteVerify
from mho.spec import from_dict

VERIFY = WriteVerify(tolerance=0.06)


def net() -> nn.Module:
    return nets.seeded(nn.Sequential(nn.Linear(7, 5), nn.ReLU(), nn.Linear(5, 3)))


def curvature(model: nn.Module, seed: int = 3) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {n: torch.rand(p.shape, generator=generator) for n, p in model.named_parameters() if p.dim() > 1}


def chips(model: nn.Module, scheme: Selective | WriteVerify | OpenLoop, device=None, mapping=None, **options):
    memory = mho.Memory(device=device or RRAM1(sigma=0.2), mapping=mapping or SlicedMagnitude(), programming=scheme)
    return mho.deploy(model, memory, **options)


def chosen(population) -> dict[str, torch.Tensor]:
    return {name: p.chosen for name, p in population.programmed().items()}


@settings(max_examples=60, deadline=None)
@given(
    scores=st.lists(st.sampled_from([0.0, 0.0, 1.0, 2.0, 3.0, 1e-30]), min_size=1, max_size=40),
    share=st.floats(0.01, 1),
)
def test_the_top_is_what_sorting_by_score_and_tie_gives(scores: list[float], share: float) -> None:
    k = max(1, round(share * len(scores)))
    ties = torch.randperm(len(scores), generator=torch.Generator().manual_seed(0)).double()
    ranked = sorted(range(len(scores)), key=lambda i: (scores[i], float(ties[i])), reverse=True)
    mask = top(torch.tensor(scores, dtype=torch.float64), lambda: ties, k)
    assert set(mask.nonzero()[:, 0].tolist()) == set(ranked[:k])


def test_more_numbers_than_quantile_takes() -> None:
    """``torch.quantile`` refuses more than 16 million."""
    scores = torch.arange(17_000_000, dtype=torch.float32).remainder(1000)
    mask = top(scores, lambda: scores, 1_700_000)
    assert int(mask.sum()) == 1_700_000
    assert float(scores[mask].min()) >= float(scores[~mask].max())


def expected(model: nn.Module, population, ranking: str, h: dict[str, torch.Tensor]) -> list[tuple[str, int]]:
    """Weights in order, one number at a time: half h times the mean square error saved, per cycle."""
    scored = []
    for name, p in population.programmed(by_cell=True).items():
        weight = model.get_parameter(name).detach()
        scale = float(weight.abs().max())
        before = OpenLoop().moments(p.device, p.encoded.levels)
        after = VERIFY.moments(p.device, p.encoded.levels)
        for i, w in enumerate(weight.flatten().tolist()):
            gain = cycles = 0.0
            for j, coefficient in enumerate(p.encoded.coefficients.tolist()):
                step = coefficient * float(p.encoded.gain.expand(weight.shape).flatten()[i])
                saved = float(before.error[j].flatten()[i]) - float(after.error[j].flatten()[i])
                gain += step**2 * saved
                cycles += float(after.cycles[j].flatten()[i])
            second = float(h[name].flatten()[i]) if name in h else 0.0
            score = {
                "magnitude": abs(w),
                "relative-magnitude": abs(w) / scale,
                "saliency": second * w * w,
            }.get(ranking, 0.5 * second * gain / cycles)
            scored.append((score, abs(w) / scale, (name, i)))
    return [place for *_, place in sorted(scored, key=lambda s: s[:2], reverse=True)]


@pytest.mark.parametrize("ranking", [*CURVATURES, "saliency", "magnitude", "relative-magnitude"])
@pytest.mark.parametrize("device", [RRAM1(sigma=0.2), FeFET2(sigma=0.2)], ids=lambda d: d.label)
def test_the_chosen_are_the_first_of_the_ranking_of_the_whole_model(ranking: str, device) -> None:
    model = net()
    h = curvature(model)
    h["0.weight"][0] = 0.0  # ties
    population = chips(model, Selective(ranking=ranking, fraction=0.3, verify=VERIFY), device, sensitivity=h)
    first = expected(model, population, ranking, h)[: round(0.3 * 50)]
    found = {(n, i) for n, mask in chosen(population).items() for i in mask.flatten().nonzero()[:, 0].tolist()}
    assert found == set(first)


def test_cells_can_be_chosen_one_by_one() -> None:
    model = net()
    h = curvature(model)
    scheme = Selective(fraction=0.1, verify=VERIFY, unit="cell")
    masks = chosen(chips(model, scheme, sensitivity=h))
    assert [m.shape for m in masks.values()] == [(4, 5, 7), (4, 3, 5)]
    assert sum(int(m.sum()) for m in masks.values()) == round(0.1 * 200)
    most = [sum(int(m[j].sum()) for m in masks.values()) for j in range(4)]
    assert most[3] > sum(most[:3]), "the most significant cells carry sixteen times the error of their neighbours"


def test_layers_are_chosen_whole_and_random_ones_by_the_seed() -> None:
    model = net()
    h = {"0.weight": torch.full((5, 7), 1e-3), "2.weight": torch.full((3, 5), 1.0)}
    masks = chosen(chips(model, Selective(ranking="layer", fraction=0.3, verify=VERIFY), sensitivity=h))
    assert bool(masks["2.weight"].all())
    assert not masks["0.weight"].any()
    draw = Selective(ranking="random", fraction=0.5, verify=VERIFY)
    one, again, other = (chosen(chips(model, draw, seed=s)) for s in (0, 0, 1))
    assert all(torch.equal(one[n], again[n]) for n in one)
    assert any(not torch.equal(one[n], other[n]) for n in one)


def test_rules_rank_layers_of_one_scheme_together_and_others_apart() -> None:
    model, scheme = net(), Selective(ranking="magnitude", fraction=0.2, verify=VERIFY)
    memory = mho.Memory(device=RRAM1(sigma=0.2), programming=scheme)
    apart = memory.replace(programming=scheme.replace(fraction=1.0))
    masks = chosen(mho.deploy(model, {"2": apart, "*": memory}))
    assert int(masks["0.weight"].sum()) == 7
    assert bool(masks["2.weight"].all())


MAPPINGS = [SlicedMagnitude(), SlicedMagnitude(granularity="channel"), Differential(), Offset(), Analog()]


@pytest.mark.parametrize("mapping", MAPPINGS, ids=lambda m: f"{type(m).__name__} {m.granularity}")
def test_a_verified_weight_is_within_the_tolerance_of_its_cells(mapping) -> None:
    model = net()
    population = chips(model, WriteVerify(tolerance=0.03), mapping=mapping)
    ideal = dict(population.ideal().named_parameters())
    for name, p in population.programmed().items():
        most = 0.03 * float(p.encoded.coefficients.abs().sum()) * p.encoded.gain.abs()
        error = (population.weights(range(50))[name] - ideal[name]).abs()
        assert bool((error <= most * 1.00001).all())
        assert float((error / most).max()) > 0.5, "a bound that is never approached is no bound"


def test_unchosen_weights_are_as_in_open_loop_and_chosen_ones_as_if_all_were_verified() -> None:
    model, scheme = net(), Selective(ranking="magnitude", fraction=0.4, verify=VERIFY)
    some, every, none = (chips(model, s) for s in (scheme, VERIFY, OpenLoop()))
    unverified = {n: p.sample(0, torch.arange(3)) for n, p in none.programmed(by_cell=True).items()}
    for name, mask in chosen(some).items():
        mixed = torch.where(mask, every.weights(range(3))[name], unverified[name])
        assert torch.equal(some.weights(range(3))[name], mixed)


@pytest.mark.parametrize("fraction", [0.1, 0.5, 1.0])
def test_costs_are_the_cycles_that_are_counted(fraction: float) -> None:
    model = nets.seeded(nn.Sequential(nn.Linear(300, 100)))
    verify = WriteVerify(tolerance=0.06, max_cycles=8, cycle_seconds=1e-6, cycle_joules=2e-12)
    population = chips(model, Selective(ranking="random", fraction=fraction, verify=verify), FeFET2(sigma=0.3))
    written = population.written(3)["0.weight"]
    found = mho.evaluate(population, (torch.zeros(2, 300), torch.zeros(2, dtype=torch.int64)), n_chips=1).writing
    assert found.cells == 120_000
    # Cycles of a cell have a standard deviation below 3: six standard errors of the sum.
    assert found.cycles[0] == pytest.approx(float(written.cycles.sum()), abs=6 * 3 * math.sqrt(120_000))
    assert found.failures[0] == pytest.approx(float(written.failed.sum()), abs=6 * math.sqrt(found.failures[0] + 1))
    assert found.nwc[0] == pytest.approx(fraction, abs=0.01)
    assert found.seconds[0] == pytest.approx(1e-6 * found.cycles[0])
    assert found.joules[0] == pytest.approx(2e-12 * found.cycles[0])
    single = 120_000 * (1 - fraction)
    every = (found.cycles[0] - single) / found.nwc[0]
    assert found.nwc_with_first_write[0] == pytest.approx(found.cycles[0] / every)


def test_weighting_tells_devices_whose_error_depends_on_the_level_apart() -> None:
    model = net()
    h = {n: torch.ones_like(t) for n, t in curvature(model).items()}
    found = {}
    for weighting in ("variance", "deviation", "none"):
        scheme = Selective(fraction=0.5, verify=VERIFY, weighting=weighting)
        masks = chosen(chips(model, scheme, FeFET2(sigma=0.2), sensitivity=h))
        found[weighting] = torch.cat([m.flatten() for m in masks.values()])
    assert not torch.equal(found["variance"], found["none"])
    assert not torch.equal(found["deviation"], found["none"])


@pytest.mark.parametrize("weighting", ["variance", "deviation", "none"])
def test_weightings_are_their_formulas(weighting: str) -> None:
    """h S² times the mean square error saved a cycle; times its root; or alone: one weight at a time."""
    model, device = net(), FeFET2(sigma=0.2)
    h = curvature(model)
    population = chips(model, VERIFY, device)
    weights = {n: model.get_parameter(n).detach() for n in population.placements}
    scheme = Selective(fraction=0.5, verify=VERIFY, weighting=weighting)
    found = order(scheme, population.programmed(), population.placements, weights, h, 0).scores
    for name, p in population.programmed().items():
        scale = float(weights[name].abs().max())
        before, after = (s.moments(p.device, p.encoded.levels) for s in (OpenLoop(), VERIFY))
        shares = (p.encoded.coefficients / 255 * scale)[:, None, None].square()
        saved = 0.5 * (shares * (before.error - after.error)).sum(0)
        expected = {
            "variance": h[name] * saved / after.cycles.sum(0),
            "deviation": h[name] * saved.sqrt() * scale,
            "none": h[name] * scale**2,
        }[weighting]
        assert torch.allclose(found[name], expected, rtol=1e-4)


@pytest.mark.parametrize("weighting", ["variance", "deviation", "none"])
def test_layers_and_cells_hold_for_every_weighting(weighting: str) -> None:
    model = net()
    h = {"0.weight": torch.full((5, 7), 1e-3), "2.weight": torch.rand(3, 5, generator=torch.Generator().manual_seed(0))}
    layers = Selective(ranking="layer", fraction=0.3, verify=VERIFY, weighting=weighting)
    masks = chosen(chips(model, layers, sensitivity=h))
    assert (bool(masks["2.weight"].all()), bool(masks["0.weight"].any())) == (True, False)
    cells = Selective(fraction=0.25, verify=VERIFY, weighting=weighting, unit="cell")
    masks = chosen(chips(model, cells, sensitivity=curvature(model)))
    slices = [sum(int(m[j].sum()) for m in masks.values()) for j in range(4)]
    assert slices[3] > slices[0], "the most significant cells come first"
    mean = order(layers, chips(model, VERIFY).programmed(), chips(model, VERIFY).placements, weights_of(model), h, 0)
    scores = order(layers.replace(ranking="second-derivative"), chips(model, VERIFY).programmed(),
                   chips(model, VERIFY).placements, weights_of(model), h, 0)  # fmt: skip
    for name, score in scores.scores.items():
        assert torch.allclose(mean.scores[name], score.mean())


def weights_of(model: nn.Module) -> dict[str, torch.Tensor]:
    return {n: p.detach() for n, p in model.named_parameters() if p.dim() > 1}


def test_an_order_of_ones_own_is_taken_as_it_is() -> None:
    model = net()
    numbers = {"0.weight": torch.full((5, 7), 2.0).numpy(), "2.weight": torch.ones(3, 5, requires_grad=True)}
    masks = chosen(chips(model, Selective(ranking="given", fraction=0.7, verify=VERIFY), sensitivity=numbers))
    assert bool(masks["0.weight"].all())
    assert not masks["2.weight"].any()


def test_layers_that_nobody_verifies_do_not_count_in_nwc() -> None:
    model = net()
    verified = mho.Memory(device=RRAM1(sigma=0.2), programming=VERIFY)
    mixed = mho.deploy(model, {"0": verified.replace(programming=OpenLoop()), "*": verified})
    found = mho.evaluate(mixed, (torch.zeros(2, 7), torch.zeros(2, dtype=torch.int64)), n_chips=1).writing
    assert (found.nwc[0], found.nwc_with_first_write[0]) == (1.0, 1.0)
    assert found.cells == 200
    assert found.cycles[0] == pytest.approx(140 + 60 * 4.24, rel=0.01)


def test_a_clipped_cell_is_verified_as_it_reads() -> None:
    """Below zero it reads zero, so a cell at level 0 that was written too low needs no second write."""
    mapping = Differential(clip_negative=True)
    population = chips(net(), WriteVerify(tolerance=0.03), mapping=mapping)
    written = population.written(range(400))["0.weight"]
    low = population.programmed()["0.weight"].encoded.levels == 0
    assert float(written.read.min()) >= 0
    # Half of the writes to level 0 are too low, and another 6 % within the tolerance.
    share = float((written.cycles[:, low] == 1).double().mean())
    n = written.cycles[:, low].numel()
    assert share == pytest.approx(0.5 + 0.5 * math.erf(0.03 / 0.2 / math.sqrt(2)), abs=6 * 0.5 / math.sqrt(n))


def test_a_scheme_survives_its_yaml() -> None:
    memory = mho.Memory(
        device=RRAM1(sigma=0.1), programming=Selective(ranking="fisher", fraction=0.1, verify=VERIFY, unit="cell")
    )
    again = from_dict(memory.to_dict())
    assert again == memory
    assert again.digest() == memory.digest()
    plain = mho.Memory(device=RRAM1(sigma=0.1))
    assert plain.replace(programming=OpenLoop(cycle_seconds=1e-6)).digest() != plain.digest() != memory.digest()


class Found(dict):
    """A sensitivity that says how it was computed."""

    method = "fisher"


MODEL = net()
REFUSED = [
    (lambda: Selective(fraction=0.0), "fraction=0.0 must be more than 0 and at most 1"),
    (lambda: Selective(fraction=10), "at most 1; none of the weights is OpenLoop, 10 % is 0.1"),
    (lambda: Selective(), "give fraction (such as 0.1) or target_drop"),
    (lambda: Selective(fraction=0.1, target_drop=0.01), "one of the two"),
    (lambda: Selective(target_drop=2.0), "half a point is 0.005"),
    (lambda: Selective(fraction=0.1, increment=0.0), "increment=0.0 must be more than 0"),
    (lambda: Selective(ranking="magnitud", fraction=0.1), "did you mean 'magnitude'"),
    (lambda: Selective(ranking="magnitude", fraction=0.1, unit="cell"), "tells the cells of a weight apart"),
    (lambda: Selective(fraction=0.1, cycle_seconds=1e-6), "is given to verify"),
    (lambda: Selective(fraction=0.1, verify=OpenLoop()), "it takes WriteVerify"),
    (lambda: chips(MODEL, Selective(fraction=0.1)), "sensitivity=mho.sensitivity(model, data, method='second-"),
    (lambda: chips(MODEL, Selective(ranking="magnitude", target_drop=0.01)).weights(0), "mho.verify does that"),
    (lambda: chips(MODEL, Selective(fraction=0.1), sensitivity={}), "no such tensor"),
    (
        lambda: chips(MODEL, Selective(fraction=0.1), sensitivity={"0.weight": torch.ones(2, 2)}),
        "0.weight: shape (2, 2), the weight has (5, 7); was it another model?",
    ),
    (lambda: chips(MODEL, Selective(ranking="given", fraction=0.1)), "orders by numbers of yours"),
    (
        lambda: chips(MODEL, Selective(fraction=0.1), sensitivity={n: t / 0 for n, t in curvature(MODEL).items()}),
        "0.weight: 35 numbers are NaN or infinite",
    ),
    (
        lambda: chips(MODEL, VERIFY, RRAM1(sigma=0.1, level_scope="weight")).weights(0),
        "describes whole weights; use level_scope='device'",
    ),
    (lambda: chips(MODEL, Selective(fraction=0.1), sensitivity=Found(curvature(MODEL))), "compute it with method="),
]


@pytest.mark.parametrize(("make", "said"), REFUSED, ids=[said for _, said in REFUSED])
def test_bad_selections_are_refused_in_one_line(make, said: str) -> None:
    with pytest.raises(MhoError) as caught:
        make()
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_ranking_chooses_as_many_as_asked() -> None:
    population = chips(MODEL, VERIFY)
    weights = {n: MODEL.get_parameter(n).detach() for n in population.placements}
    for name in RANKINGS:
        scheme = Selective(ranking=name, fraction=0.5, verify=VERIFY)
        found = order(scheme, population.programmed(), population.placements, weights, curvature(MODEL), 0)
        assert sum(int(m.sum()) for m in found.cut(0.5).values()) == 25
