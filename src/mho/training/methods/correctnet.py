"""CorrectNet: a penalty on the clean weights that keeps layers from making errors larger."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from mho.training.method import Step, Taught
from mho.training.noisy import NoisyMethod

if TYPE_CHECKING:
    from torch import Tensor

    from mho.memory.deployment import Chips
    from mho.training.run import Batch, Run

_GAMMA = 0.5


@dataclass(frozen=True, kw_only=True)
class CorrectNet(NoisyMethod):
    """The loss, plus ``beta * sum ||G - level I||_F^2`` over Gram matrices G of the clean stored weights.

    Two variants say which matrices, and what their Gram matrices are drawn to:

    ``"slice"`` is what published comparisons with CorrectNet compute: a weight is a stack of its last two dimensions,
    and ``level = lipschitz``. For a convolution a slice is **one k x k kernel**, so every 3x3 kernel of the network is
    pushed to be an orthogonal 3x3 matrix (times ``sqrt(lipschitz)``): it keeps no layer's gain at 1, and makes kernels
    large. A 1x1 kernel is pushed to plus or minus ``sqrt(lipschitz)``. A linear layer is one matrix.

    ``"layer"`` is what the paper's text is about: a layer is one matrix ``W`` of ``(outputs, all that one output
    sees)`` (one for each group of a grouped convolution), and ``level = l^2`` with ``l = lipschitz / (mu + 3 s)``,
    ``mu = e^(gamma^2 / 2)`` and ``s = sqrt((e^(gamma^2) - 1) e^(gamma^2))`` the mean and the standard deviation of a
    factor ``e^v``, ``v ~ N(0, gamma^2)``. All singular values are drawn to l, so that three standard deviations of
    log-normal variation leave the gain at about ``lipschitz``. The form is ours, from the paper's abstract.

    G is ``w^T w`` or ``w w^T``, the smaller of the two: the gradient is the same, and ``min(rows, columns)`` equal
    singular values give exactly zero, where the larger one would leave a constant.

    Without ``sigma`` and without a memory no errors are injected: the penalty alone is what makes the network tolerant.
    With either, errors are those of :class:`NoiseInjection`. Weights that a memory's rules keep digital, biases and
    norms are not penalised.

    Source: [eldebiky2023correctnet]; ``"slice"`` with errors injected is the baseline "CorrectNet" of [qin2025neft].
    The paper's error compensation is :func:`mho.training.compensate`.

    Attributes:
        sigma: as for :class:`NoiseInjection`; no errors if ``None`` and there is no memory.
        noise: as for :class:`NoiseInjection`.
        beta: weight of the penalty.
        variant: ``"slice"`` or ``"layer"``.
        lipschitz: ``"slice"``: what Gram matrices are drawn to, times I; ``"layer"``: gain of a layer at three standard
            deviations.
        gamma: ``"layer"`` alone: standard deviation of the logarithm of the variation that it is set for.
    """

    references: ClassVar[tuple[str, ...]] = ("eldebiky2023correctnet", "qin2025neft")

    beta: float = 5e-4
    variant: Literal["slice", "layer"] = "slice"
    lipschitz: float = 1.0
    gamma: float = _GAMMA

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check(self.beta >= 0, "beta", "must not be negative")
        self.check(self.lipschitz > 0, "lipschitz", "must be more than zero")
        self.check(0 <= self.gamma <= 2, "gamma", "must be from 0 to 2: the standard deviation of a logarithm")
        self.check(self.variant == "layer" or self.gamma == _GAMMA, "gamma", "is for variant='layer'")

    @property
    def level(self) -> float:
        """What the Gram matrices are drawn to, times the identity."""
        if self.variant == "slice":
            return self.lipschitz
        square = self.gamma**2
        mean, std = math.exp(square / 2), math.sqrt(math.expm1(square) * math.exp(square))
        return (self.lipschitz / (mean + 3 * std)) ** 2

    def begin(self, run: Run) -> Step:
        silent = self.sigma is None and self.noise is None and run.memory is None
        errors = None if silent else self.errors(run)

        def step(batch: Batch) -> Taught:
            outputs = batch.forward(None if errors is None else errors(batch))
            loss = batch.loss(outputs)
            if self.beta:
                loss = loss + self.beta * self.penalty(run.chips)
            loss.backward()  # type: ignore[no-untyped-call]
            return Taught(loss, outputs)

        return step

    def penalty(self, chips: Chips) -> Tensor:
        """``sum ||G - level I||_F^2`` over the stored weights of ``chips``, no dimensions; without ``beta``."""
        import torch

        terms = []
        for name in chips.placements:
            stack = self._slices(chips, name) if self.variant == "slice" else self._layer(chips, name)
            rows, columns = stack.shape[-2:]
            gram = stack.mT @ stack if columns <= rows else stack @ stack.mT
            target = self.level * torch.eye(len(gram[0]), device=gram.device, dtype=gram.dtype)
            terms.append((gram - target).square().sum())
        return torch.stack(terms).sum()

    def _slices(self, chips: Chips, name: str) -> Tensor:
        """``(slices, rows, columns)``: the last two dimensions of a weight."""
        weight = chips.model.get_parameter(name)
        return weight.reshape(-1, *weight.shape[-2:])

    def _layer(self, chips: Chips, name: str) -> Tensor:
        """``(matrices, outputs, inputs)``: what one output sees in a row, group by group."""
        weight, rule = chips.model.get_parameter(name), chips.placements[name].layer
        groups = rule.matrix(chips.model.get_submodule(name.rpartition(".")[0]), tuple(weight.shape))[2]
        grouped = weight.reshape(groups, -1, *weight.shape[1:])
        return (grouped if rule.channel_dim == 0 else grouped.transpose(1, 2)).flatten(2)
