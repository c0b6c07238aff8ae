"""Intermediate snapshots: what small classifiers read halfway through the network is fed back into the loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from mho.errors import ModelError, SpecError, UnknownNameError
from mho.training.method import Step, Taught
from mho.training.noisy import NoisyMethod

if TYPE_CHECKING:
    from mho.data.dataset import Inputs
    from mho.training.methods.snapshots import Classifier
    from mho.training.methods.taps import Call
    from mho.training.run import Batch, Run
    from mho.training.sources import Errors


@dataclass(frozen=True, kw_only=True)
class IntermediateSnapshots(NoisyMethod):
    """The loss is that of ``(O_b - beta * sum_n gamma_n * C_n(features_n)) / (N + 1)``; classes only.

    ``O_b`` are the network's outputs under errors, ``features_n`` what the same pass gives at tap n, and ``C_n`` a
    classifier of two linear layers on those features pooled to about 2,304 numbers (see
    :class:`mho.training.methods.snapshots.Classifier`). Gradients go to the network and to the classifiers, which are
    trained along and forgotten. The taps are the ends of the blocks of convolutions with equally many channels, all but
    the last (see :func:`mho.training.methods.taps.ends`).

    Source: [qin2025neft] (eq. 1-3, algorithm 2), with the taps and classifiers of its published code. The last layers
    of the classifiers are free, so the sign of the feedback is no restriction: with either, the classifiers come to
    help, and ``sign="positive"`` is the control that shows it. ``beta=0`` is the control that only divides the outputs.

    Attributes:
        sigma: as in :class:`mho.training.NoiseInjection`; of the classifiers too.
        noise: as there.
        beta: strength of the feedback.
        snapshots: how many taps are used, the shallowest first; all if ``None``. One more than are found adds the end
            of the last block.
        decay: ratio of the factors of neighbouring snapshots.
        strongest: snapshot of factor 1: ``"first"``, the shallowest, ``gamma_n = decay^(1 - n)``; or ``"last"``,
            ``gamma_n = decay^(n - N)``.
        classifier_noise: whether the classifiers have errors as well; with a memory they lie on that memory.
        hidden: units between the two linear layers of a classifier.
        taps: modules whose outputs, ``(n, c)``, ``(n, tokens, c)`` (averaged) or ``(n, c, h, w)``, are tapped instead
            of those found, in the order in which the network runs them; ``"relu:2"`` is the second call of ``relu``.
        sign: of the feedback.
    """

    references: ClassVar[tuple[str, ...]] = ("qin2025neft",)
    compiles: ClassVar[bool] = False

    beta: float = 1e-2
    snapshots: int | None = None
    decay: float = 10.0
    strongest: Literal["first", "last"] = "first"
    classifier_noise: bool = True
    hidden: int = 512
    taps: tuple[str, ...] = ()
    sign: Literal["negative", "positive"] = "negative"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check(self.beta >= 0, "beta", "must not be negative; sign='positive' adds the outputs instead")
        self.check(self.beta <= 1, "beta", "must be at most 1: the feedback would outweigh the network; 0.1 is much")
        self.check(self.snapshots is None or self.snapshots >= 1, "snapshots", "must be at least 1")
        self.check(
            self.decay >= 1, "decay", "must be at least 1; strongest= says which snapshot has the largest factor"
        )
        self.check(self.hidden >= 1, "hidden", "must be at least 1")
        self.check(len(set(self.taps)) == len(self.taps), "taps", "names a module twice")
        if self.taps and self.snapshots is not None and self.snapshots > len(self.taps):
            raise self._too_many(list(self.taps))

    def gammas(self, number: int) -> tuple[float, ...]:
        """``gamma_1 ... gamma_N`` of ``number`` snapshots."""
        falling = tuple(self.decay**-n for n in range(number))
        return falling if self.strongest == "first" else falling[::-1]

    def begin(self, run: Run) -> Step:
        from mho.training.methods.taps import listening

        if not run.classifies:
            raise SpecError(
                "IntermediateSnapshots needs classes, as its snapshots are classifiers; this data has values"
            )
        backbone = self.errors(run)
        taps, classifiers = self.classifiers(run)
        errors = [self._classifier_errors(run, classifier, n) for n, classifier in enumerate(classifiers, 1)]
        beta = self.beta if self.sign == "positive" else -self.beta
        factors = [beta * gamma for gamma in self.gammas(len(taps))]

        def step(batch: Batch) -> Taught:
            with listening(run.model, taps) as features:
                outputs = batch.forward(backbone(batch))
            total = outputs
            for tap, classifier, source, factor in zip(taps, classifiers, errors, factors, strict=True):
                if tap.spelt not in features:
                    raise ModelError(f"the network did not reach the tap '{tap.spelt}' in training; choose taps=(...)")
                weights = None if source is None else source(batch)
                total = total + factor * run.forward(features[tap.spelt], weights, of=classifier)
            loss = batch.loss(total / (len(taps) + 1))
            loss.backward()  # type: ignore[no-untyped-call]
            return Taught(loss, outputs)

        return step

    def classifiers(self, run: Run) -> tuple[list[Call], list[Classifier]]:
        """The taps of a run, and new classifiers that help it, one a tap.

        Raises:
            ModelError: there is nothing to tap, or a module cannot be tapped.
            UnknownNameError: ``taps`` names no module.
        """
        import torch

        from mho.training.methods.snapshots import Classifier
        from mho.training.methods.taps import calls, chosen, ends
        from mho.training.run import derived

        outputs: list[torch.Tensor] = []
        inputs = _sample(run)
        try:
            with torch.no_grad(), run.as_on_chip():
                root = calls(run.model, lambda: outputs.append(run.forward(inputs)))
        except (RuntimeError, TypeError, ValueError, IndexError):
            if run.sample is None:
                raise _sampleless(run) from None
            raise
        if outputs[0].dim() != 2:
            raise SpecError(
                f"IntermediateSnapshots classifies whole samples, and {type(run.model).__name__} gives "
                f"{tuple(outputs[0].shape[1:])} outputs a sample; train it with another method"
            )
        found = chosen(root, self.taps) if self.taps else ends(root)
        if len(found) < 2 and not self.taps:
            raise ModelError(
                f"{type(run.model).__name__} has fewer than two blocks of convolutions to tap between: name the "
                f"modules to tap, such as taps=('{_halfway(root)}',)"
            ).at("taps")
        usual = len(found) if self.taps else len(found) - 1  # what follows the last block is the network's own answer
        wanted = usual if self.snapshots is None else self.snapshots
        if wanted > len(found):
            raise self._too_many([tap.spelt for tap in found])
        found = found[:wanted]
        helpers = [
            Classifier(tap.shape, outputs[0].shape[1], self.hidden, derived(run.seed, f"snapshot {n}"))
            for n, tap in enumerate(found, 1)
        ]
        for helper in helpers:
            run.help(helper)
        return found, helpers

    def _classifier_errors(self, run: Run, classifier: Classifier, number: int) -> Errors | None:
        if not self.classifier_noise:
            return None
        from mho.memory.rules import normalise

        held = [] if run.memory is None else [m for m in normalise(run.memory).values() if m is not None]
        if any(memory.mapping.binary for memory in held):
            raise SpecError(
                "IntermediateSnapshots: memory= has a mapping of one bit a weight, and its classifiers are not binary; "
                "give classifier_noise=False"
            ).at("classifier_noise")
        try:
            return run.errors(self.sigma, self.noise, of=classifier, name=f"snapshot {number}")
        except UnknownNameError:
            raise SpecError(
                "IntermediateSnapshots: memory= has rules by layer name, which say nothing of the classifiers; "
                "give one memory for all, or classifier_noise=False"
            ).at("classifier_noise") from None

    def _too_many(self, names: list[str]) -> SpecError:
        said = f"snapshots={self.snapshots} is more than the {len(names)} taps ({', '.join(names)})"
        return SpecError(f"IntermediateSnapshots: {said}; take fewer, or name more in taps=(...)").at("snapshots")


def _halfway(root: Call) -> str:
    """The name of some tap, as an example."""
    names = [call.spelt for call in root.all() if call is not root and 2 <= len(call.shape) <= 4]
    return names[len(names) // 2] if names else "name"


def _sample(run: Run) -> Inputs:
    """One batch to try the network on."""
    from mho.training.methods.taps import example

    # A study that is only rehearsed has no data; the networks of the zoo tell what they take.
    made = example(run.model) if run.sample is None else run.sample
    if made is None:
        raise _sampleless(run)
    return made


def _sampleless(run: Run) -> ModelError:
    return ModelError(
        f"IntermediateSnapshots runs {type(run.model).__name__} once to find its taps, and has no sample; "
        f"give one: Teacher(..., sample=inputs[:2])"
    )
