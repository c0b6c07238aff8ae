"""What layers with weights on arrays have in common, and which kind stands for which of torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from mho.analog.algorithm import Algorithm
from mho.analog.bank import Bank, Site, Vectors
from mho.spec import Spec
from mho.training.own_updates import OwnUpdates
from mho.training.recipe import Recipe

_KINDS: dict[type[nn.Module], type[AnalogLayer]] = {}
_L = TypeVar("_L", bound="type[AnalogLayer]")


class AnalogLayer(OwnUpdates):
    """A layer of torch some of whose weights are on arrays.

    It is the layer that it was, of a class that extends the old one: names, shapes and hooks are the same. Its weights
    are still parameters, which need no gradient and hold what the arrays hold, in units of the model; so everything
    that deploys, evaluates or describes a model takes it as any other. In evaluation mode, and wherever no gradients
    are kept, it computes with these parameters and records nothing.

    Attributes:
        banks: parameter name to its arrays.
    """

    banks: nn.ModuleDict
    plain: ClassVar[type[nn.Module]]
    """The class that it extends."""

    @classmethod
    def put(cls, module: nn.Module, prefix: str, algorithms: Mapping[str, Algorithm], site: Site) -> None:
        """Make ``module`` one of this class, in place, with the named parameters on arrays.

        Args:
            module: of the class that this one extends.
            prefix: its name in the model, with a dot; empty for the model itself.
            algorithms: parameter name to how its arrays are trained; the others stay digital.
            site: peripherals, scale, seed and chip.
        """
        module.__class__ = cls
        assert isinstance(module, AnalogLayer)
        module.banks = nn.ModuleDict()
        for name, algorithm in algorithms.items():
            weight, learns = module.get_parameter(name), module.get_parameter(name).requires_grad
            bank = Bank(weight, algorithm, prefix + name, blocks=module.blocks(name), site=site, learns=learns)
            module.banks[name] = bank
            weight.requires_grad_(False)
            weight.grad = None
        if not module.exact:
            # Fused kernels of torch's transformers read weights past the layer; they stay away from modules with hooks.
            module.register_forward_hook(_no_shortcut)
        module.refresh()

    def take(self) -> None:
        """Make this layer, in place, of the class that it extends again, with the weights that the arrays hold."""
        self.refresh()
        for name, bank in self._banks():
            self.get_parameter(name).requires_grad_(bank.learns)
        del self.banks
        for number in [n for n, hook in self._forward_hooks.items() if hook is _no_shortcut]:
            del self._forward_hooks[number]
        self.__class__ = self.plain  # type: ignore[assignment]

    def blocks(self, name: str) -> int:
        """How many arrays share the outputs of a parameter: those that get inputs of their own."""
        return 1

    def vectors(self, name: str) -> Vectors | None:
        """How what a backward pass leaves for a parameter becomes vectors; the last dimension if ``None``."""
        return None

    @property
    def exact(self) -> bool:
        """Whether all products are those of the weights."""
        return all(bank.exact for _, bank in self._banks())

    @property
    def as_usual(self) -> bool:
        """Whether the layer that this one extends does the same now: nothing is recorded or converted."""
        return self.exact and not (self.training and torch.is_grad_enabled())

    def product(self, name: str, x: Tensor, block: int = 0) -> Tensor:
        """``(..., inputs)`` times a weight of this layer ``(outputs, inputs)``, or a block of it; no bias."""
        weight = self.weight_of(name, block)
        bank = dict(self.banks).get(name)
        if not isinstance(bank, Bank):
            return linear(x, weight)
        if self.training and torch.is_grad_enabled():
            return bank.product(x, weight, block)
        return linear(x, weight) if bank.exact else bank.evaluated(x, weight, block)

    def weight_of(self, name: str, block: int) -> Tensor:
        """A parameter as a matrix ``(outputs, inputs)``, or one of its blocks."""
        weight: Tensor = getattr(self, name)
        return weight.flatten(1).chunk(self.blocks(name))[block]

    @torch.no_grad()
    def refresh(self) -> None:
        """Copy what the arrays hold to the parameters."""
        for name, bank in self._banks():
            self.get_parameter(name).copy_(bank.weight())

    @torch.no_grad()
    def program(self, **weights: Tensor) -> None:
        """Write weights to the arrays, as well as their devices can hold them: ``layer.program(weight=w)``."""
        for name, weight in weights.items():
            self.bank(name).program(weight)
        self.refresh()

    def bank(self, name: str) -> Bank:
        """The arrays of a parameter."""
        found = self.banks[name]
        assert isinstance(found, Bank)
        return found

    def step(self, name: str, rate: float) -> None:
        """Update the arrays of a parameter by what backward passes have left."""
        if self.bank(name).step(rate, self.vectors(name)):
            with torch.no_grad():
                self.get_parameter(name).copy_(self.bank(name).weight())

    def specs(self) -> tuple[Spec, ...]:
        found = [spec for _, bank in self._banks() for spec in bank.specs()]
        return tuple(dict.fromkeys(found))

    def waiting(self) -> bool:
        return any(bank.waiting for _, bank in self._banks())

    @classmethod
    def optimizer(cls, model: nn.Module, recipe: Recipe, helpers: Sequence[nn.Module]) -> torch.optim.Optimizer:
        from mho.analog.optimizer import SGD

        return SGD(model, recipe.lr, helpers=helpers)

    def _banks(self) -> list[tuple[str, Bank]]:
        return [(name, bank) for name, bank in self.banks.items() if isinstance(bank, Bank)]


def register(plain: type[nn.Module]) -> Callable[[_L], _L]:
    """Let :func:`mho.analog.convert` make layers of class ``plain`` (not of its subclasses) ones of the class below."""

    def add(kind: _L) -> _L:
        _KINDS[plain] = kind
        kind.plain = plain
        return kind

    return add


def kind_for(module: nn.Module) -> type[AnalogLayer] | None:
    """The class that stands for that of ``module``; ``None`` where there is none."""
    return _KINDS.get(type(module))


def kinds() -> list[type[nn.Module]]:
    """The classes of torch that :func:`mho.analog.convert` takes."""
    return list(_KINDS)


def _no_shortcut(module: nn.Module, args: Any, output: Any) -> None:
    """Does nothing, by being there."""
