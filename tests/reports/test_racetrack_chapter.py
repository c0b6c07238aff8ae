"""What the page says of racetrack memories: the words, the tables and the figures are the numbers."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from outline import read
from stand_ins_racetrack import AGES, DIGITAL, EXPOSURES, LAYERS, SELECTIONS, curves, memory, protection, result

import mho
from mho.devices.position_codes import GROGU
from mho.errors import SpecError
from mho.evaluation.statistics import mean_interval, percentile_interval
from mho.racetrack import overhead
from mho.reports.racetrack import phrases, tables, words
from mho.reports.racetrack.chapter import chapter
from mho.reports.racetrack.view import Racetracks
from mho.reports.scale import Scale
from mho.reports.wording import NBSP

ACCURACY = Scale("accuracy", True)


def _plain(text: str) -> str:
    return text.replace(NBSP, " ")


def _said(*sources) -> dict[str, str]:
    found = words.findings(Racetracks.of(sources))
    return {f.label: _plain(" ".join(f.sentences)) for f in found}


def _measured(values) -> str:
    return _plain(ACCURACY.measured(mean_interval(values)))


def _told(plate) -> list[str]:
    return [_plain(w) for p in plate.panels for w in re.findall(r"<title>([^<]+)</title></circle>", p.svg())]


def _every_choice() -> dict[str, tuple[str, ...]]:
    """The named selections, and all others as a search finds them."""
    found = dict(SELECTIONS)
    for bits in product((0, 1), repeat=len(LAYERS)):
        chosen = tuple(layer for layer, bit in zip(LAYERS, bits, strict=True) if bit)
        if chosen not in found.values():
            found[f"search {len(found) - 4}"] = chosen
    return found


def _costs(*protected: tuple[str, ...]):
    """Overheads of a small network, each with some layers protected."""
    import torch

    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            for name, (i, o) in zip(LAYERS, ((8, 8), (8, 16), (16, 64), (64, 10)), strict=True):
                layer = torch.nn.Linear(i, o, bias=False)
                torch.nn.init.ones_(layer.weight)
                setattr(self, name, layer)

    out = []
    for layers in protected:
        rules = {**{name: memory(correction=GROGU()) for name in layers}, "*": memory()}
        out.append(overhead(mho.deploy(Net(), rules if len(layers) < 4 else memory(correction=GROGU())), code=GROGU()))
    return out


def test_the_answer_is_the_choice_and_its_numbers() -> None:
    source = protection()
    equal, bare, full = source["EQUAL"], source["UNPROT"], source["FULL"]
    made = chapter([curves(), source], [], {})
    assert made.headline == made.opening
    assert _plain(made.opening) == (
        f"Protecting conv1 and conv2 keeps {_measured(equal.values[-1])} after 100 inferences for "
        f"{100 * equal.overhead:.3g} % more cycles; unprotected, {100 * bare.values[-1].mean():.1f} % are left."
    )
    said = _said(curves(), source)
    assert list(said) == ["How fast it fails", "Which layers do it", "What protection costs", "What to protect"]
    assert said["How fast it fails"] == (
        f"Unprotected, the accuracy falls from 97.8 % to {_measured(bare.values[-1])} within 100 inferences. After 100 "
        f"inferences the worst of 10 chips has {100 * bare.values[-1].min():.1f} %. Up to 1 inference it loses less "
        "than one point."
    )
    assert said["What to protect"].startswith(
        "Protect conv1 and conv2 (EQUAL): of 5 choices, the cheapest that keeps 90.0 % after 100 inferences. It costs "
        f"{100 * equal.cycles / full.cycles:.3g} % of what protecting every layer does. The next cheaper choice, "
    )
    assert f"adds {100 * full.overhead:.3g} % to the memory’s cycles" in said["What protection costs"]
    assert "12.9 million cycles" in said["What protection costs"]


def test_layers_are_told_by_what_they_cost_alone() -> None:
    source = curves()
    own = source.heat_map(bits=(64,), rates=(1e-4,), inferences=100).drop[:, 0, 0]
    said = _said(source)["Which layers do it"]
    opening = _plain(words.opening(Racetracks.of([source])))
    assert opening.startswith(f"conv2 costs most: aged alone, {100 * own[1]:.1f} points [")
    assert opening.endswith("] after 100 inferences on tracks of 64 bits at 0.0001 faults a shift.")
    assert said.startswith(f"Next, each by itself: fc1 {100 * own[2]:.1f} points [")
    assert said.endswith("Less than one point: fc2.")
    slots = {layer.name: layer.slot for layer in Racetracks.of([source]).compared.layers}
    assert slots == {"conv2": 0, "fc1": 1, "conv1": 2, "fc2": 3}


def test_protection_brings_its_curves() -> None:
    alone, brought = Racetracks.of([curves(), protection()]), Racetracks.of([protection(curves=curves())])
    assert brought.compared == alone.compared
    assert brought.compared is not None


@pytest.mark.parametrize(
    ("target", "opening", "choice"),
    [
        (0.2, "Nothing needs protection: ", "Nothing: the target of 20.0 % after 100 inferences is met as it is."),
        (0.99, "No choice of layers keeps 99.0 %; the best of 5, FULL, keeps 97.80 % [97.80, 97.80] after 100 "
               "inferences for 98.4 % more cycles.", "FULL comes nearest to the target of 99.0 %: 97.80 %"),
        (0.97, "Protecting conv1, conv2 and fc1 keeps ", "Protect conv1, conv2 and fc1 (CUSTOM): of 5 choices"),
    ],
)  # fmt: skip
def test_targets_that_are_easy_hard_and_out_of_reach(target, opening, choice) -> None:
    source = protection(target=target)
    assert _plain(words.opening(Racetracks.of([source]))).startswith(opening)
    assert _said(source)["What to protect"].startswith(choice)


def test_what_little_protection_keeps_is_told_where_enough_is_dear() -> None:
    dear = protection(target=0.9775)
    equal = dear["EQUAL"]
    assert _said(dear)["What to protect"].endswith(
        f"Protecting conv1 and conv2 keeps {_measured(equal.values[-1])} for {100 * equal.overhead:.3g} % more cycles."
    )
    assert "Protecting" not in _said(protection(target=0.97))["What to protect"], "the next cheaper one is that one"


def test_a_choice_that_barely_meets_its_target_is_told() -> None:
    source = protection(target=float(protection()["EQUAL"].values[-1].mean()) - 1e-6)
    assert any("The interval of EQUAL reaches beyond the target" in c for c in words.caveats(Racetracks.of([source])))
    assert not any("reaches beyond" in c for c in words.caveats(Racetracks.of([protection(target=0.85)])))


def test_results_alone_say_how_fast() -> None:
    source = result()
    assert _plain(words.opening(Racetracks.of([source]))) == (
        f"The accuracy falls from 97.8 % to {_measured(source.values[0, -1])} within 100 inferences."
    )
    assert list(_said(source)) == ["How fast it fails"]
    several = _said(result("64 bits"), result("32 bits", ("conv2",)), result("still", LAYERS))["How fast it fails"]
    assert "32 bits: the accuracy falls from 97.8 % to" in several
    assert "still: the accuracy does not fall within 100 inferences: it is 97.80 %" in several
    fresh = replace(source, age=(0.0,), values=source.values[:, :1])
    assert _plain(words.opening(Racetracks.of([fresh]))).endswith("before the first inference.")


def test_results_with_their_overheads_are_choices() -> None:
    bare, some, every = _costs((), ("conv1", "conv2"), LAYERS)
    sources = [result("UNPROT"), result("conv1+conv2", ("conv1", "conv2")), result("FULL", LAYERS)]
    view = Racetracks.of([*sources, bare, some, every])
    assert [line.layers for line in view.lines] == [(), ("conv1", "conv2"), LAYERS]
    assert [line.overhead for line in view.lines] == [0.0, some.fraction, every.fraction]
    assert all(line.best for line in view.lines)
    assert "; with every layer protected, 97.80 % [97.80, 97.80] are left for" in _plain(words.opening(view))
    said = _said(*sources, bare, some, every)["What protection costs"]
    assert f"The others: conv1 and conv2 {100 * some.fraction:.3g} %." in said
    dear = every["fc1"].full_cycles / sum(layer.full_cycles for layer in every.layers)
    assert f"Of what every layer costs, fc1 alone takes {100 * dear:.3g} %." in said
    made = chapter([*sources, bare, some, every], [], {})
    assert [p.name for p in made.plates] == ["inferences", "protection"]
    costs = next(t for t in made.tables if t.id == "racetrack-costs").table
    assert [row[0].text for row in costs.rows] == ["UNPROT", "conv1+conv2", "FULL"]
    assert [row[2].order for row in costs.rows] == [0.0, some.extra_cycles, every.extra_cycles]
    prices = next(t for t in made.tables if t.id == "racetrack-prices").table
    assert [row[5].order for row in prices.rows] == [layer.full_cycles for layer in every.layers]


def test_nearly_all_is_not_all() -> None:
    source = protection()
    full = source["FULL"].cycles
    for cycles, part in ((0.9999 * full, "almost as much as protecting"), (full, "100 % of what protecting")):
        told = _said(source.only([replace(source["CUSTOM"], cycles=cycles), source["FULL"]]))
        assert f"It costs {part} every layer does." in told["What to protect"]


def test_an_energy_that_nobody_knows_is_called_unknown() -> None:
    (some,) = _costs(("conv1",))
    assert "What GROGU adds to the energy is unknown" in _said(protection(), some)["What protection costs"]
    (bare,) = _costs(())
    assert "unknown" not in _said(protection(), bare)["What protection costs"]
    both = _said(result("UNPROT"), result("conv1"), bare, some)["What protection costs"]
    assert both.endswith("What GROGU adds to the energy is unknown: nobody said what a check takes.")


def test_the_heat_map_has_the_memorys_own_rate_and_tracks() -> None:
    own = memory(fault_rate=2.5e-5)
    wide = own.replace(mapping=own.mapping.replace(bits=24, weight_bits=8, slicing="interleaved"))
    heat = Racetracks.of([curves(memory=own)]).heat
    assert (heat.rates, heat.bits) == ((1e-4, 4.55e-5, 2.5e-5, 1e-5), (64, 32, 16, 8, 4, 2))
    (plate,) = [p for p in chapter([curves(memory=own)], [], {}).plates if p.name == "layer-heat"]
    assert "2.5e-05 faults a shift" in plate.panels[1].title
    assert Racetracks.of([curves(memory=wide)]).heat.bits == (64, 32, 24, 16, 8), "tracks hold whole weights"


def test_every_choice_is_in_the_table() -> None:
    source = protection(_every_choice())
    table = tables.selections(Racetracks.of([source]))
    assert len(table.rows) == 16
    front = {s.name for s in source.front}
    for row, s in zip(table.rows, source.selections, strict=True):
        cells = dict(zip(table.header, row, strict=True))
        mean = s.mean()
        assert (cells["choice"].text, cells["protected"].text) == (s.name, s.mask)
        assert (cells["mean after 100"].text, cells["mean after 100"].aside) == (
            f"{100 * mean.value:.2f}", ACCURACY.limits(mean),
        )  # fmt: skip
        assert cells["foretold"].text == f"{100 * s.predicted:.2f}"
        assert cells["more cycles, %"].text == f"{100 * s.overhead:.2f}"
        assert cells["of all, %"].text == f"{100 * source.share(s):.1f}"
        assert bool(cells["best"].text) == (s.name in front)


def test_every_age_and_every_point_is_in_a_table() -> None:
    source, alone = protection(chips=40), curves()
    made = {t.id: t.table for t in chapter([source, alone], [], {}).tables}
    ages, points = made["racetrack-ages"], made["racetrack-points"]
    assert ages.header == ["choice", "inferences", "mean", "5th percentile", "worst"]
    for k, row in enumerate(ages.rows):
        s, j = source.selections[k // len(AGES)], k % len(AGES)
        assert [c.text for c in row] == [
            s.name, f"{AGES[j]:,.0f}", f"{100 * s.values[j].mean():.2f}",
            f"{100 * percentile_interval(s.values[j], 5).value:.2f}", f"{100 * s.values[j].min():.2f}",
        ]  # fmt: skip
    assert len(points.rows) == len(LAYERS) * len(EXPOSURES)
    assert points.rows[9][3].text == f"{100 * alone.values[1, 1].mean():.2f}"
    layers = made["racetrack-layers"].rows
    drop = alone.heat_map(bits=(64,), rates=(1e-4,), inferences=100).drop[1, 0, 0]
    assert layers[1][1].text == f"{100 * drop:.2f}"


def test_every_point_of_every_figure_tells_its_numbers() -> None:
    source = protection(_every_choice(), curves=curves())
    made = chapter([source], [], {})
    assert [p.name for p in made.plates] == ["inferences", "layers", "layer-heat", "protection"]
    inferences, layers, heat, cost = map(_told, made.plates)
    even = source["EVEN"]
    assert (
        f"EVEN\n10 inferences\nmean {_measured(even.values[2])}\nworst {100 * even.values[2].min():.1f} % of 10 chips\n"
        f"2 of 4 layers protected, {100 * even.overhead:.3g} % more cycles"
    ) in inferences
    assert len(inferences) == len(set(inferences)) == len(SELECTIONS) * len(AGES)
    assert len(layers) == len(set(layers)) == len(LAYERS) * len(EXPOSURES)
    assert len(heat) == len(set(heat)) == 3 * 6 * len(LAYERS), "three rates, six track lengths"
    cell = source.curves.heat_map(inferences=100)
    i, j, k = 1, cell.rates.index(1e-4), cell.bits.index(32)
    value, low, high = (100 * float(a[i, j, k]) for a in (cell.drop, cell.low, cell.high))
    assert (
        f"conv2\n32 bits, 0.0001 faults a shift, 100 inferences\ncosts {value:.1f} points [{low:.3g}, {high:.3g}]\n"
        f"{cell.exposure[i, j, k]:.3g} expected faults of a track"
    ) in heat
    assert len(cost) == len(SELECTIONS) + 16, "a bar of every named choice, a point of every choice"


def test_named_choices_have_a_colour_and_searched_ones_do_not() -> None:
    lines = Racetracks.of([protection(_every_choice())]).lines
    assert {line.name for line in lines if line.slot is not None} == set(SELECTIONS)
    bare = {name: layers for name, layers in _every_choice().items() if name not in ("EVEN", "EQUAL", "CUSTOM", "FULL")}
    view = Racetracks.of([protection(bare)])
    coloured = {line.name for line in view.lines if line.slot is not None}
    assert len(coloured) <= 6
    assert view.choice.name in coloured
    assert view.choice.name.startswith("search ")
    assert phrases.called(view, view.choice) in words.opening(view)


def test_the_heat_map_says_what_was_not_measured() -> None:
    heat = replace(curves(), exposure=curves().exposure / 100, inferences=curves().inferences).heat_map()
    assert heat.outside.any()
    made = chapter([heat], [], {})
    assert [p.name for p in made.plates] == ["layer-heat"]
    assert "≥: more faults than were measured." in made.plates[0].caption
    assert any("costs at least" in told for told in _told(made.plates[0]))
    assert "at least" in made.opening
    few = replace(heat, outside=np.zeros_like(heat.outside), below=np.ones_like(heat.outside))
    made = chapter([few], [], {})
    assert "≤: fewer faults than were measured." in made.plates[0].caption
    assert any("costs at most" in told for told in _told(made.plates[0]))
    assert "at most" in made.opening
    unknown = replace(heat, drop=heat.drop * math.nan, low=heat.low * math.nan, high=heat.high * math.nan)
    svg = "".join(p.svg() for p in chapter([unknown], [], {}).plates[0].panels)
    assert "nan" not in svg.lower()
    assert "–" in svg


@pytest.mark.parametrize("chips", [1, 2, 20, 120])
def test_few_chips_claim_little(chips) -> None:
    made = chapter([protection(chips=chips), curves(chips=chips)], [], {})
    assert "nan" not in "".join(p.svg() for plate in made.plates for p in plate.panels).lower()
    text = " ".join([made.opening, *(s for f in made.findings for s in f.sentences)])
    assert "nan" not in text
    assert ("stay above" in text) == (chips >= 20)
    assert made.statistics.tail.k == (1.0 if chips >= 100 else 5.0 if chips >= 20 else None)


def test_a_loss_that_rises_has_no_points() -> None:
    source = protection()
    flipped = tuple(replace(s, values=3 - s.values, predicted=None) for s in source.selections)
    loss = replace(source, selections=flipped, metric="loss", bounded=False, higher_is_better=False, target=2.1,
                   baseline=3 - DIGITAL)  # fmt: skip
    view = Racetracks.of([loss])
    assert view.tail.low is False
    said = _said(loss)
    assert said["How fast it fails"].startswith("Unprotected, the loss rises from 2.02 to 2.6")
    assert "point" not in " ".join(said.values())
    assert view.choice.name == "EQUAL"
    worst = max(source["UNPROT"].values[-1].min(), 0)
    assert f"the highest of 10 chips has {3 - worst:#.3g}" in said["How fast it fails"]


def test_many_layers_keep_figures_small() -> None:
    many = tuple(f"layer{i}.0.conv{j}" for i in range(20) for j in range(3))
    made = chapter([curves(layers=many)], [], {})
    assert "The 40 of 60 layers that cost most." in made.plates[1].caption
    for plate in made.plates:
        for panel in plate.panels:
            assert len(panel.svg()) < 200_000
    keys = [key.words for key in made.plates[0].keys]
    assert "the other 55 layers" in keys


def test_one_page_holds_all_of_it(tmp_path) -> None:
    path = tmp_path / "page.html"
    mho.report(path, racetrack=[protection(_every_choice(), curves=curves())], title="What to protect")
    text, outline = read(path)
    assert "Racetrack memory" in outline.heads
    assert "bereholschi2024netdrift" in text
    assert "mho.racetrack.protect(" in text
    assert text.count("Reproduce figure") == 4
    mho.report(path, racetrack=result(), title="How fast")
    text, _ = read(path)
    assert "[0, 1, 10, 100]" in text


@pytest.mark.parametrize("width", [380, 1400])
def test_the_page_fits_and_marks_answer(browser, open_page, tmp_path, width) -> None:
    path = tmp_path / "page.html"
    long = tuple(f"a.layer.with.an.unbroken.name.{'x' * 60}.{i}" for i in range(8))
    mho.report(path, racetrack=[protection(_every_choice()), curves(layers=long)], title="What to protect")
    open_page(path.as_uri(), width)
    for details in browser.find_elements("tag name", "details"):
        browser.execute_script("arguments[0].open = true", details)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert browser.get_log("browser") == []
    for figure, said in (("inferences", "0 inferences"), ("layer-heat", "2 bits, 1e-05 faults a shift"),
                         ("protection", "0 of 4 layers protected")):  # fmt: skip
        stop = browser.find_element("css selector", f".{figure} .panels svg circle[tabindex='0']")
        browser.execute_script("arguments[0].focus()", stop)
        told = browser.execute_script("return document.getElementById('tip').innerText")
        assert said in _plain(told)


@pytest.mark.parametrize("source", [curves(), protection(), curves().heat_map()], ids=lambda s: type(s).__name__)
def test_what_is_no_result_names_its_argument(tmp_path, source) -> None:
    with pytest.raises(SpecError, match=rf"report takes a {type(source).__name__} as racetrack=, such as report\('x"):
        mho.report("x.html", source)


BAD = [
    ([curves(), curves()], "a page has room for one racetrack Curves, not 2"),
    ([result(), result()], "two results are labelled 'Racetrack'"),
    ([{"a": 1}], "racetrack holds a dict; it takes what mho.evaluate"),
    ([result(), curves(metric="f1")], r"measure different things \(accuracy, f1\)"),
    ([replace(result(), sigma=(0.1, 0.2), values=np.ones((2, 4, 3)))], "has 2 sigmas"),
]


@pytest.mark.parametrize(("sources", "said"), BAD, ids=[said[:24] for _, said in BAD])
def test_clear_refusals(tmp_path, sources, said) -> None:
    with pytest.raises(SpecError, match=said):
        mho.report(tmp_path / "x.html", racetrack=sources)
    assert not list(tmp_path.iterdir())


def test_overheads_need_what_they_are_of() -> None:
    bare, some = _costs((), ("conv1",))
    with pytest.raises(SpecError, match="an overhead alone"):
        Racetracks.of([bare])
    with pytest.raises(SpecError, match="the overhead of every result; got 2 of 1"):
        Racetracks.of([result(), bare, some])
