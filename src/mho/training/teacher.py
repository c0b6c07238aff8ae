"""A method in a training loop of your own."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import Any, Literal, Self

from torch import Tensor, nn

from mho.data.dataset import Inputs
from mho.errors import SpecError
from mho.memory.rules import Rules
from mho.training.method import Method, check_method
from mho.training.plain import plain
from mho.training.recipe import Recipe
from mho.training.run import Batch, Run


class Teacher:
    """Gives the gradients of ``method`` for one mini-batch after the other; the optimiser and all else are yours::

        with Teacher(model, OrientedVariationalForward(sigma=0.1), seed=0) as teach:
            optimizer = torch.optim.Adam(teach.parameters(), lr=1e-3)
            for inputs, targets in loader:
                optimizer.zero_grad()
                loss = teach(inputs, targets)  # gradients are on the parameters now
                optimizer.step()

    With several processes, average the gradients over them before the optimiser's step: every process draws the same
    errors.

    The errors of a call are addressed by ``seed`` and ``step``: a loop that starts again at step n sees the errors that
    it would have seen.

    Args:
        model: the network, on any device; it is trained in place, and its mode (training or evaluation) is yours.
        method: what makes it tolerant; its ``sigma`` must be a number, not a search.
        memory: memory whose errors the method injects that takes one.
        seed: of the errors.
        sample: a few inputs ``(n, ...)``, which methods need that look at the network first (snapshots).
        label_smoothing: of the cross-entropy.
        precision: "bfloat16" runs the passes in automatic mixed precision; "float32" leaves that to the loop.
        classifies: whether targets are classes.

    Attributes:
        step: number of the next mini-batch; set it to go on with a run.

    Raises:
        SpecError: the method does not suit the memory.
        ModelError: the model cannot be deployed, or does not suit the method.
    """

    def __init__(
        self,
        model: nn.Module,
        method: Method | None = None,
        *,
        memory: Rules | None = None,
        seed: int = 0,
        sample: Inputs | None = None,
        label_smoothing: float = 0.0,
        precision: Literal["float32", "bfloat16"] = "float32",
        classifies: bool = True,
    ) -> None:
        check_method(method, memory)
        if method is not None and method.sigma_search is not None:
            raise SpecError(f"{type(method).__name__}: a SigmaSearch is run by mho.train; here sigma must be a number")
        recipe = Recipe(seed=seed, label_smoothing=label_smoothing, precision=precision)
        self._run = Run(model, recipe, classifies=classifies, memory=memory, sample=sample)
        self._step = plain if method is None else method.begin(self._run)
        self.step = 0

    def __call__(self, inputs: Inputs, targets: Tensor) -> Tensor:
        """Add the gradients of one mini-batch to the parameters.

        Args:
            inputs: ``(n, ...)``, or a mapping of such.
            targets: ``(n,)`` class indices, or ``(n, ...)`` values.

        Returns:
            The loss that the method minimises, detached, no dimensions.
        """
        taught = self._step(Batch(self._run, inputs, targets, self.step, 0))
        self.step += 1
        return taught.loss.detach()

    def parameters(self) -> Iterator[nn.Parameter]:
        """What the optimiser must move: the model's parameters, and those of modules that only help to train it."""
        for module in (self._run.model, *self._run.helpers):
            yield from module.parameters()

    def state_dict(self) -> dict[str, Any]:
        """The step, and the modules that only help to train; the model and the optimiser have states of their own."""
        return {"step": self.step, "helpers": [helper.state_dict() for helper in self._run.helpers]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what :meth:`state_dict` gave to a teacher of the same method and model."""
        for helper, theirs in zip(self._run.helpers, state["helpers"], strict=True):
            helper.load_state_dict(theirs)
        self.step = state["step"]

    def close(self) -> None:
        """Undo what the method did to the model, such as hooks."""
        self._run.at_end.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
