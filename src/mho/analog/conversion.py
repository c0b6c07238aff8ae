"""Put the weights of a network on arrays that train them."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from numbers import Integral
from typing import Literal

from torch import nn

from mho.analog.algorithm import Algorithm
from mho.analog.bank import Site
from mho.analog.layers.attention import AnalogMultiheadAttention
from mho.analog.layers.base import AnalogLayer, kind_for, kinds
from mho.analog.marks import hide_mark
from mho.analog.passes import number_reads
from mho.analog.peripherals import Peripherals
from mho.errors import ModelError, SpecError
from mho.memory.layers import full_name, matrices, rule_for
from mho.memory.rules import check_all_used, first_match
from mho.memory.validation import validate

AlgorithmRules = Algorithm | Mapping[str, Algorithm | None]
"""One algorithm for all weights, or name patterns to algorithms; ``None`` keeps a weight digital."""


def convert(
    model: nn.Module,
    algorithm: AlgorithmRules,
    *,
    peripherals: Peripherals | None = None,
    backward: Peripherals | None = None,
    scale: float | Literal["weights"] = "weights",
    omega: float = 0.6,
    seed: int = 0,
    chip: int = 0,
    counted: bool = True,
) -> nn.Module:
    """A copy of ``model`` whose weights are on arrays, to be trained there; ``model`` itself does not change.

    Weights of linear, convolution, recurrent and attention layers go to arrays, where they start as what their cells
    can hold of them, which is not exactly what was given. With the scale s of a tensor an array holds W / s, each cell
    within its own bounds (1 on average, of some devices far less), and what is beyond is cut off; ``omega`` below 1
    leaves room for that, at the price of coarser steps. Frozen weights are written to arrays too, and then stay.
    Biases, norms, embeddings and everything else stay digital. Train the copy with
    :func:`mho.train` or, in a loop of your own, with :class:`mho.analog.SGD`.

    Args:
        model: any network of float32 weights; on another device than the CPU, arrays are still simulated by the CPU.
        algorithm: how arrays are trained, for all weights, or name patterns to algorithms: the first match wins and
            ``None`` stays digital: ``{"head": None, "*": analog.AGAD()}``. A pattern is matched against parameter
            names and module names.
        peripherals: converters and noise of a forward pass; exact if left out.
        backward: of a backward pass; as ``peripherals`` if left out. ``Peripherals()`` is exact.
        scale: weight of the model that is 1 in the array, the same for all layers; "weights" chooses it by tensor, so
            that the largest weight starts at ``omega``.
        omega: for "weights": the smaller, the more room there is to grow, and the coarser are the steps.
        seed: decides all cells and pulses, with the names of the parameters. Two conversions of one seed and the same
            names are the same chip; networks that stand side by side take another seed, or another chip.
        chip: number of the chip; chip i of one seed is always the same devices.
        counted: count the pulses of every cell, four bytes each; see :func:`mho.analog.wear`.

    Raises:
        ModelError: a layer cannot be on arrays; it is named, with the remedy. Or nothing of the model can.
        UnknownNameError: a rule matches nothing.
        SpecError: the rules keep every weight digital, or a value is out of range.
    """
    if not isinstance(model, nn.Module):
        raise ModelError(f"model={model!r} is no torch.nn.Module; mho.zoo.build(name) makes one")
    rules = _normalised(algorithm)
    forward = Peripherals() if peripherals is None else peripherals
    site = Site(forward, forward if backward is None else backward, _scale(scale, omega), omega, seed, chip, counted)
    _check(site)
    analog = next((n for n, m in model.named_modules() if isinstance(m, AnalogLayer)), None)
    if analog is not None:
        raise ModelError(f"{analog or 'the model'} is on arrays already; convert analog.extract(model) instead")
    check_all_used(dict.fromkeys(rules), model)
    _check_weights(model, rules)
    copied = copy.deepcopy(model)
    chosen: dict[str, dict[str, Algorithm]] = {}
    for prefix, module in copied.named_modules():
        for leaf, rule in matrices(module):
            how = _asked(rules, full_name(prefix, leaf), opt_in=rule.opt_in)
            if how is not None:
                chosen.setdefault(prefix, {})[leaf] = how
    if not chosen and not any(not rule.opt_in for module in copied.modules() for _, rule in matrices(module)):
        raise ModelError(
            f"nothing in {type(model).__name__} can be put on arrays, which take the weights of {_known()} layers"
        )
    if not chosen:
        raise SpecError("these rules keep every weight digital; nothing would be trained on arrays")
    for prefix in chosen:
        _check_kind(prefix, copied.get_submodule(prefix))
    for prefix, module in copied.named_modules():
        # An attention computes with the weights of its last layer past that layer, so it changes along.
        if isinstance(module, nn.MultiheadAttention) and full_name(prefix, "out_proj") in chosen:
            chosen.setdefault(prefix, {})
    for prefix, algorithms in chosen.items():
        module = copied.get_submodule(prefix)
        kind = AnalogMultiheadAttention if isinstance(module, nn.MultiheadAttention) else kind_for(module)
        assert kind is not None
        kind.put(module, full_name(prefix, ""), algorithms, site)
    number_reads(copied)
    hide_mark(copied)
    return copied


def _normalised(algorithm: object) -> dict[str, Algorithm | None]:
    said = {"*": algorithm} if not isinstance(algorithm, Mapping) else dict(algorithm)
    if not said:
        raise SpecError("rules are empty; give an algorithm, or a pattern such as {'*': analog.AGAD()}")
    rules: dict[str, Algorithm | None] = {}
    for pattern, how in said.items():
        if isinstance(how, type) and issubclass(how, Algorithm):
            raise SpecError(f"{how.__name__} is a class; give one of it: analog.{how.__name__}(...)")
        if how is not None and not isinstance(how, Algorithm):
            where = f"rule '{pattern}' is" if isinstance(algorithm, Mapping) else "algorithm="
            raise SpecError(f"{where} {how!r}; it takes an algorithm such as analog.AGAD(), or None (digital)")
        rules[pattern] = how
    return rules


def _scale(scale: object, omega: float) -> float | str:
    if not 0 < float(omega) <= 1:
        raise SpecError(f"convert: omega={omega} must be in (0, 1]: what the largest weight is in the array")
    if scale == "weights":
        return "weights"
    if isinstance(scale, bool) or not isinstance(scale, int | float) or not 0 < scale < float("inf"):
        raise SpecError(f"convert: scale={scale!r} must be 'weights', or a positive number")
    return float(scale)


def _check(site: Site) -> None:
    for name, value in (("peripherals", site.forward), ("backward", site.backward)):
        if not isinstance(value, Peripherals):
            raise SpecError(f"convert: {name}={value!r} is no analog.Peripherals; leave it out for an exact product")
    for name, number in (("seed", site.seed), ("chip", site.chip)):
        if isinstance(number, bool) or not isinstance(number, Integral) or (name == "chip" and number < 0):
            raise SpecError(f"convert: {name}={number!r} must be an integer{', from 0' if name == 'chip' else ''}")


def _asked(rules: Mapping[str, Algorithm | None], parameter: str, *, opt_in: bool) -> Algorithm | None:
    """How a parameter shall be trained; look-up tables are meant only where more than wildcards names them."""
    pattern = first_match(dict.fromkeys(rules), parameter)
    if pattern is None or (opt_in and not pattern.removesuffix(".weight").strip("*?.")):
        return None
    return rules[pattern]


def _check_kind(prefix: str, module: nn.Module) -> None:
    """Raise unless there is a layer on arrays that stands for ``module``."""
    if kind_for(module) is not None:
        return
    base = next((kind for kind in kinds() if isinstance(module, kind)), None)
    why = "is none of" if base is None else f"has a forward pass of its own, and is no {base.__name__} among"
    raise ModelError(
        f"{prefix or 'the model'}: {type(module).__name__} {why} the layers that can be on arrays ({_known()}); keep "
        f"it digital with a rule: {{'{prefix or '*'}': None, ...}}"
    )


def _known() -> str:
    """The layers that can be on arrays."""
    names = (kind.__name__ for kind in kinds() if kind.__name__ != "NonDynamicallyQuantizableLinear")
    return ", ".join(dict.fromkeys(names))


def _check_weights(model: nn.Module, rules: Mapping[str, Algorithm | None]) -> None:
    """Raise if a weight that is meant is no plain float32 tensor of its layer alone."""
    modules = dict(model.named_modules())
    for problem in validate(model):  # those of norms are none here
        for name in problem.where.split(" and "):
            owner = modules.get(name, modules.get(name.rpartition(".")[0]))
            rule = None if owner is None else rule_for(owner)
            if rule is not None and _asked(
                rules, full_name(name, "weight") if name in modules else name, opt_in=rule.opt_in
            ):
                raise ModelError(str(problem))
