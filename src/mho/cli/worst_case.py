"""``mho worst-case``: how bad a chip within a bound can be."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from mho.cli.options import USUAL_SIGMA, MemoryOptions, at_least, load_model, numbers, place


def worst_case(
    checkpoint: Annotated[str, Parameter(help="Network: a .safetensors file, or a published CIFAR ResNet (.th).")],
    /,
    *,
    data: Annotated[str, Parameter(help="Data set; see mho list data. The chip found is reported on its test split.")],
    bound: Annotated[
        str,
        Parameter(help="Largest error of any weight, fractions of its full scale: 0.01,0.03.", show_default=False),
    ] = "",
    tolerance: Annotated[
        str,
        Parameter(
            help="In place of --bound: largest error of any cell, fractions of its range, as write-verify guarantees.",
            show_default=False,
        ),
    ] = "",
    memory: MemoryOptions = MemoryOptions(),  # noqa: B008 - frozen
    split: Annotated[
        Literal["train", "test"], Parameter(help="What is searched; a chip found on one is as bad on the other.")
    ] = "train",
    images: Annotated[int, Parameter(help="How many samples are searched.")] = 2000,
    method: Annotated[
        Literal["descent", "lagrangian"], Parameter(help="Signed descent, or the Lagrangian of the paper's code.")
    ] = "descent",
    steps: Annotated[
        int | None, Parameter(help="Passes of one run of the search; the method's own unless given.")
    ] = None,
    random: Annotated[int, Parameter(help="Chips of each random kind within the same bound.")] = 100,
    seed: Annotated[int, Parameter(help="Seed of all that is random.")] = 0,
    metric: Annotated[
        str, Parameter(help="accuracy, top5, f1, mcc, spearman, pearson, perplexity or mse.")
    ] = "accuracy",
    limit: Annotated[int | None, Parameter(help="Only the first so many test samples.")] = None,
    normalize: Annotated[str | None, Parameter(help="Input normalisation, where not the data set's usual one.")] = None,
    root: Annotated[Path | None, Parameter(help="Folder of the data.")] = None,
    torch_device: Annotated[str | None, Parameter(help="cpu or cuda.")] = None,
    json: Annotated[Path | None, Parameter(help="The table and every random chip, to this file.")] = None,
) -> None:
    """Search the worst chip within a bound, by gradient, and print it beside random chips within the same bound."""
    from mho.errors import SpecError
    from mho.files import check_writable

    # Everything that can be refused is refused before the long work.
    if bool(bound) == bool(tolerance):
        raise SpecError("give --bound (of weights, such as 0.01,0.03) or --tolerance (of cells), one of the two")
    bounds = numbers("--bound", bound, "0.01,0.03") if bound else None
    tolerances = numbers("--tolerance", tolerance, "0.01,0.03") if tolerance else None
    at_least("--images", images, 1)
    at_least("--random", random, 0)
    if json is not None:
        check_writable(json)
    rules = memory.rules(sigma=USUAL_SIGMA)
    where = place(torch_device)

    from mho import data as datasets
    from mho.evaluation.worst_case import Lagrangian, SignedDescent
    from mho.evaluation.worst_case import worst_case as search
    from mho.memory import deploy

    how: SignedDescent | Lagrangian = SignedDescent() if method == "descent" else Lagrangian()
    options: dict[str, Any] = {} if normalize is None else {"normalize": normalize}
    test = datasets.load(data, split="test", root=root, limit=limit, **options)
    searched = test if split == "test" else datasets.load(data, split="train", root=root, **options)
    result = search(
        deploy(load_model(checkpoint), rules, seed=seed),
        searched,
        bound=bounds,
        tolerance=tolerances,
        test=None if split == "test" else test,
        images=images,
        metric=metric,
        method=how if steps is None else how.replace(steps=steps),
        random=random,
        seed=seed,
        device=where,
    )
    print(result)
    print(result.answer)
    if json is not None:
        from mho.files import write_json

        write_json(json, result.to_dict())
