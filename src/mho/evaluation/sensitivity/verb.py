"""The verb: which weights and which layers matter?"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from mho.data.adapters import as_dataset
from mho.data.dataset import Dataset
from mho.errors import DataError
from mho.evaluation.arguments import check_counts, torch_device
from mho.evaluation.forward import call
from mho.evaluation.orders import image_orders
from mho.evaluation.prepare import device_of, try_out
from mho.evaluation.sensitivity.losses import Loss, UserLoss, check_mean, get_loss
from mho.evaluation.sensitivity.methods import get_method
from mho.evaluation.sensitivity.result import Sensitivity
from mho.evaluation.sensitivity.task import Task, chosen, private
from mho.evaluation.sensitivity.transparent import transparent
from mho.memory.deployment import Chips
from mho.progress import progress


def sensitivity(
    model: nn.Module | Chips,
    data: Any = None,
    *,
    method: str = "second-derivative",
    loss: str | UserLoss | Loss = "cross-entropy",
    parameters: str | Sequence[str] | None = None,
    images: int | None = None,
    batch_size: int = 256,
    samples: int | None = None,
    seed: int = 0,
    device: torch.device | str | None = None,
    show_progress: bool = True,
) -> Sensitivity:
    """Which weights matter?

    An error of variance v in a weight raises the expected loss by ``h v / 2``, h the second derivative of the mean loss
    with respect to that weight: independent errors of zero mean have no first-order effect, and no cross terms. By
    default h is computed in one forward and one backward pass [yan2022swim]. The model passed in is never changed.

    Args:
        model: any module in evaluation mode, or deployed chips, whose quantised weights are looked at then.
        data: anything that :func:`mho.data.as_dataset` takes; not needed by ``"magnitude"`` and ``"random"``. Use
            training data: a choice made on test data makes their accuracy look better than it is.
        method: ``"second-derivative"``; the same with the cross terms that it drops, sampled: ``"gauss-newton"`` and
            (slow, and sampled far worse, but also right where the network curves) ``"hutchinson"``;
            ``"gauss-newton-exact"``, sample by sample; ``"fisher"``, squared gradients; ``"saliency"``, h w²;
            ``"magnitude"``; ``"random"``; or your own (:func:`mho.evaluation.sensitivity.register`).
        loss: ``"cross-entropy"``, ``"mse"`` or ``loss(outputs, targets)`` that returns the mean over the samples.
        parameters: name patterns of parameters or modules, such as ``"conv*"``; unless given, the weights on the chips,
            or all that :func:`mho.deploy` would store there: matrices, and no embedding that nobody asked for. A
            pattern means matrices; one that matches none (``"*.bias"``) means whatever it matches.
        images: how many samples, in an order that depends on ``seed`` alone; all of them unless given.
        batch_size: samples per pass; memory grows with it. Only what is sampled depends on it.
        samples: random probes per batch, for sampled methods; 16 for ``"hutchinson"``, 4 for ``"gauss-newton"`` unless
            given.
        seed: of the order of the samples, of probes and of ``"random"``.
        device: where to compute; where the model is unless given.
        show_progress: a bar on the terminal for work of more than two seconds.

    Returns:
        Parameter name to a tensor of its shape, with tables by layer.

    Raises:
        ModelError: the model cannot be deployed or does not take the data, or no gradient reaches a weight.
        DataError: no data, or targets that the loss cannot be asked about.
        SpecError: an argument is out of range.
        UnknownNameError: no such method, or a pattern that matches nothing.
    """
    how = get_method(method)
    what = get_loss(loss)
    check_counts(images=images, batch_size=batch_size, samples=samples)
    copied = private(model, None if device is None else torch_device(device))
    weights = chosen(model, copied, parameters)
    used = _ordered(data, images, seed).to(device_of(copied)) if how.needs_data else None
    total = len(used) if used is not None else 0
    # Contexts are entered here and not where batches are made: an error leaves them at once.
    with progress(method, total, enabled=show_progress) as bar, transparent(copied):
        task = Task(
            model=copied,
            weights=weights,
            data=used,
            loss=what,
            batch_size=batch_size,
            samples=how.samples if samples is None else samples,
            seed=seed,
            advance=bar.advance,
        )
        if used is not None:
            _check(task, used)
        found = how.run(task)
    flat = [name for name in weights if used is not None and not bool(found.values[name].any())]
    if flat:
        said = f"nothing but zeros for {', '.join(flat)}: no error there changes the loss, or something after is flat"
        warnings.warn(said, stacklevel=2)
        found = replace(found, note=f"{found.note}; {said}" if found.note else said)
    return Sensitivity(
        signed={name: found.values[name].detach() for name in weights},
        sampled=found.sampled,
        error={name: value.detach() for name, value in found.error.items()},
        scales={name: _scale(model, name, w) for name, w in weights.items()},
        method=found.method or method,
        asked=method,
        note=found.note,
        power=how.power,
        loss=what.name if used is not None else "",
        value=found.loss,
        images=total,
        data=used.name if used is not None else "",
        model=type(copied).__name__,
        references=how.references if not found.method else (*how.references, *get_method(found.method).references),
    )


def _ordered(data: Any, images: int | None, seed: int) -> Dataset:
    """The first ``images`` samples of the order of ``seed``; all of them as they are, since order does not matter."""
    if data is None:
        raise DataError("this method looks at data: give a data set, such as mho.data.load('mnist', split='train')")
    dataset = as_dataset(data)
    if images is None or images >= len(dataset):
        return dataset
    return dataset.subset(torch.from_numpy(image_orders(seed, [0], images, len(dataset))[0]).to(dataset.targets.device))


def _check(task: Task, data: Dataset) -> None:
    """Try one sample and a few, before any work."""
    with torch.no_grad():
        _, outputs = try_out(task.model, data)
        task.loss.check(outputs[0], data)
        first = data.take(4)
        check_mean(task.loss, call(task.model, first.inputs), first.targets)


def _scale(model: nn.Module | Chips, name: str, weight: Tensor) -> Tensor:
    """Full scale ``S = max|w|``, per tensor or as the mapping has it; one where all weights are zero."""
    if isinstance(model, Chips):
        placement = model.placements[name]
        original = model.model.get_parameter(name)
        return placement.memory.mapping.full_scale(original, placement.layer.channel_dim).to(weight.device)
    largest = weight.detach().abs().amax()
    return torch.where(largest > 0, largest, torch.ones_like(largest))
