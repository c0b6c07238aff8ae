"""``mho train``: a network of the zoo on a data set, to a safetensors file."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from mho.cli.method_options import MethodOptions, given
from mho.cli.options import ImportOption, MemoryOptions, imports, place
from mho.errors import SpecError, unknown

if TYPE_CHECKING:
    from mho.training import Monitor, Recipe


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class RecipeOptions:
    """How to train."""

    recipe: Annotated[str | None, Parameter(help="A paper's recipe, such as swim-lenet; the options change it.")] = None
    epochs: Annotated[int | None, Parameter(help="Passes over the data.")] = None
    lr: Annotated[float | None, Parameter(help="Learning rate at the start.")] = None
    batch_size: Annotated[int | None, Parameter(help="Samples per step.")] = None
    optimizer: Annotated[Literal["adam", "adamw", "sgd"] | None, Parameter(help="Optimiser.")] = None
    schedule: Annotated[
        Literal["constant", "cosine", "multistep", "linear"] | None, Parameter(help="Of the learning rate.")
    ] = None
    warmup: Annotated[
        float | None, Parameter(help="Of linear: the share of the run over which the rate rises from zero first.")
    ] = None
    milestones: Annotated[
        str | None, Parameter(help="Of multistep: epochs from which the rate is lower, such as 4,6,8.")
    ] = None
    gamma: Annotated[float | None, Parameter(help="Of multistep: what the rate is multiplied by.")] = None
    augment: Annotated[Literal["none", "crop-flip"] | None, Parameter(help="Augmentation of images.")] = None
    precision: Annotated[
        Literal["float32", "bfloat16"] | None, Parameter(help="bfloat16: automatic mixed precision.")
    ] = None
    norms: Annotated[
        Literal["running", "clean"] | None,
        Parameter(help="Statistics of batch norm: gathered under errors, as in the papers, or measured without."),
    ] = None
    loss: Annotated[
        Literal["cross-entropy", "binary-hinge"] | None, Parameter(help="What is minimised; binary-hinge for bnn-...")
    ] = None
    margin: Annotated[float | None, Parameter(help="Of binary-hinge, on the scale of the outputs; 128.")] = None
    clamp: Annotated[
        float | None, Parameter(help="Bound on the latent weights after every step, such as 1 for bnn-....")
    ] = None
    clip: Annotated[float | None, Parameter(help="Bound on the norm of the gradient, such as 1.")] = None
    compile: Annotated[bool | None, Parameter(negative="", help="Run the network through torch.compile.")] = None
    seed: Annotated[int, Parameter(help="Seed of initialisation, order, augmentation and noise.")] = 0

    def spec(self) -> Recipe:
        """The recipe that is asked for."""
        from mho.training import Recipe, preset

        asked = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("recipe", "seed", "milestones")}
        changes = {name: value for name, value in asked.items() if value is not None} | {"seed": self.seed}
        if self.milestones is not None:
            changes |= {"schedule": self.schedule or "multistep", "milestones": _epochs(self.milestones)}
        elif self.schedule not in (None, "multistep"):
            changes |= {"milestones": ()}  # those of a paper's recipe
        if self.schedule not in (None, "linear") and self.warmup is None:
            changes |= {"warmup": 0.0}  # likewise
        return preset(self.recipe, **changes) if self.recipe else Recipe().replace(**changes)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class WatchOptions:
    """What is looked at while training."""

    validation: Annotated[
        float | None, Parameter(help="Fraction of the training samples to hold out; 0.1 where something needs it.")
    ] = None
    chips: Annotated[
        int | None, Parameter(help="Judge so many chips of the memory after every epoch, on the held-out samples.")
    ] = None
    keep: Annotated[
        Literal["last", "accuracy", "mean", "percentile"] | None,
        Parameter(help="The epoch to keep: the last, or the best by held-out accuracy, or by the chips'."),
    ] = None
    percentile: Annotated[
        float | None, Parameter(help="Of the chips' accuracies, for --keep percentile and --search; 1 unless given.")
    ] = None
    checkpoint: Annotated[
        Path | None, Parameter(help="File that holds the run after each epoch; go on from it where it exists.")
    ] = None
    tensorboard: Annotated[Path | None, Parameter(help="Folder for TensorBoard.")] = None
    wandb: Annotated[str | None, Parameter(help="Project of Weights & Biases.")] = None

    def monitor(self) -> Monitor | None:
        """The monitor that is asked for."""
        from mho.training import Monitor

        if self.chips is None and self.keep is None:
            if self.percentile is not None:
                raise SpecError("--percentile is for --keep percentile, --chips and --search")
            return None
        asked = {"chips": self.chips, "keep": self.keep, "percentile": self.percentile}
        return Monitor().replace(**{name: value for name, value in asked.items() if value is not None})

    def judging(self) -> dict[str, Any]:
        """What a search for the strength is told of the chips that judge it."""
        asked = {"chips": self.chips, "percentile": self.percentile}
        return {name: value for name, value in asked.items() if value is not None}

    def observers(self) -> list[Any]:
        """Who is told of every epoch."""
        from mho.training import TensorBoard, WandB

        boards: list[Any] = [] if self.tensorboard is None else [TensorBoard(self.tensorboard)]
        return [*boards, *([] if self.wandb is None else [WandB(self.wandb)])]


def train(
    model: Annotated[str, Parameter(help="Architecture; see mho list models.")],
    /,
    *,
    data: Annotated[str, Parameter(help="Data set; see mho list data.")] = "digits",
    out: Annotated[Path, Parameter(help="Checkpoint to write (.safetensors).")],
    recipe: RecipeOptions = RecipeOptions(),
    method: MethodOptions = MethodOptions(),  # noqa: B008 - frozen
    memory: MemoryOptions = MemoryOptions(),  # noqa: B008 - frozen
    watch: WatchOptions = WatchOptions(),
    root: Annotated[Path | None, Parameter(help="Folder of the data.")] = None,
    imported: ImportOption = None,
    torch_device: Annotated[str | None, Parameter(help="cpu or cuda.")] = None,
) -> None:
    """Train a network and save it with what it is, so that the other commands can rebuild it.

    Started by torchrun, all processes train one network together.
    """
    from mho.data.catalog import entry
    from mho.files import check_writable
    from mho.zoo import ARCHITECTURES

    # Everything that can be refused is refused before the long work.
    imports(imported)
    if model not in ARCHITECTURES:
        raise unknown("model", model, ARCHITECTURES)
    entry(data)
    if out.suffix != ".safetensors":
        raise SpecError(f"--out '{out}' must end in .safetensors: weights are never pickled")
    if watch.checkpoint is not None and watch.checkpoint.resolve() == out.resolve():
        raise SpecError(f"--out and --checkpoint are both {out}: the network and the run are two files")
    searches = method.searches(memory)
    if searches and watch.keep is not None:
        raise SpecError("a search for the strength keeps the best epoch itself; leave out --keep")
    monitor = None if searches else watch.monitor()
    judging = watch.judging() if searches else {}
    plan, how = recipe.spec(), method.spec(memory, judged=monitor is not None, **judging)
    check_writable(out)
    errors = method.errors(memory)
    where = place(torch_device)
    cells = given(memory)
    if monitor is not None and not cells and (watch.chips is not None or monitor.keep in ("mean", "percentile")):
        option = "--chips" if watch.chips is not None else f"--keep {monitor.keep}"
        raise SpecError(f"{option} judges chips of a memory; name it: --device RRAM1 --sigma 0.1, or --memory FILE")
    if cells and how is None and monitor is None:
        raise SpecError(f"{cells[0]} says which chips to train for; give --method noise, or --chips 20 to judge them")
    validation = watch.validation
    if validation is None and monitor is not None:
        validation = 0.1

    from mho import data as datasets
    from mho import zoo
    from mho.training import origin
    from mho.training import train as fit
    from mho.training.plain import measure
    from mho.training.ranks import torchrun
    from mho.training.run import Run

    training = datasets.load(data, split="train", root=root)
    test = datasets.load(data, split="test", root=root)
    start = zoo.build_for(model, training, seed=plan.seed)
    with torchrun() as (ranks, gpu):
        trained = fit(
            start,
            training,
            method=how,
            memory=errors,
            recipe=plan,
            validation=validation,
            monitor=monitor,
            observers=watch.observers(),
            checkpoint=watch.checkpoint,
            device=gpu if where in (None, "cuda") else where,
        )
    if ranks.rank > 0:
        return
    made = origin(trained)
    assert made is not None
    at = next(trained.parameters()).device
    classes = not test.targets.is_floating_point()
    as_judged = Run(trained, plan.replace(precision="float32"), classifies=classes)  # as mho evaluate does
    loss, accuracy = measure(as_judged, test.to(at))
    judged = {"test_mse": loss} if accuracy is None else {"test_accuracy": accuracy}
    kept = made.to_dict() | {"data": data}  # the name that mho list data gives it
    kept = {key: value for key, value in kept.items() if value is not None}
    zoo.save(trained, out, **kept, **judged)
    seconds = sum(epoch.seconds for epoch in made.epochs)
    said = f"{model} on {data}" + (f" with {method.method}" if how is not None else "")
    chosen = _chosen(made, watch.percentile or 1.0)
    good = f"mean squared error {loss:.4g}" if accuracy is None else f"{100 * accuracy:.2f} %"
    print(f"{out}: {said}, {good} of {len(test):,} test samples, {seconds:.0f} s{chosen}")


def _epochs(text: str) -> tuple[int, ...]:
    """``"4,6,8"`` as numbers of epochs."""
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise SpecError(f"--milestones '{text}' is no list of epochs; write one such as 4,6,8") from None


def _chosen(made: Any, percentile: float) -> str:
    """What was chosen on held-out samples."""
    from mho.reports.wording import ordinal

    epoch = made.epochs[(made.kept or len(made.epochs)) - 1]
    said = "" if made.kept is None else f"; epoch {made.kept} of {len(made.epochs)} kept"
    if epoch.sigma is not None:
        said += f", errors of strength {epoch.sigma:.3g} found"
    if epoch.chips_mean is not None:
        show = "{:.4g}" if epoch.validation_accuracy is None else "{:.2%}"  # of values, chips have squared errors
        mean, unlucky = (show.format(v).replace("%", " %") for v in (epoch.chips_mean, epoch.chips_percentile))
        said += f"; held-out chips: mean {mean}, {ordinal(percentile)} percentile {unlucky}"
    return said
