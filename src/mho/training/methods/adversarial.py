"""Adversarial weights: train on the worst chip that a short search finds within a bound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from mho.errors import SpecError
from mho.training.method import Method, Step, Taught

if TYPE_CHECKING:
    from torch import Tensor

    from mho.training.run import Batch, Run


@dataclass(frozen=True, kw_only=True)
class AdversarialWeights(Method):
    """The loss is that of ``W + d``, plus ``clean_weight`` times that of ``W``; d is searched for in every mini-batch.

    The search takes ``steps`` signed gradient steps on that mini-batch and stays in the box ``|d| <= bound * S``,
    ``S = max|W|`` per tensor; d and S then count as constants. While it searches, the network runs as it would on a
    chip: batch norm with its running statistics, which do not move, and no dropout. The two passes that teach are in
    training mode, the attacked one first; both move the running statistics.

    Source: [yan2022worst] (adversarial training; there Adam steps on a Lagrangian, here a projection that keeps the
    bound exactly). With ``clean_weight=0`` it is projected gradient descent on the weights.

    Attributes:
        bound: largest error of a weight, a fraction of ``max|W|``.
        steps: of the search; each costs a forward and a backward pass.
        step_size: of each step, a fraction of ``max|W|``; ``2 * bound / steps`` if ``None``, with which every corner of
            the box can be reached from anywhere in it.
        objective: what the search drives up: the training ``"loss"``, or minus the ``"hinge"``
            ``max(f_t - max_{i != t} f_i, 0)`` of the outputs f at class t, which leaves alone what is wrong already.
        start: ``"random"``, uniform in the box, or ``"zero"``.
        clean_weight: weight of the loss at ``W``; zero spares that pass.
    """

    references: ClassVar[tuple[str, ...]] = ("yan2022worst",)

    bound: float
    steps: int = 3
    step_size: float | None = None
    objective: Literal["loss", "hinge"] = "loss"
    start: Literal["random", "zero"] = "random"
    clean_weight: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check(self.bound > 0, "bound", "must be more than zero")
        if self.bound > 1:
            raise SpecError(
                f"AdversarialWeights: bound={self.bound:g} is more than the largest weight; bound is a fraction, "
                f"so {self.bound:g} % is written {self.bound / 100:g}"
            ).at("bound")
        self.check(self.steps >= 1, "steps", "must be at least 1")
        self.check(self.step_size is None or self.step_size > 0, "step_size", "must be more than zero")
        self.check(self.clean_weight >= 0, "clean_weight", "must not be negative")

    def begin(self, run: Run) -> Step:
        if self.objective == "hinge" and not run.classifies:
            raise SpecError("AdversarialWeights: objective='hinge' needs classes; use objective='loss' for values")

        def step(batch: Batch) -> Taught:
            outputs = batch.forward(self.search(batch))
            loss = batch.loss(outputs)
            loss.backward()  # type: ignore[no-untyped-call]
            if self.clean_weight == 0:
                return Taught(loss, outputs)
            # A second backward pass adds to the gradients and needs no memory for both graphs at once.
            clean = self.clean_weight * batch.loss(batch.forward())
            clean.backward()  # type: ignore[no-untyped-call]
            return Taught(loss.detach() + clean.detach(), outputs)

        return step

    def search(self, batch: Batch) -> dict[str, Tensor]:
        """The attacked weights ``W + d`` of a mini-batch, name to ``(*shape)``, constants."""
        import torch

        run = batch.run
        clean = {name: parameter.detach() for name, parameter in run.stored.items()}
        box = {name: self.bound * weight.abs().amax() for name, weight in clean.items()}
        deltas = {name: self._start(batch, name, box[name]) for name in clean}
        stride = 2 / self.steps if self.step_size is None else self.step_size / self.bound
        with run.as_on_chip():
            for _ in range(self.steps):
                attacked = {name: (weight + deltas[name]).requires_grad_() for name, weight in clean.items()}
                rising = self._objective(batch, batch.forward(attacked))
                gradients = torch.autograd.grad(rising, list(attacked.values()), materialize_grads=True)
                whole = batch.whole(gradients)
                for (name, delta), gradient in zip(deltas.items(), whole, strict=True):
                    most = box[name]
                    delta.add_(stride * most * gradient.sign()).clamp_(-most, most)
        return {name: weight + deltas[name] for name, weight in clean.items()}

    def _start(self, batch: Batch, name: str, most: Tensor) -> Tensor:
        weight = batch.run.stored[name].detach()
        if self.start == "zero":
            return weight.new_zeros(weight.shape)
        uniform = batch.draws(name).bits("attack")[0].to(weight.dtype) * 2.0**-31 - 1
        return (uniform * most).clamp_(-most, most)

    def _objective(self, batch: Batch, outputs: Tensor) -> Tensor:
        if self.objective == "loss":
            return batch.loss(outputs)
        outputs, index = outputs.flatten(0, -2), batch.targets.flatten()[:, None]
        own = outputs.gather(1, index)[:, 0]
        others = outputs.scatter(1, index, float("-inf")).amax(1)
        return -(own - others).clamp(min=0).mean()
