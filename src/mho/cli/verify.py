"""``mho verify``: how few weights need to be verified."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from mho.cli.inputs import DataOptions
from mho.cli.options import (
    USUAL_SIGMA,
    MemoryOptions,
    VerifyOptions,
    at_least,
    check_ages,
    load_model,
    numbers,
    parsed_ages,
    place,
)
from mho.cli.outputs import Outputs
from mho.errors import SpecError


def verify(
    checkpoint: Annotated[str, Parameter(help="Network: a .safetensors file, or a published CIFAR ResNet (.th).")],
    /,
    *,
    data: Annotated[
        str, Parameter(help="Data set; see mho list data. Its test split judges, its training split ranks.")
    ],
    memory: MemoryOptions = MemoryOptions(),  # noqa: B008 - frozen
    writing: VerifyOptions = VerifyOptions(),  # noqa: B008 - frozen
    rankings: Annotated[
        str,
        Parameter(
            help="Orders to compare: second-derivative, gauss-newton, hutchinson, fisher, layer, saliency, magnitude, "
            "relative-magnitude, random. The first and chance unless given, and magnitude with whole weights.",
            show_default=False,
        ),
    ] = "",
    fractions: Annotated[
        str, Parameter(help="Of the weights that are verified, from 0 to 1.")
    ] = "0,0.01,0.03,0.05,0.1,0.2,0.3,0.5,0.7,1",
    target_drop: Annotated[
        float | None,
        Parameter(help="Also verify each chip only until it loses no more than this on training samples: 0.005."),
    ] = None,
    calibration: Annotated[int, Parameter(help="Training samples that rankings and --target-drop look at.")] = 5000,
    sigma: Annotated[float | None, Parameter(help="Severity, as for mho evaluate.")] = None,
    age: Annotated[str, Parameter(help="Age since programming: 0, 1h, 1y; of racetracks, inferences: 0, 100.")] = "0",
    chips: Annotated[int, Parameter(help="How many chips.")] = 100,
    seed: Annotated[int, Parameter(help="Chip i of a seed is always the same chip.")] = 0,
    metric: Annotated[
        str, Parameter(help="accuracy, top5, f1, mcc, spearman, pearson, cross-entropy, perplexity, bits, ece or mse.")
    ] = "accuracy",
    source: DataOptions = DataOptions(),  # noqa: B008 - frozen
    torch_device: Annotated[str | None, Parameter(help="cpu or cuda.")] = None,
    outputs: Outputs = Outputs(),  # noqa: B008 - frozen
) -> None:
    """Write-verify more and more weights in several orders; print accuracy against normalised write cycles (NWC)."""

    # Everything that can be refused is refused before the long work.
    shares = numbers("--fractions", fractions, "0,0.1,1")
    names = [name.strip() for name in rankings.split(",")] if rankings else None
    at_least("--chips", chips, 1)
    at_least("--calibration", calibration, 1)
    outputs.check()
    usual = memory.usual_sigma()
    severity = sigma if sigma is not None or usual is None else usual[0]
    ages = parsed_ages(age)
    if len(ages) > 1:
        raise SpecError(f"--age {age} is a list; verify looks at one age")
    rules = writing.applied(memory.rules(sigma=USUAL_SIGMA if severity is None else severity))
    check_ages(ages, rules)
    where = place(torch_device)

    from mho.evaluation.verification import verify as measure

    test, samples = source.test(data), source.train(data, calibration)
    result = measure(
        load_model(checkpoint),
        rules,
        test,
        calibration=samples,
        rankings=names,
        fractions=shares,
        target_drop=target_drop,
        n_chips=chips,
        seed=seed,
        sigma=severity,
        age=ages[0],
        metric=metric,
        device=where,
    )
    print(result)
    outputs.write(result, title=f"{Path(checkpoint).stem}: what to verify", verification=result)
