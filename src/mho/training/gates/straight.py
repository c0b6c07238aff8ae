"""Binary gates with a gradient: straight-through estimators, and how long a gate takes to close."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from torch import Tensor

Estimator = Literal["softplus", "sigmoid", "identity", "leaky_relu", "hard_sigmoid"]

_LEAK = 0.01


def factor(estimator: Estimator, z: Tensor) -> Tensor:
    """What the gradient of a gate is multiplied by to become that of its auxiliary value ``z``, of the same shape.

    ``"softplus"`` is ``ln(1 + e^z)`` (equation 10 of [li2024zerospace], literally); ``"sigmoid"`` its derivative;
    ``"identity"`` 1; ``"leaky_relu"`` the derivative of that function, 1 for open gates and 0.01 for closed ones;
    ``"hard_sigmoid"`` ``min(max(z / 6 + 1/2, 0), 1)``, with which a gate below -3 never opens again.
    """
    import torch
    from torch.nn import functional

    if estimator == "softplus":
        return functional.softplus(z)
    if estimator == "sigmoid":
        return torch.sigmoid(z)
    if estimator == "leaky_relu":
        return torch.where(z > 0, 1.0, _LEAK).to(z.dtype)
    return functional.hardsigmoid(z) if estimator == "hard_sigmoid" else torch.ones_like(z)


def opened(z: Tensor, estimator: Estimator) -> Tensor:
    """Gates ``1[z > 0]`` of the shape of ``z`` (equation 6); the gradient of ``z`` is theirs times :func:`factor`.

    Written with plain operations, so that it runs under ``vmap`` and ``torch.export`` too.
    """
    gates = (z > 0).to(z.dtype)
    if not z.requires_grad:
        return gates
    held = z.detach()
    return gates + factor(estimator, held) * (z - held)  # the second term is zero, and has the gradient


def area(estimator: Estimator, start: float) -> float:
    """``I = integral from 0 to start of dz / factor(z)``: 1.052 for softplus from 1.

    Gradient descent at the rate lr on a penalty mu alone moves a gate by ``lr mu factor(z)`` a step, so it closes after
    about ``I / (lr mu)`` steps.
    """
    import torch

    z = (torch.arange(4096, dtype=torch.float64) + 0.5) * (start / 4096)
    return start * float((1 / factor(estimator, z)).mean())
