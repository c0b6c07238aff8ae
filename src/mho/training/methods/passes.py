"""Several noisy forward passes of one mini-batch, whose outputs are added up before the loss is taken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from mho.training.method import Taught
from mho.training.methods.replay import Moment, check_same
from mho.training.noisy import NoisyMethod

if TYPE_CHECKING:
    from mho.training.run import Batch, Run
    from mho.training.sources import Errors, Source


def ladder(method: NoisyMethod, run: Run, copies: int, step: float) -> list[Errors]:
    """The method's own errors, then ``copies`` sources whose sigma (or severity) is ``step`` larger each time."""
    return [method.errors(run, more=number * step) for number in range(copies + 1)]


def together(batch: Batch, sources: Sequence[Source], shares: Sequence[float]) -> Taught:
    """Gradient of the loss at ``sum_n shares[n] * outputs_n``; the graphs of all passes are in memory at once.

    Args:
        batch: the mini-batch; its draw n are the errors of pass n.
        sources: of the weights, one each pass.
        shares: factors of the outputs.

    Returns:
        The loss, and the outputs ``(n, ...)`` of the first pass.
    """
    outputs = [batch.forward(errors(batch, draw)) for draw, errors in enumerate(sources)]
    loss = batch.loss(added(outputs, shares))
    loss.backward()  # type: ignore[no-untyped-call]
    return Taught(loss.detach(), outputs[0].detach())


def in_turn(batch: Batch, sources: Sequence[Source], shares: Sequence[float]) -> Taught:
    """As :func:`together`, with the graph of one pass in memory at a time.

    The loss sees the passes only through their added outputs, so all it sends back to pass n is ``shares[n] * G`` with
    ``G`` its gradient by the added outputs. Passes run without graphs until ``G`` is known; all but the last, which
    keeps its graph, are then repeated from the moment at which they ran.

    Raises:
        ModelError: a repeated pass gives other outputs (looked at in the first mini-batch).
    """
    last = len(sources) - 1
    moments, outputs = [], []
    with torch.no_grad():
        for draw, errors in enumerate(sources[:last]):
            moments.append(Moment(batch))
            outputs.append(batch.forward(errors(batch, draw)))
    held = batch.forward(sources[last](batch, last))
    total = added([*outputs, held.detach()], shares).requires_grad_()
    loss = batch.loss(total)
    (slope,) = torch.autograd.grad(loss, total)
    held.backward(shares[last] * slope)  # type: ignore[no-untyped-call]
    end = Moment(batch)
    for draw, moment in enumerate(moments):
        moment.back()
        again = batch.forward(sources[draw](batch, draw))
        if batch.step == 0:
            check_same(outputs[draw], again.detach(), "use graphs='all'")
        again.backward(shares[draw] * slope)  # type: ignore[no-untyped-call]
    end.back()
    return Taught(loss.detach(), (outputs[0] if outputs else held).detach())


def added(outputs: Sequence[Tensor], shares: Sequence[float]) -> Tensor:
    """``sum_n shares[n] * outputs[n]``."""
    return torch.stack([share * output for share, output in zip(shares, outputs, strict=True)]).sum(0)
