"""Which layers a code protects: the papers' selections, the user's list, and their name rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mho.devices.position_codes import PositionCode
from mho.errors import ModelError, SpecError, nearest, unknown
from mho.mapping.tracks import Tracks
from mho.memory import Chips, Memory
from mho.memory.rules import Rules, first_match, normalise

NAMES = ("UNPROT", "EVEN", "EQUAL", "CUSTOM", "FULL")
"""Nothing; every other layer, from the first; as many by sensitivity; as few as a target takes; everything."""

MEASURED = ("EQUAL", "CUSTOM")
"""Selections that take a sensitivity."""


def layers(chips: Chips) -> dict[str, str]:
    """Layers on nanowires, in the order of the model: layer name to parameter name.

    A layer is called as its module, or as its parameter where a module keeps several tensors on nanowires.
    """
    stored = [name for name, p in chips.placements.items() if isinstance(p.memory.mapping, Tracks)]
    modules = [name.rpartition(".")[0] for name in stored]
    return {m if m and modules.count(m) == 1 else name: name for name, m in zip(stored, modules, strict=True)}


def check_layers(chosen: Sequence[str], chips: Chips) -> tuple[str, ...]:
    """``chosen`` in the order of the model; a layer may also be called by its parameter.

    Raises:
        UnknownNameError: the model has no such layer.
        ModelError: it has, but not on nanowires.
        SpecError: ``chosen`` is no list, or names a layer twice.
    """
    if isinstance(chosen, str) or not isinstance(chosen, Sequence):
        raise SpecError(f"layers={chosen!r} must be a list of layer names, such as ('{next(iter(layers(chips)))}',)")
    known = layers(chips)
    by_parameter = {parameter: layer for layer, parameter in known.items()}
    found = []
    for name in chosen:
        layer = name if name in known else by_parameter.get(name)
        if layer is None:
            there = {*dict(chips.model.named_modules()), *dict(chips.model.named_parameters(remove_duplicate=False))}
            if name and name in there:
                raise ModelError(f"layer '{name}' is not stored on nanowires: {nearest(str(name), known)}")
            raise unknown("layer", str(name), known)
        if layer in found:
            raise SpecError(f"layer '{layer}' is named twice")
        found.append(layer)
    return tuple(layer for layer in known if layer in found)


def mask(protected: Sequence[str], known: Sequence[str]) -> str:
    """``"1010"``: 1 for every protected layer."""
    return "".join("1" if layer in protected else "0" for layer in known)


def fixed(name: str, known: Sequence[str]) -> tuple[str, ...]:
    """The layers of a selection that takes no sensitivity: UNPROT, EVEN (the odd layers, the first being 1), FULL."""
    return {"UNPROT": (), "EVEN": tuple(known[::2]), "FULL": tuple(known)}[name]


def equal(known: Sequence[str], drops: Mapping[str, float]) -> tuple[str, ...]:
    """EQUAL: as many layers as EVEN, those whose drops are largest; of equal ones the earlier."""
    worst = sorted(known, key=lambda layer: -drops[layer])[: len(known[::2])]
    return tuple(layer for layer in known if layer in worst)


def greedy(
    known: Sequence[str], drops: Mapping[str, float], cycles: Mapping[str, float], allowed: float
) -> tuple[str, ...]:
    """Layers by drop per cycle until the drops of the others add up to at most ``allowed``.

    What the last ones made superfluous is then let go, the most expensive first.

    Args:
        known: all layers.
        drops: what each costs when it is not protected; negative counts as 0.
        cycles: what protecting each costs.
        allowed: drop that may remain.
    """
    chosen: list[str] = []
    left = sum(max(0.0, drops[layer]) for layer in known)
    for layer in by_value(known, drops, cycles):
        if left <= allowed:
            break
        chosen.append(layer)
        left -= max(0.0, drops[layer])
    for layer in sorted(chosen, key=lambda layer: -cycles[layer]):
        if left + max(0.0, drops[layer]) <= allowed:
            chosen.remove(layer)
            left += max(0.0, drops[layer])
    return tuple(layer for layer in known if layer in chosen)


def by_value(known: Sequence[str], drops: Mapping[str, float], cycles: Mapping[str, float]) -> list[str]:
    """Layers by drop per protecting cycle, largest first; those that cost nothing before all."""

    def value(layer: str) -> float:
        drop = max(0.0, drops[layer])
        return drop / cycles[layer] if cycles[layer] > 0 else float("inf")

    return sorted(known, key=lambda layer: -value(layer))


def rules(
    protected: Sequence[str], memory: Rules, code: PositionCode, chips: Chips, *, planes: int | None = None
) -> dict[str, Memory | None]:
    """Name rules for :func:`mho.deploy`: the ``protected`` layers behind ``code``, all others as ``memory`` has it.

    Args:
        protected: layer names.
        memory: what the model is on without protection, or name rules.
        code: the position-error code.
        chips: the model deployed on ``memory``.
        planes: how many of the most significant bit planes the code guards; ``None`` for all.

    Raises:
        UnknownNameError, ModelError: a layer that is not in the model, or not on nanowires.
    """
    known, out = layers(chips), dict[str, Memory | None]()
    for layer in check_layers(protected, chips):
        plain = chips.placements[known[layer]].memory
        out[known[layer]] = plain.replace(device=plain.device.replace(correction=code, protected_planes=planes))
    everything = out | {pattern: m for pattern, m in normalise(memory).items() if pattern not in out}
    # What no longer comes first for anything would be taken for a misspelling.
    parameters = [name for name, _ in chips.model.named_parameters(remove_duplicate=False)]
    reached = {first_match(everything, name) for name in parameters} | {"*"}
    return {pattern: m for pattern, m in everything.items() if pattern in reached}


def chosen_by_user(said: object, chips: Chips) -> tuple[str, tuple[str, ...]]:
    """The name and the layers of a selection that a user wrote: a list of layers, or a mask such as ``"1010"``.

    Raises:
        UnknownNameError: it is neither, nor one of :data:`NAMES`.
        SpecError: the mask is too short or too long; the list names no layer.
    """
    known = tuple(layers(chips))
    if isinstance(said, str):
        if not said or set(said) - {"0", "1"}:
            raise unknown("selection", said, NAMES)
        if len(said) != len(known):
            raise SpecError(
                f"selection '{said}' has {len(said)} digits; the model has {len(known)} layers on nanowires"
            )
        return said, tuple(layer for layer, digit in zip(known, said, strict=True) if digit == "1")
    if not isinstance(said, Sequence) or not said:
        raise SpecError(f"selection {said!r} is none of {', '.join(NAMES)}, a mask such as '1010', or a list of layers")
    found = check_layers(said, chips)
    return "+".join(found), found
