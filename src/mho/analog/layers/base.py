"""What layers with weights on arrays have in common, and which kind stands for which of torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from mho.analog.algorithm import Algorithm
from mho.analog.bank import Bank, Site, Vectors
from mho.analog.passes import forget_numbers, number_reads_of_layer
from mho.analog.transfer import Transfer
from mho.errors import ModelError, unknown
from mho.spec import Spec
from mho.training.own_updates import OwnUpdates, Pace
from mho.training.recipe import Recipe

_KINDS: dict[type[nn.Module], type[AnalogLayer]] = {}
_L = TypeVar("_L", bound="type[AnalogLayer]")


class AnalogLayer(OwnUpdates):
    """A layer of torch some of whose weights are on arrays.

    It is the layer that it was, of a class that extends the old one: names, shapes and hooks are the same. Its weights
    are still parameters, which need no gradient and hold what the arrays hold, in units of the model; so everything
    that deploys, evaluates or describes a model takes it as any other. Where no gradients are kept it computes with
    these parameters and records nothing. Where they are, backward passes leave their vectors for the arrays; also in
    evaluation mode, if there is a :class:`mho.analog.SGD` of the model and the parameters are its own.

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
            number_reads_of_layer(module)
        module.refresh()

    def take(self) -> None:
        """Make this layer, in place, of the class that it extends again, with the weights that the arrays hold."""
        self.refresh()
        for name, bank in self._banks():
            self.get_parameter(name).requires_grad_(bank.learns)
        del self.banks
        for number in [n for n, hook in self._forward_hooks.items() if hook is _no_shortcut]:
            del self._forward_hooks[number]
        forget_numbers(self)
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
        return self.exact and not any(self._records(name, bank) for name, bank in self._banks())

    def product(self, name: str, x: Tensor, block: int = 0) -> Tensor:
        """``(..., inputs)`` times a weight of this layer ``(outputs, inputs)``, or a block of it; no bias."""
        weight = self.weight_of(name, block)
        bank = dict(self.banks).get(name)
        if not isinstance(bank, Bank):
            return linear(x, weight)
        if self._records(name, bank):
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
        """Write weights to the arrays, as well as their devices can hold them: ``layer.program(weight=w)``.

        Without arguments the parameters are written as they are, such as after ``load_state_dict`` of a plain model.

        Raises:
            UnknownNameError: a parameter is not on arrays.
            ModelError: weights are no finite tensor of the shape of the parameter.
        """
        for name in weights:
            if name not in self.banks:
                raise unknown("parameter on arrays", name, list(self.banks))
        for name, weight in (weights or {name: self.get_parameter(name) for name in self.banks}).items():
            self.bank(name).program(weight)
            self.get_parameter(name).copy_(self.bank(name).weight())

    def bank(self, name: str) -> Bank:
        """The arrays of a parameter."""
        found = self.banks[name]
        assert isinstance(found, Bank)
        return found

    def check(self, *names: str) -> None:
        """Raise if parameters, all unless some are named, are not what their arrays hold.

        Raises:
            ModelError: one was changed past its array, by ``load_state_dict`` of a plain model or ``torch.nn.init``.
        """
        for name in names or tuple(self.banks):
            if not self.bank(name).holds(self.get_parameter(name)):
                raise ModelError(
                    f"{self.bank(name).name}: the parameter is not what its arrays hold, as it was changed past them; "
                    "layer.program() writes parameters to the arrays, layer.refresh() brings back what these hold"
                )

    def gradient_norm(self, name: str) -> float:
        """The norm of the gradient of a parameter that backward passes have left its arrays."""
        return self.bank(name).gradient_norm(self.vectors(name))

    def step(self, name: str, rate: float, factor: float = 1.0) -> None:
        """Update the arrays of a parameter by what backward passes have left, gradients times ``factor``."""
        if self.bank(name).step(rate, self.vectors(name), factor):
            with torch.no_grad():
                self.get_parameter(name).copy_(self.bank(name).weight())

    def specs(self) -> tuple[Spec, ...]:
        found = [spec for _, bank in self._banks() for spec in bank.specs()]
        return tuple(dict.fromkeys(found))

    def paces(self) -> tuple[Pace, ...]:
        return tuple(pace for _, bank in self._banks() if bank.learns and (pace := _pace(bank)) is not None)

    def waiting(self) -> bool:
        return any(bank.waiting for _, bank in self._banks())

    @classmethod
    def optimizer(cls, model: nn.Module, recipe: Recipe, helpers: Sequence[nn.Module]) -> torch.optim.Optimizer:
        from mho.analog.optimizer import SGD

        return SGD(model, recipe.lr, helpers=helpers)

    def _records(self, name: str, bank: Bank) -> bool:
        """Whether a product is kept for the arrays; in evaluation mode not if the weights are others for the moment."""
        if not torch.is_grad_enabled():
            return False
        if self.training:
            return True
        weight = getattr(self, name)
        return bank.learning and isinstance(weight, nn.Parameter) and not weight.requires_grad

    def _banks(self) -> list[tuple[str, Bank]]:
        return [(name, bank) for name, bank in self.banks.items() if isinstance(bank, Bank)]


def _pace(bank: Bank) -> Pace | None:
    """Of two arrays a weight gets at most one pulse when its slice is read; of others as many as it takes."""
    tile = bank.tile(0)
    how, (rows, columns) = tile.algorithm, tile.shape
    if not isinstance(how, Transfer):
        return None
    slices = columns if how.read == "columns" else rows
    turned = "rows" if how.read == "columns" else "columns"
    remedies = [f"read='{turned}' (fewer slices)"] if min(rows, columns) < slices else []
    remedies += ["transfer_every=1"] if how.transfer_every > 1 else []
    remedies += ["cells of fewer states", "an algorithm such as analog.MixedPrecision()"]
    remedy = f"{', '.join(remedies[:-1])} or {remedies[-1]}"
    return Pace(bank.name, int(tile.samples), slices * how.transfer_every, how.cell.n_states, f"take {remedy}")


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
