"""What protection costs: against a walk over every nanowire, in lockstep, rewinding, in joules."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import protection_costs
from torch import nn

import mho
from mho.devices.position_codes import GROGU, PECCO, PositionCode
from mho.devices.racetrack import Racetrack
from mho.errors import ModelError, SpecError, UnknownNameError
from mho.mapping.tracks import Tracks
from mho.racetrack.costs import layer_cost
from mho.racetrack.counting import StoredLayer, counts
from mho.racetrack.overhead import overhead
from mho.racetrack.timing import Timing
from mho.spec import from_dict


def two_layers() -> nn.Module:
    """Binary weights: 12 outputs of 40 inputs, 3 of 12."""
    model = nn.Sequential(nn.Linear(40, 12), nn.ReLU(), nn.Linear(12, 3))
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randint(0, 2, parameter.shape, generator=generator) * 2.0 - 1.0)
    return model.eval()


def deployed(code: PositionCode | None = None, protected: str = "*", bits: int = 16, **device: Any) -> mho.memory.Chips:
    plain = mho.Memory(device=Racetrack(fault_rate=1e-3, **device), mapping=Tracks(bits=bits))
    behind = plain.replace(device=plain.device.replace(correction=code))
    rules = {"*": behind} if protected == "*" else {protected: behind, "*": plain}
    return mho.deploy(two_layers(), rules)


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[int], Racetrack, Timing, PositionCode | None]:
    m = draw(st.integers(0, 2))
    code = PositionCode(
        correctable=m,
        detectable=m + draw(st.integers(0, 2)),
        detection_cycles=draw(st.sampled_from([0.0, 2.0, 3.5])),
        correction_cycles=draw(st.sampled_from([0.0, 4.0])),
        max_distance=draw(st.sampled_from([None, 1, 3])),
        detection_joules=1e-10,
        correction_joules=draw(st.sampled_from([None, 3e-10])),
    )
    rewind = draw(st.sampled_from(["free", "faulty", "zigzag"]))
    step = draw(st.integers(1, code.max_distance or 5)) if rewind == "faulty" else 1
    device = Racetrack(
        fault_rate=draw(st.sampled_from([0.0, 1e-4, 0.3, 1.0])),
        double=draw(st.sampled_from([0.0, 0.25, 1.0])),
        passes=draw(st.integers(1, 3)),
        rewind=rewind,
        rewind_step=step,
        rewind_rates=tuple(0.01 * d for d in range(1, step + 1)) if rewind == "faulty" and draw(st.booleans()) else (),
        correction=code,
    )
    timing = Timing(
        lockstep=draw(st.integers(1, 4)),
        energy_per=draw(st.sampled_from(["track", "word"])),
        rewind=draw(st.sampled_from(["device", 5.0] if rewind == "free" else ["device"])),
        parallel=draw(st.integers(1, 3)),
        shift_cycles=draw(st.sampled_from([1.0, 2.5])),
    )
    lengths = draw(st.lists(st.integers(1, 9), min_size=1, max_size=12))
    return lengths, device, timing, draw(st.sampled_from([None, code]))


@settings(max_examples=60, deadline=None)
@given(case=cases())
def test_costs_as_a_walk_over_every_nanowire(case) -> None:
    lengths, device, timing, code = case
    layer = StoredLayer(name="w", parameter="w", device=device, tracks=counts("w", 0, 9, remainder=lengths))
    found, wanted = layer_cost(layer, timing, code).to_dict(), protection_costs.walk(lengths, device, timing, code)
    for key, value in wanted.items():
        assert found[key] == pytest.approx(value, rel=1e-9, abs=1e-18), key
    assert found["nanowires"] == len(lengths)
    assert found["protected"] == (len(lengths) if code else 0)


def test_a_deployed_model_layer_by_layer() -> None:
    """40 inputs on tracks of 16 are 16, 16 and 8 bits a row; 12 inputs are one track."""
    cost = overhead(deployed(GROGU(detection_joules=1e-10), "0"))
    first, second = cost["0"], cost["2"]
    assert (first.nanowires, first.protected, second.nanowires, second.protected) == (36, 36, 3, 0)
    assert (first.shifts, first.reads) == (12 * (15 + 15 + 7), 480)
    assert (second.shifts, second.reads) == (3 * 11, 36)
    assert first.base_cycles == first.shifts + first.reads
    assert first.detection_cycles == 2 * first.shifts
    assert first.correction_cycles == pytest.approx(4 * 1e-3 * first.shifts)
    assert (second.extra_cycles, second.extra_joules, second.extra_seconds) == (0, 0, 0)
    assert cost.fraction == pytest.approx((2 + 4e-3) * 444 / (444 + 480 + 33 + 36))
    assert cost.share == pytest.approx(444 / 477)
    assert cost.base_seconds == pytest.approx(993 * 2.5e-9)
    assert cost.base_joules == pytest.approx(477 * 19.5e-12 + 516 * 80.096e-12 + 3.1202 * 993 * 2.5e-9)
    corrected = 0.444 * (19.5e-12 + 108.981e-12)
    leaked = 3.1202 * cost.extra_seconds
    assert cost.extra_joules == pytest.approx(444e-10 + corrected + leaked)
    assert cost.codes == ("GROGU",)


def test_a_plan_costs_what_it_costs_when_deployed() -> None:
    plain = deployed()
    for protected in ("0", "2"):
        planned = overhead(plain, code=GROGU(), protect=[protected])
        assert planned.to_dict() == overhead(deployed(GROGU(), protected)).to_dict()
    everything = overhead(plain, code=GROGU(), protect=["0", "2"])
    assert everything.to_dict() == overhead(deployed(GROGU())).to_dict()
    assert everything.share == 1
    nothing = overhead(deployed(GROGU()), protect=[])
    assert (nothing.fraction, nothing.share, nothing.codes) == (0, 0, ())
    assert overhead(plain).share is None
    assert [c.full_cycles for c in nothing.layers] == [c.extra_cycles for c in everything.layers]


def test_a_cluster_waits_when_any_track_is_corrected() -> None:
    chips = deployed(GROGU(), bits=40)
    one, many = (overhead(chips, Timing(lockstep=t))["0"] for t in (1, 12))
    assert many.base_cycles == one.base_cycles / 12
    assert many.detection_cycles == one.detection_cycles / 12
    assert many.correction_cycles == pytest.approx(4 * 39 * (1 - (1 - 1e-3) ** 12))
    assert many.correction_cycles > one.correction_cycles / 12
    assert many.faults == one.faults


def test_rewinding_is_checked_step_by_step_only_where_the_code_goes_so() -> None:
    """GROGU checks a rewind once, P-ECC-O (one domain at a time) after every step."""
    pecco = PECCO(detection_cycles=2, correction_cycles=4)
    checks = {}
    for code in (GROGU(), pecco):
        cost = overhead(deployed(code, bits=40), Timing(rewind="shift"))["0"]
        checks[code.name] = cost.detection_cycles / 2 / 12
        assert cost.base_cycles == 12 * (40 + 2 * 39)
    assert checks == {"GROGU": 39 + 1, "P-ECC-O": 39 + 39}
    jump = overhead(deployed(GROGU(), bits=40), Timing(rewind=7.0))["0"]
    assert (jump.base_cycles, jump.detection_cycles) == (12 * (40 + 39 + 7), 12 * 39 * 2)


def test_latencies_instead_of_cycles() -> None:
    timing = Timing(read_seconds=1.61338e-9, shift_seconds=2.14192e-9, write_seconds=4.84522e-9, parallel=4)
    cost = overhead(deployed(GROGU()), timing)
    assert cost.base_seconds == pytest.approx((516 * 1.61338e-9 + 477 * 2.14192e-9) / 4)
    assert cost.extra_seconds == pytest.approx(cost.extra_cycles * 2.5e-9 / 4)


def test_only_the_planes_that_the_code_guards_cost() -> None:
    memory = mho.Memory(
        device=Racetrack(fault_rate=1e-3, correction=GROGU(extra_domains=3), protected_planes=1),
        mapping=Tracks(bits=16, weight_bits=4),
    )
    cost = overhead(mho.deploy(two_layers(), memory))["0"]
    assert (cost.nanowires, cost.protected, cost.extra_domains) == (4 * 36, 36, 3 * 36)
    assert cost.extra_cycles == pytest.approx(cost.full_cycles / 4)


@given(bits=st.integers(2, 6), top=st.integers(0, 6), faults=st.sampled_from([0.0, 0.2]))
@settings(max_examples=12, deadline=None)
def test_planes_cost_as_many_tracks_of_one_plane(bits: int, top: int, faults: float) -> None:
    """40 inputs on tracks of 16 are 16, 16 and 8 bits: a plane is 36 nanowires of the first layer, 3 of the second."""
    top = min(top, bits)
    code = GROGU(extra_domains=3, detection_joules=1e-12)
    device = Racetrack(fault_rate=faults, correction=code, protected_planes=top)
    chips = mho.deploy(two_layers(), mho.Memory(device=device, mapping=Tracks(bits=16, weight_bits=bits)))
    for cost in (overhead(chips), overhead(chips, protect=["0", "2"])):
        for layer, wires, shifts in (("0", 36, 12 * (15 + 15 + 7)), ("2", 3, 3 * 11)):
            one = cost[layer]
            assert (one.nanowires, one.protected, one.extra_domains) == (bits * wires, top * wires, 3 * top * wires)
            assert one.shifts == bits * shifts
            assert one.detection_cycles == pytest.approx(2 * top * shifts)
            assert one.correction_cycles == pytest.approx(4 * faults * top * shifts)
            assert one.full_cycles == pytest.approx((2 + 4 * faults) * bits * shifts)
        assert cost.share == pytest.approx(top / bits)
        assert cost.extra_seconds == pytest.approx(cost.extra_cycles * 2.5e-9)
    alone = overhead(chips, protect=["2"])
    assert (alone["0"].protected, alone["0"].extra_cycles, alone["2"].protected) == (0, 0, 3 * top)


def test_reloads_write_the_track_again() -> None:
    """A double error that is noticed and not undone: 16 writes of two cycles and 15 shifts."""
    code = PositionCode(correctable=1, detectable=2, detection_cycles=0, correction_cycles=0)
    cost = overhead(deployed(code, double=1.0))["0"]
    assert cost.correction_cycles == pytest.approx(1e-3 * 12 * (2 * 15 * (32 + 15) + 7 * (16 + 7)))


def test_what_is_unknown_is_not_guessed() -> None:
    cost = overhead(deployed(GROGU()))
    assert cost.extra_joules is None
    assert cost.extra_domains is None
    assert "and an unknown number of domains. Added energy is unknown: GROGU gives no detection_joules" in str(cost)
    known = overhead(deployed(GROGU(detection_joules=0.0)))
    assert "unknown:" not in str(known)
    plain = mho.Memory(device=Racetrack(fault_rate=1e-3), mapping=Tracks(bits=16))
    codes = (GROGU(), PECCO(detection_cycles=1, correction_cycles=1, detection_joules=1e-12))
    first, second = (plain.replace(device=plain.device.replace(correction=c)) for c in codes)
    both = overhead(mho.deploy(two_layers(), {"0": first, "2": second}))
    assert "Added energy is unknown: a code gives no detection_joules" in str(both)
    assert overhead(deployed(GROGU(extra_domains=0, detection_joules=0.0))).extra_domains == 0


def test_it_prints_and_is_plain_data() -> None:
    cost = overhead(deployed(GROGU(), "0"))
    data = json.loads(json.dumps(cost.to_dict()))
    assert data["all"]["nanowires"] == 39
    assert data["timing"] == Timing().to_dict()
    assert from_dict(data["timing"]) == Timing()
    lines = str(cost).splitlines()
    assert "behind GROGU" in lines[0]
    assert "track by track" in lines[0]
    assert [line.split()[0] for line in lines[4:]] == ["0", "2", "all"]
    assert max(map(len, lines[2:])) <= 120
    assert "rtsim" in cost.references


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda: overhead(deployed(), protect=["0"]), SpecError, "give code=racetrack.GROGU()"),
        (lambda: overhead(deployed(), protect=["fc"], code=GROGU()), UnknownNameError, "unknown layer 'fc'"),
        (lambda: overhead(deployed(), counting="real"), SpecError, "counting='real' must be 'physical' or 'published'"),
        (lambda: overhead(deployed(rewind="zigzag"), Timing(rewind="shift")), SpecError, "use rewind='device'"),
        (
            lambda: overhead(mho.deploy(two_layers(), mho.Memory(device=mho.devices.RRAM1(sigma=0.1)))),
            ModelError,
            "Tracks",
        ),
        (
            lambda: overhead(mho.deploy(two_layers(), mho.Memory(device=mho.devices.Skyrmion(), mapping=Tracks()))),
            SpecError,
            "device=Skyrmion(...) takes no position code",
        ),
        (lambda: overhead(deployed())["1"], UnknownNameError, "valid names: 0, 2"),
        (lambda: Timing(lockstep=0), SpecError, "lockstep=0 must be 1 or more"),
        (lambda: Timing(rewind="jump"), SpecError, "rewind='jump' is a str"),
        (lambda: Timing(read_seconds=-1.0), SpecError, "read_seconds=-1.0 must be zero or more seconds, or null"),
        (lambda: Timing(read_cycles=0, shift_cycles=0), SpecError, "must not both be zero"),
        (lambda: counts("w", -1, 8), SpecError, "-1 nanowires of 8 bits"),
    ],
)
def test_bad_questions_are_one_line(call, error: type[Exception], said: str) -> None:
    with pytest.raises(error) as caught:
        call()
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
