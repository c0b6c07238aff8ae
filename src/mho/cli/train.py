"""``mho train``: a network of the zoo on a data set, to a safetensors file."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from mho.cli.options import USUAL_SIGMA, MemoryOptions, place
from mho.errors import SpecError, unknown

if TYPE_CHECKING:
    from mho.memory.rules import Rules
    from mho.training import Method

_OWN = {"noise": ("sigma",), "adversarial": ("bound", "steps")}
"""Options of each method, besides those of the memory."""


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
    method: Annotated[str | None, Parameter(help="Make the network tolerant: noise, or adversarial (weights).")] = None,
    sigma: Annotated[
        float | None,
        Parameter(
            help="For noise: standard deviation, a fraction of the largest weight; with a memory, severity of its "
            "device."
        ),
    ] = None,
    bound: Annotated[
        float | None, Parameter(help="For adversarial: largest error, a fraction of the largest weight.")
    ] = None,
    steps: Annotated[int | None, Parameter(help="For adversarial: steps of the search in every mini-batch.")] = None,
    memory: MemoryOptions = MemoryOptions(),  # noqa: B008 - frozen
    seed: Annotated[int, Parameter(help="Seed of initialisation, order, augmentation and noise.")] = 0,
    root: Annotated[Path | None, Parameter(help="Folder of the data.")] = None,
    torch_device: Annotated[str | None, Parameter(help="cpu or cuda.")] = None,
) -> None:
    """Train a network and save it with what it is, so that the other commands can rebuild it."""
    from mho.data.catalog import entry
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
    how = _method(method, memory, sigma=sigma, bound=bound, steps=steps)
    check_writable(out)
    errors = _errors(memory, sigma)
    where = place(torch_device)

    from mho import data as datasets
    from mho import zoo
    from mho.training import history, origin
    from mho.training import train as fit

    training = datasets.load(data, split="train", root=root)
    test = datasets.load(data, split="test", root=root)
    start = zoo.build_for(model, training, seed=seed)
    trained = fit(start, training, method=how, memory=errors, recipe=plan, validation=test, device=where)
    last = history(trained)[-1]
    made = origin(trained)
    assert made is not None
    kept = made.to_dict() | {"data": data}  # the name that mho list data gives it
    kept = {key: value for key, value in kept.items() if value is not None}
    zoo.save(trained, out, **kept, test_accuracy=last.validation_accuracy)
    seconds = sum(epoch.seconds for epoch in history(trained))
    accuracy = 100 * (last.validation_accuracy or 0.0)
    said = f"{model} on {data}" + (f" with {method}" if method else "")
    print(f"{out}: {said}, {accuracy:.2f} % of {len(test):,} test samples, {seconds:.0f} s")


def _method(name: str | None, memory: MemoryOptions, **options: float | None) -> Method | None:
    """The method called ``name``, with its options.

    Raises:
        SpecError: an option that is not its own or out of range, or one that it lacks.
        UnknownNameError: no method has this name.
    """
    from mho.training import METHODS

    if name is not None and name not in METHODS:
        raise unknown("method", name, METHODS)
    said = {option: value for option, value in options.items() if value is not None}
    for option in said:
        owner = next(method for method, own in _OWN.items() if option in own)
        if name != owner:
            raise SpecError(f"--{option} is for --method {owner}")
    cells = _given(memory)
    if cells and (name is None or not METHODS[name].takes_memory):
        raise SpecError(f"{cells[0]} says which errors to train with, which is for --method noise")
    if name == "noise" and not said and not cells:
        raise SpecError("--method noise needs --sigma, such as 0.1, or a memory: --device RRAM1, or --memory FILE")
    if name == "adversarial" and "bound" not in said:
        raise SpecError("--method adversarial needs --bound, a fraction of the largest weight such as 0.03")
    return None if name is None else METHODS[name](**said)


def _errors(memory: MemoryOptions, sigma: float | None) -> Rules | None:
    """The memory whose errors to train with; ``None`` if none is named."""
    return memory.rules(sigma=USUAL_SIGMA if sigma is None else sigma) if _given(memory) else None


def _given(memory: MemoryOptions) -> list[str]:
    """The options of the memory that were given."""
    return [f"--{f.name.replace('_', '-')}" for f in fields(memory) if getattr(memory, f.name) is not None]
