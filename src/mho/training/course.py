"""One network in training: its optimiser, its place in the run, and all that it takes to go on from there."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from mho.data.dataset import Dataset
from mho.errors import ModelError, SpecError
from mho.memory.rules import Rules
from mho.progress import Bar
from mho.training import setup
from mho.training.batches import shuffled
from mho.training.method import Method, Taught
from mho.training.monitor import Judgement
from mho.training.norms import refresh_norms
from mho.training.own_updates import paces, warn_if_slow
from mho.training.plain import plain, right
from mho.training.ranks import Ranks
from mho.training.recipe import Recipe
from mho.training.run import Batch, Run

_LOOK = 64
"""Steps between two looks at whether the loss is finite: each makes a GPU wait."""


class Course:
    """A network that learns epoch by epoch.

    ``sigma`` and ``judgement`` are what a search (:class:`mho.training.searching.Searching`) tells of an epoch.

    Args:
        model: the network, which is trained in place, where ``samples`` are.
        samples: what it learns from.
        recipe: how.
        method: what makes it tolerant; plain training if ``None``.
        memory: memory whose errors the method injects; ``None`` where the method says them itself.
        ranks: the processes that share the work.
        sigma: strength of the errors of a method that leaves it to a search.
    """

    sigma: float | None = None
    judgement: Judgement | None = None

    def __init__(
        self,
        model: nn.Module,
        samples: Dataset,
        recipe: Recipe,
        *,
        method: Method | None = None,
        memory: Rules | None = None,
        ranks: Ranks = Ranks(),  # noqa: B008 - frozen
        sigma: float | None = None,
    ) -> None:
        self.model, self.samples, self.recipe, self.ranks = model, samples, recipe, ranks
        self.place = samples.targets.device
        classifies = not samples.targets.is_floating_point()
        self.run = Run(model, recipe, classifies=classifies, memory=memory, sigma=sigma, sample=samples.take(2).inputs)
        self.run.ranks = ranks
        self.run.steps = recipe.epochs * self.steps
        self._fill = setup.fill(recipe, samples)
        try:
            self._teach = plain if method is None else method.begin(self.run)
            self._optimizer = setup.optimizer(recipe, *self._learners, apart=self.run.movers)
        except BaseException:
            self.close()
            raise
        self._method = type(method).__name__
        self._clamped = [] if recipe.clamp is None else setup.latent(model)
        if recipe.compile:
            if method is not None and not method.compiles:
                self.close()
                raise SpecError(f"{self._method} looks inside the network while it runs; leave out compile=True")
            model.compile()
        if recipe.channels_last:
            for module in self._learners:
                module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._order = torch.Generator().manual_seed(recipe.seed)
        self._step = 0
        self._paces = paces(model)
        with setup.generators_kept(self.place):
            setup.seed_dropout(recipe.seed + ranks.rank, self.place)
            self._dropout = setup.generators(self.place)

    @property
    def leader(self) -> Course:
        """The course whose network counts: this one."""
        return self

    @property
    def steps(self) -> int:
        """Mini-batches of an epoch."""
        return -(-len(self.samples) // self.recipe.batch_size)

    @property
    def _learners(self) -> list[nn.Module]:
        return [self.model, *self.run.helpers]

    def epoch(self, number: int, bar: Bar, *, method: bool = True) -> tuple[float, float | None]:
        """One pass over the samples, ``number`` counted from 0; plain training, if it shall be without the method.

        Returns:
            The mean loss that was minimised and, of classifiers, the fraction correct, both while the weights changed.

        Raises:
            ModelError: a loss or a weight became NaN or infinite.
        """
        rate = self._set_rate(self.recipe.rate(number))
        for module in self._learners:
            module.train()
        losses: list[Tensor] = []
        right_in: list[Tensor] = []
        seen = 0
        with self._own_dropout():
            for inputs, targets in shuffled(self.samples, self.recipe, self._order, self._fill):
                some, their_targets, weight = self.ranks.part(inputs, targets)
                if self.recipe.schedule == "linear":
                    rate = self._set_rate(self.recipe.rate(number, len(losses), self.steps))
                for mover in self._movers:
                    mover.zero_grad(set_to_none=True)
                loss, outputs = self._taught(Batch(self.run, some, their_targets, self._step, number, weight), method)
                self._check_taught()
                self.ranks.sum_gradients(setup.moved(*self._movers), weight)
                setup.clip(self._parameters(), self.recipe.clip)
                for mover in self._movers:
                    mover.step()
                setup.clamp(self._clamped, self.recipe.clamp)
                losses.append(weight * loss.detach())
                right_in.append(right(outputs.detach(), their_targets))
                seen += targets.numel()
                self._step += 1
                if self._step == 1:
                    warn_if_slow(self.model, self._paces, self.recipe.epochs * len(self.samples) / len(targets))
                if len(losses) % _LOOK == 0 and self.ranks.world == 1:  # all processes have to stop together
                    self._check_losses(losses, number, rate)
                bar.advance()
        total, hits = self.ranks.sum([torch.stack(losses), torch.stack(right_in).sum()])
        self._check_losses(list(total), number, rate)
        self._check_weights(number, rate)
        if self.recipe.norms == "clean":
            refresh_norms(self.model, self.samples, batch_size=self.recipe.batch_size)
        self.ranks.average_norms(self._learners)
        accuracy = None if targets.is_floating_point() else int(hits) / seen
        return float(total.mean()), accuracy

    def state(self) -> dict[str, Any]:
        """Everything that later epochs depend on; tensors are those in use, not copies. All processes ask together."""
        return {
            "model": self.model.state_dict(),
            "helpers": [helper.state_dict() for helper in self.run.helpers],
            "optimizer": self._optimizer.state_dict(),
            "movers": [mover.state_dict() for mover in self.run.movers],
            "order": self._order.get_state(),
            "dropout": self.ranks.gather(self._dropout),
            "step": self._step,
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from where :meth:`state` was taken, here or in another process; nothing is shared with it."""
        self.model.load_state_dict(state["model"])
        for helper, theirs in zip(self.run.helpers, state["helpers"], strict=True):
            helper.load_state_dict(theirs)
        self._optimizer.load_state_dict(copy.deepcopy(state["optimizer"]))  # it would keep these very tensors
        for mover, theirs in zip(self.run.movers, state.get("movers", []), strict=True):  # older files have none
            mover.load_state_dict(copy.deepcopy(theirs))
        self._order.set_state(state["order"])
        self._dropout = [s.clone() for s in state["dropout"][self.ranks.rank]]
        self._step = state["step"]

    def close(self) -> None:
        """Undo what the method did to the network, such as hooks."""
        self.run.at_end.close()
        if self.recipe.compile:
            self.model._compiled_call_impl = None  # torch has no way back of its own
        if self.recipe.channels_last:
            self.model.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]

    @contextmanager
    def _own_dropout(self) -> Iterator[None]:
        """The global generators as this course left them; several courses may take turns."""
        setup.set_generators(self.place, self._dropout)
        yield
        self._dropout = setup.generators(self.place)

    def _taught(self, batch: Batch, method: bool) -> Taught:
        try:
            taught = (self._teach if method else plain)(batch)
        except RuntimeError as error:
            if not self.recipe.compile or not type(error).__module__.startswith("torch._"):
                raise
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise ModelError(f"torch.compile failed ({reason}); leave out compile=True") from None
        except ValueError as error:
            if "more than 1 value per channel" not in str(error):
                raise
            raise ModelError(
                f"batch norm cannot learn from {len(batch.targets)} sample(s) a mini-batch; give more samples, or a "
                f"larger batch_size"
            ) from None
        if not isinstance(taught, Taught):
            raise ModelError(
                f"the step of {self._method} returned a {type(taught).__name__}; it returns Taught(loss, outputs)"
            )
        return taught

    def _set_rate(self, rate: float) -> float:
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        return rate

    @property
    def _movers(self) -> list[torch.optim.Optimizer]:
        return [self._optimizer, *self.run.movers]

    def _parameters(self) -> list[nn.Parameter]:
        return setup.moved(self._optimizer)

    def _check_taught(self) -> None:
        if self._step == 0 and not setup.taught(self.model, self._parameters()):
            raise ModelError(f"{self._method} left no gradient on any parameter: nothing is trained")

    def _check_losses(self, losses: list[Tensor], epoch: int, rate: float) -> None:
        values = torch.stack(losses)
        bad = (~torch.isfinite(values)).nonzero()
        if len(bad):
            first = int(bad[0])
            raise ModelError(
                f"training diverged: the loss became {float(values[first])} in epoch {epoch + 1}, "
                f"batch {first + 1} of {self.steps} (lr={rate:g}): try a smaller lr"
            )

    @torch.no_grad()
    def _check_weights(self, epoch: int, rate: float) -> None:
        """The last step of an epoch has no loss after it to tell."""
        for name, weight in (*self.model.named_parameters(), *self.model.named_buffers()):
            if not torch.isfinite(weight).all():
                raise ModelError(
                    f"training diverged: {name} holds NaN or infinite values after epoch {epoch + 1} (lr={rate:g}): "
                    f"try a smaller lr"
                )
