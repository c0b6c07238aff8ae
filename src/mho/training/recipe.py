"""How a network is trained, as data."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from mho.spec import Spec, added


@dataclass(frozen=True, kw_only=True)
class Recipe(Spec):
    """Optimiser, schedule, batches, augmentation and numbers of one training run.

    Attributes:
        epochs: passes over the data.
        batch_size: samples per step; what remains of an epoch makes a smaller last batch.
        optimizer: "adam", "adamw" (weight decay apart from the gradient) or "sgd".
        lr: learning rate at the start.
        weight_decay: of all parameters, as the papers have it.
        momentum: of "sgd" alone.
        schedule: "constant", "cosine" (to zero over ``epochs``) or "multistep", which change once an epoch; or "linear"
            (to zero), which changes with every mini-batch.
        milestones: for "multistep", the epochs (from 0) before which the rate is multiplied by ``gamma``.
        gamma: for "multistep".
        label_smoothing: probability spread over all classes, 0 to less than 1.
        augment: "none", or "crop-flip": random crop after padding by 4 pixels, and random horizontal flip.
        precision: "float32", or "bfloat16" for automatic mixed precision.
        channels_last: memory layout that is faster for convolutions on GPUs.
        seed: of the order of samples, the augmentation, dropout and the errors that a method injects.
        norms: which statistics batch norm has after training: those gathered while running, "running" (under the
            errors of a method, as the papers have it), or "clean", measured anew on the samples without errors.
        loss: of classes: "cross-entropy", or "binary-hinge", that of binarised networks (see
            :func:`mho.training.objectives.binary_hinge`).
        margin: for "binary-hinge", on the scale of the outputs.
        clamp: bound to which the weights of all matrices (linear, convolution, ...) are clamped after every step; 1 for
            binarised networks, whose latent weights could grow so far that no sign turns again. ``None``: no bound.
        compile: run the network through ``torch.compile``: half a minute at the start, faster steps after it; numbers
            agree but for rounding.
        warmup: for "linear", the share of all mini-batches over which the rate rises from zero first; less than 1.
        clip: bound to which the norm of the gradient, of all parameters together, is scaled down. ``None``: no bound.

    Raises:
        SpecError: a value is out of range, or is given to an optimizer or schedule that does not use it.
    """

    epochs: int = 20
    batch_size: int = 128
    optimizer: Literal["adam", "adamw", "sgd"] = "adam"
    lr: float = 1e-3
    weight_decay: float = 0.0
    momentum: float = 0.0
    schedule: Literal["constant", "cosine", "multistep", "linear"] = "cosine"
    milestones: tuple[int, ...] = ()
    gamma: float = 0.1
    label_smoothing: float = 0.0
    augment: Literal["none", "crop-flip"] = "none"
    precision: Literal["float32", "bfloat16"] = "float32"
    channels_last: bool = False
    seed: int = 0
    norms: Literal["running", "clean"] = added(lambda: "running")
    compile: bool = added(lambda: False)
    loss: Literal["cross-entropy", "binary-hinge"] = added(lambda: "cross-entropy")
    margin: float = added(lambda: 128.0)
    clamp: float | None = added(lambda: None)
    warmup: float = added(lambda: 0.0)
    clip: float | None = added(lambda: None)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check(self.epochs >= 1, "epochs", "must be at least 1")
        self.check(self.batch_size >= 1, "batch_size", "must be at least 1")
        self.check(0 < self.lr <= 1e30, "lr", "must be positive, and at most 1e30")
        self.check(self.weight_decay >= 0, "weight_decay", "must not be negative")
        self.check(0 <= self.momentum < 1, "momentum", "must be in [0, 1)")
        self.check(self.optimizer == "sgd" or self.momentum == 0, "momentum", "is for optimizer='sgd'")
        self.check(0 < self.gamma <= 1, "gamma", "must be in (0, 1]")
        self.check(0 <= self.label_smoothing < 1, "label_smoothing", "must be in [0, 1)")
        self.check(0 <= self.seed < 2**63, "seed", "must be in [0, 2^63)")
        self.check(0 < self.margin <= 1e30, "margin", "must be positive, and at most 1e30")
        hinge = self.loss == "binary-hinge"
        self.check(hinge or self.margin == 128.0, "margin", "is for loss='binary-hinge'")
        self.check(not hinge or self.label_smoothing == 0, "label_smoothing", "is for loss='cross-entropy'")
        self.check(self.clamp is None or 0 < self.clamp <= 1e30, "clamp", "must be positive, and at most 1e30")
        self.check(0 <= self.warmup < 1, "warmup", "is a share of the run, and must be in [0, 1)")
        self.check(self.schedule == "linear" or self.warmup == 0, "warmup", "is for schedule='linear'")
        self.check(self.clip is None or 0 < self.clip <= 1e30, "clip", "must be positive, and at most 1e30")
        steps = self.milestones
        if self.schedule == "multistep":
            rising = all(a < b for a, b in zip((0, *steps), steps, strict=False))
            self.check(bool(steps) and rising, "milestones", "must be rising epochs from 1 for 'multistep'")
        else:
            self.check(not steps, "milestones", "is for schedule='multistep'")

    def rate(self, epoch: int, step: int = 0, steps: int = 1) -> float:
        """The learning rate of mini-batch ``step`` of the ``steps`` of ``epoch`` (all counted from 0).

        That of "linear" is taken in the middle of the mini-batch, so that no rate is zero; without a mini-batch, in the
        middle of the epoch. The other schedules know epochs alone.
        """
        if self.schedule == "linear":
            done = (epoch + (step + 0.5) / steps) / self.epochs
            return self.lr * (done / self.warmup if done < self.warmup else (1 - done) / (1 - self.warmup))
        if self.schedule == "cosine":
            return self.lr * 0.5 * (1 + math.cos(math.pi * epoch / self.epochs))
        passed = sum(epoch >= milestone for milestone in self.milestones)
        return self.lr * self.gamma**passed
