"""A table that puts numbers of different origins side by side says so."""

from __future__ import annotations

import json

import pytest

from mho import devices
from mho.memory import Memory
from mho.studies import Data, Study, Trained, run
from mho.studies.store import Store
from mho.studies.verb import answers
from mho.training import Recipe


@pytest.mark.parametrize(
    ("key", "other"),
    [
        ("mho", "9.9.9"),
        ("torch", "9.9.9"),
        ("device", "cuda: another"),
        ("sampling", "cell by cell"),
        ("host", "there"),
    ],
)
def test_numbers_of_two_origins_in_one_table_are_said_to_be(tmp_path, key: str, other: str) -> None:
    study = Study(
        name="mixed",
        model=Trained(
            architecture="mlp", data=Data(name="digits", split="train"), recipe=Recipe(epochs=1, batch_size=512)
        ),
        memory=Memory(device=devices.RRAM1(sigma=0.1)),
        data=Data(name="digits", limit=20),
        chips=2,
        axes={"seed": [0, 1]},
    )
    assert run(study, store=tmp_path).notices == ()
    store = Store(tmp_path)
    shard = next(store.every_shard())
    data = store.get(shard)
    (tmp_path / shard.path).unlink()
    (tmp_path / "index.sqlite").unlink()
    data["provenance"][key] = other
    store.put(shard.cell, shard.first, shard.count, data)
    record = json.loads((tmp_path / "studies" / "mixed.json").read_text())
    notices = answers(record, store).notices
    if key == "host":
        assert notices == (), "where a number was computed does not matter by itself"
    elif key == "sampling":
        assert "compare populations, not chips" in notices[0]
    else:
        assert notices[0].startswith(f"The table mixes {key} ")
        assert other in notices[0]
