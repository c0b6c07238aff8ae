"""What the page says of the worst possible chip: the words, the table and the figure are the numbers."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np
import pytest
from stand_ins import BOUNDS, FOUND, worst_case

from mho.errors import SpecError
from mho.reports.scale import Scale
from mho.reports.wording import NBSP
from mho.reports.worst import tables, words
from mho.reports.worst.chapter import chapter
from mho.reports.worst.view import WorstCases


def _words(*cases) -> list[str]:
    return [
        " ".join([f.lead, *f.sentences]).replace(NBSP, " ") for f in words.findings(WorstCases.of(cases))
    ]  # fmt: skip


def _marks(*cases) -> list[str]:
    drawn = chapter(cases, [], {}).plates[0].panels[0].svg()
    return [w.replace(NBSP, " ") for w in re.findall(r"<title>([^<]+)</title></circle>", drawn)]


def test_the_words_are_the_numbers() -> None:
    case = worst_case()
    (said,) = _words(case)
    worst = 100 * min(values[-1].min() for values in case.random.values())
    assert said == (
        f"A chip within ±6 % of the full scale can fall from 93.2 % to 8.9 %; of 300 random chips within the same "
        f"bound the worst had {worst:.1f} %. Already within ±0.5 % it falls to 83.8 %. It was searched on 4,000 "
        "samples of MNIST train, where it has 8.5 %, and judged on 2,000 samples of MNIST test."
    )


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ((0.93, 0.5, 0.3, 0.2, 0.1), "Up to ±0.5 % (cells verified to 1.5 % of their range) the worst"),
        ((0.93, 0.5, 0.93, 0.2, 0.1), "Up to ±0.5 % (cells"),
        ((0.93, 0.93, 0.93, 0.93, 0.93), "Even there the worst chip found (cells verified to 18 % of their"),
        ((0.93, 0.95, 0.95, 0.95, 0.95), "Even there"),
        ((0.93, 0.93, 0.93, 0.93, 0.95), "The worst chip found within ±6 % of the full scale is no worse than the "
                                         "digital network: it has 95.0 %, the network 93.2 %"),
        ((0.8, 0.7, 0.6, 0.5, math.nan), "A chip within ±3 % of the full scale can fall from 93.2 % to 50.0 %"),
        ((0.92, 0.9, 0.9, 0.9, 0.9), "Already within ±0.5 % it falls to 92.0 %."),
    ],
)  # fmt: skip
def test_how_far_it_goes_almost_without_loss(found, expected) -> None:
    (said,) = _words(worst_case(tolerances=True, found=np.array(found)))
    assert expected in said


def test_a_random_chip_that_is_worse_than_the_one_found_is_told() -> None:
    good = worst_case()
    lucky = {k: v.copy() for k, v in good.random.items()}
    lucky["corners"][0, 7] = 0.31
    bad = replace(good, random=lucky)
    assert not any("search longer" in c for c in words.caveats(WorstCases.of([good])))
    told = [c.replace(NBSP, " ") for c in words.caveats(WorstCases.of([bad]))]
    assert told[-1] == "no noise: within ±0.5 % a random chip was worse (31.0 %) than the one found; search longer."


def test_of_a_loss_higher_is_worse() -> None:
    case = worst_case()
    random = {k: 3 - v for k, v in case.random.items()}
    random["uniform"][:, 3] = np.nan
    changed = {"metric": "loss", "bounded": False, "higher_is_better": False, "found": 3 - case.found,
               "digital": 2.068, "random": random}  # fmt: skip
    loss = replace(case, **changed)
    view = WorstCases.of([loss])
    chance = view.chance(view.entries[0].harshest)
    assert chance.chips == 299
    assert chance.worst == max(np.nanmax(v[-1]) for v in random.values())
    (said,) = _words(loss)
    assert said.startswith("A chip within ±6 % of the full scale can rise from 2.07 to 2.91; of 299 random chips")
    assert f"the worst had {Scale('loss', False).said(chance.worst)}." in said
    assert "point" not in said
    assert "higher is worse" in chapter([loss], [], {}).plates[0].caption
    assert "%" not in tables.bounds(view).rows[0][1].text


def test_several_networks_share_the_headline_and_the_colours() -> None:
    view = WorstCases.of([worst_case(label) for label in FOUND])
    assert words.headline(view).replace(NBSP, " ") == (
        "A chip within ±6 % of the full scale can fall to 8.9 % (no noise), 6.5 % (Gaussian 0.1) and 9.2 % "
        "(Gaussian 0.2)."
    )
    apart = WorstCases.of([worst_case(), worst_case("Gaussian 0.1", bounds=tuple(b / 7 for b in BOUNDS))])
    assert "A chip within its largest bound can" in words.headline(apart)
    assert "(Gaussian 0.1, ±0.857" in words.headline(apart)
    assert [e.slot for e in WorstCases.of([worst_case("Gaussian 0.1")], ["no noise", "Gaussian 0.1"]).entries] == [1]
    assert [e.slot for e in view.entries] == [0, 1, 2]
    drawn = chapter([e.case for e in view.entries], [], {}).plates[0]
    tied = re.findall(r'class="marks" data-series="(\d)"', drawn.panels[0].svg())
    assert tied == ["0", "1", "2"]
    assert [k.series for k in drawn.keys][:3] == [(0,), (1,), (2,)]
    assert "worst of 300 random chips" in [k.words for k in drawn.keys]


def test_every_number_is_in_the_table() -> None:
    case = worst_case(tolerances=True)
    table = tables.bounds(WorstCases.of([case]))
    assert table.header == ["bound, %", "tolerance, %", "found [on data searched]", "reached, %", "by",
                            "Gaussian [mean]", "uniform [mean]", "corner [mean]"]  # fmt: skip
    for i, row in enumerate(table.rows):
        shown = [(c.text, c.aside) for c in row]
        assert shown[:2] == [(f"{100 * BOUNDS[i]:.4g}", ""), (f"{300 * BOUNDS[i]:.4g}", "")]
        assert shown[2] == (f"{100 * case.found[i]:.2f}", f"[{100 * case.searched[i]:.2f}]")
        assert shown[4][0] == case.won[i]
        for cell, values in zip(shown[5:], case.random.values(), strict=True):
            assert cell == (f"{100 * values[i].min():.2f}", f"[{100 * values[i].mean():.2f}]")


def test_every_point_tells_its_numbers() -> None:
    case = worst_case(tolerances=True)
    told = _marks(case)
    assert len(told) == len(BOUNDS) * 4, "the chip found, and the worst of three kinds"
    assert (
        "no noise\nworst chip found within ±3 % of the full scale\n9.6 % on test data, 9.2 % on the data searched\n"
        "found by hinge, zero\ncells verified to 9 % of their range"
    ) in told
    corners = 100 * case.random["corners"][3]
    assert (
        f"no noise\n100 corner chips within ±3 % of the full scale\nworst {corners.min():.1f} %, "
        f"mean {corners.mean():.1f} %"
    ) in told


def test_tolerances_label_an_axis_above_unless_they_disagree() -> None:
    first, other = worst_case(tolerances=True), worst_case("Gaussian 0.1", tolerances=True)
    above = "tolerance of a cell, % of its range"
    drawn = chapter([first, other], [], {}).plates[0].panels[0].svg()
    assert above in drawn
    assert ">1.5</text>" in drawn
    for odd in (replace(other, tolerances=BOUNDS), worst_case("Gaussian 0.2")):
        assert above not in chapter([first, odd], [], {}).plates[0].panels[0].svg()


@pytest.mark.parametrize(
    "changes",
    [
        {"random": {}},
        {"random": {"corners": np.full((5, 3), np.nan)}},
        {"found": np.array([0.8, math.nan, 0.2, 0.1, 0.1])},
        {"won": ("",) * 5, "search_data": "MNIST test", "search_images": 2000},
        {"bounds": (0.0, 0.01, 0.02, 0.03, 0.06)},
        {"bounds": (0.06, 0.03, 0.02, 0.01, 0.005)},
        {"label": "", "data": "", "search_data": "", "digital": math.nan},
    ],
    ids=str,
)
def test_what_may_be_missing(changes) -> None:
    made = chapter([worst_case(**changes)], [], {})
    drawn = made.plates[0].panels[0].svg()
    assert "nan" not in drawn.replace("Gaussian", "").lower()
    assert len(made.tables[0].table.rows) == 5
    assert all(len(row) == len(made.tables[0].table.header) for row in made.tables[0].table.rows)
    bounds = [float(row[0].text) for row in made.tables[0].table.rows]
    assert bounds == sorted(bounds)


def test_one_bound_is_a_point() -> None:
    case = worst_case()
    one = replace(case, bounds=(0.03,), found=case.found[3:4], searched=case.searched[3:4], reached=case.reached[3:4],
                  won=case.won[3:4], random={k: v[3:4] for k, v in case.random.items()})  # fmt: skip
    made = chapter([one], [], {})
    assert "±3" in made.headline
    assert len(_marks(one)) == 4
    assert made.command == "mho.worst_case(mho.deploy(model, memory, seed=0), data, bound=0.03)  # no noise"


def test_clear_refusals() -> None:
    with pytest.raises(SpecError, match="two worst cases are labelled 'no noise'"):
        WorstCases.of([worst_case(), worst_case()])
    with pytest.raises(SpecError, match=r"worst cases measure different things \(accuracy, f1\)"):
        WorstCases.of([worst_case(), worst_case("Gaussian 0.1", metric="f1")])
