"""SGD for networks on arrays: pulses for their weights, ordinary steps for what is digital."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mho.analog.layers.base import AnalogLayer
from mho.errors import ModelError, SpecError

_TILES = "tiles"


class SGD(torch.optim.Optimizer):
    """Stochastic gradient descent of a converted model.

    A step gives every array the inputs and errors of the backward passes since the last one, in the order of the
    forward calls, and its algorithm does with them what it does; several backward passes before a step add up, as
    gradients do. Digital parameters (biases, norms, layers that stayed digital) move by their gradients as with
    ``torch.optim.SGD``. There are two parameter groups, digital parameters first, each with a rate ``lr``, so that
    schedulers work as usual.

    A matrix of which an input or an error is NaN or infinite is left out of that step; ``skipped`` counts.

    Args:
        model: the converted model. An optimiser made before a ``copy.deepcopy`` of the model moves the original.
        lr: learning rate, of the model's weights whatever scale their arrays have.
        helpers: other modules whose parameters move along.
        momentum: of digital parameters; arrays have none.
        weight_decay: likewise.
        nesterov: likewise.

    Raises:
        SpecError: a number is out of range.
        ModelError: no weight of the model is on arrays.
    """

    def __init__(
        self,
        model: nn.Module,
        lr: float = 1e-3,
        *,
        helpers: Sequence[nn.Module] = (),
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
    ) -> None:
        if not isinstance(model, nn.Module):
            raise ModelError("analog.SGD takes the model itself, not its parameters: analog.SGD(model, lr=0.1)")
        for name, value in (("lr", lr), ("momentum", momentum), ("weight_decay", weight_decay)):
            if not 0 <= float(value) < float("inf"):
                raise SpecError(f"SGD: {name}={value} must be a finite number, zero or more")
        if nesterov and momentum == 0:
            raise SpecError("SGD: nesterov=True needs a momentum, such as 0.9")
        self._homes: dict[Tensor, tuple[AnalogLayer, str]] = {}
        for module in model.modules():
            if isinstance(module, AnalogLayer):
                for name in module.banks:
                    self._homes[module.get_parameter(name)] = (module, name)
                    module.bank(name).listen()
        if not self._homes:
            raise ModelError(
                f"{type(model).__name__} has no weights on arrays; convert it: analog.convert(model, analog.AGAD())"
            )
        digital = [p for module in (model, *helpers) for p in module.parameters() if p.requires_grad]
        groups: list[dict[str, Any]] = [{"params": list(dict.fromkeys(digital)), _TILES: False}] if digital else []
        on_arrays = {"params": list(self._homes), _TILES: True, "momentum": 0.0, "weight_decay": 0.0, "nesterov": False}
        defaults = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay, "nesterov": nesterov}
        super().__init__([*groups, on_arrays], defaults)

    @property
    def skipped(self) -> int:
        """Updates of matrices left out because a number was not finite."""
        return sum(layer.bank(name).skipped for layer, name in self._homes.values())

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients, and what waits for arrays."""
        super().zero_grad(set_to_none)
        for layer, name in self._homes.values():
            layer.bank(name).forget()

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the arrays and the digital parameters.

        Args:
            closure: computes the loss anew, if given.

        Returns:
            What ``closure`` returned.

        Raises:
            SpecError: momentum or weight decay was asked of arrays.
            ModelError: an input of an array was changed in place since the backward pass.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            if group.get(_TILES):
                self._pulse(group)
            else:
                self._descend(group)
        return loss

    def _pulse(self, group: dict[str, Any]) -> None:
        for name in ("momentum", "weight_decay"):
            if group[name]:
                raise SpecError(
                    f"SGD: {name}={group[name]:g} for arrays: they see one input and error at a time; set it in the "
                    "group of digital parameters alone"
                )
        for weight in group["params"]:
            layer, name = self._homes[weight]
            layer.step(name, float(group["lr"]))

    def _descend(self, group: dict[str, Any]) -> None:
        for p in group["params"]:
            if p.grad is None:
                continue
            change = p.grad
            if group["weight_decay"]:
                change = change.add(p, alpha=group["weight_decay"])
            if group["momentum"]:
                state = self.state[p]
                if "momentum_buffer" not in state:
                    state["momentum_buffer"] = change.clone()
                else:
                    state["momentum_buffer"].mul_(group["momentum"]).add_(change)
                moved = state["momentum_buffer"]
                change = change.add(moved, alpha=group["momentum"]) if group["nesterov"] else moved
            p.add_(change, alpha=-float(group["lr"]))
