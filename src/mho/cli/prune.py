"""``mho prune``: a trained network without the columns that it can do without."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from mho.cli.inputs import DataOptions
from mho.cli.options import ImportOption, imports, load_model, place
from mho.cli.train import RecipeOptions
from mho.errors import DataError, SpecError, unknown

if TYPE_CHECKING:
    from torch import nn

    from mho.data import Dataset
    from mho.training import Gates

_EPOCHS = 5


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class GateOptions:
    """What is pruned, and how the gates learn."""

    columns: Annotated[
        float | None,
        Parameter(help="Fraction of the columns (outputs) of every layer; 0.2 unless given, 0 for none."),
    ] = None
    rows: Annotated[float | None, Parameter(help="Fraction of the rows (inputs), likewise; none unless given.")] = None
    layers: Annotated[
        str | None, Parameter(help="Only these layers, by name: blocks.*,fc1. All linear ones but the last otherwise.")
    ] = None
    pools: Annotated[
        bool, Parameter(negative="", help="One target for layers with the same input, such as query, key and value.")
    ] = False
    penalty: Annotated[float | None, Parameter(help="Of an open gate (mu); measured unless given.")] = None
    gate_lr: Annotated[float | None, Parameter(help="Learning rate of the gates; found unless given.")] = None
    estimator: Annotated[
        Literal["softplus", "sigmoid", "identity", "leaky_relu", "hard_sigmoid"] | None,
        Parameter(help="Of the gradient of a gate; softplus unless given."),
    ] = None
    boost: Annotated[
        float | None, Parameter(help="Factor on the penalty of layers that lag; 1.5 unless given, 1 for none.")
    ] = None
    reached: Annotated[
        Literal["stop", "hold", "continue"] | None, Parameter(help="What gates do at the target; stop unless given.")
    ] = None

    def spec(self) -> Gates:
        """The method that is asked for."""
        from mho.training import Gates

        named = {
            "rows": self.rows,
            "penalty": self.penalty,
            "lr": self.gate_lr,
            "estimator": self.estimator,
            "boost": self.boost,
            "reached": self.reached,
        }
        given: dict[str, Any] = {name: value for name, value in named.items() if value is not None}
        if self.columns is not None:
            given["columns"] = self.columns or None
        return Gates(**given)

    def patterns(self) -> list[str] | None:
        """The layers that are named; ``None`` for the usual ones."""
        return None if self.layers is None else [part.strip() for part in self.layers.split(",")]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class TuningOptions:
    """How the network learns on with the gates as they are, and what is looked at."""

    tuning_epochs: Annotated[
        int | None, Parameter(help="Passes over the data after the gates have settled; as --epochs unless given.")
    ] = None
    tuning_lr: Annotated[float | None, Parameter(help="Learning rate then; as --lr unless given.")] = None
    validation: Annotated[
        float | None, Parameter(help="Fraction of the training samples to hold out; 0.1 where something needs it.")
    ] = None
    keep: Annotated[
        Literal["last", "accuracy"], Parameter(help="The epoch to keep: the last, or the best by held-out accuracy.")
    ] = "last"
    checkpoint: Annotated[
        Path | None, Parameter(help="File that holds the run after each epoch; go on from it where it exists.")
    ] = None
    metric: Annotated[str | None, Parameter(help="What the test samples are judged by; usual for the data.")] = None


def prune(
    checkpoint: Annotated[str, Parameter(help="Network: a .safetensors file, or a published CIFAR ResNet (.th).")],
    /,
    *,
    data: Annotated[str, Parameter(help="Data set; see mho list data.")],
    out: Annotated[Path, Parameter(help="Pruned network to write (.safetensors).")],
    gates: GateOptions = GateOptions(),
    recipe: RecipeOptions = RecipeOptions(),  # noqa: B008 - frozen
    tuning: TuningOptions = TuningOptions(),
    inputs: DataOptions = DataOptions(),  # noqa: B008 - frozen
    imported: ImportOption = None,
    json: Annotated[Path | None, Parameter(help="The table, to this file.")] = None,
    torch_device: Annotated[str | None, Parameter(help="cpu or cuda.")] = None,
) -> None:
    """Prune columns of a trained network, as many of every layer as asked, so that duplicates of its bits fit in.

    Gates and weights learn together, then the weights alone. --limit is of the test samples. Started by torchrun, all
    processes prune one network together.
    """
    from mho.data.catalog import entry
    from mho.files import check_writable

    # Everything that can be refused is refused before the long work.
    imports(imported)
    entry(data)
    if out.suffix != ".safetensors":
        raise SpecError(f"--out '{out}' must end in .safetensors: weights are never pickled")
    if tuning.checkpoint is not None and tuning.checkpoint.resolve() == out.resolve():
        raise SpecError(f"--out and --checkpoint are both {out}: the network and the run are two files")
    for path in (out, json):
        if path is not None:
            check_writable(path)
    method, plan = gates.spec(), recipe.spec()
    if recipe.epochs is None and recipe.recipe is None:
        plan = plan.replace(epochs=_EPOCHS)
    then = {"epochs": tuning.tuning_epochs, "lr": tuning.tuning_lr}
    after = plan.replace(**{name: value for name, value in then.items() if value is not None})
    where = place(torch_device)
    model = load_model(checkpoint)

    from mho import training, zoo
    from mho.training.ranks import torchrun
    from mho.training.record import origin

    samples, test = inputs.train(data), inputs.test(data)
    name = _metric(tuning.metric, data, test)
    if gates.pools:
        method = method.replace(pools=training.pools(model, samples))
    monitor = None if tuning.keep == "last" else training.Monitor(keep=tuning.keep)
    validation = 0.1 if tuning.validation is None and monitor is not None else tuning.validation
    with torchrun() as (ranks, gpu):
        pruned = training.prune(
            model,
            samples,
            layers=gates.patterns(),
            method=method,
            recipe=plan,
            tuning=after,
            validation=validation,
            monitor=monitor,
            checkpoint=tuning.checkpoint,
            device=gpu if where in (None, "cuda") else where,
        )
    if ranks.rank > 0:
        return
    made = origin(pruned.model)
    assert made is not None
    kept = {key: value for key, value in made.to_dict().items() if value is not None} | {"data": data}
    before, now = (_judged(network, test, name) for network in (model, pruned.model))
    if name == "accuracy":
        kept["test_accuracy"] = now
    zoo.save(pruned.model, out, **kept, gates_recipe=plan.to_dict())
    print(pruned)
    print(f"{out}: {name} {_shown(before, name)} before, {_shown(now, name)} after, of {len(test):,} test samples")
    if json is not None:
        from mho.files import write_json

        told = pruned.to_dict() | {"metric": name, "test_before": before, "test_after": now}
        print(f"json: {write_json(json, told)}")


def _metric(name: str | None, data: str, test: Dataset) -> str:
    """The metric that is named, else the usual one of the data."""
    from mho.data.glue_table import GLUE, glue_metric
    from mho.evaluation import METRICS

    usual = glue_metric(data) if data in GLUE else "accuracy" if test.classes is not None else ""
    if name is None and not usual:
        raise DataError(f"{data} has no usual metric; give --metric, such as spearman")
    chosen = name or usual
    if chosen not in METRICS:
        raise unknown("metric", chosen, METRICS)
    return chosen


def _judged(model: nn.Module, test: Dataset, name: str) -> float:
    """The metric of ``model`` on the test samples, without memory."""
    import torch

    from mho.evaluation import METRICS
    from mho.training.fit import apply

    metric, at = METRICS[name], next(model.parameters()).device
    parts = []
    with torch.no_grad():
        for some, targets in test.to(at).batches(512):
            parts.append(metric.batch(apply(model.eval(), some).float()[None], targets))
    return float(metric.finish(parts)[0])


def _shown(value: float, name: str) -> str:
    from mho.evaluation import METRICS
    from mho.units import percent, significant

    return f"{percent(value)} %" if METRICS[name].bounded else significant(value)
