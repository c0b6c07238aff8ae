"""Shift faults: the sparse process against a literal tape, the laws of offsets, and what specs refuse."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import mho
from mho import devices, mapping
from mho.devices.nanowires import Nanowires, cut
from mho.devices.offset_law import offset_law
from mho.devices.offsets import Offsets
from mho.devices.racetrack import Racetrack
from mho.errors import MhoError, SpecError
from mho.mapping import program
from tests.reference.racetrack import Tape

CODE = devices.position_codes.PositionCode(detection_cycles=2, correction_cycles=4)


def binary(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randint(0, 2, shape, generator=torch.Generator().manual_seed(seed)).float() * 2 - 1


Tensor = torch.Tensor


def read(device: Racetrack, tracks: mapping.Tracks, weight: Tensor, age: int, chips: Tensor) -> Tensor:
    return program(tracks, device, weight, layer="w", age=age).sample(3, chips)


SHAPES = st.sampled_from([(3, 7), (5, 70), (2, 130), (4, 3, 3, 3), (70, 5)])


@settings(max_examples=60, deadline=None)
@given(
    shape=SHAPES,
    bits=st.sampled_from([1, 2, 5, 7, 32, 64]),
    order=st.sampled_from(["row", "column", "published"]),
    ports=st.sampled_from([1, 1, 2, 3]),
    rate=st.sampled_from([0.01, 0.1, 0.6, 1.0]),
    double=st.sampled_from([0.0, 0.3]),
    fill=st.sampled_from(["edge", "zero", "one", "latched", "fresh", "wrap", "neighbour", "published"]),
    bound=st.sampled_from(["clamp", "free", "stick", "stick-right"]),
    rewind=st.sampled_from(["free", "faulty", "zigzag"]),
    step=st.sampled_from([1, 3]),
    read_order=st.sampled_from(["progressive", "block"]),
    margin=st.sampled_from([None, None, 2]),
    code=st.sampled_from([None, None, CODE, CODE.replace(correctable=0, detectable=0)]),
    age=st.integers(1, 5),
)
def test_the_sparse_process_reads_what_a_literal_tape_reads(
    shape: tuple[int, ...],
    bits: int,
    order: str,
    ports: int,
    rate: float,
    double: float,
    fill: Any,
    bound: Any,
    rewind: Any,
    step: int,
    read_order: Any,
    margin: int | None,
    code: Any,
    age: int,
) -> None:
    ports = 1 if order == "published" else min(ports, bits)
    read_order = "block" if order == "published" else read_order
    tracks = mapping.Tracks(bits=bits, order=order, ports=ports)
    device = Racetrack(
        fault_rate=rate,
        double=double,
        fill=fill,
        bound=bound,
        rewind=rewind,
        rewind_step=step if rewind == "faulty" else 1,
        rewind_rates=(0.02, 0.05, 0.5) if rewind == "faulty" and step == 3 else (),
        read_order=read_order,
        margin=None if bound == "free" else margin,
        correction=code,
    )
    weight = binary(*shape)
    found = read(device, tracks, weight, age, torch.tensor([0, 5]))
    stored = (weight.flatten().numpy() > 0).astype(float)
    wires = tracks.nanowires(weight)
    for row, chip in zip(found, (0, 5), strict=True):
        tape = Tape(device, wires, stored, 3, "w", chip)
        assert np.array_equal(row.flatten().numpy(), 2 * tape.live(age) - 1)


def test_a_chip_is_one_device_whatever_the_steps() -> None:
    """Ten passes at once are ten passes one by one: offsets, faults and what is read."""
    weight, tracks = binary(40, 130), mapping.Tracks(bits=32)
    device = Racetrack(fault_rate=0.02, double=0.1, fill="fresh", rewind="zigzag")
    made = program(tracks, device, weight, layer="w", age=0)
    bits = made.encoded.levels.reshape(1, -1).to(torch.uint8)
    chips = torch.tensor([2, 9])
    step = Offsets(made.device.wires, device.law(made.device.wires, guarded=False), 1, "w", chips)
    out = bits.expand(2, -1).clone()
    for number in range(1, 11):
        step.advance(number, bits, out)
        once = Offsets(step.wires, step.law, 1, "w", chips)
        fresh = bits.expand(2, -1).clone()
        once.advance(number, bits, fresh)
        assert np.array_equal(step.offset, once.offset)
        assert np.array_equal(step.faults, once.faults)
        assert torch.equal(out, fresh)


def test_threads_change_nothing() -> None:
    weight = binary(300, 700)
    before = torch.get_num_threads()
    try:
        found = []
        for threads in (1, 2, 5):
            torch.set_num_threads(threads)
            found.append(read(Racetrack(fault_rate=0.01), mapping.Tracks(bits=16), weight, 3, torch.arange(3)))
    finally:
        torch.set_num_threads(before)
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])


def test_no_faults_and_age_zero_are_the_weights_as_written() -> None:
    weight, chips = 0.3 * binary(5, 70), torch.arange(2)
    for device, age in ((Racetrack(fault_rate=0.0), 9), (Racetrack(fault_rate=0.5), 0)):
        assert torch.equal(read(device, mapping.Tracks(), weight, age, chips), weight.expand(2, -1, -1))


def test_a_code_that_corrects_every_error_leaves_no_trace() -> None:
    weight, chips = binary(5, 70), torch.arange(2)
    guarded = Racetrack(fault_rate=0.5, correction=CODE)
    assert torch.equal(read(guarded, mapping.Tracks(), weight, 50, chips), weight.expand(2, -1, -1))


@pytest.mark.parametrize(("correctable", "detectable", "jump"), [(1, None, 3), (1, 2, 0), (0, 1, 2)])
def test_what_a_code_cannot_correct_stays(correctable: int, detectable: int | None, jump: int) -> None:
    """Errors by two: seen as one the other way, noticed, or not seen at all."""
    code = CODE.replace(correctable=correctable, detectable=detectable)
    device = Racetrack(fault_rate=0.01, double=0.5, correction=code)
    wires = mapping.Tracks(bits=16).nanowires(binary(100, 16))
    law = device.law(wires, guarded=True)
    if law is None:
        assert jump == 0
        return
    offsets = Offsets(wires, law, 0, "w", torch.arange(4))
    offsets.advance(10)
    assert {-jump, 0, jump} <= set(np.unique(offsets.offset))
    inside = np.abs(offsets.offset) < law.margin
    assert (offsets.offset[inside] % jump == 0).all()
    # Only double errors count: 4 chips of 100 nanowires and 150 shifts, at half of 0.01.
    assert abs(offsets.faults.sum() - 300) < 5 * math.sqrt(300)


EXACT = [
    {"bound": "free"},
    {"bound": "clamp"},
    {"bound": "clamp", "margin": 3},
    {"bound": "clamp", "margin": 3, "double": 0.4},
    {"bound": "stick"},
    {"bound": "stick-right"},
    {"bound": "stick", "double": 0.4},
    {"bound": "stick-right", "double": 0.4, "margin": 3},
    {"bound": "clamp", "margin": 2, "rewind": "faulty", "rewind_step": 4, "rewind_rates": (0.0, 0.0, 0.1, 0.05)},
]


@pytest.mark.parametrize("options", EXACT, ids=str)
@pytest.mark.parametrize("path", [True, False])
def test_offsets_have_their_law(options: dict[str, Any], path: bool) -> None:
    """After 12 passes of 8-bit tracks: a walk of matrices, shift by shift, against 20,000 nanowires."""
    device = Racetrack(fault_rate=0.02, **options)
    wires = mapping.Tracks(bits=8).nanowires(binary(20_000, 8))
    law = device.law(wires, guarded=False)
    assert law is not None
    offsets = Offsets(wires, law, 11, "w", torch.zeros(1, dtype=torch.int64))
    offsets.advance(12) if path else offsets.jump(12)
    expected = _walked(law, 12)
    values, found = np.unique(offsets.offset, return_counts=True)
    counts = np.zeros(len(expected))
    counts[values + len(expected) // 2] = found
    assert counts.sum() == 20_000
    seen = expected * 20_000 >= 5
    chi2 = ((counts - 20_000 * expected)[seen] ** 2 / (20_000 * expected[seen])).sum()
    freedom = seen.sum() - 1
    assert chi2 < freedom + 4.5 * math.sqrt(2 * freedom)
    rare = expected[~seen].sum() * 20_000
    assert counts[~seen].sum() <= rare + 5 * math.sqrt(rare) + 1


def _walked(law: Any, passes: int) -> np.ndarray:
    """Probabilities of offsets -200..200, one shift after the other."""
    low, high = law.limits
    p = np.zeros(401)
    p[200] = 1
    for _ in range(passes):
        for count, rate in zip(law.shifts(7), law.rates, strict=True):
            for _ in range(count):
                new = (1 - rate) * p
                for o in np.flatnonzero(p) - 200:
                    for share, jump in ((1 - law.double, law.jumps[0]), (law.double, law.jumps[1])):
                        for way in (-jump, jump):
                            stuck = law.bound.startswith("stick") and (o >= high or (o <= low and law.bound == "stick"))
                            to = o if stuck else o + way
                            to = min(max(to, low), high)
                            new[to + 200] += rate * share / 2 * p[o + 200]
                p = new
    return p


@pytest.mark.parametrize(
    ("passes", "expected"),
    [(1000, (0.8376, 0.7615, 0.6326, 0.4407, 0.2424, 0.0929)), (100, (0.4133, 0.2488, 0.1345, 0.0665, 0.0293, 0.0099))],
)
def test_published_probabilities_of_being_off(passes: int, expected: tuple[float, ...]) -> None:
    """P(o != 0) at a rate of 1e-4 for K = 64, 32, 16, 8, 4, 2: the characteristic function's inversion, and the law."""
    for bits, p in zip((64, 32, 16, 8, 4, 2), expected, strict=True):
        wires = mapping.Tracks(bits=bits).nanowires(binary(1, bits))
        law = Racetrack(fault_rate=1e-4, bound="free").law(wires, guarded=False)
        assert law is not None
        values, found = offset_law(law, [passes * (bits - 1)])
        assert found[values == 0][0] == pytest.approx(1 - p, abs=6e-5)
        t = np.linspace(0, 2 * np.pi, 4097)[:-1]
        closed = ((1 - 1e-4 + 1e-4 * np.cos(t)) ** (passes * (bits - 1))).mean()
        assert found[values == 0][0] == pytest.approx(closed, rel=1e-9)


def test_offsets_far_out_have_the_right_spread() -> None:
    """K = 64, 1000 passes at 1e-4: standard deviation 2.51, so that walls at +-63 are far away."""
    wires = mapping.Tracks(bits=64).nanowires(binary(1000, 64))
    law = Racetrack(fault_rate=1e-4).law(wires, guarded=False)
    assert law is not None
    offsets = Offsets(wires, law, 0, "w", torch.arange(10))
    offsets.advance(1000)
    o = offsets.offset.astype(float)
    assert abs(o.mean()) < 4 * 2.51 / 100
    assert o.std() == pytest.approx(math.sqrt(6.3), rel=4 / math.sqrt(2 * 10_000))


def test_bit_error_rate_of_independent_weights() -> None:
    """A slipped bit is another one: wrong with probability 2 q (1 - q), and never where the end repeats its own bit."""
    q, bits = 0.3, 64
    generator = torch.Generator().manual_seed(5)
    weight = (torch.rand(400, 6400, generator=generator) < q).float() * 2 - 1
    device = Racetrack(fault_rate=1e-4, read_order="block", fill="wrap")
    wires = mapping.Tracks(bits=bits).nanowires(weight)
    law = device.law(wires, guarded=False)
    assert law is not None
    _, p = offset_law(law, [100 * (bits - 1)])
    off = 1 - p.max()
    wrong = (read(device, mapping.Tracks(bits=bits), weight, 100, torch.zeros(1, dtype=torch.int64)) != weight).float()
    by_track = wrong.view(-1, bits).mean(1)
    error = float(by_track.std()) / math.sqrt(len(by_track))
    assert abs(float(by_track.mean()) - 2 * q * (1 - q) * off) < 4 * error


def test_shifts_that_stop_in_the_middle_read_random_bits_once() -> None:
    weight, chips = binary(500, 64), torch.arange(2)
    device = Racetrack(fault_rate=0.0, stop_rate=0.05)
    first, second = (read(device, mapping.Tracks(), weight, age, chips) for age in (1, 2))
    for found in (first, second):
        changed = (found != weight).view(2, 500, 64).float()
        assert changed[..., 0].sum() == 0, "the first bit needs no shift"
        n = changed[..., 1:].numel()
        assert abs(float(changed.sum()) - 0.025 * n) < 5 * math.sqrt(0.025 * n)
    assert not torch.equal(first, second)
    guarded = read(device.replace(correction=CODE), mapping.Tracks(), weight, 1, chips)
    assert torch.equal(guarded, weight.expand(2, -1, -1))


def test_protected_planes_stay_while_the_others_slip() -> None:
    weight = torch.randn(20, 64, generator=torch.Generator().manual_seed(1))
    tracks = mapping.Tracks(bits=32, weight_bits=4, encoding="offset")
    device = Racetrack(fault_rate=0.2, correction=CODE, protected_planes=2)
    made = program(tracks, device, weight, layer="w", age=5)
    cells = made.written(0, torch.arange(2)).read
    assert torch.equal(cells[:, :2], made.encoded.levels[:2].expand(2, -1, -1, -1))
    assert all(not torch.equal(cells[0, i], made.encoded.levels[i]) for i in (2, 3))


@pytest.mark.parametrize("encoding", ["twos-complement", "offset", "sign-magnitude", "gray"])
@pytest.mark.parametrize("slicing", ["plane", "interleaved"])
@pytest.mark.parametrize("order", ["row", "column"])
def test_integers_survive_the_tracks(encoding: Any, slicing: Any, order: str) -> None:
    weight = torch.randn(6, 5, 3, 3, generator=torch.Generator().manual_seed(1))
    tracks = mapping.Tracks(bits=32, weight_bits=4, encoding=encoding, slicing=slicing, order=order)
    still = program(tracks, Racetrack(fault_rate=0.1), weight, layer="w", age=0).sample(0, torch.arange(1))[0]
    scale = float(weight.abs().max())
    assert torch.allclose(still, (weight / scale * 7).round() / 7 * scale, atol=1e-6)
    moved = program(tracks, Racetrack(fault_rate=0.1), weight, layer="w", age=9).sample(0, torch.arange(1))[0]
    assert 0.05 < float((moved != still).float().mean()) < 1


def test_interleaved_tracks_mix_significances() -> None:
    """One slip by one position moves every bit to the next significance."""
    weight = torch.tensor([[7.0, 1.0, -3.0, 2.0]])
    tracks = mapping.Tracks(bits=16, weight_bits=4, encoding="offset", slicing="interleaved")
    made = program(tracks, Racetrack(fault_rate=0.1), weight, layer="w", age=0)
    wires = tracks.nanowires(weight)
    assert wires.tracks == 1
    stored = made.encoded.levels.flatten()[torch.from_numpy(wires.places)]
    assert "".join(str(int(b)) for b in stored) == "1111100101011010"


@pytest.mark.parametrize("shape", [(5, 70), (70, 5), (4, 3, 3, 3)])
@pytest.mark.parametrize("order", ["row", "column"])
@pytest.mark.parametrize("channel_dim", [0, 1])
def test_orders_are_permutations_cut_into_tracks(shape: tuple[int, ...], order: str, channel_dim: int) -> None:
    weight = torch.zeros(shape)
    wires = mapping.Tracks(bits=32, order=order).nanowires(weight, channel_dim)
    places = wires.places if len(wires.places) else np.arange(weight.numel())
    assert np.array_equal(np.sort(places), np.arange(weight.numel()))
    channel = np.moveaxis(np.arange(weight.numel()).reshape(shape), channel_dim, 0)
    rows = channel.reshape(len(channel), -1)
    rows = rows if order == "row" else rows.T
    tracks = [places[a:b].tolist() for a, b in zip(wires.starts[:-1], wires.starts[1:], strict=True)]
    assert tracks == [row[i : i + 32].tolist() for row in rows for i in range(0, len(row), 32)]
    assert wires.shifts.tolist() == [len(track) - 1 for track in tracks]


BAD = [
    (lambda: mapping.Tracks(bits=0), "bits=0 must be 1 to 4096"),
    (lambda: mapping.Tracks(bits=5000), "bits=5000 must be 1 to 4096"),
    (lambda: mapping.Tracks(order="rwo"), "'rwo'"),
    (lambda: mapping.Tracks(order=(0, 2)), "no permutation"),
    (lambda: mapping.Tracks(ports=65), "ports=65 must be 1 to bits=64"),
    (lambda: mapping.Tracks(bits=7, weight_bits=2, slicing="interleaved"), "multiple of weight_bits=2"),
    (lambda: mapping.Tracks(order=(1, 0)).nanowires(torch.zeros(3, 2)), "no permutation of the 6 weights"),
    (lambda: mapping.register_order("row", lambda w, d: np.arange(3)), "own storage orders"),
    (lambda: Racetrack(fault_rate=1.5), "fault_rate=1.5 is a probability"),
    (lambda: Racetrack(passes=0), "passes=0"),
    (lambda: Racetrack(rewind_step=2), "rewind='faulty'"),
    (lambda: Racetrack(rewind="faulty", rewind_step=3, rewind_rates=(0.1,)), "one rate for each distance"),
    (lambda: Racetrack(rewind="faulty", rewind_rates=(1.1,)), "probabilities"),
    (lambda: Racetrack(margin=0), "margin=0"),
    (lambda: Racetrack(bound="free", margin=3), "leave it out"),
    (lambda: Racetrack(protected_planes=1), "give one"),
    (lambda: mapping.Tracks().encode(torch.tensor([[0.1, -0.2]])), "not binary"),
]


@pytest.mark.parametrize(("make", "said"), BAD, ids=[said for _, said in BAD])
def test_bad_racetracks_are_refused_in_one_line(make: Any, said: str) -> None:
    with pytest.raises(MhoError) as caught:
        make()
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_misfits_are_refused_in_one_line() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(8, 2))
    with torch.no_grad():
        model[0].weight.copy_(binary(2, 8))
    with pytest.raises(SpecError, match=r"mapping\.Tracks"):
        mho.deploy(model, mho.Memory(device=Racetrack())).weights(0, age=1)
    both = Racetrack(correction=CODE, protected_planes=1)
    mixed = mapping.Tracks(bits=32, weight_bits=4, slicing="interleaved")
    with pytest.raises(SpecError, match="slicing='plane'"):
        mho.deploy(model, mho.Memory(device=both, mapping=mixed)).weights(0, age=1)


def test_registered_orders_are_used() -> None:
    mapping.register_order("backwards", lambda weight, dim: np.arange(weight.numel())[::-1].copy())
    wires = mapping.Tracks(bits=4, order="backwards").nanowires(torch.zeros(3, 3))
    assert wires.places.tolist() == list(range(9))[::-1]


def test_many_chips_take_little_memory() -> None:
    """100 chips of a ResNet-18 (174,480 nanowires of 64 bits) in less than 100 MB."""
    shapes: list[Nanowires] = [cut(174_480, 64, 64)]
    law = Racetrack(fault_rate=1e-4).law(shapes[0], guarded=False)
    assert law is not None
    assert Offsets(shapes[0], law, 0, "w", torch.arange(100)).bytes < 100e6
