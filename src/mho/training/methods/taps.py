"""Where a network can be tapped: calls of its modules in the order in which they run, and the ends of its blocks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from inspect import signature
from math import prod
from typing import Any

from torch import Tensor, nn

from mho.errors import ModelError, UnknownNameError, nearest
from mho.zoo.registry import built_as


@dataclass(eq=False)
class Call:
    """One call of a module in a forward pass.

    Attributes:
        module: what is called.
        name: its name in the network.
        number: which of its calls in this pass, from 1.
        inside: the calls that it makes itself, in order.
        shape: of its output, n included; none where that is no tensor.
        again: whether the module is called more than once.
    """

    module: nn.Module
    name: str = ""
    number: int = 1
    inside: list[Call] = field(default_factory=list)
    shape: tuple[int, ...] = ()
    again: bool = False

    @property
    def spelt(self) -> str:
        """The name of a tap here: that of the module, and which call, such as ``relu:2``, if there are several."""
        return f"{self.name}:{self.number}" if self.again else self.name

    @property
    def is_map(self) -> bool:
        """Whether the output is ``(n, c, h, w)``."""
        return len(self.shape) == 4

    def all(self) -> Iterator[Call]:
        """This call and all within, as they end."""
        for call in self.inside:
            yield from call.all()
        yield self

    def channels(self) -> set[int]:
        """How many channels the convolutions within, or this one, give."""
        convolutions = [c for c in self.all() if c.is_map and not c.inside and _convolves(c.module)]
        return {c.shape[1] for c in convolutions}


def calls(model: nn.Module, forward: Callable[[], object]) -> Call:
    """The call of ``model`` that ``forward()`` makes, with all calls within."""
    root = Call(model)
    open_calls, counts = [root], Counter[str]()

    def enter(name: str, module: nn.Module, _: Any) -> None:
        counts[name] += 1
        call = Call(module, name, counts[name])
        open_calls[-1].inside.append(call)
        open_calls.append(call)

    def leave(_: nn.Module, __: Any, output: Any) -> None:
        open_calls.pop().shape = tuple(output.shape) if isinstance(output, Tensor) else ()

    with ExitStack() as hooks:
        for name, module in model.named_modules():
            if name:
                hooks.callback(module.register_forward_pre_hook(partial(enter, name)).remove)
                hooks.callback(module.register_forward_hook(leave).remove)
        forward()
    for call in root.all():
        call.again = counts[call.name] > 1
    return root


def ends(root: Call) -> list[Call]:
    """Where the blocks of a network of images end: runs of layers whose convolutions give equally many channels.

    A block is a run of layers that starts with a convolution, or one module or several in a row that hold convolutions;
    pooling, norms and activations after it belong to it, pooling to a single pixel does not. A module whose
    convolutions differ is looked into, unless the network has several of its kind (residual blocks, such as
    bottlenecks), which count as one piece with the channels of their output. Functions, such as ``relu``, are not seen.
    """
    kinds = Counter(type(module) for module in {call.module for call in root.all() if call is not root})
    found: list[Call] = []
    is_run = may_grow = False
    for call, starts in _pieces(root, kinds):
        grows = may_grow and call.is_map and call.shape[1] == found[-1].shape[1]
        if not starts:
            may_grow = grows and (prod(call.shape[2:]) > 1 or prod(found[-1].shape[2:]) == 1)
            if may_grow:
                found[-1] = call
            continue
        layer = not call.inside
        if found and call.shape[1] == found[-1].shape[1] and layer == is_run:
            found[-1] = call
        else:
            found.append(call)
        is_run, may_grow = layer, True
    return found


def chosen(root: Call, names: Sequence[str]) -> list[Call]:
    """The calls that ``names`` spell, in the order in which they end.

    Raises:
        UnknownNameError: there is no such module.
        ModelError: it is not called, is called several times, or its output has no features.
    """
    kind, known = type(root.module).__name__, {c.spelt: c for c in root.all() if c is not root}
    modules = dict(root.module.named_modules())
    for name in names:
        if name in known:
            shape = known[name].shape
            if not 2 <= len(shape) <= 4:
                said = f"outputs of shape {shape}" if shape else "no tensor"
                raise ModelError(
                    f"tap '{name}' of {kind} gives {said}; taps=(...) takes modules with outputs (n, c), "
                    f"(n, tokens, c) or (n, c, h, w)"
                ).at("taps")
            continue
        times = [spelt for spelt, c in known.items() if c.name == name]
        if times:
            raise ModelError(
                f"tap '{name}' of {kind} is called {len(times)} times: say which in taps=(...), "
                f"'{times[0]}' to '{times[-1]}'"
            ).at("taps")
        meant = f"{nearest(name, known)} (taps=(...))"
        if name and name in modules:
            raise ModelError(f"tap '{name}' is not called when {kind} runs: {meant}").at("taps")
        raise UnknownNameError(f"{kind} has no module '{name}' to tap: {meant}").at("taps")
    return [call for call in root.all() if call is not root and call.spelt in names]


@contextmanager
def listening(model: nn.Module, taps: Sequence[Call]) -> Iterator[Mapping[str, Tensor]]:
    """Inside, what ``model`` gives at ``taps`` in one forward pass, by their spelling; ``(n, ...)``, not detached."""
    # Hooks stay for one pass only: copies of the network made between two passes have none.
    heard: dict[str, Tensor] = {}
    counts = Counter[str]()
    spelt = {(tap.name, tap.number): tap.spelt for tap in taps}

    def hear(name: str, _: nn.Module, __: Any, output: Any) -> None:
        counts[name] += 1
        if (name, counts[name]) in spelt:
            heard[spelt[name, counts[name]]] = output

    with ExitStack() as hooks:
        for name in {tap.name for tap in taps}:
            hooks.callback(model.get_submodule(name).register_forward_hook(partial(hear, name)).remove)
        yield heard


def example(model: nn.Module) -> Tensor | None:
    """Zeros ``(1, ...)`` that a network of the zoo takes; ``None`` of any other."""
    made = built_as(model)
    first = next((parameter.shape for parameter in model.parameters() if parameter.dim() in (2, 4)), None)
    if made is None or first is None:
        return None
    if len(first) == 2:
        return next(model.parameters()).new_zeros(1, first[1])
    options = signature(type(model)).parameters
    usual = options["image_size"].default if "image_size" in options else 32
    size = made.options.get("image_size", usual)
    return next(model.parameters()).new_zeros(1, first[1], size, size)


def _pieces(call: Call, kinds: Counter[type[nn.Module]]) -> Iterator[tuple[Call, bool]]:
    """What a network is made of, and whether a block may start with it."""
    for inner in call.inside:
        channels = inner.channels()
        several = kinds[type(inner.module)] > 1 and not isinstance(inner.module, nn.Sequential)
        if not channels:
            yield inner, False
        elif inner.is_map and (len(channels) == 1 or several):
            yield inner, True
        else:
            yield from _pieces(inner, kinds)


def _convolves(module: nn.Module) -> bool:
    return any(parameter.dim() == 4 for parameter in module.parameters(recurse=False))
