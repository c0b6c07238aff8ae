"""SGD for networks on arrays: pulses for their weights, ordinary steps for what is digital."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from mho.analog.bank import Bank, finite
from mho.analog.layers.base import AnalogLayer
from mho.errors import ModelError, SpecError

_TILES = "tiles"
_SKIPPED = "skipped"


class SGD(torch.optim.Optimizer):
    """Stochastic gradient descent of a converted model.

    A step gives every array the inputs and errors of the backward passes since the last one, in the order of the
    forward calls, and its algorithm does with them what it does; several backward passes before a step add up, as
    gradients do. Digital parameters (biases, norms, layers that stayed digital) move by their gradients as with
    ``torch.optim.SGD``. There are two parameter groups, digital parameters first, each with a rate ``lr``, so that
    schedulers work as usual.

    Arrays learn in evaluation mode too, as where norms and dropout are frozen; to evaluate, use ``torch.no_grad()``.

    A step is left out as a whole, digital parameters too, where an input or an error of an array or a digital gradient
    is NaN or infinite; ``skipped`` counts, and the first is warned of. What waits for arrays is forgotten by a step,
    and wherever gradients are: ``zero_grad()`` of this optimiser, of the model and of its layers.

    Arrays keep no gradients that could be scaled: ``torch.nn.utils.clip_grad_norm_`` and ``GradScaler.unscale_`` make
    the next step raise. ``clip_norm`` clips; ``GradScaler.step(optimizer)`` divides the errors by its scale, and
    backs off where one was too large.

    Args:
        model: the converted model. An optimiser made before a ``copy.deepcopy`` of the model moves the original; copy
            or pickle the two together, ``copy.deepcopy((model, optimizer))``, for a pair that belongs together.
        lr: learning rate, of the model's weights whatever scale their arrays have.
        helpers: other modules whose parameters move along.
        momentum: of digital parameters alone; arrays have none, and their algorithms see gradients one by one.
        weight_decay: likewise.
        nesterov: likewise.
        clip_norm: largest norm of the gradient by all weights, on arrays and digital: where that of a step is larger,
            errors and digital gradients are multiplied by ``clip_norm / norm``. Algorithms that measure errors by
            their running mean (AGAD and its like) feel that only for a time. Takes a matrix product an array and step.

    Raises:
        SpecError: a number is out of range.
        ModelError: no weight of the model is on arrays.
    """

    _step_supports_amp_scaling = True
    """Of torch: ``GradScaler`` leaves the division by its scale to this optimiser."""
    _warned = False

    def __init__(
        self,
        model: nn.Module,
        lr: float = 1e-3,
        *,
        helpers: Sequence[nn.Module] = (),
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        clip_norm: float | None = None,
    ) -> None:
        if not isinstance(model, nn.Module):
            raise ModelError("analog.SGD takes the model itself, not its parameters: analog.SGD(model, lr=0.1)")
        for name, value in (("lr", lr), ("momentum", momentum), ("weight_decay", weight_decay)):
            if not 0 <= float(value) < float("inf"):
                raise SpecError(f"SGD: {name}={value} must be a finite number, zero or more")
        if clip_norm is not None and not 0 < float(clip_norm) < float("inf"):
            raise SpecError(f"SGD: clip_norm={clip_norm} must be a finite number above zero; leave it out not to clip")
        if nesterov and momentum == 0:
            raise SpecError("SGD: nesterov=True needs a momentum, such as 0.9")
        self._homes: dict[nn.Parameter, tuple[AnalogLayer, str]] = {}
        for module in model.modules():
            if isinstance(module, AnalogLayer):
                for name in module.banks:
                    weight = module.get_parameter(name)
                    self._homes[weight] = (module, name)
                    module.bank(name).listen(weight)
        if not self._homes:
            raise ModelError(
                f"{type(model).__name__} has no weights on arrays; convert it: analog.convert(model, analog.AGAD())"
            )
        digital = [p for module in (model, *helpers) for p in module.parameters() if p.requires_grad]
        groups: list[dict[str, Any]] = [{"params": list(dict.fromkeys(digital)), _TILES: False}] if digital else []
        self.clip_norm = clip_norm
        on_arrays = {"params": list(self._homes), _TILES: True, "momentum": 0.0, "weight_decay": 0.0, "nesterov": False}
        on_arrays[_SKIPPED] = 0  # where a state_dict keeps it
        defaults = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay, "nesterov": nesterov}
        super().__init__([*groups, on_arrays], defaults)

    def __getstate__(self) -> dict[str, Any]:
        # Copied or saved together with its model it moves the model's twin; alone it takes the layers along.
        return super().__getstate__() | {"homes": list(self._homes.values()), "clip_norm": self.clip_norm}

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        homes = state.pop("homes", None)  # absent where torch's load_state_dict comes here
        super().__setstate__(state)
        if homes is not None:
            self._homes = {layer.get_parameter(name): (layer, name) for layer, name in homes}
            for weight, (layer, name) in self._homes.items():
                layer.bank(name).listen(weight)

    @property
    def skipped(self) -> int:
        """Steps left out because a number was not finite."""
        return int(self._arrays.get(_SKIPPED, 0))

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients, and what waits for arrays."""
        super().zero_grad(set_to_none)
        for bank in self._banks():
            bank.forget()

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the arrays and the digital parameters.

        Args:
            closure: computes the loss anew, if given.

        Returns:
            What ``closure`` returned.

        Raises:
            SpecError: momentum or weight decay was asked of arrays.
            ModelError: an input of an array was changed in place since the backward pass, a parameter was changed past
                its array, or gradients were scaled past the arrays.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for layer, name in self._homes.values():  # before anything moves
            if layer.bank(name).waiting:
                layer.check(name)
        self._check()
        factor = self._factor()
        if factor is None:
            self._arrays[_SKIPPED] = self.skipped + 1
            for bank in self._banks():
                bank.forget()
            return loss
        for group in self.param_groups:
            if group.get(_TILES):
                for weight in group["params"]:
                    layer, name = self._homes[weight]
                    layer.step(name, float(group["lr"]), factor)
            else:
                self._descend(group, factor)
        return loss

    @property
    def _arrays(self) -> dict[str, Any]:
        """The group of weights on arrays."""
        return next(group for group in self.param_groups if group.get(_TILES))

    def _banks(self) -> Iterator[Bank]:
        for layer, name in self._homes.values():
            yield layer.bank(name)

    def _gradients(self) -> Iterator[Tensor]:
        """Of digital parameters."""
        for group in self.param_groups:
            if not group.get(_TILES):
                yield from (p.grad for p in group["params"] if p.grad is not None)

    def _check(self) -> None:
        """Raise before anything has moved."""
        for name in ("momentum", "weight_decay"):
            if self._arrays[name]:
                raise SpecError(
                    f"SGD: {name}={self._arrays[name]:g} for arrays: they see one input and error at a time; set it in "
                    "the group of digital parameters alone"
                )
        for bank in self._banks():
            bank.ready(scaler=getattr(self, "grad_scale", None) is not None)

    def _factor(self) -> float | None:
        """What gradients are multiplied by; ``None`` where the step must be left out."""
        if bool(getattr(self, "found_inf", False)):  # of a GradScaler, which then tries a smaller scale: as it should
            return None
        spoilt = next((bank.name for bank in self._banks() if not bank.finite), None)
        if spoilt is None and not all(finite(gradient) for gradient in self._gradients()):
            spoilt = "a digital parameter"
        if spoilt is not None:
            if not self._warned:
                self._warned = True
                warnings.warn(
                    f"analog.SGD left out a step, as an input or a gradient of {spoilt} is NaN or infinite; "
                    "optimizer.skipped counts such steps",
                    stacklevel=5,
                )
            return None
        scale = getattr(self, "grad_scale", None)
        factor = 1.0 if scale is None else 1 / float(scale)
        if self.clip_norm is None:
            return factor
        squares = [layer.gradient_norm(name) ** 2 for layer, name in self._homes.values()]
        squares += [float(gradient.double().square().sum()) for gradient in self._gradients()]
        norm = factor * sum(squares) ** 0.5
        return factor * self.clip_norm / norm if norm > self.clip_norm else factor

    def _descend(self, group: dict[str, Any], factor: float) -> None:
        for p in group["params"]:
            if p.grad is None:
                continue
            change = p.grad if factor == 1 else p.grad * factor
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
