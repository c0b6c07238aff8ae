"""The JSON Schema accepts what mho accepts, and refuses a misspelt key wherever it is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from test_studies_reading import STUDIES, TEMPLATES

from mho.spec import kinds
from mho.studies.document import parse
from mho.studies.schema import json_schema

SCHEMA = json_schema()
VALID = Draft202012Validator(SCHEMA)
FREE = {"options", "rules", "precision"}
"""Mappings whose keys are the user's own."""


def _data(text: str) -> Any:
    return parse(text.encode()).value


ALL = [*(_data(p.read_text()) for p in TEMPLATES), *(_data(s.to_yaml()) for s in STUDIES)]


def test_it_is_a_schema_and_plain_json() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert json.loads(json.dumps(SCHEMA, allow_nan=False)) == SCHEMA


@pytest.mark.parametrize("data", ALL, ids=range(len(ALL)))
def test_what_mho_accepts_is_valid(data) -> None:
    assert not [e.message for e in VALID.iter_errors(data)]


def _misspelt(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[tuple[Any, ...], Any]]:
    """Copies of ``data``, each with one key misspelt; keys that are names given by the user are left alone."""
    out = []
    for key in list(data) if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ():
        named = path and (path[-1] in FREE or (path[0] == "axes" and len(path) == 2))
        if isinstance(data, dict) and not named:
            spoilt = {(k + "x" if k == key else k): v for k, v in data.items()}
            out.append(((*path, key), spoilt))
        out += [(at, {**data, key: inner} if isinstance(data, dict) else [*data[:key], inner, *data[key + 1 :]])
                for at, inner in _misspelt(data[key], (*path, key))]  # fmt: skip
    return out


@pytest.mark.parametrize("data", ALL, ids=range(len(ALL)))
def test_a_misspelt_key_is_refused_wherever_it_is(data) -> None:
    cases = _misspelt(data)
    assert len(cases) > 8
    accepted = [at for at, spoilt in cases if VALID.is_valid(spoilt)]
    assert not accepted


@pytest.mark.parametrize(
    "changes",
    [
        {"sigma": 0.1}, {"sigma": None}, {"age": "30d"}, {"age": [0, "1h"]}, {"percentiles": 5},
        {"chips": 0, "precision": 0.1},
        {"memory": {"rules": {"a": None}}}, {"axes": {"memory.rules.fc1": [None]}}, {"axes": {"model.options": [{}]}},
        {"memory": {"device": {"kind": "Stack", "stages": [{"kind": "RRAM1", "sigma": 0.1}]}}},
        {"axes": {"memory.device.stages.0.sigma": [0.1, 0.2]}},
        {"axes": {"memory.programming.verify.tolerance": {"none": {"kind": "OpenLoop"}, "0.1": 0.1}}},
        {"axes": {"model.method": {"plain": None, "noise": {"kind": "NoiseInjection", "sigma": 0.1}}}},
        {"calibration": None, "question": None}, {"question": {"kind": "Verify"}},
    ],
)  # fmt: skip
def test_short_forms_are_valid(changes) -> None:
    assert VALID.is_valid({**ALL[-1], **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {"name": 3}, {"chips": "many"}, {"metric": 1}, {"dtype": "float16"}, {"age": "1x"}, {"memory": {"rules": {}}},
        {"axes": {"memory.devise": [1]}}, {"axes": {"sigma": [1]}}, {"axes": {"data": [{"name": "digits"}]}},
        {"axes": {"seed": []}}, {"axes": {"seed": {}}}, {"axes": {"seed": 3}},
        {"axes": {"memory.programming.fraction": ["none"]}}, {"axes": {"question": [{"kind": "Verify"}]}},
        {"axes": {"seed": [{"kind": "OpenLoop"}]}}, {"question": {"rankings": ["random"]}}, {"question": "Verify"},
        {"memory": {"device": {"sigma": 0.1}}}, {"memory": {"device": {"kind": "RRAM1"}}},
    ],
)  # fmt: skip
def test_mistakes_are_refused(changes) -> None:
    assert not VALID.is_valid({**ALL[-1], **changes})


def test_fields_say_what_they_are() -> None:
    for name, make in kinds().items():
        if name in SCHEMA["$defs"] and make.__module__.startswith("mho."):
            said = SCHEMA["$defs"][name]
            assert said["description"]
            silent = [k for k, v in said["properties"].items() if k != "kind" and "description" not in v]
            assert not (isinstance(make, type) and silent), f"{name}: {silent} are not in its docstring"
