"""What makes two cells one: everything that decides their numbers, and nothing else."""

from __future__ import annotations

import pytest
import torch

from mho import devices, mapping, training, zoo
from mho.data import Dataset
from mho.errors import SpecError
from mho.memory import Memory, NameRules
from mho.programming import WriteVerify
from mho.studies import Data, Study, Trained
from mho.studies.cells import cells, data_digest, network_key, training_key
from mho.studies.index import missing, ranges
from mho.studies.names import Shard

DIGITS = Data(name="digits")
MEMORY = Memory(device=devices.RRAM1(sigma=0.1))
MLP = Trained(architecture="mlp", data=Data(name="digits", split="train"))


def study(**changes) -> Study:
    return Study(**({"name": "keys", "model": MLP, "memory": MEMORY, "data": DIGITS} | changes))


def keys(asked: Study, model: str = "m", digest: str = "d") -> list[str]:
    return [c.key for point in asked.points for c in cells(point, model, digest)]


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "renamed"},
        {"chips": 5},
        {"percentiles": (2,)},
        {"threshold": 0.5},
        {"confidence": 0.9},
        {"memory": Memory(device=devices.RRAM1(sigma=0.1).replace(name="ours"))},
        {"sigma": 0.1},
        {"axes": {"memory.device.sigma": [0.1]}, "memory": Memory(device=devices.RRAM1(sigma=0.7))},
        {"axes": {"seed": {"the first": 0}}},
    ],
    ids=str,
)
def test_what_decides_no_number_changes_no_key(changes) -> None:
    assert keys(study(**changes)) == keys(study())


def test_each_thing_that_decides_numbers_changes_the_key() -> None:
    from mho.frozen import FrozenDict

    wide = Memory(device=devices.RRAM1(sigma=0.1), mapping=mapping.Offset())
    one, other = {"fc*": None, "*": MEMORY}, {"*": MEMORY, "fc*": None}
    others = [
        keys(study(seed=1)),
        keys(study(sigma=0.2)),
        keys(study(age="1h")),
        keys(study(metric="top5")),
        keys(study(dtype="bfloat16")),
        keys(study(memory=wide)),
        keys(study(memory=Memory(device=devices.FeFET2(sigma=0.1)))),
        keys(study(memory=NameRules(rules=FrozenDict(one)))),
        keys(study(memory=NameRules(rules=FrozenDict(other)))),
        keys(study(), model="other"),
        keys(study(), digest="other"),
        keys(study(precision=0.01)),
        keys(study(precision=0.01, percentiles=(2,))),
        keys(study(precision=0.01, confidence=0.9)),
    ]
    found = {keys(study())[0], *(k for (k,) in others)}
    assert len(found) == 1 + len(others)


def test_a_memory_and_the_rule_that_says_the_same_are_one() -> None:
    from mho.frozen import FrozenDict

    assert keys(study(memory=NameRules(rules=FrozenDict({"*": MEMORY})))) == keys(study())


def test_a_network_is_known_by_its_numbers_not_by_its_file() -> None:
    first, again = zoo.build("mlp", seed=3), zoo.unpack(zoo.pack(zoo.build("mlp", seed=3), note="x"))
    assert network_key(first) == network_key(again)
    with torch.no_grad():
        next(again.parameters())[0, 0] += 1e-6
    assert network_key(first) != network_key(again)
    assert network_key(first) != network_key(zoo.build("mlp", seed=4))


def test_a_training_is_known_by_what_decides_it() -> None:
    others = [
        MLP.replace(seed=1),
        MLP.replace(architecture="lenet"),
        MLP.replace(recipe=training.Recipe(epochs=3)),
        MLP.replace(data=MLP.data.replace(limit=10**6)),
    ]
    found = [training_key(m, "d") for m in (MLP, *others)]
    assert len(set(found)) == 4, "the digest of the samples is given, not their name"
    assert training_key(MLP, "e") != found[0]
    assert training_key(MLP.replace(data=DIGITS), "d") == found[0], "the samples count, not what they are called"


def test_data_is_known_by_its_samples() -> None:
    x, y = torch.arange(12.0).view(4, 3), torch.tensor([0, 1, 0, 1])
    base = data_digest(Dataset(inputs=x, targets=y, name="one"))
    assert data_digest(Dataset(inputs=x.clone(), targets=y, name="two", classes=2)) == base
    for inputs, targets in ((x + 1e-6, y), (x.double(), y), (x, 1 - y), (x.view(4, 3, 1), y), (x[:3], y[:3])):
        assert data_digest(Dataset(inputs=inputs, targets=targets)) != base
    assert data_digest(Dataset(inputs={"a": x, "b": y}, targets=y)) != base


def test_axes_multiply_out_with_the_last_one_fastest() -> None:
    devices_by_name = {"A": devices.RRAM1(sigma=0.2), "B": devices.PCM()}
    asked = study(axes={"memory.mapping.cell_bits": [1, 2], "memory.device": devices_by_name})
    assert [p.label for p in asked.points] == [
        "cell_bits 1, A", "cell_bits 1, B", "cell_bits 2, A", "cell_bits 2, B",
    ]  # fmt: skip
    assert asked.points[3].study.memory.device == devices.PCM()
    assert asked.points[3].study.memory.mapping.cell_bits == 2
    assert not asked.points[0].study.axes


@pytest.mark.parametrize(
    ("axes", "said"),
    [
        ({"memry": [1]}, "did you mean 'memory'"),
        ({"memory.devise.sigma": [1]}, "did you mean 'device'"),
        ({"sigma": [0.1]}, "is an axis of every result already"),
        ({"name": ["x"]}, "cannot change 'name'"),
        ({"metric": ["accuracy", "perplexity"]}, "metrics have units of their own"),
        ({"seed": []}, "takes a list of values"),
        ({"seed": [1, 1]}, "two values called '1'"),
        ({"memory.device.sigma": [0.1], "memory.device": {"A": devices.PCM()}}, "list 'memory.device' first"),
        ({"seed": ["x"]}, "takes an integer"),
    ],
)
def test_an_axis_that_cannot_be_is_said_in_one_line(axes, said) -> None:
    with pytest.raises((SpecError, LookupError)) as error:
        study(axes=axes)
    assert said in str(error.value)
    assert "\n" not in str(error.value)
    assert error.value.place[0] == "axes"


def test_two_results_of_one_name_are_refused() -> None:
    here, there = devices.RRAM1(sigma=0.05), devices.RRAM1(sigma=0.3)
    asked = study(axes={"memory.device": {"a, b": here, "a": there}, "data.limit": {"c": 50, "b, c": 60}})
    with pytest.raises(SpecError, match="two results would be called 'a, b, c'") as error:
        assert asked.points
    assert "data.limit 'b, c'" in str(error.value)
    assert error.value.place == ("axes",)


def test_networks_of_numbers_that_numpy_has_not_have_keys() -> None:
    first, again = (zoo.build("mlp", seed=3).to(torch.bfloat16) for _ in range(2))
    assert network_key(first) == network_key(again) != network_key(zoo.build("mlp", seed=3))
    scalar = torch.nn.BatchNorm1d(2)  # counts its batches in a tensor without axes
    assert network_key(scalar) == network_key(torch.nn.BatchNorm1d(2))


def test_ranges_join_and_the_missing_ones_are_found() -> None:
    shards = [Shard("c", first, count, "x") for first, count in ((10, 5), (0, 4), (4, 2), (12, 8))]
    assert ranges(shards) == [range(6), range(10, 20)]
    assert missing(ranges(shards), 25) == [range(6, 10), range(20, 25)]
    assert missing(ranges(shards), 8) == [range(6, 8)]
    assert missing([], 3) == [range(3)]
    assert missing([range(9)], 3) == []


KNOWN = [
    (study(), "135e1806abb68c1568bc7542"),
    (study(sigma=(0.05,), age=("1h",), precision=0.01, threshold=0.9), "a600624e5c651063fbbd01e3"),
    (
        study(
            memory=NameRules(
                rules={"fc*": None, "*": Memory(device=devices.FeFET2(sigma=0.1), mapping=mapping.Offset())}
            ),
            metric="top5",
            dtype="bfloat16",
            seed=3,
        ),
        "db837761c506bdef8133ff22",
    ),
]
"""Studies of the time before programming schemes, calibration data, questions and training methods."""


@pytest.mark.parametrize(("asked", "key"), KNOWN, ids=[key for _, key in KNOWN])
def test_keys_are_what_they_always_were(asked: Study, key: str) -> None:
    """Stores keep results by them: if one changes, so must ``CELL_VERSION`` or the spec's ``version``."""
    assert keys(asked) == [key]
    assert keys(asked.replace(calibration=MLP.data)) == [key], "which nothing looks at"


def test_keys_of_trainings_are_what_they_always_were() -> None:
    assert training_key(MLP, "d") == "63be584d44aa4cb2535534a1"
    other = MLP.replace(recipe=training.Recipe(epochs=3), options={"hidden": (16,)}, seed=2)
    assert training_key(other, "e") == "bc297c7be919a03d7d5aa56d"


def test_a_training_method_makes_another_network() -> None:
    noise = [training.NoiseInjection(sigma=sigma) for sigma in (0.1, 0.2)]
    found = {training_key(MLP.replace(method=method), "d") for method in (None, *noise)}
    assert len(found) == 3
    assert MLP.replace(method=None).digest() == MLP.digest()


def test_the_memory_trained_on_counts_where_there_is_a_method() -> None:
    memory = Memory(device=devices.RRAM1(sigma=0.1))
    noise = MLP.replace(method=training.NoiseInjection(sigma=0.1))
    assert training_key(noise.replace(memory=memory), "d") != training_key(noise, "d")
    assert training_key(MLP.replace(memory=memory), "d") == training_key(MLP, "d")
    assert MLP.replace(memory=None).digest() == MLP.digest()
    seeds = [MLP.replace(seed=seed, recipe=MLP.recipe.replace(seed=other)) for seed, other in ((None, 0), (None, 1))]
    assert [model.starting_seed for model in seeds] == [0, 1]
    assert len({training_key(model, "d") for model in seeds}) == 2


def test_a_question_and_what_it_asks_of_decide_its_keys() -> None:
    from mho.studies import Verify

    base = study(memory=Memory(device=devices.RRAM1(sigma=0.1), programming=WriteVerify(tolerance=0.1)))
    asked = base.replace(question=Verify(rankings=("random",)))
    others = [
        base,
        asked.replace(question=Verify(rankings=("magnitude",))),
        asked.replace(question=Verify(rankings=("random",), fractions=(0, 1))),
        asked.replace(chips=7),
        asked.replace(sigma=(0.2,)),
        asked.replace(age=(60.0,)),
        asked.replace(seed=1),
        asked.replace(metric="top5"),
        asked.replace(memory=Memory(device=devices.RRAM1(sigma=0.1), programming=WriteVerify(tolerance=0.2))),
    ]
    found = [keys(s)[0] for s in (asked, *others)]
    assert len(set(found)) == 1 + len(others)
    for same in (asked.replace(name="other"), asked.replace(confidence=0.9), asked.replace(chips=100)):
        assert keys(same) == found[:1]
