"""A shared block put after modules of a network, which keep their names, their weights and so their chips."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import wraps
from typing import Any

import torch
from torch import Tensor, nn

from mho.data.dataset import Inputs
from mho.errors import ModelError
from mho.training.fit import apply
from mho.training.methods.taps import Call, calls, chosen, ends
from mho.training.sharing.block import PlaceNorm, TinyBlock, channels_for
from mho.zoo import registry


class _Changed:
    """Of a module whose class was made here; such classes have no name, so it is copied and pickled as what it was."""

    _made_from: tuple[type[nn.Module], bool]

    def __reduce_ex__(self, _: Any) -> tuple[Any, ...]:
        return _blank, self._made_from, self.__dict__.copy()


class Followed(_Changed):
    """Of a module whose output, or that of some of its calls, goes through the shared block and a norm of the place."""

    tiny_block: TinyBlock
    tiny_norms: nn.ModuleDict
    tiny_calls: int | None  # in this pass so far; None where the network calls the module once only

    def follow(self, output: Tensor) -> Tensor:
        """What the network gets instead of ``output``."""
        number = 1
        if self.tiny_calls is not None:
            self.tiny_calls += 1
            number = self.tiny_calls
        if str(number) not in self.tiny_norms:
            return output
        norm = self.tiny_norms[str(number)]
        out: Tensor = norm(self.tiny_block.images(output) if norm.images else self.tiny_block(output))
        return out


class Counting(_Changed):
    """Of a network that calls a followed module more than once: the count starts anew with every pass."""

    tiny_counted: tuple[str, ...]

    def restart(self, modules: nn.Module) -> None:
        """Forget the calls of a pass before, which may have been broken off."""
        for name in self.tiny_counted:
            modules.get_submodule(name).tiny_calls = 0  # type: ignore[assignment]


_CLASSES: dict[tuple[type[nn.Module], bool], type[nn.Module]] = {}


def _class(base: type[nn.Module], root: bool) -> type[nn.Module]:
    """The class that a ``base`` becomes which is followed, or which counts the calls of what is followed in it."""
    if (base, root) not in _CLASSES:
        _CLASSES[base, root] = _made(base, root)
    return _CLASSES[base, root]


def _made(base: type[nn.Module], root: bool) -> type[nn.Module]:
    # wraps: a network is traced and asked by name for its inputs, so the signature has to stay.
    @wraps(base.forward)
    def forward(self: Any, *args: Any, **kwargs: Any) -> Any:
        if root:
            self.restart(self)
            return base.forward(self, *args, **kwargs)
        return self.follow(base.forward(self, *args, **kwargs))

    # A network that merely counts is called what it was.
    mixin, name = (Counting, base.__name__) if root else (Followed, f"Followed{base.__name__}")
    body = {"forward": forward, "_made_from": (base, root), "__module__": __name__, "__doc__": base.__doc__}
    return type(name, (mixin, base), body)


def _blank(base: type[nn.Module], root: bool) -> nn.Module:
    """A module without anything in it, to be filled."""
    made = _class(base, root)
    return made.__new__(made)


def with_shared_block(
    model: nn.Module, sample: Inputs, *, taps: Sequence[str] = (), channels: int | None = None
) -> nn.Module:
    """A copy of ``model`` with one untrained shared block after several modules; it computes what ``model`` computes.

    :func:`mho.training.share_block` trains it. Weights saved from such a network are read into what this makes:
    ``mho.zoo.load_into(with_shared_block(model, sample), path)``.

    Args:
        model: the network, which does not change.
        sample: a few inputs ``(n, ...)``, on which it is run to find the places.
        taps: modules that the block follows, as :class:`mho.training.IntermediateSnapshots` names them; the ends of the
            blocks of convolutions if left out.
        channels: that the block takes; the most that fit all places if ``None``.

    Raises:
        ModelError: there is no such place, a module cannot be followed, or the network has a shared block already.
        UnknownNameError: no module of such a name.
        SpecError: ``channels`` does not fit.
    """
    if any(isinstance(module, TinyBlock) for module in model.modules()):
        raise ModelError(f"{type(model).__name__} has a shared block already; give the network as it was before")
    made = copy.deepcopy(model).eval()
    with torch.no_grad():
        before: list[Tensor] = []
        root = calls(made, lambda: before.append(apply(made, sample)))
        _put(made, _places(root, taps), channels)
        try:
            same = torch.allclose(apply(made, sample), before[0], rtol=1e-4, atol=1e-6, equal_nan=True)
        except (RuntimeError, TypeError, ValueError, IndexError):
            same = False  # a container that runs through whatever it contains takes the block for one of its layers
    if not same:
        raise ModelError(f"{type(model).__name__} cannot be followed there; name layers in taps=(...)").at("taps")
    for name, module in model.named_modules():
        made.get_submodule(name).training = module.training
    if registry.built_as(made) is not None:
        delattr(made, registry._MARK)  # what mho.zoo.load would build has no shared block
    return made


def _places(root: Call, taps: Sequence[str]) -> list[Call]:
    """The calls that the block is to follow, in the order in which they end."""
    found = chosen(root, taps) if taps else ends(root)
    if not found:
        names = [call.spelt for call in root.all() if call is not root and 2 <= len(call.shape) <= 4]
        raise ModelError(
            f"{type(root.module).__name__} has no blocks of convolutions to put a shared block after; name modules, "
            f"such as taps=('{names[len(names) // 2] if names else 'name'}',)"
        ).at("taps")
    return list({(call.name, call.number): call for call in map(_innermost, found)}.values())


def _innermost(call: Call) -> Call:
    """The last layer of a chain: a chain runs what is put into it, a layer does not."""
    while type(call.module).forward is nn.Sequential.forward and call.inside:
        call = call.inside[-1]
    return call


def _put(made: nn.Module, places: Sequence[Call], channels: int | None) -> None:
    """Put one block after all ``places`` of ``made``, in place."""
    sizes = {call.spelt: call.shape[1 if call.is_map else -1] for call in places}
    like = next(p for p in made.parameters() if p.is_floating_point()).detach()
    block = TinyBlock(channels_for(sizes.items(), channels), like)
    counted: dict[str, None] = {}
    for call in places:
        module: Any = call.module
        if not isinstance(module, Followed):
            module.__class__ = _class(type(module), False)
            module.tiny_block, module.tiny_norms = block, nn.ModuleDict()
            module.tiny_calls = 0 if call.again else None
        module.tiny_norms[str(call.number)] = PlaceNorm(sizes[call.spelt], call.is_map, like)
        if call.again:
            counted[call.name] = None
    if counted:
        network: Any = made
        network.__class__ = _class(type(made), True)
        network.tiny_counted = tuple(counted)
