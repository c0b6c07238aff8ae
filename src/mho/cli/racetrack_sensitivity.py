"""``mho racetrack sensitivity``: which layers fail."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from mho.cli.inputs import DataOptions
from mho.cli.options import ImportOption, at_least, check_threshold, imports, load_model, numbers, place
from mho.cli.outputs import Outputs
from mho.cli.racetrack_options import RacetrackOptions, memories_of, names, one_age
from mho.errors import SpecError

if TYPE_CHECKING:
    from mho.mapping import Tracks
    from mho.racetrack import Curves, HeatMap

USUAL_BITS = "2,4,8,16,32,64"
USUAL_RATES = "1e-5,4.55e-5,1e-4"


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
    inferences: Annotated[str, Parameter(help="Of the heat map: how many inferences.")] = "100",
    heat_bits: Annotated[
        str,
        Parameter(help=f"Of the heat map: bits of a track; {USUAL_BITS} unless given.", show_default=False),
    ] = "",
    heat_rates: Annotated[
        str,
        Parameter(
            help=f"Of the heat map: faults a shift; {USUAL_RATES} and the memory's own unless given.",
            show_default=False,
        ),
    ] = "",
    chips: Annotated[int, Parameter(help="How many chips.")] = 5,
    seed: Annotated[int, Parameter(help="Chip i of a seed is always the same chip.")] = 0,
    metric: Annotated[
        str, Parameter(help="accuracy, top5, f1, mcc, spearman, pearson, cross-entropy, perplexity, bits, ece or mse.")
    ] = "accuracy",
    source: DataOptions = DataOptions(),  # noqa: B008 - frozen
    imported: ImportOption = None,
    torch_device: Annotated[str | None, Parameter(help="cpu or cuda.")] = None,
    outputs: Outputs = Outputs(),  # noqa: B008 - frozen
) -> None:
    """Age one layer at a time; print what that costs, and the table by track length and fault rate."""

    # Everything that can be refused is refused before the long work.
    imports(imported)
    points = numbers("--exposures", exposures, "0.1,1") if exposures else None
    lengths = whole("--heat-bits", heat_bits or USUAL_BITS)
    rates = numbers("--heat-rates", heat_rates or USUAL_RATES, "1e-5,1e-4")
    age = one_age(inferences)
    at_least("--chips", chips, 1)
    check_threshold(None, metric)
    outputs.check()
    rules = memory.rules()
    where = place(torch_device)

    from mho.devices import Racetrack
    from mho.mapping import Tracks
    from mho.racetrack import sensitivity as measure
    from mho.racetrack.exposure import on_tracks

    tracks = next((m.mapping for m in memories_of(rules) if isinstance(m.mapping, Tracks)), Tracks())
    lengths = [length for length in lengths if heat_bits or fits(tracks, length)]
    for length in lengths:
        tracks.replace(bits=length)
    for rate in rates:
        Racetrack(fault_rate=rate)
    model, test = load_model(checkpoint), source.test(data)
    with memory.storing():
        curves = measure(
            model,
            test,
            rules,
            exposures=points,
            layers=names(layers) or None,
            n_chips=chips,
            metric=metric,
            seed=seed,
            device=where,
        )
    if not heat_rates:
        rates = sorted({*rates, on_tracks(curves.memory)[0].fault_rate})
    heat = curves.heat_map(bits=lengths, rates=rates, inferences=age)
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


def fits(tracks: Tracks, bits: int) -> bool:
    """Whether tracks of so many bits hold whole weights, and their ports."""
    try:
        tracks.replace(bits=bits)
    except SpecError:
        return False
    return True


def whole(option: str, text: str) -> list[int]:
    """``"32,64"`` as whole numbers.

    Raises:
        SpecError: naming the option and what is none.
    """
    found = numbers(option, text, "32,64")
    for value in found:
        if value != int(value):
            raise SpecError(f"{option} {value:g} must be a whole number")
    return [int(value) for value in found]
