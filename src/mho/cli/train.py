"""``mho train``: a network of the zoo on a data set, to a safetensors file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from mho.cli.options import place


def train(
    model: Annotated[str, Parameter(help="Architecture; see mho list models.")],
    /,
    *,
    data: Annotated[str, Parameter(help="Data set; see mho list data.")] = "digits",
    out: Annotated[Path, Parameter(help="Checkpoint to write (.safetensors).")],
    epochs: Annotated[int | None, Parameter(help="Passes over the data.")] = None,
    lr: Annotated[float | None, Parameter(help="Learning rate at the start.")] = None,
    batch_size: Annotated[int | None, Parameter(help="Samples per step.")] = None,
    optimizer: Annotated[Literal["adam", "adamw", "sgd"] | None, Parameter(help="Optimiser.")] = None,
    recipe: Annotated[
        str | None, Parameter(help="A paper's recipe, such as swim-lenet; the options change it.")
    ] = None,
    seed: Annotated[int, Parameter(help="Seed of initialisation, order and augmentation.")] = 0,
    root: Annotated[Path | None, Parameter(help="Folder of the data.")] = None,
    torch_device: Annotated[str | None, Parameter(help="cpu or cuda.")] = None,
) -> None:
    """Train a network and save it with what it is, so that the other commands can rebuild it."""
    from mho.data.catalog import entry
    from mho.errors import SpecError, unknown
    from mho.files import check_writable
    from mho.training import Recipe, preset
    from mho.zoo import ARCHITECTURES

    # Everything that can be refused is refused before the long work.
    if model not in ARCHITECTURES:
        raise unknown("model", model, ARCHITECTURES)
    entry(data)
    if out.suffix != ".safetensors":
        raise SpecError(f"--out '{out}' must end in .safetensors: weights are never pickled")
    asked = {"epochs": epochs, "lr": lr, "batch_size": batch_size, "optimizer": optimizer}
    changes = {k: v for k, v in asked.items() if v is not None} | {"seed": seed}
    plan = preset(recipe, **changes) if recipe else Recipe().replace(**changes)
    check_writable(out)
    where = place(torch_device)

    from mho import data as datasets
    from mho import zoo
    from mho.training import history
    from mho.training import train as fit

    training = datasets.load(data, split="train", root=root)
    test = datasets.load(data, split="test", root=root)
    trained = fit(zoo.build_for(model, training, seed=seed), training, recipe=plan, validation=test, device=where)
    last = history(trained)[-1]
    zoo.save(trained, out, data=data, recipe=plan.to_dict(), test_accuracy=last.validation_accuracy)
    seconds = sum(epoch.seconds for epoch in history(trained))
    accuracy = 100 * (last.validation_accuracy or 0.0)
    print(f"{out}: {model} on {data}, {accuracy:.2f} % of {len(test):,} test samples, {seconds:.0f} s")
