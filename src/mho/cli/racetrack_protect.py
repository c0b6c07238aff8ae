"""``mho racetrack protect``: which layers to protect, and what that costs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from mho.cli.inputs import DataOptions
from mho.cli.options import ImportOption, at_least, check_threshold, imports, load_model, place
from mho.cli.outputs import Outputs
from mho.cli.racetrack_code import CodeOptions, chosen
from mho.cli.racetrack_options import RacetrackOptions, one_age
from mho.errors import SpecError

if TYPE_CHECKING:
    from mho.racetrack import Overhead, Protection


def protect(
    checkpoint: Annotated[str, Parameter(help="Network: a .safetensors file.")],
    /,
    *,
    data: Annotated[str, Parameter(help="Data set; see mho list data.")],
    target: Annotated[
        float | None,
        Parameter(help="Metric wanted after the inferences: 0.85. One point below the digital network unless given."),
    ] = None,
    inferences: Annotated[str, Parameter(help="After how many inferences the metric counts.")] = "100",
    memory: RacetrackOptions = RacetrackOptions(),  # noqa: B008 - frozen
    code: CodeOptions = CodeOptions(),  # noqa: B008 - frozen
    select: Annotated[
        list[str] | None,
        Parameter(
            negative="",
            help="Compare only these: UNPROT, EVEN, EQUAL, CUSTOM, FULL, layers (conv1,fc1) or a mask. Once for each.",
        ),
    ] = None,
    search: Annotated[int, Parameter(help="Also judge so many choices that single layers make look best.")] = 0,
    chips: Annotated[int, Parameter(help="How many chips.")] = 20,
    seed: Annotated[int, Parameter(help="Chip i of a seed is always the same chip.")] = 0,
    metric: Annotated[
        str, Parameter(help="accuracy, top5, f1, mcc, spearman, pearson, cross-entropy, perplexity, bits, ece or mse.")
    ] = "accuracy",
    source: DataOptions = DataOptions(),  # noqa: B008 - frozen
    imported: ImportOption = None,
    torch_device: Annotated[str | None, Parameter(help="cpu or cuda.")] = None,
    outputs: Outputs = Outputs(),  # noqa: B008 - frozen
) -> None:
    """Judge choices of protected layers on the same chips; print what each keeps, and the cheapest that is enough."""

    # Everything that can be refused is refused before the long work.
    imports(imported)
    age = one_age(inferences)
    at_least("--chips", chips, 1)
    at_least("--search", search, 0)
    check_threshold(None, metric)
    _check_target(target, metric)
    outputs.check()
    rules, correction = memory.rules(), code.made()
    code.check_planes(rules)
    where = place(torch_device)

    from mho.memory import deploy
    from mho.racetrack import overhead, selections
    from mho.racetrack import protect as judge

    model = load_model(checkpoint)
    with memory.storing():
        bare = deploy(model, rules, seed=seed)
    known = tuple(selections.layers(bare))
    listed: list[str | tuple[str, ...]] = []
    for said in select or ():
        name, layers = chosen("--select", said, bare)
        named = name in selections.NAMES or layers is None or name == selections.mask(layers, known)
        listed.append(name if named or layers is None else layers)
    base = overhead(bare, code=correction)  # refuses what has no tracks
    found = judge(
        model,
        source.test(data),
        rules,
        code=correction,
        target=target,
        inferences=age,
        selections=listed or selections.NAMES,
        search=search,
        planes=code.planes,
        n_chips=chips,
        metric=metric,
        seed=seed,
        device=where,
    )
    choice = found.choice
    cost = base if choice is None else overhead(bare, code=correction, protect=choice.layers)
    print(found, cost, sep="\n\n")
    outputs.write(
        Found(found, cost), title=f"{Path(checkpoint).stem}: what to protect", racetrack=[found, cost], chips=bare
    )


@dataclass(frozen=True)
class Found:
    """What the command found, for ``--json``."""

    protection: Protection
    overhead: Overhead

    def to_dict(self) -> dict[str, Any]:
        """Plain data: every choice, and the overhead of the one that was chosen."""
        return {"protection": self.protection.to_dict(), "overhead": self.overhead.to_dict()}


def _check_target(target: float | None, metric: str) -> None:
    """Refuse a target that the metric cannot have.

    Raises:
        SpecError: it is no finite number, or no fraction where the metric is one.
    """
    from mho.evaluation import METRICS

    if target is None:
        return
    if not math.isfinite(target):
        raise SpecError(f"--target {target} is not a finite number")
    if METRICS[metric].bounded and not 0 <= target <= 1:
        raise SpecError(f"--target {target:g} must lie between 0 and 1; 85 % is written 0.85")
