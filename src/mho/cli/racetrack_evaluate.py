"""``mho racetrack evaluate``: how fast a network fails, without protection and with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from mho.cli.inputs import DataOptions
from mho.cli.options import ImportOption, at_least, check_threshold, imports, load_model, numbers, place
from mho.cli.outputs import Outputs
from mho.cli.racetrack_code import CodeOptions, chosen
from mho.cli.racetrack_options import RacetrackOptions, inferences_of
from mho.errors import SpecError

if TYPE_CHECKING:
    from mho.evaluation import Result
    from mho.memory import Chips
    from mho.racetrack import Overhead


def evaluate(
    checkpoint: Annotated[str, Parameter(help="Network: a .safetensors file.")],
    /,
    *,
    data: Annotated[str, Parameter(help="Data set; see mho list data.")],
    memory: RacetrackOptions = RacetrackOptions(),  # noqa: B008 - frozen
    inferences: Annotated[str, Parameter(help="How many inferences were done before the one that counts.")] = (
        "0,1,10,100"
    ),
    protect: Annotated[
        list[str] | None,
        Parameter(
            negative="",
            help="Protected layers: conv1,fc1, a mask such as 1010, EVEN or FULL. Again for each to compare; "
            "UNPROT stands beside them.",
        ),
    ] = None,
    code: CodeOptions = CodeOptions(),  # noqa: B008 - frozen
    chips: Annotated[int, Parameter(help="How many chips.")] = 20,
    seed: Annotated[int, Parameter(help="Chip i of a seed is always the same chip.")] = 0,
    metric: Annotated[
        str, Parameter(help="accuracy, top5, f1, mcc, spearman, pearson, cross-entropy, perplexity, bits, ece or mse.")
    ] = "accuracy",
    percentiles: Annotated[str, Parameter(help="Percentiles to print.")] = "5",
    source: DataOptions = DataOptions(),  # noqa: B008 - frozen
    imported: ImportOption = None,
    torch_device: Annotated[str | None, Parameter(help="cpu or cuda.")] = None,
    outputs: Outputs = Outputs(),  # noqa: B008 - frozen
) -> None:
    """Age the network by inferences on many chips; print what is left, and what protection costs."""

    # Everything that can be refused is refused before the long work.
    imports(imported)
    ages = inferences_of(inferences)
    wanted = numbers("--percentiles", percentiles, "1,5")
    at_least("--chips", chips, 1)
    check_threshold(None, metric)
    if code.given and not protect:
        raise SpecError(f"{code.given[0]} says how layers are protected; name them: --protect conv1,fc1, or FULL")
    outputs.check()
    rules, correction = memory.rules(), code.made()
    code.check_planes(rules)
    where = place(torch_device)

    from mho.evaluation import evaluate as measure
    from mho.memory import deploy
    from mho.racetrack import overhead, selections

    model = load_model(checkpoint)
    with memory.storing():
        bare = deploy(model, rules, seed=seed)
    populations: dict[str, Chips] = {bare.label: bare}
    already = guarded(bare)
    if protect:
        if already:
            raise SpecError(f"--memory {memory.memory} protects {already} already; leave out --protect")
        populations = {"UNPROT": bare}
        seen: set[tuple[str, ...]] = {()}
        for said in protect:
            label, layers = chosen("--protect", said, bare)
            if layers is None:
                raise SpecError(f"--protect {label} takes a sensitivity; mho racetrack protect measures one")
            if layers not in seen:
                behind = selections.rules(layers, rules, correction, bare, planes=code.planes)
                populations[label] = deploy(model, behind, seed=seed)
                seen.add(layers)
    # Costs are known before the long work, and so is what they refuse.
    costs = [overhead(c, code=correction if protect else None) for c in populations.values() if protect or already]
    test = source.test(data)
    results: list[Result] = []
    for i, (label, population) in enumerate(populations.items()):
        result = measure(
            population, test, n_chips=chips, age=ages, metric=metric, percentiles=wanted, label=label, device=where
        )
        print(result if not results else f"\n{result}")
        if costs and costs[i].codes:
            print(f"\n{costs[i]}")
        results.append(result)
    found = Found(tuple(results), tuple(costs))
    outputs.write(
        found,
        title=f"{Path(checkpoint).stem} on racetrack memory",
        racetrack=[*results, *costs],
        chips=[*populations.values()],
    )


@dataclass(frozen=True)
class Found:
    """What the command found, for ``--json``."""

    results: tuple[Result, ...]
    overheads: tuple[Overhead, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain data: results, and their overheads in the same order where layers are protected."""
        return {
            "results": [result.to_dict() for result in self.results],
            "overheads": [overhead.to_dict() for overhead in self.overheads],
        }


def guarded(chips: Chips) -> str:
    """The first layer whose memory holds a correction; empty without any."""
    held = (name for name, p in chips.placements.items() if getattr(p.memory.device, "correction", None) is not None)
    return next(held, "")
