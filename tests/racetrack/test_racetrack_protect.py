"""Protection: selections of layers, what they keep and cost, and the front of what none beats."""

from __future__ import annotations

import json
from functools import cache
from itertools import combinations
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import binary
from torch import nn

import mho
from mho.devices.position_codes import GROGU, PositionCode
from mho.devices.racetrack import Racetrack
from mho.errors import MhoError, ModelError, SpecError, UnknownNameError
from mho.evaluation.metrics import METRICS
from mho.mapping.tracks import Tracks
from mho.racetrack import selections
from mho.racetrack.additive import Candidate, additive_front, remaining, spread
from mho.racetrack.choosing import by_target, drops_of
from mho.racetrack.drops import Drops, leaves, residual
from mho.racetrack.front import front
from mho.racetrack.overhead import overhead
from mho.racetrack.protect import protect
from mho.racetrack.protected import Protected, pareto
from mho.racetrack.protection import Protection
from mho.racetrack.sensitivity import sensitivity

ON = mho.Memory(device=Racetrack(fault_rate=1e-4), mapping=Tracks(bits=32))
SKYRMION = mho.Memory(device=mho.devices.Skyrmion(slip_rate=1e-4), mapping=Tracks(bits=32))


@cache
def result() -> Protection:
    model, test = binary.classifier(256, 128, 64)
    return protect(
        model, test, ON, code=GROGU(), target=0.45, inferences=100, n_chips=6, search=4, selections=(*selections.NAMES,)
    )


def numbers(*drops: float) -> tuple[tuple[str, ...], dict[str, float]]:
    known = tuple(f"l{i}" for i in range(len(drops)))
    return known, dict(zip(known, drops, strict=True))


layer_numbers = st.lists(
    st.tuples(st.integers(-2, 20).map(lambda d: d / 16), st.integers(0, 20)), min_size=1, max_size=8
)

# Selections.


def test_published_selections() -> None:
    known, drops = numbers(0.1, 0.5, 0.2, 0.4, 0.3)
    assert selections.fixed("UNPROT", known) == ()
    assert selections.fixed("FULL", known) == known
    assert selections.mask(selections.fixed("EVEN", known), known) == "10101"
    assert selections.mask(selections.equal(known, drops), known) == "01011"
    known, drops = numbers(0.2, 0.2, 0.2)
    assert selections.mask(selections.equal(known, drops), known) == "110"


@given(layer_numbers, st.floats(0, 2))
@settings(max_examples=100, deadline=None)
def test_greedy_leaves_no_more_than_is_allowed(layers: list[tuple[float, int]], allowed: float) -> None:
    known, drops = numbers(*(d for d, _ in layers))
    cycles = dict(zip(known, (float(c) for _, c in layers), strict=True))
    chosen = selections.greedy(known, drops, cycles, allowed)
    assert remaining(known, drops, chosen) <= allowed + 1e-9
    for layer in chosen:  # none of them is superfluous
        assert remaining(known, drops, [n for n in chosen if n != layer]) > allowed - 1e-9


def test_greedy_goes_by_drop_per_cycle() -> None:
    known, drops = numbers(0.3, 0.2, 0.2)
    cycles = {"l0": 100.0, "l1": 1.0, "l2": 1.0}
    assert selections.greedy(known, drops, cycles, 0.31) == ("l1", "l2")
    assert selections.by_value(known, drops, cycles) == ["l1", "l2", "l0"]


@given(layer_numbers)
@settings(max_examples=100, deadline=None)
def test_additive_front_is_that_of_all_selections(layers: list[tuple[float, int]]) -> None:
    known, drops = numbers(*(d for d, _ in layers))
    cycles = dict(zip(known, (float(c) for _, c in layers), strict=True))
    found = additive_front(known, drops, cycles)
    everything = [
        (sum(cycles[n] for n in chosen), remaining(known, drops, chosen))
        for size in range(len(known) + 1)
        for chosen in combinations(known, size)
    ]
    best: list[tuple[float, float]] = []
    for spent, left in sorted(everything):
        if not best or left < best[-1][1] - 1e-12:
            best.append((spent, left))
    assert [c.cycles for c in found] == pytest.approx([spent for spent, _ in best])
    assert [c.drop for c in found] == pytest.approx([left for _, left in best], abs=1e-9)
    for one in found:
        assert one.cycles == pytest.approx(sum(cycles[n] for n in one.layers))


def test_spread_keeps_the_ends() -> None:
    line = [Candidate((), float(i), 1 - i / 20) for i in range(21)]
    some = spread(line, 5, 1.0)
    assert [c.cycles for c in some] == [0, 5, 10, 15, 20]
    assert spread(line[:3], 5, 1.0) == tuple(line[:3])


def test_rules_put_layers_behind_the_code() -> None:
    model, _ = binary.classifier(64, 32)
    chips = mho.deploy(model, ON)
    rules = selections.rules(("fc2",), ON, GROGU(), chips)
    behind = mho.deploy(model, rules).placements
    assert {n: getattr(p.memory.device, "correction", None) for n, p in behind.items()} == {
        "fc1.weight": None,
        "fc2.weight": GROGU(),
        "fc3.weight": None,
    }
    by_parameter = {"fc1.weight": ON, "fc2.weight": ON, "fc3.weight": None}
    chips = mho.deploy(model, by_parameter)
    rules = selections.rules(("fc1", "fc2"), by_parameter, GROGU(), chips)
    assert all(p.memory.device.correction == GROGU() for p in mho.deploy(model, rules).placements.values())
    # A rule that nothing is left for would be refused as a misspelling.
    named = {"fc2*": ON, "fc3": None, "*": ON}
    chips = mho.deploy(model, named)
    rules = selections.rules(("fc2",), named, GROGU(), chips)
    assert list(rules) == ["fc2.weight", "fc3", "*"]
    assert list(mho.deploy(model, rules).placements) == ["fc1.weight", "fc2.weight"]


def test_pareto_leaves_out_what_is_beaten() -> None:
    def one(name: str, mean: float, cycles: float) -> Protected:
        return Protected(
            name=name, layers=(), mask="", values=np.full((1, 2), mean), cycles=cycles, overhead=cycles, predicted=None
        )

    some = [one("a", 0.5, 0), one("b", 0.4, 1), one("c", 0.9, 3), one("d", 0.9, 4), one("e", 0.7, 2), one("f", 0.6, 2)]
    assert [s.name for s in pareto(some)] == ["a", "e", "c"]
    assert [s.name for s in pareto(some, higher_is_better=False)] == ["a", "b"]


# Protection.


def test_every_selection_is_judged_as_evaluate_judges() -> None:
    model, test = binary.classifier(256, 128, 64)
    found = result()
    assert found.age == (0, 1, 3, 10, 32, 100)
    for name in ("UNPROT", "EVEN", "CUSTOM"):
        one = found[name]
        behind = ON.replace(device=ON.device.replace(correction=GROGU()))
        chips = mho.deploy(model, {f"{layer}*": behind for layer in one.layers} | {"*": ON})
        again = mho.evaluate(chips, test, age=found.age, n_chips=6)
        np.testing.assert_array_equal(one.values, again.values[0])
        assert one.overhead == pytest.approx(overhead(chips).fraction)
        assert one.cycles == pytest.approx(overhead(chips).extra_cycles)


def test_nothing_ages_behind_a_code_that_undoes_all_faults() -> None:
    assert (result()["FULL"].values == result().baseline).all()


def test_a_code_that_misses_double_faults_leaves_them() -> None:
    model, test = binary.classifier(64)
    on = ON.replace(device=ON.device.replace(double=0.2))
    found = protect(model, test, on, code="grogu", selections=("UNPROT", "FULL"), n_chips=4, age=(100,))
    assert found.mean("UNPROT").value < found.mean("FULL").value < found.baseline
    assert found["FULL"].predicted is None  # nothing was measured for these two


def test_custom_is_cheaper_than_full_and_meets_the_target() -> None:
    found = result()
    custom = found["CUSTOM"]
    assert found.meets(custom)
    assert 0 < custom.cycles < found["FULL"].cycles
    assert found.choice is not None
    assert found.choice.cycles <= custom.cycles
    # A layer is left open, and the sum of the drops alone would have said so or the chips did.
    assert set(custom.layers) < set(found.layers)
    with_all = protect(
        *binary.classifier(256, 128, 64), ON, code=GROGU(), target=found.baseline, n_chips=6, selections=("CUSTOM",)
    )
    assert with_all["CUSTOM"].layers == found.layers


class Settled:
    """A judge of three layers whose metric is known: 0.9 less a number for every open set of layers."""

    baseline, sign = 0.9, 1.0

    def __init__(self, lost: dict[str, float]) -> None:
        self.lost = lost
        self.known = {"a": "a.weight", "b": "b.weight", "c": "c.weight"}
        self.cycles = {"a": 1.0, "b": 1.0, "c": 1.0}

    def values(self, protected: list[str], ages: list[float]) -> Any:
        left = "".join(n for n in self.known if n not in protected)
        return np.full((len(ages), 2), self.baseline - self.lost[left])


@pytest.mark.parametrize(
    ("drops", "lost", "chosen"),
    [
        # They add up to more than is foretold: layers are added, the most valuable first.
        ((0.3, 0.05, 0.04), {"bc": 0.2, "c": 0.15, "": 0.0}, ("a", "b", "c")),
        ((0.3, 0.05, 0.04), {"bc": 0.2, "c": 0.05, "": 0.0}, ("a", "b")),
        # They add up to less: the least valuable are let go.
        ((0.3, 0.2, 0.15), {"": 0.0, "c": 0.05, "bc": 0.08, "abc": 0.3}, ("a",)),
        ((0.3, 0.2, 0.15), {"": 0.0, "c": 0.05, "bc": 0.2, "abc": 0.3}, ("a", "b")),
        # Not even all of them do.
        ((0.3, 0.2, 0.15), {"": 0.2, "c": 0.3, "bc": 0.4, "abc": 0.5}, ("a", "b", "c")),
        # Nothing need be protected.
        ((0.03, 0.02, 0.01), {"abc": 0.06}, ()),
    ],
)
def test_chips_settle_what_drops_foretell(
    drops: tuple[float, ...], lost: dict[str, float], chosen: tuple[str, ...]
) -> None:
    foretold = Drops(dict(zip("abc", drops, strict=True)), dict.fromkeys("abc", 0.0))
    assert by_target(Settled(lost), foretold, 0.8, 100.0) == chosen  # type: ignore[arg-type]


# Errors that a code leaves.


def test_what_protection_saves_is_less_where_the_code_leaves_errors() -> None:
    some = Drops({"a": 0.3, "b": 0.2, "c": 0.1}, {"a": 0.25, "b": 0.02, "c": -0.01})
    assert some.gains == pytest.approx({"a": 0.05, "b": 0.18, "c": 0.1})
    assert some.least == pytest.approx(0.27)
    assert some.lost(()) == pytest.approx(0.6)
    assert some.lost(("a", "c")) == pytest.approx(0.25 + 0.2)
    # 0.36 may be lost. A code that undid everything would need "a" alone; this one does little for it.
    settled = Settled({"": 0.27, "a": 0.32, "ac": 0.42, "c": 0.37, "b": 0.45, "bc": 0.55, "ab": 0.5, "abc": 0.6})
    assert by_target(settled, some, 0.9 - 0.36, 100.0) == ("b", "c")  # type: ignore[arg-type]
    perfect = Drops(some.unprotected, dict.fromkeys("abc", 0.0))
    assert by_target(Settled({"bc": 0.3, "abc": 0.6}), perfect, 0.54, 100.0) == ("a",)  # type: ignore[arg-type]


def parity(**code: Any) -> PositionCode:
    return PositionCode(correctable=0, detection_cycles=1, correction_cycles=1, **code)


@pytest.mark.parametrize(
    ("code", "double", "share", "said"),
    [
        (GROGU(), 0.0, 0.0, ""),
        (GROGU(), 0.2, 0.2, "errors by two positions (20 % of all) pass GROGU"),
        (GROGU(window=2), 0.2, 0.0, ""),
        (parity(detectable=1, name="parity"), 0.2, 0.2, "errors by two positions (20 % of all) pass parity"),
        (parity(name="nothing"), 0.2, 1.0, "nothing notices no error"),
    ],
)
def test_share_of_errors_that_stay(code: PositionCode, double: float, share: float, said: str) -> None:
    on = ON.replace(device=ON.device.replace(double=double))
    assert residual(on, code) == pytest.approx(share)
    assert leaves([ON, on], code) == said
    # The device leaves the same: its law counts what moves a nanowire.
    wires = on.mapping.nanowires(torch.zeros(1, 32))
    law = on.device.replace(correction=code).law(wires, guarded=True)
    left = 0.0 if law is None else max(law.rates) / 1e-4 * (1 - law.double * (law.jumps[1] == 0))
    assert left == pytest.approx(share)


def test_planes_that_are_open_let_errors_in() -> None:
    """Of four bits two's complement, two planes open are 1 + 4 of 1 + 4 + 16 + 64."""
    on = ON.replace(mapping=Tracks(bits=32, weight_bits=4), device=ON.device.replace(double=0.1))
    assert residual(on, GROGU(), 2) == pytest.approx(0.1 + 0.9 * 5 / 85, rel=0.05)
    assert residual(on, GROGU(), 4) == residual(on, GROGU()) == pytest.approx(0.1)
    assert residual(on, GROGU(), 0) == 1
    assert residual(ON, GROGU(), 0) == 1
    assert leaves([on], GROGU(), 2).endswith("pass GROGU; GROGU guards 2 of 4 bit planes")
    assert leaves([on], GROGU(), 4) == leaves([on], GROGU())


@cache
def leaking() -> Protection:
    """A code that lets through every fifth error of many."""
    model, test = binary.classifier(256, 128)
    on = ON.replace(device=ON.device.replace(double=0.2, fault_rate=5e-4))
    return protect(model, test, on, code="grogu", inferences=50, n_chips=8, age=(50,))


def test_protected_layers_are_read_off_their_curves_too() -> None:
    found = leaking()
    full, unprotected = found["FULL"], found["UNPROT"]
    lost = found.baseline - full.mean().value
    assert lost > 0.1, "errors by two positions alone do this"
    assert full.predicted is not None
    assert unprotected.predicted is not None
    # Before, nothing at all was foretold to be lost. Drops do not quite add up, and jumps by three count as one.
    assert abs(found.baseline - full.predicted - lost) < 0.5 * lost
    assert unprotected.predicted < full.predicted < found.baseline
    assert found.curves is not None
    np.testing.assert_allclose(found.curves.inferences[:, 0], 50 * 0.125, atol=0.5)
    np.testing.assert_array_equal(found.curves.inferences[:, 1], 10)  # what stays is a point that is measured


def test_even_full_may_miss_and_says_why() -> None:
    found = leaking()
    assert found.choice is None
    assert found["CUSTOM"].layers == found.layers
    why = "even protecting every layer misses it: errors by two positions (20 % of all) pass GROGU"
    assert f"is met most cheaply by: none ({why});" in str(found)
    again = Protection.from_dict(json.loads(json.dumps(found.to_dict())))
    assert str(again) == str(found)
    old = found.to_dict()
    del old["leaves"]
    assert "even" not in str(Protection.from_dict(old)), "files that do not say"
    assert "even" not in str(result())


def test_curves_say_what_stays_on_another_memory_too() -> None:
    """Curves of tracks of 64 bits, read at a share of the exposure of tracks of 32."""
    model, test = binary.classifier(64)
    wide = ON.replace(mapping=Tracks(bits=64))
    curves = sensitivity(model, test, wide, exposures=(0.01, 0.1, 1.0), n_chips=4)
    on = ON.replace(device=ON.device.replace(double=0.1))

    class Judge:
        chips = mho.deploy(model, on)
        known = selections.layers(chips)
        residual = dict.fromkeys(known, 0.1)
        metric = METRICS["accuracy"]

        def shape(self, parameter: str) -> tuple[int, ...]:
            return tuple(self.chips.model.get_parameter(parameter).shape)

    found = drops_of(Judge(), curves, 100)  # type: ignore[arg-type]
    for layer in curves.layers:
        assert found.unprotected[layer] == curves.drop(layer, curves.place(layer, on, 100)).value
        assert found.protected[layer] == curves.drop(layer, curves.place(layer, on, 10)).value
        assert found.protected[layer] < found.unprotected[layer]


def test_a_single_open_layer_costs_its_drop() -> None:
    """On the same chips the additive model is exact where one layer is left open, up to pooling."""
    model, test = binary.classifier(128, 64)
    found = protect(model, test, ON, code=GROGU(), selections=("110", "011"), search=1, n_chips=5)
    assert found.curves is not None
    for name, layer in (("110", "fc3"), ("011", "fc1")):
        i = found.curves.layers.index(layer)
        assert found.curves.inferences[i, -1] == 100
        np.testing.assert_array_equal(found[name].values[-1], found.curves.values[i, -1])


def test_equal_takes_the_largest_drops() -> None:
    found = result()
    assert found.curves is not None
    drops = [found.curves.drop(n, float(found.curves.exposure[i, -1])).value for i, n in enumerate(found.layers)]
    assert len(found["EQUAL"].layers) == len(found["EVEN"].layers) == 2
    assert set(found["EQUAL"].layers) == {found.layers[i] for i in np.argsort(drops)[-2:]}


def test_searched_selections_follow_the_additive_front() -> None:
    found = result()
    searched = [s for s in found.selections if s.name.startswith("search")]
    assert 0 < len(searched) <= 4
    assert len({s.layers for s in searched}) == len(searched)
    assert [s.cycles for s in searched] == sorted(s.cycles for s in searched)
    assert {s.layers for s in searched}.isdisjoint({s.layers for s in found.selections} - {s.layers for s in searched})


def test_front_returns_what_none_beats() -> None:
    model, test = binary.classifier(128, 64)
    curves = sensitivity(model, test, ON, exposures=(0.1, 0.31), n_chips=4)
    found = front(model, test, ON, code=GROGU(), points=6, n_chips=4, curves=curves)
    means = [s.mean().value for s in found.selections]
    assert means == sorted(means)
    assert len(set(means)) == len(means)
    assert [s.cycles for s in found.selections] == sorted(s.cycles for s in found.selections)
    assert found.front == found.selections
    assert found.selections[0].name == "UNPROT"
    assert found.selections[-1].mean().value == found.baseline


def test_planes_protect_the_top_bits_alone() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10)).eval()
    generator = torch.Generator().manual_seed(0)
    test = mho.data.digits(size=8)
    with torch.no_grad():
        means = torch.stack([test.inputs[test.targets == c].mean(0) for c in range(10)]).flatten(1)
        model[1].weight.copy_(means - means.mean(0) + 1e-3 * torch.randn(10, 64, generator=generator))  # type: ignore[union-attr, arg-type, operator]
        model[1].bias.zero_()  # type: ignore[union-attr, operator]
    on = ON.replace(mapping=Tracks(bits=32, weight_bits=4), device=ON.device.replace(fault_rate=2e-3))
    how: dict[str, Any] = {"code": GROGU(), "selections": ("UNPROT", "FULL"), "n_chips": 8, "age": (100,)}
    none, one, all_of_them = (protect(model, test, on, planes=p, **how) for p in (0, 1, None))
    assert none.mean("FULL") == none.mean("UNPROT")
    assert none.mean("FULL").value < one.mean("FULL").value < all_of_them.mean("FULL").value == one.baseline
    assert one["FULL"].cycles == pytest.approx(all_of_them["FULL"].cycles / 4)


def test_results_survive_json_and_print() -> None:
    found = result()
    again = Protection.from_dict(json.loads(json.dumps(found.to_dict())))
    assert str(again) == str(found)
    assert "CUSTOM" in str(found)
    assert len(found.rows()) == 6 * len(found.selections)
    assert found.share(found["FULL"]) == 1
    assert {r["selection"] for r in found.rows() if r["on_front"]} == {s.name for s in found.front}


# Bad input.


@pytest.mark.parametrize(
    ("change", "kind", "said"),
    [
        ({"selections": ("EVN",)}, UnknownNameError, "unknown selection 'EVN': did you mean 'EVEN'?"),
        ({"selections": "EVEN"}, SpecError, "must be a list"),
        ({"selections": ("10",)}, SpecError, "selection '10' has 2 digits; the model has 3 layers"),
        ({"selections": (("fc1", "fc9"),)}, UnknownNameError, "unknown layer 'fc9': did you mean 'fc"),
        ({"selections": (("norm1",),)}, ModelError, "layer 'norm1' is not stored on nanowires"),
        ({"code": "grog"}, UnknownNameError, "did you mean 'GROGU'?"),
        ({"code": 3}, SpecError, "code is a int"),
        ({"target": 85.0}, SpecError, "85 % is written 0.85"),
        ({"target": 0.999}, SpecError, "the metric without any fault"),
        ({"target": "high"}, SpecError, "must be a number"),
        ({"inferences": 0}, SpecError, "inferences=0"),
        ({"age": (1, 10)}, SpecError, "must end at inferences=100"),
        ({"search": -1}, SpecError, "search=-1"),
        ({"planes": 2}, SpecError, "planes=2: weights have one bit plane; give 1 or fewer, or None for all"),
        (
            {"planes": 9, "memory": {"fc1": ON, "*": ON.replace(mapping=Tracks(bits=32, weight_bits=4))}},
            SpecError,
            "planes=9: weights have 4 bit planes; give 4 or fewer",
        ),
        ({"planes": -1}, SpecError, "protected_planes=-1 must be zero or more"),
        ({"memory": SKYRMION}, SpecError, "device=Skyrmion(...) takes no position code"),
        ({"memory": {"fc1": SKYRMION, "*": ON}}, SpecError, "device=Skyrmion(...) takes no position code"),
        ({"memory": ON.replace(device=ON.device.replace(correction=GROGU()))}, SpecError, "behind GROGU already"),
        ({"memory": mho.Memory(device=mho.devices.RRAM1(sigma=0.1))}, ModelError, "nanowires"),
    ],
)
def test_bad_input_is_one_clear_line(change: dict[str, Any], kind: type[MhoError], said: str) -> None:
    model, test = binary.classifier(32, 32)
    arguments = {"memory": ON, "code": GROGU(), "n_chips": 2} | change
    with pytest.raises(kind) as error:
        protect(model, test.take(20), **arguments)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_curves_of_another_model_are_refused() -> None:
    model, test = binary.classifier(32, 32)
    curves = sensitivity(model, test.take(20), ON, layers=["fc1"], exposures=(1.0,), n_chips=2)
    with pytest.raises(SpecError, match="curves lack layer 'fc2'"):
        protect(model, test, ON, code=GROGU(), curves=curves, n_chips=2)
    other, _ = binary.classifier(48, 32)
    curves = sensitivity(other, test.take(20), ON, exposures=(1.0,), n_chips=2)
    with pytest.raises(SpecError, match="layer 'fc1' has other weights"):
        protect(model, test, ON, code=GROGU(), curves=curves, n_chips=2)


def test_a_code_of_the_user() -> None:
    model, test = binary.classifier(32)
    code = PositionCode(name="mine", detection_cycles=1, correction_cycles=0)
    found = protect(model, test, ON, code=code, selections=("FULL",), n_chips=2, age=(100,))
    assert found.code == "mine"
    # Two nanowires of 32 bits in each of 32 rows and one in each of 10; a check after each of their 31 shifts.
    assert found["FULL"].cycles == pytest.approx((2 * 32 + 10) * 31)


def test_what_other_memories_lose_is_there_from_the_start() -> None:
    """fc2 on a noisy array: age 0 is measured, and the default target is one that full protection can meet."""
    model, test = binary.classifier(64, 32)
    noisy = mho.Memory(device=mho.devices.RRAM1(sigma=0.8))
    rules = {"fc2": noisy, "*": ON}
    found = protect(model, test, rules, code=GROGU(), inferences=20, age=(0, 20), selections=("FULL",), n_chips=4)
    new = mho.evaluate(mho.deploy(model, rules), test, age=0, n_chips=4)
    assert (found["FULL"].values[0] == new.values[0, 0]).all()
    assert found.baseline == pytest.approx(new.values.mean())
    assert found.baseline < new.ideal
    assert found.meets(found["FULL"])


def test_curves_of_another_metric_are_refused() -> None:
    model, test = binary.classifier(16)
    curves = sensitivity(model, test, ON, exposures=(0.1, 1.0), n_chips=2, metric="ece")
    with pytest.raises(SpecError, match="the metric ECE"):
        protect(model, test, ON, code=GROGU(), inferences=10, curves=curves, n_chips=2)


def test_nothing_that_moves_is_nothing_to_protect() -> None:
    model, test = binary.classifier(16)
    with pytest.raises(SpecError, match="nothing ever moves"):
        protect(model, test, ON.replace(mapping=Tracks(bits=1)), code=GROGU(), inferences=10, n_chips=2)
