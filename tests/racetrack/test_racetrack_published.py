"""What the 2024 simulator counted and printed, from shapes alone [bereholschi2024netdrift]."""

from __future__ import annotations

import pytest
import torch
from scipy.stats import chi2

import mho
from mho.devices.position_codes import GROGU
from mho.devices.racetrack import Racetrack
from mho.errors import SpecError
from mho.mapping.tracks import Tracks
from mho.racetrack.costs import LayerCost, layer_cost
from mho.racetrack.counting import StoredLayer, counts
from mho.racetrack.overhead import overhead
from mho.racetrack.published import published_nanowires
from mho.racetrack.tally import expected, tally
from mho.racetrack.timing import Timing
from mho.zoo.binary.resnet import BinaryResNet18
from mho.zoo.binary.vgg import BinaryVGG7

VGG7 = [(128, 3, 3, 3), (128, 128, 3, 3), (256, 128, 3, 3), (256, 256, 3, 3), (512, 256, 3, 3), (512, 512, 3, 3)]
VGG7 += [(1024, 8192), (10, 1024)]


def resnet18() -> tuple[list[tuple[int, ...]], set[int]]:
    """Shapes of the 21 layers, and which are the first of a block."""
    shapes: list[tuple[int, ...]] = [(64, 3, 3, 3)]
    first, inputs = set(), 64
    for outputs, stride in ((64, 1), (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1)):
        first.add(len(shapes))
        shapes += [(outputs, inputs, 3, 3), (outputs, outputs, 3, 3)]
        shapes += [(outputs, inputs, 1, 1)] if stride == 2 else []
        inputs = outputs
    return [*shapes, (10, 512)], first


RESNET18, BLOCKS = resnet18()
NETS = {"VGG7": (VGG7, set()), "ResNet18": (RESNET18, BLOCKS)}
RECORDED = {
    "VGG7": [1, 9, 31, 63, 109, 213, 7505, 8],
    "ResNet18": [
        *(0, 358, 7, 400, 7, 772, 17, 8, 1485, 20, 2927, 101, 54, 5881, 83, 12156, 372, 194, 24009, 391, 7),
    ],
}
"""Cumulative faults of every layer after two iterations at K=64, p=4.55e-5, as stored with the simulator."""


def published(net: str, bits: int) -> list[int]:
    shapes, first = NETS[net]
    return [published_nanowires(s, bits, undivided=i in first) for i, s in enumerate(shapes)]


def needed(net: str, bits: int) -> list[int]:
    """``O ceil(I kh kw / K)``."""
    return [s[0] * -(-torch.Size(s[1:]).numel() // bits) for s in NETS[net][0]]


def costs(nanowires: list[int], bits: int, protected: set[int] | None = None) -> list[LayerCost]:
    """Layers by number, from 1; all are protected if ``None``."""
    device = Racetrack(fault_rate=1e-4)
    out = []
    for i, n in enumerate(nanowires, 1):
        layer = StoredLayer(name=str(i), parameter=str(i), device=device, tracks=counts(str(i), n, bits))
        out.append(layer_cost(layer, Timing(), GROGU() if protected is None or i in protected else None))
    return out


def share(nanowires: list[int], bits: int, protected: set[int]) -> float:
    mine = sum(c.extra_cycles for c in costs(nanowires, bits, protected))
    return mine / sum(c.extra_cycles for c in costs(nanowires, bits))


def test_the_shapes_are_the_networks() -> None:
    assert [sum(torch.Size(s).numel() for s in net[0]) for net in NETS.values()] == [12_973_440, 11_164_352]


def test_counts_of_the_simulator() -> None:
    assert published("VGG7", 32) == [12, 512, 1024, 2048, 4096, 8192, 262144, 320]
    assert (sum(published("VGG7", 32)), sum(needed("VGG7", 32))) == (278_348, 405_440)
    assert (sum(published("ResNet18", 32)), sum(needed("ResNet18", 32))) == (551_590, 348_896)
    assert sum(n for i, n in enumerate(published("ResNet18", 32)) if i in BLOCKS) == 524_288
    assert published_nanowires((64, 1, 3, 3), 64) == 64  # VGG3


@pytest.mark.parametrize(("net", "passes", "statistic"), [("VGG7", 10, 5.4), ("ResNet18", 16, 17.3)])
def test_recorded_counters_within_poisson_error(net: str, passes: int, statistic: float) -> None:
    """T1: any other number of passes, or one nanowire a kernel position, is excluded."""
    recorded = RECORDED[net]

    def distance(passes: int, factor: int = 1) -> float:
        found = []
        for name, n in zip(map(str, range(len(recorded))), published(net, 64), strict=True):
            device = Racetrack(fault_rate=4.55e-5, passes=passes)
            layer = StoredLayer(name=name, parameter=name, device=device, tracks=counts(name, n * factor, 64))
            found.append(expected(layer, 2).expected["faults"])
        # The first layer expects 0.3 faults, too few for the statistic.
        return sum((r - e) ** 2 / e for r, e in list(zip(recorded, found, strict=True))[1:])

    dof = len(recorded) - 1
    assert distance(passes) == pytest.approx(statistic, abs=0.1)
    assert chi2.sf(distance(passes), dof) > 0.05
    for other in (passes - 1, passes + 1):
        assert chi2.sf(distance(other), dof) < 1e-6
    assert chi2.sf(distance(passes, 9), dof) < 1e-6


EQUAL18 = {4, 6, 7, 8, 11, 16, 17, 19, 20, 21}
CUSTOM18 = set(range(1, 22)) - {1, 15, 18}
SHARES = [  # net, bits, protected layers, share by the simulator's counts, by physical ones
    ("ResNet18", 32, set(range(1, 22, 2)), 0.5865, 0.5385),
    ("ResNet18", 32, EQUAL18, 0.8259, 0.7903),
    ("ResNet18", 32, CUSTOM18, 0.9889, 0.9352),
    ("ResNet18", 64, CUSTOM18, 0.9943, None),
    ("VGG7", 32, {1, 3, 5, 7}, 0.9602, 0.7605),
    ("VGG7", 32, {3, 4, 5, 6}, 0.0552, 0.3410),
    ("VGG7", 32, {2, 4, 5, 6}, 0.0533, 0.3296),
    ("VGG7", 32, {4, 5, 6, 8}, 0.0527, 0.3190),
    ("VGG7", 32, set(range(2, 9)), 1.0000, 0.9997),
    ("VGG7", 32, {2} | set(range(4, 9)), 0.9963, None),
]


@pytest.mark.parametrize(("net", "bits", "protected", "simulator", "physical"), SHARES)
def test_shares_of_full_protection(
    net: str, bits: int, protected: set[int], simulator: float, physical: float | None
) -> None:
    """T2: the ratios of all printed overheads, and what they are with the nanowires that weights need."""
    assert share(published(net, bits), bits, protected) == pytest.approx(simulator, abs=5e-5)
    if physical is not None:
        assert share(needed(net, bits), bits, protected) == pytest.approx(physical, abs=5e-5)


def test_ratios_of_the_printed_overheads() -> None:
    """Times the printed overhead of full protection (whose own base is not known), to the printed digit."""
    printed = {"ResNet18": 87, "VGG7": 109}
    rows = [(SHARES[0], 51), (SHARES[1], 72), (SHARES[4], 105), (SHARES[5], 6), (SHARES[8], 109)]
    for (net, bits, protected, *_), wanted in rows:
        assert round(printed[net] * share(published(net, bits), bits, protected)) == wanted


@pytest.mark.parametrize(("bits", "wanted"), [(32, 0.984), (64, 0.992), (2, 0.667)])
def test_full_protection_costs_the_same_in_every_network(bits: int, wanted: float) -> None:
    """``(K - 1)(2 + 4p) / (2K - 1)``: 87 % and 109 % cannot both come from it."""
    for net in NETS:
        layers = costs(published(net, bits), bits)
        found = sum(c.extra_cycles for c in layers) / sum(c.base_cycles for c in layers)
        assert found == pytest.approx((bits - 1) * (2 + 4e-4) / (2 * bits - 1))
        assert found == pytest.approx(wanted, abs=5e-4)


def binary(model: torch.nn.Module) -> torch.nn.Module:
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.copy_(torch.where(parameter > 0, 1.0, -1.0))
    return model.eval()


def test_networks_are_counted_like_shapes() -> None:
    """The zoo's networks, narrower: ``conv1`` of a block is known by where it is."""
    memory = mho.Memory(device=Racetrack(passes=10), mapping=Tracks(bits=8))
    small = binary(BinaryResNet18(width=16, image_size=32))
    chips = mho.deploy(small, memory)
    shapes = [tuple(p.shape) for n, p in small.named_parameters() if n in chips.placements]
    wanted = [published_nanowires(s, 8, undivided=i in BLOCKS) for i, s in enumerate(shapes)]
    assert [c.nanowires for c in overhead(chips, counting="published").layers] == wanted
    found = tally(chips, inferences=3, counting="published").layers
    assert [t.expected["faults"] for t in found] == pytest.approx([n * 7 * 4.55e-5 * 30 for n in wanted])
    chips = mho.deploy(binary(BinaryVGG7(width=16)), memory)
    found = [c.nanowires for c in overhead(chips, counting="published").layers]
    assert found == [6, 32, 64, 128, 256, 512, 128 * 128, 160]


@pytest.mark.parametrize("shape", [(10, 16), (4, 3, 3, 3), (7,)])
def test_what_the_simulator_cannot_count(shape: tuple[int, ...]) -> None:
    with pytest.raises(SpecError, match="counting='published'"):
        published_nanowires(shape, 32)
