"""Ways to spoil a YAML file: what people, editors and half-finished copies do to one."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from typing import Any

import yaml

from mho.studies.document import parse

ODD: list[Any] = [
    None, True, False, 0, -1, 2**63, 10**30, -(10**400), 1e-300, -0.1, 1e308, float("nan"), float("inf"), "", " ", "x",
    "ü℧", "\u202e", "a\nb", "yes", "1e3", "~nobody/x", "/dev/zero", "a" * 5000, [], {}, [[]], [{}], [None], {"": None},
    {"kind": None}, {"kind": "Memory"}, {"kind": "Study"}, {"kind": "Device"}, {"kind": []}, {"kind": "RRAM1"},
    {"kind": "RRAM1", "sigma": 0.1}, {"kind": "PCM", "t0": -1}, {"rules": {"*": None}}, {"a": {"b": {"c": 1}}},
    {"kind": "OpenLoop"}, {"kind": "Verify"}, {"kind": "WorstCase", "bounds": [0.1]}, {"kind": "NoiseInjection"},
    {"kind": "Selective", "fraction": 0.1}, {"kind": "Selective", "target_drop": 0.1}, {"kind": "Question"},
    [0.1, "x"], [0.1, 0.1], list(range(400)), "10 %", "1h", "-1h", "1y1y", b"bytes", "2024-01-01",
]  # fmt: skip
KEYS = ["kind", "", "sigma", "rules", "axes", "seed", "memory.device", "a.b.c", "<<", "ü", "1.10", "true", "x" * 300]
PATHS = [
    "memory", "memory.devise", "memory.device.sigma.x", "modle.seed", "", ".", "..", "sigma", "age", "axes", "name",
    "memory.mapping.cell_bits", "memory.device.stages.0.sigma", "memory.device.stages.9", "memory.rules.*",
    "data.limit", "model.recipe.epochs", "precision", "chips", "model.seed", "metric", "dtype", "model.path",
    "data.options.x", "memory.programming", "memory.programming.fraction", "memory.programming.ranking",
    "memory.programming.verify.tolerance", "calibration", "calibration.limit", "question", "question.rankings",
    "question.target_drop", "question.steps", "model.method", "model.method.sigma",
]  # fmt: skip
TEXT = [
    "\t", "&a ", "*a", "!!python/object/apply:os.system ", "---\n", "? [", "{", "}",
    "[", "]", ": ", "- ", "'", '"', "|\n", "#", "%", "@",
    "\0", "\r", "\u2028", "<<: *a\n", "\ufeff", "😀", "0x", "1_0", "9" * 500, ",", "\n\n", "...\n",
]  # fmt: skip


def mutate(text: str, draw: random.Random) -> bytes:
    """``text`` spoilt in one to three ways."""
    data, textual = draw.choice(((1, 0), (1, 0), (2, 0), (3, 0), (0, 1), (0, 2), (1, 1)))
    if data:
        loaded = json.loads(json.dumps(parse(text.encode()).value))  # no aliases: each spot is by itself
        for _ in range(data):
            draw.choice(_DATA)(loaded, draw)
            loaded = copy.deepcopy(loaded)
        text = yaml.safe_dump(loaded, sort_keys=False, allow_unicode=draw.random() < 0.5)
    for _ in range(textual):
        text = draw.choice(_TEXTUAL)(text, draw)
    content = text.encode("utf-8", "surrogatepass")
    return _flip(content, draw) if draw.random() < 0.1 else content


def _spots(data: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) of nested data."""
    inside = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [spot for key, value in list(inside) for spot in [(data, key), *_spots(value)]]


def _spot(data: Any, draw: random.Random) -> tuple[Any, Any]:
    return draw.choice(_spots(data) or [(data, "name")])


def _odd_value(data: Any, draw: random.Random) -> None:
    where, key = _spot(data, draw)
    where[key] = draw.choice(ODD)


def _delete(data: Any, draw: random.Random) -> None:
    where, key = _spot(data, draw)
    if not isinstance(where, dict) or key in where:
        del where[key]


def _misspell(data: Any, draw: random.Random) -> None:
    where, key = draw.choice([s for s in _spots(data) if isinstance(s[0], dict)] or [({"a": 1}, "a")])
    said = list(str(key))
    at = draw.randrange(len(said) + 1)
    said[at : at + draw.randrange(2)] = draw.choice(["", "x", "E", " ", "-", "é"])
    where["".join(said)] = where.pop(key)


def _rename(data: Any, draw: random.Random) -> None:
    where, key = draw.choice([s for s in _spots(data) if isinstance(s[0], dict)] or [({"a": 1}, "a")])
    where[draw.choice(KEYS)] = where.pop(key)


def _add(data: Any, draw: random.Random) -> None:
    where, _ = _spot(data, draw)
    if isinstance(where, dict):
        where[draw.choice(KEYS)] = draw.choice(ODD)
    else:
        where.append(draw.choice(ODD))


def _swap(data: Any, draw: random.Random) -> None:
    (one, a), (other, b) = _spot(data, draw), _spot(data, draw)
    one[a] = copy.deepcopy(other[b]) if other else None


def _wrap(data: Any, draw: random.Random) -> None:
    where, key = _spot(data, draw)
    value = where.get(key) if isinstance(where, dict) else where[key]
    for _ in range(draw.choice((1, 2, 60))):
        value = [value] if draw.random() < 0.5 else {"a": value}
    where[key] = value


def _axis(data: Any, draw: random.Random) -> None:
    values = draw.choice([*ODD, [draw.choice(ODD)], {"a": draw.choice(ODD), "b": draw.choice(ODD)}, [0, 1], [2, 4]])
    data["axes"] = {**(data["axes"] if isinstance(data.get("axes"), dict) else {}), draw.choice(PATHS): values}


def _nulls(data: Any, draw: random.Random) -> None:
    for where, key in _spots(data):
        if draw.random() < 0.2:
            where[key] = None


def _insert(text: str, draw: random.Random) -> str:
    at = draw.randrange(len(text) + 1)
    return text[:at] + draw.choice(TEXT) + text[at:]


def _truncate(text: str, draw: random.Random) -> str:
    return text[: draw.randrange(len(text) + 1)]


def _line_twice(text: str, draw: random.Random) -> str:
    lines = text.splitlines(keepends=True) or [""]
    at = draw.randrange(len(lines))
    return "".join([*lines[: at + 1], lines[at], *lines[at + 1 :]])


def _lines_swapped(text: str, draw: random.Random) -> str:
    lines = text.splitlines(keepends=True) or [""]
    a, b = draw.randrange(len(lines)), draw.randrange(len(lines))
    lines[a], lines[b] = lines[b], lines[a]
    return "".join(lines)


def _indent(text: str, draw: random.Random) -> str:
    lines = text.splitlines(keepends=True) or [""]
    at = draw.randrange(len(lines))
    lines[at] = draw.choice([" ", "\t", "  ", "   - "]) + lines[at]
    return "".join(lines)


def _anchor(text: str, draw: random.Random) -> str:
    return text.replace(": ", ": &a ", 1) + draw.choice(["x: *a\n", "*a : 1\n", "<<: *a\n", "<<: [*a, *b]\n"])


def _bomb(text: str, draw: random.Random) -> str:
    levels = [f"x{i}: &x{i} [{', '.join([f'*x{i - 1}'] * 9) if i else 1}]\n" for i in range(draw.choice((3, 9, 40)))]
    return "".join(levels) + text


def _flip(content: bytes, draw: random.Random) -> bytes:
    out = bytearray(content or b"x")
    for _ in range(draw.choice((1, 5, 50))):
        out[draw.randrange(len(out))] = draw.randrange(256)
    return bytes(out)


_DATA: list[Callable[..., Any]] = [
    _odd_value,
    _odd_value,
    _delete,
    _misspell,
    _rename,
    _add,
    _swap,
    _wrap,
    _axis,
    _nulls,
]
_TEXTUAL: list[Callable[..., Any]] = [
    _insert, _insert, _truncate, _line_twice, _lines_swapped, _indent, _anchor, _bomb
]  # fmt: skip
