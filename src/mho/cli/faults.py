"""``mho faults``: how many stuck cells a network stands, and which scheme helps most."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from mho.cli.inputs import DataOptions
from mho.cli.options import ImportOption, at_least, check_threshold, imports, load_model, numbers, place
from mho.cli.outputs import Outputs
from mho.errors import SpecError

if TYPE_CHECKING:
    from mho.evaluation.faults import FaultCurves, FaultSensitivity
    from mho.mapping.plane_statistics import PlaneStatistics
    from mho.memory.rules import Rules

USUAL_RATES = "0.0001,0.0005,0.001,0.002,0.005,0.01,0.02,0.05"


def faults(
    checkpoint: Annotated[str, Parameter(help="Network: a .safetensors file, or a published CIFAR ResNet (.th).")],
    /,
    *,
    data: Annotated[str, Parameter(help="Data set; see mho list data.")],
    schemes: Annotated[
        str,
        Parameter(
            help="What protects the cells, by name: none, flip, flip-all, flip-auto, vote, paper, mean, tiles, cells, "
            "best-of-2, best-of-3, remap, closest, ecc, clip, channel, channel-flip-all, channel-flip-all-remap, "
            "channel-vote, flip-all-vote, channel-flip-all-vote; see mho list schemes."
        ),
    ] = "none,paper,channel-flip-all-vote",
    memory: Annotated[
        list[Path] | None,
        Parameter(
            negative="", help="YAML of a memory with stuck cells, or of name rules: one more scheme, again for each."
        ),
    ] = None,
    rates: Annotated[str, Parameter(help="Stuck cells as fractions of all: 0.001 is 0.1 %.")] = USUAL_RATES,
    chips: Annotated[int, Parameter(help="How many chips, the same ones under every scheme.")] = 50,
    drop: Annotated[
        float | None,
        Parameter(help="Loss of the metric that is tolerated; of accuracies a fraction, 0.1 (10 points) unless given."),
    ] = None,
    digital: Annotated[
        str | None,
        Parameter(
            help="Layers that stay digital: classifier*,head; 'none' for none. Classifiers of transformers by default.",
            show_default=False,
        ),
    ] = None,
    sensitivity: Annotated[
        bool, Parameter(negative="", help="Also: stuck cells in one layer only, and in one bit plane only.")
    ] = False,
    sensitivity_rate: Annotated[
        float | None, Parameter(help="Stuck cells of --sensitivity; the middle one of --rates unless given.")
    ] = None,
    sensitivity_scheme: Annotated[
        str | None, Parameter(help="Scheme of --sensitivity; the first one unless given.")
    ] = None,
    statistics: Annotated[
        bool, Parameter(negative="", help="Also: large weights, and how full the bit planes are, layer by layer.")
    ] = False,
    seed: Annotated[int, Parameter(help="Chip i of a seed is always the same chip.")] = 0,
    metric: Annotated[
        str | None,
        Parameter(
            help="accuracy, top5, f1, mcc, spearman, pearson, cross-entropy, perplexity, bits, ece or mse; "
            "the one of a task of GLUE unless given, else accuracy."
        ),
    ] = None,
    percentiles: Annotated[
        str | None, Parameter(help="Percentiles to print; 5 unless given, 95 of a metric that shall be low.")
    ] = None,
    folder: Annotated[
        Path | None, Parameter(help="Keeps every chip that was judged; the same command then goes on where it stopped.")
    ] = None,
    source: DataOptions = DataOptions(),  # noqa: B008 - frozen
    imported: ImportOption = None,
    torch_device: Annotated[str | None, Parameter(help="cpu or cuda.")] = None,
    outputs: Outputs = Outputs(),  # noqa: B008 - frozen
) -> None:
    """Print the metric over the rate of stuck cells, what every scheme tolerates, and what it takes."""

    # Everything that can be refused is refused before the long work.
    imports(imported)
    at_least("--chips", chips, 1)
    judged = usual_metric(data) if metric is None else metric
    check_threshold(None, judged)
    wanted = None if percentiles is None else numbers("--percentiles", percentiles, "1,5")
    outputs.check()
    where = place(torch_device)

    from mho.evaluation import METRICS
    from mho.evaluation.faults import by_layer, by_plane
    from mho.evaluation.faults import faults as measure
    from mho.evaluation.faults.curves import checked, unlucky
    from mho.evaluation.faults.question import rates_of

    if drop is not None:
        checked(drop, "--drop")
    wanted = list(unlucky(METRICS[judged], (5,))) if wanted is None else wanted
    points = rates_of(numbers("--rates", rates, "0.0001,0.001"), "--rates")
    listed = chosen(schemes, memory or [])
    first = sensitivity_scheme or next(iter(listed))
    if first not in listed:
        raise SpecError(f"--sensitivity-scheme '{first}' is none of --schemes: {', '.join(listed)}")
    if (sensitivity_rate is not None or sensitivity_scheme is not None) and not sensitivity:
        raise SpecError("--sensitivity-rate and --sensitivity-scheme go with --sensitivity; add it")
    middle = points[len(points) // 2]
    one = rates_of(middle if sensitivity_rate is None else sensitivity_rate, "--sensitivity-rate")
    kept = None if digital is None else tuple(p.strip() for p in digital.split(",") if p.strip() not in ("", "none"))
    model, test, name = load_model(checkpoint), source.test(data), Path(checkpoint).stem
    common: dict[str, Any] = {"digital": kept, "metric": judged, "seed": seed, "device": where, "label": name}
    counted = planes(model) if statistics else None
    if counted is not None:
        print(counted, end="\n\n")
    curves = measure(
        model, test, schemes=listed, rates=points, n_chips=chips, percentiles=wanted, drop=drop, folder=folder, **common
    )
    print(curves)
    parts: list[FaultSensitivity] = []
    for part in (by_layer, by_plane) if sensitivity else ():
        parts.append(part(model, test, listed[first], rates=one, n_chips=chips, **common))
        print(f"\n{parts[-1]}")
    found = Found(curves, tuple(parts), counted)
    pages = [curves, *parts, *([counted] if counted is not None else [])]
    outputs.write(found, title=f"{name} with stuck cells", faults=pages)


@dataclass(frozen=True)
class Found:
    """What the command found, for ``--json``."""

    curves: FaultCurves
    sensitivities: tuple[FaultSensitivity, ...]
    statistics: PlaneStatistics | None

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "curves": self.curves.to_dict(),
            "sensitivities": [part.to_dict() for part in self.sensitivities],
            "statistics": None if self.statistics is None else self.statistics.rows(),
        }


def chosen(schemes: str, files: list[Path]) -> dict[str, Rules]:
    """Schemes by their names; those of files are called as their file is.

    Raises:
        UnknownNameError: no scheme has this name.
        SpecError: two have one name; there is none; a file holds no memory with stuck cells.
    """
    from mho.evaluation.faults.question import named, schemes_of
    from mho.memory import Memory
    from mho.studies.reading import read_memory

    names = [name.strip() for name in schemes.split(",") if name.strip()]
    found: dict[str, Rules] = {}
    for name in names:
        if name in found:
            raise SpecError(f"--schemes names '{name}' twice")
        found[name] = named(name)
    for path in files:
        said = read_memory(path)
        if path.stem in found:
            raise SpecError(f"--memory {path}: there is a scheme '{path.stem}' already; rename the file")
        found[path.stem] = said if isinstance(said, Memory) else dict(said.rules)
    return dict(schemes_of(found))


def planes(model: Any) -> PlaneStatistics:
    """How large the weights of ``model`` are, and how full their planes."""
    from mho.mapping.plane_statistics import statistics

    return statistics(model)


def usual_metric(data: str) -> str:
    """What GLUE judges this task by; the accuracy of all else."""
    from mho.data import GLUE, glue_metric

    return glue_metric(data) if data in GLUE else "accuracy"
