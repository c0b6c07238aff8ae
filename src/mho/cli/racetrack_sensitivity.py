"""``mho racetrack sensitivity``: which layers fail."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from mho.cli.inputs import DataOptions
from mho.cli.options import at_least, check_threshold, load_model, numbers, place
from mho.cli.outputs import Outputs
from mho.cli.racetrack_options import RacetrackOptions, names

if TYPE_CHECKING:
    from mho.racetrack import Curves, HeatMap


def sensitivity(
    checkpoint: Annotated[str, Parameter(help="Network: a .safetensors file.")],
    /,
    *,
    data: Annotated[str, Parameter(help="Data set; see mho list data.")],
    memory: RacetrackOptions = RacetrackOptions(),  # noqa: B008 - frozen
    layers: Annotated[
        str, Parameter(help="Only these layers: conv1,fc1. All on tracks unless given.", show_default=False)
    ] = "",
    exposures: Annotated[
        str,
        Parameter(
            help="Expected faults of a track at which layers are measured: 0.1,1. From 0.01 to 5 unless given.",
            show_default=False,
        ),
    ] = "",
    inferences: Annotated[int, Parameter(help="Of the heat map: how many inferences.")] = 100,
    heat_bits: Annotated[str, Parameter(help="Of the heat map: bits of a track.")] = "2,4,8,16,32,64",
    heat_rates: Annotated[str, Parameter(help="Of the heat map: faults a shift.")] = "1e-5,4.55e-5,1e-4",
    chips: Annotated[int, Parameter(help="How many chips.")] = 5,
    seed: Annotated[int, Parameter(help="Chip i of a seed is always the same chip.")] = 0,
    metric: Annotated[
        str, Parameter(help="accuracy, top5, f1, mcc, spearman, pearson, perplexity, ece or mse.")
    ] = "accuracy",
    source: DataOptions = DataOptions(),  # noqa: B008 - frozen
    torch_device: Annotated[str | None, Parameter(help="cpu or cuda.")] = None,
    outputs: Outputs = Outputs(),  # noqa: B008 - frozen
) -> None:
    """Age one layer at a time; print what that costs, and the table by track length and fault rate."""

    # Everything that can be refused is refused before the long work.
    points = numbers("--exposures", exposures, "0.1,1") if exposures else None
    lengths = whole("--heat-bits", heat_bits)
    rates = numbers("--heat-rates", heat_rates, "1e-5,1e-4")
    at_least("--inferences", inferences, 1)
    at_least("--chips", chips, 1)
    check_threshold(None, metric)
    outputs.check()
    rules = memory.rules()
    where = place(torch_device)

    from mho.devices import Racetrack
    from mho.mapping import Tracks
    from mho.racetrack import sensitivity as measure

    for length in lengths:
        Tracks(bits=length)
    for rate in rates:
        Racetrack(fault_rate=rate)
    curves = measure(
        load_model(checkpoint),
        source.test(data),
        rules,
        exposures=points,
        layers=names(layers) or None,
        n_chips=chips,
        metric=metric,
        seed=seed,
        device=where,
    )
    heat = curves.heat_map(bits=lengths, rates=rates, inferences=inferences)
    print(curves, heat, sep="\n\n")
    outputs.write(Found(curves, heat), title=f"{Path(checkpoint).stem}: which layers fail", racetrack=[curves, heat])


@dataclass(frozen=True)
class Found:
    """What the command found, for ``--json``."""

    curves: Curves
    heat_map: HeatMap

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {"curves": self.curves.to_dict(), "heat_map": self.heat_map.to_dict()}


def whole(option: str, text: str) -> list[int]:
    """``"32,64"`` as whole numbers.

    Raises:
        SpecError: naming the option and what is none.
    """
    from mho.errors import SpecError

    found = numbers(option, text, "32,64")
    for value in found:
        if value != int(value):
            raise SpecError(f"{option} {value:g} must be a whole number")
    return [int(value) for value in found]
