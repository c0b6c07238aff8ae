"""Position codes: what they undo, what stays, and how they are named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference import protection_costs

import mho
from mho.devices.position_codes import GROGU, PECC, PECCO, SCHEMES, PositionCode, scheme
from mho.errors import SpecError, UnknownNameError
from mho.spec import from_dict


def code(m: int, d: int | None = None) -> PositionCode:
    return PositionCode(correctable=m, detectable=d, detection_cycles=1, correction_cycles=1)


@pytest.mark.parametrize(
    ("made", "left"),  # of errors by 0, 1, ... positions
    [
        (code(0), [0, 1, 2, 3]),  # notices nothing
        (code(0, 1), [0, 0, 2, 0, 4]),  # parity
        (code(1), [0, 0, 3, 3, 3, 6, 6, 6]),
        (code(1, 2), [0, 0, 0, 4, 4, 4, 0, 8]),
        (code(2, 3), [0, 0, 0, 0, 6, 6, 6, 6, 6, 0]),
        (GROGU(window=2), [0, 0, 0, 5, 5, 5, 5, 5, 10]),
    ],
    ids=str,
)
def test_what_an_error_leaves(made: PositionCode, left: list[int]) -> None:
    assert [made.net(e) for e in range(len(left))] == left
    assert [made.net(-e) for e in range(len(left))] == [-o for o in left]


def test_three_domains_look_like_one_the_other_way() -> None:
    """[zhang2015hifi]: a single-error-correcting, double-detecting code is off by 2 (m + 1) when it is fooled."""
    secded = code(1, 2)
    assert [secded.net(e) for e in (3, -3)] == [4, -4]
    assert [secded.outcome(e) for e in (0, 1, 2, 3)] == ["none", "corrected", "reloaded", "undetected"]
    assert [secded.moves(e) for e in (0, 1, 2, 3, 4)] == [False, True, False, True, False]


@given(m=st.integers(0, 6), more=st.integers(0, 6), e=st.integers(-60, 60))
def test_codes_as_a_search_for_the_smallest_move(m: int, more: int, e: int) -> None:
    made = code(m, m + more)
    assert (made.net(e), made.outcome(e)) == protection_costs.undo(made, e)
    assert made.net(e) % made.period == 0
    assert made.outcome(-e) == made.outcome(e)


def test_checks_of_a_long_way() -> None:
    given = {"detection_cycles": 1, "correction_cycles": 1}
    assert [PECC(**given).checks(n) for n in (0, 1, 31)] == [0, 1, 1]
    assert [PECCO(**given).checks(n) for n in (0, 1, 31)] == [0, 1, 31]
    assert [PositionCode(max_distance=4, **given).checks(n) for n in (0, 3, 4, 5, 31)] == [0, 1, 1, 2, 8]


def test_the_published_cycles_of_grogu() -> None:
    grogu = GROGU()
    assert (grogu.detection_cycles, grogu.correction_cycles, grogu.correctable, grogu.name) == (2, 4, 1, "GROGU")
    assert set(grogu.references) == {"khan2023downshift", "bereholschi2024netdrift"}
    assert "DownShift" in mho.cite(grogu)
    assert code(1).references == ()


@pytest.mark.parametrize("name", SCHEMES)
def test_schemes_by_name_and_from_yaml(name: str) -> None:
    made = scheme(name.lower(), detection_cycles=3.0, correction_cycles=9.0)
    assert made == SCHEMES[name](detection_cycles=3.0, correction_cycles=9.0)
    assert from_dict({"kind": name, "detection_cycles": 3.0, "correction_cycles": 9.0}) == made
    assert from_dict(made.to_dict()) == made
    assert scheme("P-ECC-O", detection_cycles=1, correction_cycles=1).max_distance == 1


def test_the_label_decides_nothing() -> None:
    assert code(1).replace(name="mine").digest() == code(1).digest() != code(2).digest()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: PECC(), "PECC lacks 'detection_cycles': its paper gives no cycles; write detection_cycles"),
        (lambda: PECCO(detection_cycles=2.0), "PECCO lacks 'correction_cycles'"),
        (lambda: from_dict({"kind": "PECC"}), "PECC lacks 'detection_cycles'"),
        (lambda: code(2, 1), "detectable=1 must be at least correctable=2"),
        (lambda: code(-1), "correctable=-1 must be zero or more"),
        (lambda: code(1).replace(window=0), "window=0 must be at least the 1 domains"),
        (lambda: code(1).replace(max_distance=0), "max_distance=0 must be one domain or more"),
        (lambda: code(1).replace(detection_cycles=-1), "detection_cycles=-1 must be zero or more cycles"),
        (lambda: code(1).replace(extra_domains=-1), "extra_domains=-1 must be zero or more, or null"),
        (lambda: code(1).replace(detection_cycles="2"), "detection_cycles='2' is a str"),
        (lambda: GROGU(window=0), "GROGU: window=0 corrects nothing; it must be one domain or more"),
        (lambda: scheme("grogu", window=-1), "window=-1 corrects nothing"),
        (lambda: GROGU(window="2"), "correctable='2' is a str"),
        (lambda: scheme("grogu", widow=2), "GROGU has no field 'widow': did you mean 'window'?"),
    ],
)
def test_bad_codes_are_one_line(make, said: str) -> None:
    with pytest.raises(SpecError) as caught:
        make()
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("make", [lambda: scheme("grogoo"), lambda: from_dict({"kind": "GROGOO"}, PositionCode)])
def test_an_unknown_scheme_names_the_nearest(make) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'GROGU'"):
        make()
