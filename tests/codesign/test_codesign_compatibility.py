"""What goes with what: the page is what the code does, every kind is in it, and no pair ends in a bug."""

from __future__ import annotations

from collections import Counter
from inspect import isabstract, isfunction
from pathlib import Path
from types import ModuleType

import pytest
import torch

import mho
from mho import analog, devices, mapping, programming, training
from mho.analog.algorithm import Algorithm
from mho.codesign.compatibility import Cell, Table, _Tried, combinations
from mho.codesign.compatibility_page import COMMAND, SYMBOLS, page
from mho.codesign.compatibility_questions import Job, MeansNothingError
from mho.codesign.compatibility_things import AXES, USUAL, Thing
from mho.devices.base import Device
from mho.devices.position_codes import SCHEMES
from mho.devices.pulsed import PulsedCell
from mho.errors import MhoError, SpecError, UnknownNameError
from mho.mapping import Mapping
from mho.memory import Memory, redundancy
from mho.programming import Scheme, Selective, WriteVerify
from mho.spec import Spec
from mho.studies import questions

PAGE = Path(__file__).parents[2] / "docs" / "compatibility.md"
OTHER_VERBS = {"Memory", "Study", "cite", "compare", "deploy", "design", "report", "train"}
"""Verbs of the package that ask nothing of one kind of chips."""
NO_TRAINING = {
    "history", "load_checkpoint", "origin", "pools", "preset", "refresh_norms", "shrink", "sparsity", "train",
    "with_compensation", "with_gates", "with_shared_block", "without_gates",
}  # fmt: skip
"""Functions of the room that are no way to train, or part of one."""


@pytest.fixture(scope="module")
def table() -> Table:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return combinations()
    finally:
        torch.set_num_threads(threads)


def kinds(axis: str) -> set[str]:
    return {type(thing.make()).__name__ for thing in AXES[axis]}


def public(room: ModuleType, base: type) -> set[str]:
    """Names of the concrete kinds of ``base`` that a room shows."""
    found = [getattr(room, name) for name in room.__all__]
    return {k.__name__ for k in found if isinstance(k, type) and issubclass(k, base) and not isabstract(k)}


def test_the_page_is_what_the_code_does(table: Table) -> None:
    """Line by line, so that what differs is seen."""
    told = f"docs/compatibility.md is not what the code does; write it again: {COMMAND}"
    for now, written in zip(table.markdown().splitlines(), PAGE.read_text(encoding="utf-8").splitlines(), strict=False):
        assert now == written, told
    assert table.markdown() == PAGE.read_text(encoding="utf-8"), told


def test_every_pair_is_there_and_what_is_refused_is_said_in_one_line(table: Table) -> None:
    sizes = [len(things) for things in AXES.values()]
    assert len(table.cells) == (sum(sizes) ** 2 - sum(n**2 for n in sizes)) // 2
    for names, cell in table.cells.items():
        assert bool(cell.said) == (cell.mark in ("apart", "refused")), names
        assert "\n" not in cell.said, names
    counts = Counter(cell.mark for cell in table.cells.values())
    assert set(counts) == set(SYMBOLS)
    assert counts["works"] > 1500


def test_names_are_of_one_thing_and_what_suits_exists() -> None:
    names = [thing.name for things in AXES.values() for thing in things]
    assert len(set(names)) == len(names)
    by_axis = {axis: {thing.name for thing in things} for axis, things in AXES.items()}
    assert all(name in by_axis[axis] for axis, name in USUAL.items())
    for things in AXES.values():
        for thing in things:
            assert all(set(suited) <= by_axis[axis] for axis, suited in thing.suits.items()), thing.name


def test_no_public_kind_is_forgotten() -> None:
    """A new device, mapping, scheme, measure, method or algorithm is one more line of compatibility_things."""
    assert public(devices, Device) | public(devices, PulsedCell) == kinds("device")
    assert public(mapping, Mapping) == kinds("mapping")
    assert public(programming, Scheme) == kinds("programming")
    assert public(redundancy, redundancy.Redundancy) | {"NoneType", "PositionCode"} == kinds("redundancy")
    assert {method.__name__ for method in training.METHODS.values()} | {"Gates"} <= kinds("training")
    assert public(training, training.Method) <= kinds("training")
    assert public(analog, Algorithm) <= kinds("training")


def test_no_variant_that_behaves_otherwise_is_forgotten() -> None:
    made = {axis: [thing.make() for thing in things] for axis, things in AXES.items()}
    codes = {code.name for code in made["redundancy"] if isinstance(code, devices.PositionCode)}
    assert len(codes) == len(SCHEMES)
    assert {s.model for s in made["programming"] if isinstance(s, WriteVerify)} == {"redraw", "pulse"}
    assert {s.unit for s in made["programming"] if isinstance(s, Selective)} == {"weight", "cell"}
    assert {m.binary for m in made["mapping"]} == {True, False}
    assert any(isinstance(d, Device) and d.per_weight for d in made["device"])


def test_no_verb_is_forgotten() -> None:
    asked = {thing.name.partition(",")[0].partition(" ")[0] for thing in AXES["question"]}
    assert set(mho._VERBS) - OTHER_VERBS <= asked
    assert public(questions, questions.Question) <= {"Verify", "WorstCase"}, "a new question is asked here too"
    ways = {name for name in training.__all__ if isfunction(getattr(training, name))}
    assert ways - NO_TRAINING == {t.name for t in AXES["training"]} & ways


@pytest.mark.filterwarnings("ignore:.*can hardly learn")
@pytest.mark.parametrize("number", range(0, 2198, 137))
def test_a_cell_does_not_depend_on_what_was_tried_before(table: Table, number: int) -> None:
    """One pair at a time, each with networks trained for it alone."""
    torch.set_num_threads(1)
    axis_of = {thing.name: (axis, thing) for axis, things in AXES.items() for thing in things}
    names, cell = list(table.cells.items())[number % len(table.cells)]
    assert _Tried(AXES).pair(dict(axis_of[name] for name in names)) == cell


def refusal(make) -> str:
    with pytest.raises(MhoError) as caught:
        make()
    return str(caught.value)


def test_refusals_are_what_a_user_is_told(table: Table) -> None:
    stuck, rram = devices.StuckAt.at_rate(0.05), devices.RRAM1(sigma=0.1)
    no_planes = table.cell("ECC", "SlicedMagnitude")
    assert no_planes.said == refusal(lambda: Memory(device=stuck, redundancy=redundancy.ECC()))
    model, data = torch.nn.Linear(4, 3).eval(), (torch.zeros(3, 4), torch.arange(3))
    track = Memory(device=devices.Racetrack(), mapping=mapping.Tracks(weight_bits=8))
    slips = table.cell("worst_case, bound", "Racetrack")
    assert slips.said == refusal(lambda: mho.worst_case(mho.deploy(model, track), data, bound=0.1))
    assert dict(slips.beside) == {"mapping": "Tracks, 8 bits"}
    chosen = Memory(device=rram, programming=Selective(fraction=0.1))
    ranked = table.cell("Selective, weights", "NoiseInjection")
    noise = training.NoiseInjection()
    assert ranked.mark == "apart"
    assert ranked.said == refusal(lambda: mho.train(model, data, method=noise, memory=chosen))


def test_what_works_and_what_means_nothing(table: Table) -> None:
    works = [("PCM", "ages"), ("ECC", "StuckAt"), ("GROGU", "Racetrack"), ("AGAD", "worst_case, bound")]
    for a, b in works:
        names = [f"arrays, {a}" if a == "AGAD" else a, b]
        assert table.cell(*names).mark == "works", names
        assert table.cell(*names) == table.cell(*names[::-1])
    for names in [("RRAM1", "ages"), ("P-ECC", "StuckAt"), ("Plain", "SigmaSearch"), ("in_situ", "worst_case, bound")]:
        assert table.cell(*names) == Cell("nothing")
    with pytest.raises(UnknownNameError, match="did you mean 'Racetrack'"):
        table.cell("racetrak", "ages")


def broken(job: Job) -> None:
    raise TypeError("a bug")


def refused(job: Job) -> None:
    raise SpecError("no")


def senseless(job: Job) -> None:
    raise MeansNothingError


def tried(question, **suits: tuple[str, ...]) -> Cell:
    axes = {"device": AXES["device"][:1], "question": (Thing("mine", lambda: question, suits),)}
    return combinations(axes).cell("mine", "RRAM1")


def test_a_bug_is_raised_with_what_was_tried() -> None:
    with pytest.raises(TypeError, match="a bug") as caught:
        tried(broken)
    assert "'device': 'RRAM1'" in caught.value.__notes__[0]


def test_the_best_of_what_suits_counts() -> None:
    assert tried(refused) == Cell("refused", "no")
    assert tried(senseless) == Cell("nothing")

    def picky(job: Job) -> None:
        if job.chips.memories[0].mapping.cells_per_weight > 1:
            raise SpecError("one cell a weight")

    assert tried(picky) == Cell("refused", "one cell a weight")
    found = tried(picky, mapping=("Differential", "Analog", "BitPlanes"))
    assert (found.mark, found.beside) == ("works", (("mapping", "Analog"),))
    assert found.other == Cell("refused", "one cell a weight", (("mapping", "Differential"),))


def test_a_note_is_told_once_and_lines_that_differ_in_names_alone_are_one(table: Table) -> None:
    text = page(table)
    assert (
        text.count("`Memory: redundancy=ROW guards planes of bits, and COLUMN has none; give mapping=BitPlanes()`") == 1
    )
    assert "1. beside mapping Tracks, 8 bits\n" in text


def test_specs_of_things_are_equal_when_made_twice() -> None:
    """What was tried is known by what was made."""
    for things in AXES.values():
        for thing in things:
            made = thing.make()
            assert made == thing.make()
            assert made is None or isinstance(made, Spec) or isfunction(made)
