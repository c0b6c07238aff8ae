"""Specs are data: typed, frozen, hashable, with a YAML transcript that gives the same spec and the same digest."""

from __future__ import annotations

import dataclasses
import typing
from dataclasses import dataclass, fields
from inspect import isabstract

import numpy as np
import pytest
import yaml

from mho import Memory, devices, mapping
from mho.devices import (
    PCM,
    PRESETS,
    ConstantStep,
    LevelGaussian,
    LinearStep,
    LogNormal,
    MeasuredQuantiles,
    MeasuredTable,
    PCMDrift,
    PCMProgramming,
    PositionCode,
    PowerLawDrift,
    Racetrack,
    ReadNoise,
    Skyrmion,
    SoftBounds,
    Stack,
    StuckAt,
)
from mho.errors import MhoError, SpecError, UnknownNameError
from mho.mapping import Analog, BitPlanes, Differential, Offset, SlicedMagnitude, Tracks
from mho.memory import redundancy
from mho.memory.redundancy import ECC, BestOf, CellMajority, ClosestValue, Remapping, Voting
from mho.spec import Spec, from_dict

GAUSS = LevelGaussian(sigma=0.1)
CODE = PositionCode(
    correctable=1,
    detectable=4,
    detection_cycles=2.0,
    correction_cycles=4.0,
    window=8,
    max_distance=2,
    extra_domains=1,
    extra_ports=1,
    detection_joules=1.0,
    correction_joules=1.0,
)
SPECS: list[Spec] = [
    GAUSS,
    LogNormal(sigma=0.1),
    StuckAt(sa0=0.01, sa1=0.02, binary_sa0=0.03),
    PowerLawDrift(nu=0.05),
    ReadNoise(q=0.01),
    PCMProgramming(),
    PCMDrift(),
    MeasuredTable(states=(0.0, 1.0), mean=((0.0, 0.9), (0.1, 0.8)), std=((0.1, 0.2), (0.2, 0.3)), ages=(0.0, 1.0)),
    MeasuredQuantiles(states=(0.5,), probabilities=(0.0, 0.5, 1.0), errors=(((-0.1, 0.0, 0.1),),), ages=(0.0,)),
    Stack(stages=(GAUSS, StuckAt(sa0=0.1, sa1=0.1), ReadNoise(q=0.1)), name="all"),
    PCM(),
    CODE,
    Racetrack(
        margin=5,
        rewind="faulty",
        rewind_rates=(1e-4, 2e-4),
        correction=CODE,
        protected_planes=1,
    ),
    Skyrmion(margin=5),
    SoftBounds(),
    LinearStep(slope_up=0.2),
    ConstantStep(lifetime=1e6),
    SlicedMagnitude(),
    Differential(granularity="channel"),
    Offset(clip_negative=True),
    Analog(),
    Tracks(weight_bits=2),
    BitPlanes(bits=4),
    Voting(),
    CellMajority(),
    BestOf(),
    Remapping(),
    ECC(planes=3),
    Memory(device=StuckAt.at_rate(0.1), mapping=BitPlanes(), redundancy=ClosestValue()),
    Memory(device=GAUSS),
    Memory(device=PCM(), mapping=Offset(weight_bits=4)),
]
NAMES = [type(s).__name__ for s in SPECS]


def test_every_device_and_mapping_has_its_example_here() -> None:
    for room in (devices, mapping, redundancy):
        kinds = [getattr(room, name) for name in room.__all__]
        specs = {k.__name__ for k in kinds if isinstance(k, type) and issubclass(k, Spec) and not isabstract(k)}
        assert specs <= {*NAMES, "ClosestValue"}  # which has no fields


@pytest.mark.parametrize("spec", SPECS, ids=NAMES)
def test_yaml_round_trip(spec: Spec) -> None:
    back = from_dict(yaml.safe_load(spec.to_yaml()))
    assert back == spec
    assert hash(back) == hash(spec)
    assert back.digest() == spec.digest()
    assert back.to_yaml() == spec.to_yaml()
    assert next(iter(spec.to_dict())) == "kind"


@pytest.mark.parametrize("name", PRESETS)
def test_yaml_may_name_a_preset(name: str) -> None:
    options = {} if name == "PCM" else {"sigma": 0.1}
    device = from_dict({"kind": name, **options})
    assert device == PRESETS[name].make(**options)
    assert from_dict(yaml.safe_load(device.to_yaml())) == device


OTHERS = {
    "tensor": "channel",
    "channel": "tensor",
    "device": "weight",
    "fullscale": "swim",
    "progressive": "block",
    "edge": "zero",
    "zero": "edge",
    "clamp": "stick",
    "free": "faulty",
    "row": "column",
    "twos-complement": "gray",
    "plane": "interleaved",
    "log-normal": "normal",
    "additive": "multiplicative",
    "msb": "all",
    "all": "msb",
    "median": "mean",
    "layer": 16,
    "columns": "rows",
    "steps": "squares",
}


ALSO_VALID = {
    "copies": {"copies": 5},
    "pools": {"pools": (("*query", "*key"),)},
    "redundancy": {"redundancy": Voting(copies=5), "mapping": BitPlanes(), "device": StuckAt.at_rate(0.2)},
}
"""Fields of which doubling, or adding to it, makes no valid value."""


def changed(value: object) -> object:
    """Another value of the same type."""
    match value:
        case bool():
            return not value
        case str():
            return OTHERS.get(value, value + "x")
        case int():
            return 2 * value  # bits: still divisible
        case float():
            return value + 0.01
        case None:
            return 0.01
        case Spec():
            first = fields(value)[0].name
            return value.replace(**{first: changed(getattr(value, first))})
        case tuple():
            middle = len(value) // 2
            return (*value[:middle], changed(value[middle]), *value[middle + 1 :])
    raise AssertionError(value)


@pytest.mark.parametrize("spec", SPECS, ids=NAMES)
def test_every_field_that_decides_numbers_changes_the_digest(spec: Spec) -> None:
    digests, deciding = {spec.digest()}, 0
    for field in fields(spec):
        value = getattr(spec, field.name)
        # A track that is not rewound has no rates of rewinding.
        rewound = {"rewind": "free", "rewind_rates": ()} if value == "faulty" else None
        other = spec.replace(**(rewound or ALSO_VALID.get(field.name) or {field.name: changed(value)}))
        assert other != spec
        named = field.name in ("name", "source")
        assert (other.digest() == spec.digest()) == named, "a label names a result, it does not change it"
        deciding += not named
        digests.add(other.digest())
    assert len(digests) == 1 + deciding


def test_the_version_and_the_kind_change_the_digest() -> None:
    @dataclass(frozen=True, kw_only=True)
    class _A(Spec):
        x: int = 1

    @dataclass(frozen=True, kw_only=True)
    class _B(Spec):
        x: int = 1

    class _C(_A):
        version: typing.ClassVar[int] = 2

    _C.__name__ = "_A"
    assert len({_A().digest(), _B().digest(), _C().digest()}) == 3


def test_digests_do_not_depend_on_how_a_number_is_written() -> None:
    for one, other in [(0, 0.0), (1, 1.0), (np.float64(0.1), 0.1)]:
        a, b = LevelGaussian(sigma=one), LevelGaussian(sigma=other)
        assert a == b
        assert a.digest() == b.digest()
        assert from_dict(yaml.safe_load(a.to_yaml())) == b


def test_a_digest_is_the_same_in_every_process() -> None:
    assert SlicedMagnitude().digest() == "bd740272b3b95ce9", "cached results would be lost"


@pytest.mark.parametrize("spec", SPECS, ids=NAMES)
def test_specs_are_frozen_and_final_enough(spec: Spec) -> None:
    field = fields(spec)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(spec, field, 1)
    with pytest.raises(TypeError):
        type(spec)(0.1)  # keyword-only
    assert isinstance(spec.version, int)


def wrongly_typed() -> list[tuple[Spec, str, object]]:
    """Every field of every spec with values of types that it does not take (a name may be any string)."""
    wrong = ["False", b"x", [1.0], {"a": 1}, object()]
    named = [(spec, name, hint) for spec in SPECS for name, hint in typing.get_type_hints(type(spec)).items()]
    own = [(spec, name, hint) for spec, name, hint in named if typing.get_origin(hint) is not typing.ClassVar]
    texts = {(spec, name): hint is str or str in typing.get_args(hint) for spec, name, hint in own}
    return [(spec, name, value) for spec, name, _ in own for value in wrong[texts[spec, name] :]]


@pytest.mark.parametrize(("spec", "name", "wrong"), wrongly_typed(), ids=lambda v: v if isinstance(v, str) else "")
def test_no_field_takes_another_type(spec: Spec, name: str, wrong: object) -> None:
    """Peer trap 4: the string "False" was taken for true. Nothing is coerced."""
    with pytest.raises(SpecError) as error:
        spec.replace(**{name: wrong})
    assert name in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("data", "error", "says"),
    [
        ({}, SpecError, "a spec needs a 'kind'; got the keys none"),
        ({"sigma": 0.1}, SpecError, "got the keys sigma"),
        ({"kind": "RRAM"}, UnknownNameError, "unknown kind 'RRAM': did you mean"),
        ({"kind": 3}, SpecError, "needs a 'kind'"),
        ({"kind": "RRAM1", "sgima": 0.1}, SpecError, "RRAM1 has no field 'sgima': did you mean 'sigma'?"),
        ({"kind": "RRAM1"}, SpecError, "sigma"),
        ({"kind": "Stack", "stages": [{"kind": "RRAM1", "sigma": "10 %"}]}, SpecError, "is a str; it takes a number"),
        ({"kind": "Memory", "device": "RRAM1"}, SpecError, "device='RRAM1' is a str; it takes Device"),
        ({"kind": "Device"}, SpecError, "abstract"),
    ],
)
def test_bad_transcripts_are_one_line(data: dict, error: type, says: str) -> None:
    with pytest.raises(error) as raised:
        from_dict(data)
    assert says in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ({"kind": "Memory"}, "Memory lacks 'device'"),
        ({"kind": "Memory", "device": "RRAM1"}, r"such as \{kind: RRAM1, ...\}"),
        ({"kind": "rram1"}, "did you mean 'RRAM1'"),
    ],
)
def test_a_transcript_that_lacks_something_says_what(said: dict, answer: str) -> None:
    with pytest.raises(MhoError, match=answer) as caught:
        from_dict(said)
    assert "\n" not in str(caught.value)


def _made(name: str, module: str) -> type[Spec]:
    """A class as a module of the user's would make it."""
    made = type(name, (Spec,), {"__module__": module, "__annotations__": {"x": float}, "x": 1.0})
    return dataclass(frozen=True, kw_only=True)(made)


def test_classes_of_two_laboratories_are_two_things() -> None:
    assert len({_made("_OurCell", module)().digest() for module in ("lab", "other.lab", "mho.devices.ours")}) == 3


def test_digests_of_mhos_own_kinds_do_not_name_their_module() -> None:
    assert Memory(device=devices.RRAM1(sigma=0.1)).digest() == "3147c8fae98b568f", "cached results would be lost"


@pytest.mark.parametrize("name", ["PCM", "RRAM1", "Memory"])
def test_the_name_of_one_of_mhos_own_kinds_is_taken(name: str) -> None:
    from mho.spec import kinds

    own = kinds()[name]
    with pytest.raises(SpecError, match=f"'{name}' of lab has the name of one of mho's own kinds"):
        _made(name, "lab")
    assert kinds()[name] is own
