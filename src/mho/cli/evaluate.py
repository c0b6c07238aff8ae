"""``mho evaluate``: how good the chips are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from mho.cli.inputs import DataOptions
from mho.cli.options import (
    USUAL_SIGMA,
    ImportOption,
    MemoryOptions,
    at_least,
    check_ages,
    check_threshold,
    imports,
    load_model,
    numbers,
    parsed_ages,
    place,
)
from mho.cli.outputs import Outputs


def evaluate(
    checkpoint: Annotated[str, Parameter(help="Network: a .safetensors file, or a published CIFAR ResNet (.th).")],
    /,
    *,
    data: Annotated[str, Parameter(help="Data set; see mho list data.")],
    memory: MemoryOptions = MemoryOptions(),  # noqa: B008 - frozen
    sensitivity: Annotated[
        Path | None, Parameter(help="What mho sensitivity --out wrote, for a memory whose verification is selective.")
    ] = None,
    sigma: Annotated[
        str,
        Parameter(
            help="Severities, fractions of the cell's full range: 0.05,0.1,0.2. "
            f"The device's own unless given, {USUAL_SIGMA} for presets without one.",
            show_default=False,
        ),
    ] = "",
    age: Annotated[str, Parameter(help="Ages since programming: 0,1h,1y; of racetracks, inferences: 0,100,1e4.")] = "0",
    chips: Annotated[
        int | None,
        Parameter(help="How many chips, 100 unless given; with --precision the most, 100000 unless given."),
    ] = None,
    precision: Annotated[
        str,
        Parameter(
            help="Add chips and images until intervals have this half-width: 0.002, or mean=0.002,p1=0.02,yield=0.01.",
            show_default=False,
        ),
    ] = "",
    seed: Annotated[int, Parameter(help="Chip i of a seed is always the same chip.")] = 0,
    metric: Annotated[
        str, Parameter(help="accuracy, top5, f1, mcc, spearman, pearson, cross-entropy, perplexity, bits, ece or mse.")
    ] = "accuracy",
    percentiles: Annotated[
        str,
        Parameter(help="Percentiles to print; 1,5 unless given, with --precision those it names.", show_default=False),
    ] = "",
    threshold: Annotated[
        float | None, Parameter(help="Metric that a chip must reach to count as good; accuracies are fractions.")
    ] = None,
    source: DataOptions = DataOptions(),  # noqa: B008 - frozen
    imported: ImportOption = None,
    torch_device: Annotated[str | None, Parameter(help="cpu or cuda.")] = None,
    outputs: Outputs = Outputs(),  # noqa: B008 - frozen
) -> None:
    """Program the network onto many chips and print mean, percentiles, minimum and yield with their intervals."""

    # Everything that can be refused is refused before the long work.
    imports(imported)
    severities = numbers("--sigma", sigma) if sigma else memory.usual_sigma()
    ages = parsed_ages(age)
    wanted = numbers("--percentiles", percentiles, "1,5") if percentiles else None
    width = _widths(precision) if precision else None
    if chips is not None:
        at_least("--chips", chips, 1)
    outputs.check()
    rules = memory.rules(sigma=severities[0] if severities else USUAL_SIGMA)
    check_ages(ages, rules)
    check_threshold(threshold, metric)
    where = place(torch_device)

    from mho.evaluation import evaluate as measure
    from mho.memory import deploy

    matters = None
    if sensitivity is not None:
        from mho.evaluation.sensitivity import Sensitivity

        matters = Sensitivity.load(sensitivity)
    population = deploy(load_model(checkpoint), rules, seed=seed, sensitivity=matters)
    test = source.test(data)
    result = measure(
        population,
        test,
        n_chips=chips,
        precision=width,
        sigma=severities,
        age=ages,
        metric=metric,
        percentiles=wanted,
        threshold=threshold,
        device=where,
    )
    print(result)
    title = f"{Path(checkpoint).stem} on {population.label}"
    outputs.write(result, title=title, results=result, chips=population)


def _widths(text: str) -> float | dict[str, float]:
    """``"0.002"`` or ``"mean=0.002,p1=0.02"`` as :func:`mho.evaluate` takes it."""
    if "=" not in text:
        return numbers("--precision", text, "0.002")[0]
    pairs = [part.partition("=") for part in text.split(",")]
    return {name.strip(): numbers("--precision", value, "mean=0.002,p1=0.02")[0] for name, _, value in pairs}
