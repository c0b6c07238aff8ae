"""What the page says of stuck cells: the words, the tables and the figures are the numbers."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from outline import read
from stand_ins_faults import BEARS, DIGITAL, LAYERS, curves, description, embedding, pruned, sensitivity, statistics

import mho
from mho.errors import SpecError
from mho.evaluation.faults import TABLE3
from mho.reports.faults import chapter as chapters
from mho.reports.faults import parts, room, tables, words
from mho.reports.faults.chapter import chapter
from mho.reports.faults.curves import COLOURS
from mho.reports.faults.view import Faulty
from mho.reports.wording import NBSP

FAR = (1e-4, 1e-3, 1e-2, 0.1)
"""Rates at which every scheme of the stand-ins fails in the end."""


def _plain(text: str) -> str:
    return text.replace(NBSP, " ")


def _said(*sources) -> dict[str, str]:
    return {f.label: _plain(" ".join(f.sentences)) for f in words.findings(Faulty.of(sources))}


def _told(plate) -> list[str]:
    return [_plain(w) for p in plate.panels for w in re.findall(r"<title>([^<]+)</title></circle>", p.svg())]


def _column(table, name: str) -> list[str]:
    return [row[table.header.index(name)].text for row in table.rows]


def _percent(found) -> str:
    return f"{100 * found.value:.3g} % [{100 * found.low:.3g}, {100 * found.high:.3g}]"


def test_the_answer_is_what_to_take_and_its_numbers() -> None:
    source = curves(rates=FAR, extra=(0, 0, 0, 0, 52_000))
    made = chapter([source])
    assert made.headline == made.opening
    assert _plain(made.opening) == (
        f"With “channel-flip-all-vote”, Encoder on mrpc test "
        f"stands {_percent(source.tolerated('channel-flip-all-vote'))} of its cells stuck before the "
        f"mean F1 loses 10 points, for 1.65 % more cells; with no measure, {_percent(source.tolerated('none'))}."
    )
    said = _said(source)
    assert list(said) == ["How many stuck cells it stands", "Which scheme to take"]
    for name in source.schemes[1:]:
        assert f"“{name}” {_percent(source.tolerated(name))}" in said["How many stuck cells it stands"]
    gain = source.gain("channel-flip-all-vote", "none")
    assert (
        "Take “channel-flip-all-vote”: it stands the highest rate; it takes 1.65 % more cells"
        in said["Which scheme to take"]
    )
    assert (
        f"{gain.value:.2g} [{gain.low:.3g}, {gain.high:.3g}] times that with no measure" in said["Which scheme to take"]
    )
    assert "published: 2.5 times." in said["Which scheme to take"]


def test_of_schemes_that_chips_do_not_tell_apart_the_cheapest_is_taken() -> None:
    names = ("none", "paper", "best-of-3", "channel-flip-all-vote")
    values = curves(names, rates=FAR).values
    values[2] = values[3]  # the same chip by chip
    taken = Faulty.of([curves(names, rates=FAR, values=values)]).curves[0].taken
    assert taken.name == "channel-flip-all-vote", "rather more cells than a map of faults"
    free = {"known_map": (False,) * 4}
    assert Faulty.of([curves(names, rates=FAR, values=values, **free)]).curves[0].taken.name == "best-of-3"
    values[1] = values[3] - 0.002 * np.abs(np.random.default_rng(1).standard_normal(values[3].shape))
    view = Faulty.of([curves(names, rates=FAR, values=values)]).curves[0]
    assert view.ranked[0].name in ("channel-flip-all-vote", "best-of-3")
    assert view.taken.name == ("paper" if len(view.level) == 3 else "channel-flip-all-vote")


def test_a_scheme_that_reads_cells_one_by_one_is_dearer_than_more_cells() -> None:
    source = curves(("none", "flip", "channel-flip-all-vote"), rates=FAR)
    values = source.values.copy()
    values[1] = values[2]
    source = replace(source, digital_read=(False, True, False), values=values)
    view = Faulty.of([source]).curves[0]
    assert [line.digital for line in view.lines] == [False, True, False]
    assert view.taken.name == "channel-flip-all-vote"
    assert _column(tables.schemes(view), "needs") == ["–", "bit by bit", "–"]


def test_a_scheme_that_needs_a_map_comes_with_one_that_does_not() -> None:
    source = curves(("none", "paper", "best-of-3"), rates=FAR)
    said = _said(source)["Which scheme to take"]
    assert (
        "Take “best-of-3”: it stands the highest rate; it takes no more cells, and the stuck cells of every chip"
        in said
    )
    assert (
        f"Where nobody looks for the stuck cells of a chip, take “paper”: {_percent(source.tolerated('paper'))}."
        in said
    )


def test_the_page_takes_what_the_curves_recommend() -> None:
    taken = set()
    for seed in range(12):
        draws = np.random.default_rng(seed)
        names = tuple(draws.permutation(list(BEARS)).tolist())
        values = curves(names, rates=FAR).values
        values[1] = values[2] + 0.001 * draws.standard_normal(values[1].shape)
        needs = {
            "known_map": tuple((draws.random(6) < 0.3).tolist()),
            "digital_read": tuple((draws.random(6) < 0.3).tolist()),
            "extra": tuple(draws.integers(0, 3, 6).tolist()),
        }
        source = curves(names, rates=FAR[: draws.integers(2, len(FAR) + 1)], values=values, **needs)
        source = replace(source, values=values[:, : len(source.rates)])
        view = Faulty.of([source]).curves[0]
        assert view.taken.name == source.recommended()
        assert [line.name for line in view.level] == source.level()
        assert [line.name for line in view.ranked] == source.ranked()
        table = tables.schemes(view)
        assert [n for n, t in zip(names, _column(table, "take"), strict=True) if t] == [source.recommended()]
        known = ["known map of faults" in said for said in _column(table, "needs")]
        assert known == list(needs["known_map"])
        if view.mapless is not None:
            assert not view.mapless.known_map
            assert not view.mapless.digital
        taken.add(source.recommended())
    assert len(taken) > 2


def test_beyond_the_rates_measured_what_is_left_decides() -> None:
    source = curves(("none", "channel", "channel-flip-all-vote"))  # up to 0.2 %
    view = Faulty.of([source])
    assert [line.name for line in view.curves[0].ranked] == ["channel-flip-all-vote", "channel", "none"]
    assert view.curves[0].taken.name == "channel-flip-all-vote"
    assert (
        "Take “channel-flip-all-vote”: it stands every rate measured, and leaves most at 0.2 %; "
        in _said(source)["Which scheme to take"]
    )
    assert "stands at least 0.2 % of its cells stuck" in _plain(words.opening(view))
    assert any(
        "“channel” and “channel-flip-all-vote” would stand more than the highest rate measured" in c
        for c in words.caveats(view)
    )
    assert _column(tables.schemes(view.curves[0]), "tolerated, %")[1:] == ["≥0.2", "≥0.2"]


def test_a_network_that_needs_nothing_says_so() -> None:
    source = curves(("none", "flip"), values=np.full((2, 9, 50), DIGITAL))
    assert _plain(words.opening(Faulty.of([source]))) == (
        "As it is, Encoder on mrpc test stands at least 0.2 % of its cells stuck before the mean F1 loses 10 points; "
        "no other scheme is told from it by these chips."
    )


def test_few_chips_have_no_percentile() -> None:
    source = curves(chips=10)
    made = chapter([source])
    table = next(t.table for t in made.tables if t.id == "faults-rates-0")
    assert not any("percentile" in name for name in table.header)
    assert "the worst of 10 chips has" in _said(source)["How many stuck cells it stands"]
    assert len(made.plates[0].panels) == 2, "mean with the worst chip, and what was published"


def test_every_rate_is_in_the_table_with_what_was_published() -> None:
    source = curves()
    table = tables.rates(Faulty.of([source]).curves[0])
    assert len(table.rows) == source.values.shape[0] * source.values.shape[1]
    by_hand = [f"{100 * v.mean():.2f}" for scheme in source.values for v in scheme]
    assert _column(table, "mean") == by_hand
    shown = dict(zip(zip(_column(table, "scheme"), _column(table, "stuck cells, %"), strict=True),
                     _column(table, "published mean"), strict=True))  # fmt: skip
    assert shown["none", "0.05"] == "77.96"
    assert shown["paper", "0.125"] == "80.13"
    assert shown["flip", "0.05"] == "–"
    over = _column(table, "above none, chip by chip")
    assert over[0] == "–"
    assert float(over[-1]) == pytest.approx(100 * (source.values[-1, -1] - source.values[0, -1]).mean(), abs=0.006)


def test_published_numbers_stand_beside_those_of_the_same_task_alone() -> None:
    beside, other = chapter([curves()]), chapter([curves(data="sst2 test")])
    shown = [w for w in _told(beside.plates[0]) if "published" in w]
    assert len(shown) == sum(len(v) for v in TABLE3.values())
    assert any("no measure, published" in w and "mean 77.96 %" in w for w in shown)
    assert not any("published" in w for w in _told(other.plates[0]))
    assert "published mean" not in other.tables[1].table.header
    assert any("Published numbers" in c for c in beside.caveats)
    assert not any("Published numbers" in c for c in other.caveats)


def test_figures_tell_every_mean_and_every_tolerated_rate() -> None:
    source = curves(rates=FAR)
    first, second = chapter([source]).plates
    told = _told(first)
    for i, name in enumerate(source.schemes):
        for j, rate in enumerate(source.rates):
            words_ = f"{'no measure' if name == 'none' else name}\n{100 * rate:.3g} % stuck cells\nmean "
            value = f"{100 * source.values[i, j].mean():.1f}"
            found = [w for w in told if w.startswith(words_)]
            assert found, words_
            assert all(
                float(w.split("mean ")[1].split(" ")[0]) == pytest.approx(float(value), abs=0.051) for w in found
            )
    order = [w.split("\n")[0] for w in _told(second)]
    assert order == ["channel-flip-all-vote", "channel", "paper", "flip", "no measure"], (
        "the one that stands most on top"
    )
    assert any("52,000" in w or "1.65 % more cells" in w for w in _told(second))


def test_many_schemes_have_six_colours_and_the_rest_is_background() -> None:
    more = ("a", "b", "c")
    names = (*BEARS, *more)
    source = curves(("none", "paper"), rates=FAR)
    values = np.stack([curves((n,), rates=FAR).values[0] if n in BEARS else source.values[1] - 0.01 for n in names])
    many = replace(
        source, schemes=names, values=values, ideal=(DIGITAL,) * 9, cells=(10,) * 9, extra=(0,) * 9,
        known_map=(False,) * 9, digital_read=(False,) * 9, memories=(source.memories[0],) * 9,
    )  # fmt: skip
    view = Faulty.of([many])
    slots = [line.slot for line in view.curves[0].lines]
    assert sorted(s for s in slots if s is not None) == list(range(COLOURS))
    assert view.curves[0].bare.slot == 0
    assert view.curves[0].taken.slot is not None
    keys = chapter([many]).plates[0].keys
    assert [key.words for key in keys if key.slot is None and key.series] == [f"{len(more)} other schemes"]


def test_layers_and_planes_are_told_by_what_they_cost_alone() -> None:
    layers, planes = sensitivity(), sensitivity("plane")
    said = _said(layers, planes)
    drop, together = layers.drop("blocks.0.fc1"), layers.drop("all")
    assert said["Which layers matter"].startswith(
        f"Stuck cells in blocks.0.fc1 alone cost {100 * drop.value:.1f} points [{100 * drop.low:.1f}, "
        f"{100 * drop.high:.1f}] at 0.1 %; in all together, {100 * together.value:.1f} points ["
    )
    assert said["Which layers matter"].endswith("Less than one point: blocks.0.key.")
    assert said["Which planes matter"].startswith("Stuck cells in plane 7 (most significant) alone cost")
    assert "plane 0 (least significant)" in said["Which planes matter"]
    plate = chapter([layers]).plates[0]
    assert len(plate.panels) == 2, "one a rate"
    assert [w.split("\n")[0] for w in _told(plate)][: len(LAYERS)] == [f"{n} alone" for n in layers.ranking()]


def test_layers_that_chips_do_not_tell_apart_are_said_to_be() -> None:
    source = sensitivity()
    values = source.values.copy()
    values[3] = values[2] + 1e-4 * np.random.default_rng(0).standard_normal(values[3].shape)
    said = " ".join(parts.sensitive(replace(source, values=values)))
    first, second = replace(source, values=values).ranking()[:2]
    assert {first, second} == {"blocks.0.fc1", "blocks.0.fc2"}
    assert f"These chips do not tell {second} from it." in said


def test_what_costs_nothing_has_no_negative_zero() -> None:
    source = sensitivity()
    nothing = replace(source, values=np.full_like(source.values, DIGITAL + 1e-7), together=source.together)
    assert "-0.0" not in " ".join(parts.sensitive(nothing))
    assert "−0.0" not in " ".join(parts.sensitive(nothing))


def test_pruning_and_copies_are_told_by_their_numbers() -> None:
    said = _said(pruned(), description(30, 28, 20, 30))
    assert said["What pruning leaves"].startswith(
        "30.5 % of the columns of 4 layers are pruned; fewest in blocks.0.fc2, 30"
    )
    assert "90.1 % before, 89.7 % after" in said["What pruning leaves"]
    needed = 2 * (98 + 100 + 108 + 98)
    missing = 2 * 108 - 8 * 20
    assert said["Where copies sit"].startswith(
        f"{needed:,} columns of copies; {100 * (needed - missing) / needed:.3g} % of them sit in columns"
    )
    assert "less than 20 %, in blocks.0.fc1 (15.6 % pruned)" in said["Where copies sit"]
    enough = _said(description(30, 28))["Where copies sit"]
    assert enough == "All 396 columns of copies sit in columns that pruning left empty: they take no more cells."


@pytest.mark.parametrize("gone", [0, 5, 20, 26, 40])
def test_the_drawing_holds_every_copy_once(gone: int) -> None:
    made = embedding("fc", 128, gone)
    found = description(gone)
    plate = room.planes(found, "copies")
    told = [w for w in _told(plate) if "copy" in w]
    drawn = sum(int(re.search(r"([\d,]+) columns$", w)[1].replace(",", "")) for w in told)
    assert drawn == made.needed == len(made.slots)
    added = plate.panels[0].svg().count(">added<")
    assert added == -(-made.missing // 128), "a row for each array that had to be added"


def test_runs_are_neighbours_of_one_copy() -> None:
    made = embedding("fc", 64, 20)
    for plane in range(8):
        held = {slot.host_column: slot for slot in made.slots if slot.host_plane == plane}
        runs = room._runs(held.items())
        cover = [(run.start + i, run.place) for run in runs for i in range(run.columns)]
        assert sorted(cover) == sorted((column, slot.copy) for column, slot in held.items())


def test_weights_are_told_by_outliers_and_empty_planes() -> None:
    said = _said(statistics(18.0))["What the weights look like"]
    assert said.startswith(
        "The largest weight of blocks.0.fc2 is 23.4 standard deviations: such weights make the steps"
    )
    assert "In every tensor, fewer than 1 % of the weights exceed half of the largest one." in said
    assert "All 8 planes hold fewer ones than zeros" in said
    table = tables.weights(statistics())
    assert _column(table, "above half of max") == ["3", "4", "5", "6"]
    assert _column(table, "plane 7, %") == ["0.0"] * 4


def test_the_page_is_sound_with_everything_on_it(tmp_path) -> None:
    path = mho.report(
        tmp_path / "faults.html",
        faults=[curves(), curves(data="sst2 test"), sensitivity(), sensitivity("plane"), pruned(),
                description(30, 28, 20, 30), statistics()],
    )  # fmt: skip
    text, outline = read(path)
    assert "Stuck cells" in outline.heads
    assert text.count("<figcaption>") == 9
    assert "li2024zerospace" in text
    assert "xiao2019autoprune" in text, "what pruning cites"
    assert not [a for a in outline.addresses if not a.startswith(("#", "data:"))]
    for name in ("Every scheme: Encoder on mrpc test", "Every scheme: Encoder on sst2 test", "Where copies sit"):
        assert name in text


@pytest.mark.parametrize(
    "source", [sensitivity, pruned, statistics, lambda: description(30), lambda: curves(("none",))]
)
def test_any_source_is_enough_for_a_page(source, tmp_path) -> None:
    text, _ = read(mho.report(tmp_path / "faults.html", faults=source()))
    assert "Stuck cells" in text
    assert not re.search(r"\bnan\b", re.sub(r"<(script|style).*?</\1>|data:[^\"]*", "", text, flags=re.DOTALL))


def test_a_loss_that_was_asked_for_is_the_one_on_the_page() -> None:
    source = curves(rates=FAR, accepted=0.05)
    said = _plain(words.opening(Faulty.of([source])))
    assert (
        f"{_percent(source.tolerated('channel-flip-all-vote', 0.05))} of its cells stuck before the "
        "mean F1 loses 5 points" in said
    )


def test_a_metric_that_is_no_fraction_has_no_points() -> None:
    source = curves(rates=FAR)
    perplexity = replace(
        source, values=20 / source.values, digital=20 / DIGITAL, ideal=(20 / DIGITAL,) * 5, bounded=False,
        higher_is_better=False, metric="perplexity", data="wikitext",
    )  # fmt: skip
    made = chapter([perplexity])
    assert "point" not in made.opening
    assert "%" not in _column(made.tables[1].table, "mean")[0]
    assert Faulty.of([perplexity]).curves[0].taken.name == "channel-flip-all-vote"


@pytest.mark.parametrize(
    ("sources", "said"),
    [
        (["text"], "faults holds a str; it takes what mho.faults, faults.by_layer and by_plane"),
        ([curves(), curves()], "two curves are labelled 'Encoder on mrpc test'; give mho.faults(..., label=...)"),
        ([curves(), sensitivity(confidence=0.9)], "faults holds intervals of 90 % and 95 %"),
    ],
)
def test_what_does_not_go_together_is_refused(sources, said, tmp_path) -> None:
    with pytest.raises(SpecError, match=re.escape(said)):
        mho.report(tmp_path / "faults.html", faults=sources)


def test_curves_in_the_wrong_place_are_sent_to_theirs(tmp_path) -> None:
    with pytest.raises(SpecError, match=r"takes a FaultCurves as faults=, such as report\(.*, faults=\.\.\.\)"):
        mho.report(tmp_path / "faults.html", curves())


def test_terms_are_those_that_the_page_uses() -> None:
    plain = dict(chapters._terms(Faulty.of([statistics()])))
    full = dict(chapters._terms(Faulty.of([curves(("none", "best-of-3", "channel-flip-all-vote"))])))
    assert set(full) - set(plain) == {"Tolerated", "Vote, copies", "Map of faults"}


def test_what_sits_where_says_what_is_pruned_and_added_where_anything_is() -> None:
    from mho.reports.layers import layers

    plain = description(30)
    assert "columns pruned" not in layers(plain).header
    stored = tuple(replace(s, pruned=30, added=0.125) for s in plain.stored)
    table = layers(replace(plain, stored=stored))
    assert _column(table, "columns pruned") == ["30"]
    assert _column(table, "added, %") == ["12.5"]
