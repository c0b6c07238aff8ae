"""``mho worst-case``: how bad a chip within a bound can be."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from mho.cli.inputs import DataOptions
from mho.cli.options import USUAL_SIGMA, MemoryOptions, at_least, load_model, numbers, place
from mho.cli.outputs import Outputs


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
        str, Parameter(help="accuracy, top5, f1, mcc, spearman, pearson, cross-entropy, perplexity, bits, ece or mse.")
    ] = "accuracy",
    source: DataOptions = DataOptions(),  # noqa: B008 - frozen
    torch_device: Annotated[str | None, Parameter(help="cpu or cuda.")] = None,
    outputs: Outputs = Outputs(),  # noqa: B008 - frozen
) -> None:
    """Search the worst chip within a bound, by gradient, and print it beside random chips within the same bound."""
    from mho.errors import SpecError

    # Everything that can be refused is refused before the long work.
    if bool(bound) == bool(tolerance):
        raise SpecError("give --bound (of weights, such as 0.01,0.03) or --tolerance (of cells), one of the two")
    bounds = numbers("--bound", bound, "0.01,0.03") if bound else None
    tolerances = numbers("--tolerance", tolerance, "0.01,0.03") if tolerance else None
    at_least("--images", images, 1)
    at_least("--random", random, 0)
    outputs.check()
    rules = memory.rules(sigma=USUAL_SIGMA)
    where = place(torch_device)

    from mho.evaluation.worst_case import Lagrangian, SignedDescent
    from mho.evaluation.worst_case import worst_case as search
    from mho.memory import deploy

    how: SignedDescent | Lagrangian = SignedDescent() if method == "descent" else Lagrangian()
    test = source.test(data)
    searched = test if split == "test" else source.train(data)
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
    outputs.write(result, title=f"{Path(checkpoint).stem}: the worst chip", worst=result)
