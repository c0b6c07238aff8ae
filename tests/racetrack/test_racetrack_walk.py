"""Walking from pass to pass, and verbs that have nothing to say about slipping bits."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from reference import binary

import mho
from mho import devices
from mho.devices import Racetrack
from mho.errors import SpecError
from mho.mapping import Tracks
from mho.programming import WriteVerify
from mho.racetrack import Walk
from mho.training import NoiseInjection, Recipe


def chips(**options: object) -> mho.memory.Chips:
    model, _ = binary.classifier(16)
    device = Racetrack(**{"fault_rate": 0.01, "passes": 2, **options})
    return mho.deploy(model, mho.Memory(device=device, mapping=Tracks(bits=16)), seed=3)


@pytest.mark.parametrize("options", [{}, {"fill": "fresh"}, {"rewind": "zigzag", "double": 0.2}])
def test_walking_leads_where_ages_do(options: dict[str, object]) -> None:
    deployed = chips(**options)
    walk = Walk(deployed, range(2, 5))
    for age in (1, 2, 3, 7):
        walk.advance(2 * age - walk.passes)
        for name, weight in deployed.weights(range(2, 5), age=age).items():
            assert torch.equal(walk.weights()[name], weight), (name, age)
    assert all(o.shape[0] == 3 for o in walk.offsets.values())
    assert sum(int(f.sum()) for f in walk.faults.values()) > 0
    assert walk.bytes > 0


def test_what_has_no_way_is_not_walked() -> None:
    with pytest.raises(SpecError, match="path=True"):
        Walk(chips(path=False), range(1))
    model, _ = binary.classifier(16)
    with pytest.raises(SpecError, match="no layer lies on racetracks"):
        Walk(mho.deploy(model, mho.Memory(device=devices.RRAM1(sigma=0.1))), range(1))


def test_too_many_errors_to_follow_are_refused_and_drawn_at_once_instead() -> None:
    with pytest.raises(SpecError, match="path=False"):
        chips().weights(0, age=10**14)
    with pytest.raises(SpecError, match="path=False"):
        chips(fault_rate=1e-15).weights(0, age=10**16)
    old = chips(path=False).weights(range(4), age=10**16)["fc1.weight"]
    new = chips(path=False).weights(range(4), age=10**16 + 2)["fc1.weight"]
    assert 0.2 < float((old != new).float().mean()) < 0.7, "every age by itself"


REFUSED: list[Callable[[], object]] = [
    lambda: mho.worst_case(chips(), binary.classifier(16)[1], bound=0.1),
    lambda: mho.verify(
        binary.classifier(16)[0],
        mho.Memory(device=Racetrack(), mapping=Tracks(), programming=WriteVerify(tolerance=0.1)),
        binary.classifier(16)[1],
        rankings=["random"],
    ),
    lambda: mho.train(
        binary.classifier(16)[0],
        binary.classifier(16)[1],
        method=NoiseInjection(),
        memory=mho.Memory(device=Racetrack(), mapping=Tracks(weight_bits=4)),
        recipe=Recipe(epochs=1),
    ),
]


@pytest.mark.parametrize("ask", REFUSED, ids=["worst_case", "verify", "train"])
def test_verbs_that_look_at_new_chips_refuse_racetracks(ask: Callable[[], object]) -> None:
    with pytest.raises(SpecError, match="slip") as caught:
        ask()
    assert "\n" not in str(caught.value)
