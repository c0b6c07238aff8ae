"""Duplicates in pruned columns: every one has a place of its own, none where something is read."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import mho
from mho.devices import StuckAt
from mho.errors import ModelError
from mho.mapping import BitPlanes
from mho.memory.redundancy import Voting, embed, least_sparsity


@settings(deadline=None, max_examples=150)
@given(data=st.data(), bits=st.integers(2, 9), times=st.sampled_from([1, 2, 3, 5]), room=st.booleans())
def test_every_duplicate_has_one_place_and_every_place_one_duplicate(data, bits, times, room):
    protected = data.draw(st.integers(1, bits))
    copies = (1,) * (bits - protected) + (times,) * protected
    sizes = data.draw(st.lists(st.integers(1, 30), min_size=1, max_size=3))
    pruned = {
        f"layer{i}": np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)), bool)
        for i, n in enumerate(sizes)
    }
    found = embed(pruned, bits, copies, room=room)
    wanted = {
        (name, b, k, int(c))
        for name, mask in pruned.items()
        for b in range(bits)
        for k in range(1, copies[b])
        for c in np.flatnonzero(~mask)
    }
    assert [slot[:4] for slot in found.slots] != [] or not wanted
    assert {slot[:4] for slot in found.slots} == wanted  # none of a pruned column, none forgotten
    assert len(found.slots) == len(wanted) == found.needed
    places = [(slot.host, slot.host_plane, slot.host_column) for slot in found.slots]
    assert len(set(places)) == len(places)
    for slot in found.slots:
        assert 0 <= slot.host_column < len(pruned[slot.host])
        if slot.host_plane < bits:
            assert pruned[slot.host][slot.host_column]  # never where a kept column stands
        else:
            assert slot.host == slot.layer
    assert found.missing == max(0, found.needed - (found.free if room else 0))
    if room and found.sparsity >= found.least_sparsity:
        assert found.missing == 0


@pytest.mark.parametrize(
    ("bits", "copies", "share"), [(8, 3, 0.2), (8, 5, 1 / 3), (4, 3, 1 / 3), (6, 3, 0.25), (7, 3, 2 / 9)]
)
def test_the_least_sparsity(bits, copies, share):
    assert least_sparsity(bits, (1,) * (bits - 1) + (copies,)) == pytest.approx(share)


@pytest.mark.parametrize(("columns", "enough"), [(768, 154), (3072, 615)])
def test_the_bound_of_allocation_is_tight(columns, enough):
    """20.05 % of 768 columns and 20.02 % of 3,072 suffice at eight planes and three copies; one fewer does not."""
    copies = (1,) * 7 + (3,)
    for pruned, missing in ((enough, False), (enough - 1, True)):
        mask = np.arange(columns) < pruned
        assert bool(embed({"w": mask}, 8, copies).missing) is missing
    assert 0.2 <= enough / columns < 0.2 + 1 / columns


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(12, 20) for _ in range(3))
        self.output = nn.Linear(20, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.output(self.query(x) * self.key(x) + self.value(x))


def attention() -> Attention:
    torch.manual_seed(0)
    model = Attention().eval()
    with torch.no_grad():
        for layer in (model.query, model.value):
            layer.weight[:9] = 0
    return model


POOL = (("*query", "*key", "*value"),)


def test_layers_with_the_same_inputs_share_their_room():
    model = attention()
    memory = mho.Memory(device=StuckAt.at_rate(0.02), mapping=BitPlanes(), redundancy=Voting())
    alone = mho.describe(mho.deploy(model, memory))
    shared = mho.describe(mho.deploy(model, memory.replace(redundancy=Voting(pools=POOL))))
    missing = {e.layers.keys().__iter__().__next__(): e.missing for e in alone.embeddings}
    assert missing == {"query.weight": 0, "key.weight": 40, "value.weight": 0, "output.weight": 10}
    assert [e.missing for e in shared.embeddings] == [0, 10]  # 2 * 42 duplicates in 8 * 18 free columns
    assert shared.cells == 2 * 8 * (3 * 12 * 20 + 20 * 5) + 2 * 10 * 20
    hosts = {(s.layer, s.host) for e in shared.embeddings for s in e.slots if s.layer == "key.weight"}
    assert hosts <= {("key.weight", "query.weight"), ("key.weight", "value.weight")}
    assert "all duplicates" not in str(shared)
    assert "10 of 94 duplicated columns found no pruned column" in str(shared)
    assert "key.weight" in shared.where()


def test_duplicates_in_a_neighbours_arrays_have_the_faults_of_that_place():
    """Moved or not, a vote needs two wrong candidates; where they stand decides which cells these are."""
    model = attention()
    memory = mho.Memory(device=StuckAt.at_rate(0.02), mapping=BitPlanes(), redundancy=Voting(pools=POOL))
    layout = mho.deploy(model, memory).samplers()["key.weight"].layout
    device = StuckAt.at_rate(0.02)
    found = layout.faults(device, 0, 7)
    assert set(found.copy) == {0, 1, 2}
    # The same places, looked up from the neighbour's own stream, cell by cell.
    from mho.kernels.arrivals import arrivals
    from mho.rng import stream_key

    expected = set()
    for slot in layout.slots:
        places, _, marks = arrivals(stream_key(0, "stuck-at", slot.host), 7, 2 * 8 * 240, 0.02)
        for place, stuck in zip(places, device.ones(marks), strict=True):
            array, cell = divmod(int(place), 240)
            if array % 8 == slot.host_plane and cell // 12 == slot.host_column:
                expected.add((slot.plane, slot.copy, array >= 8, slot.column, cell % 12, int(stuck)))
    copies = found.where(found.copy > 0)
    got = set(zip(copies.plane, copies.copy, copies.negative, copies.column, copies.row, copies.stuck, strict=True))
    assert got == expected
    assert len(got) > 10


def test_pools_that_make_no_sense_are_said_in_one_line():
    model = attention()

    def deploy(*pools: tuple[str, ...]) -> None:
        memory = mho.Memory(device=StuckAt.at_rate(0.02), mapping=BitPlanes(), redundancy=Voting(pools=pools))
        mho.describe(mho.deploy(model, memory))

    with pytest.raises(
        ModelError,
        match=r"pools \*q, \*k: \*q names no layer of this memory that goes with the others; its layers are query",
    ):
        deploy(("*q", "*k"))
    with pytest.raises(ModelError, match=r"\*vlaue names no layer"):
        deploy(("*query", "*key", "*vlaue"))
    with pytest.raises(ModelError, match="is in two of them"):
        deploy(("*query", "*key"), ("*query", "*value"))
    with pytest.raises(ModelError, match=r"have different numbers: query\.weight 12, output\.weight 20"):
        deploy(("query", "output"))
