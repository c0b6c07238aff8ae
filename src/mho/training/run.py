"""A training run as its method sees it: the model, its weights on cells, the loss, addressed noise."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, mse_loss

from mho.data.dataset import Inputs
from mho.devices import LevelGaussian
from mho.errors import SpecError
from mho.mapping import Analog
from mho.memory.deployment import Chips, deploy
from mho.memory.rules import Rules
from mho.memory.spec import Memory
from mho.rng import Draws, stream_key
from mho.training.fit import apply
from mho.training.noises.base import Noise
from mho.training.objectives import binary_hinge
from mho.training.ranks import Ranks
from mho.training.recipe import Recipe
from mho.training.sigma_search import SigmaSearch
from mho.training.sources import Errors, Source, direct_errors, memory_errors
from mho.training.through import perturbed

Weights = Mapping[str, Tensor]

DRAWS = 1 << 16
"""Independent draws that one mini-batch may ask for."""


class Run:
    """The model in training and what surrounds it.

    Args:
        model: the network in training, which its method must not change but through gradients (and statistics).
        recipe: how it is trained.
        classifies: whether targets are classes.
        memory: memory whose errors the method injects, or rules; ``None`` where the method says them itself.
        sigma: strength of the errors of a method that leaves it to a search.
        sample: a few inputs ``(n, ...)``, for methods that have to look at the network at work before they begin.

    Attributes:
        helpers: modules made by :meth:`help`, which are trained along.
        movers: optimisers of the method's own: what they move, the recipe's optimiser leaves alone.
        steps: mini-batches of the whole run; zero where nobody said.
        ranks: the processes that share every mini-batch.
        at_end: what has to be undone when the run ends, such as removing hooks.
    """

    def __init__(
        self,
        model: nn.Module,
        recipe: Recipe,
        *,
        classifies: bool,
        memory: Rules | None = None,
        sigma: float | None = None,
        sample: Inputs | None = None,
    ) -> None:
        if not classifies and recipe.loss != "cross-entropy":
            raise SpecError(f"Recipe: loss='{recipe.loss}' is for classes, and these targets are values; leave it out")
        self.model, self.recipe, self.classifies, self.memory = model, recipe, classifies, memory
        self.sample = sample
        self.helpers: list[nn.Module] = []
        self.movers: list[torch.optim.Optimizer] = []
        self.steps = 0
        self.ranks = Ranks()
        self._sigma = sigma
        self._searching: list[Errors] = []
        self.at_end = ExitStack()
        # Not the recipe's seed itself: chips of that seed are those that the network will be judged on.
        self.seed = derived(recipe.seed, "training")

    @cached_property
    def chips(self) -> Chips:
        """The model in training on its memory; where there is none, on one analog cell a weight."""
        return on_cells(self.model, self.memory, self.seed)

    @cached_property
    def stored(self) -> dict[str, nn.Parameter]:
        """The weights that errors may hit: those of matrices, that a memory would hold."""
        return {name: self.model.get_parameter(name) for name in self.chips.placements}

    def errors(
        self,
        sigma: float | SigmaSearch | None,
        noise: Noise | None = None,
        *,
        more: float = 0.0,
        of: nn.Module | None = None,
        name: str = "",
    ) -> Errors:
        """The source of weights with fresh errors: of a chip of the memory if there is one, else ``sigma * S * noise``.

        Args:
            sigma: fraction of ``max|W|``; with a memory, severity of its device, its own if ``None``; with a search,
                the strength that it has come to.
            noise: distribution without a memory, Gaussian if ``None``.
            more: added to sigma, or to the severity of every device; what falls below zero is zero.
            of: module with the weights; the model if ``None``.
            name: tells the errors of a helping module ``of`` from those of the model and of other helpers.

        Returns:
            ``errors(batch, draw=0)``: the weights, straight after programming, of the chip that belongs to this
            mini-batch; each ``draw`` of 0, 1, ... is another chip.

        Raises:
            SpecError: there is no sigma where one is needed, or noise where the memory says the errors.
            ModelError: the model cannot be deployed.
        """
        seed = derived(self.seed, name) if name else self.seed
        chips = self.chips if of is None else on_cells(of, self.memory, seed)
        source = direct_errors if self.memory is None else memory_errors

        def make(strength: float | None) -> Source:
            return source(chips, strength, noise, seed, more)

        if not isinstance(sigma, SigmaSearch):
            return Errors(make, sigma)
        if self._sigma is None:
            raise SpecError("sigma is a SigmaSearch, which mho.train runs; a loop of your own needs a number")
        errors = Errors(make, self._sigma)
        self._searching.append(errors)
        return errors

    def retune(self, sigma: float) -> None:
        """Give the errors whose strength is searched for the strength ``sigma``."""
        self._sigma = sigma
        for errors in self._searching:
            errors.retune(sigma)

    def help(self, module: nn.Module) -> nn.Module:
        """``module``, trained along with the model on the same device and forgotten when the run ends."""
        where = next(self.model.parameters()).device
        self.helpers.append(module.to(where))
        return module

    def forward(self, inputs: Inputs, weights: Weights | None = None, *, of: nn.Module | None = None) -> Tensor:
        """Outputs ``(n, ...)`` float32 of the model, or of a helper ``of``.

        Args:
            inputs: one batch.
            weights: instead of its own, name to ``(*shape)``. Constants are gone through straight: their gradient is
                that of the clean parameter. Tensors that require a gradient keep it to themselves.
            of: the module to run; the model if ``None``.
        """
        module = self.model if of is None else of
        where = next(iter([inputs] if isinstance(inputs, Tensor) else inputs.values())).device
        # Without mixed precision of its own a run leaves that of the surrounding loop alone.
        mixed = self.recipe.precision == "bfloat16"
        with torch.autocast(where.type, dtype=torch.bfloat16) if mixed else nullcontext():
            outputs = apply(module, inputs) if weights is None else perturbed(module, inputs, weights)
        return outputs.float()

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The mean loss of a batch: of classes as the recipe says, of values the mean squared error.

        Where a sample has one class a position (of a text, the next character), the mean is over all positions.
        """
        if targets.is_floating_point():
            return mse_loss(outputs, targets)
        if outputs.shape[:-1] == targets.shape:
            outputs, targets = outputs.flatten(0, -2), targets.flatten()
        if self.recipe.loss == "binary-hinge":
            return binary_hinge(outputs, targets, self.recipe.margin)
        return cross_entropy(outputs, targets, label_smoothing=self.recipe.label_smoothing)

    @contextmanager
    def as_on_chip(self) -> Iterator[None]:
        """The model as it runs on a chip: norms use their running statistics and leave them; nothing is dropped."""
        before = [(module, module.training) for module in self.model.modules()]
        dropping = [(module, module.dropout) for module in self.model.modules() if isinstance(module, nn.RNNBase)]
        for module, training in before:
            # cuDNN differentiates recurrent layers in training mode only.
            module.training = training and isinstance(module, nn.RNNBase)
        for layers, _ in dropping:
            layers.dropout = 0.0
        try:
            yield
        finally:
            for module, training in before:
                module.training = training
            for layers, share in dropping:
                layers.dropout = share


@dataclass(frozen=True)
class Batch:
    """One mini-batch.

    Attributes:
        run: the run that it belongs to.
        inputs: ``(n, ...)``, or a mapping of such.
        targets: ``(n,)`` class indices, ``(n, ...)`` with one a position, or ``(n, ...)`` values.
        step: number of the mini-batch in the whole run, from 0.
        epoch: from 0.
        weight: fraction that these samples are of the whole mini-batch, where processes share it.
    """

    run: Run
    inputs: Inputs
    targets: Tensor
    step: int
    epoch: int
    weight: float = 1.0

    def forward(self, weights: Weights | None = None) -> Tensor:
        """Outputs of the model for this batch; see :meth:`Run.forward`."""
        return self.run.forward(self.inputs, weights)

    def loss(self, outputs: Tensor) -> Tensor:
        """The mean loss of ``outputs``."""
        return self.run.loss(outputs, self.targets)

    def whole(self, means: Sequence[Tensor]) -> Sequence[Tensor]:
        """Means over the whole mini-batch, from those over these samples; another process may have the rest."""
        return self.run.ranks.sum([self.weight * mean for mean in means]) if self.run.ranks.world > 1 else means

    def chip(self, draw: int = 0) -> int:
        """Number of the chip that draw ``draw`` of this mini-batch is."""
        return self.step * DRAWS + draw

    def draws(self, name: str, draw: int = 0) -> Draws:
        """The random numbers of the weights called ``name``, results of shape ``(1, *shape)``."""
        weight = self.run.stored[name]
        return Draws(self.run.seed, name, torch.tensor([self.chip(draw)]), tuple(weight.shape), weight.device)


def derived(seed: int, purpose: str) -> int:
    """Another seed, for numbers that have nothing to do with those of ``seed``."""
    high, low = stream_key(seed, f"seed of {purpose}")
    return high << 32 | low


def on_cells(model: nn.Module, memory: Rules | None, seed: int) -> Chips:
    """``model`` itself, not a copy, on a memory: what is programmed are its weights as they are at that moment."""
    # The private copy that deploy makes of its model in evaluation mode tells where weights go, and is dropped.
    rules = Memory(device=LevelGaussian(sigma=0.0), mapping=Analog()) if memory is None else memory
    return replace(deploy(copy.deepcopy(model).eval(), rules, seed=seed), model=model)
