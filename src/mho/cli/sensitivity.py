"""``mho sensitivity``: which weights and which layers matter."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from mho.cli.options import at_least, load_model, place


def sensitivity(
    checkpoint: Annotated[str, Parameter(help="Network: a .safetensors file, or a published CIFAR ResNet (.th).")],
    /,
    *,
    data: Annotated[
        str | None, Parameter(help="Data set; see mho list data. Not needed by the methods magnitude and random.")
    ] = None,
    method: Annotated[
        str,
        Parameter(
            help="second-derivative, gauss-newton, gauss-newton-exact, hutchinson, fisher, saliency, magnitude "
            "or random."
        ),
    ] = "second-derivative",
    loss: Annotated[str, Parameter(help="cross-entropy or mse.")] = "cross-entropy",
    images: Annotated[int | None, Parameter(help="How many samples; all unless given.")] = None,
    split: Annotated[
        Literal["train", "test"], Parameter(help="A choice made on test data flatters the accuracy there.")
    ] = "train",
    parameters: Annotated[
        str, Parameter(help="Only these weights, by name: conv*,fc1. All that a memory stores unless given.")
    ] = "",
    samples: Annotated[int | None, Parameter(help="Random probes a batch, for sampled methods.")] = None,
    batch_size: Annotated[int, Parameter(help="Samples per pass; memory grows with it.")] = 256,
    seed: Annotated[int, Parameter(help="Seed of the order of samples, and of all that is random.")] = 0,
    top: Annotated[int, Parameter(help="Also list so many weights, those that matter most.")] = 0,
    out: Annotated[Path | None, Parameter(help="Every weight's number, to this .safetensors file.")] = None,
    json: Annotated[Path | None, Parameter(help="The table, to this file.")] = None,
    normalize: Annotated[str | None, Parameter(help="Input normalisation, where not the data set's usual one.")] = None,
    root: Annotated[Path | None, Parameter(help="Folder of the data.")] = None,
    torch_device: Annotated[str | None, Parameter(help="cpu or cuda.")] = None,
) -> None:
    """Print how much each layer matters: its share of what errors cost, and of the first 1 and 10 % of all weights."""
    import warnings

    from mho.errors import DataError, SpecError, nearest
    from mho.files import check_writable

    # Everything that can be refused is refused before the long work.
    for name, value in (("--images", images), ("--samples", samples), ("--batch-size", batch_size)):
        if value is not None:
            at_least(name, value, 1)
    at_least("--top", top, 0)
    if out is not None and out.suffix != ".safetensors":
        raise SpecError(f"--out '{out}' must end in .safetensors")
    for path in (out, json):
        if path is not None:
            check_writable(path)
    where = place(torch_device)

    from mho import data as datasets
    from mho.evaluation.sensitivity import sensitivity as measure
    from mho.evaluation.sensitivity.losses import LOSSES
    from mho.evaluation.sensitivity.methods import get_method

    if loss not in LOSSES:
        raise SpecError(f"--loss '{loss}': {nearest(loss, LOSSES)}")
    if get_method(method).needs_data and data is None:
        raise DataError(f"--method {method} looks at data: add --data, such as --data mnist (mho list data)")
    model = load_model(checkpoint)
    options: dict[str, Any] = {} if normalize is None else {"normalize": normalize}
    wanted = None if data is None else datasets.load(data, split=split, root=root, **options)
    with warnings.catch_warnings():
        for said in ("no rule for", "nothing but zeros"):
            warnings.filterwarnings("ignore", message=said)  # the table says it
        result = measure(
            model,
            wanted,
            method=method,
            loss=loss,
            parameters=[part.strip() for part in parameters.split(",")] if parameters else None,
            images=images,
            batch_size=batch_size,
            samples=samples,
            seed=seed,
            device=where,
        )
    print(result)
    if top:
        print(f"\n{result.ranking(top)}")
    if out is not None:
        print(f"weights: {result.save(out)}")
    if json is not None:
        from mho.files import write_json

        print(f"json: {write_json(json, result.to_dict())}")
