"""``mho analog cost``: how long an update takes, and a whole network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from mho.cli.analog_options import ALGORITHM_HELP, NAMES, algorithms
from mho.cli.inputs import DataOptions
from mho.cli.options import ImportOption, at_least, imports, load_model
from mho.cli.outputs import Outputs
from mho.errors import DataError, SpecError
from mho.units import parse_duration

if TYPE_CHECKING:
    from torch import nn

    from mho.analog.hardware import Hardware
    from mho.analog.network_cost import NetworkCost
    from mho.analog.update_times import UpdateTimes


def cost(
    checkpoint: Annotated[
        str | None, Parameter(help="Network, a .safetensors file: what it costs tile by tile; needs --data.")
    ] = None,
    /,
    *,
    algorithm: Annotated[
        str,
        Parameter(
            help=f"One or several: {ALGORITHM_HELP}; all unless given. Of a network one, agad.", show_default=False
        ),
    ] = "",
    size: Annotated[
        str | None, Parameter(help="Of the array, outputs x inputs such as 128x784; 512 (512x512) unless given.")
    ] = None,
    transfer_every: Annotated[int | None, Parameter(help="n_s: vectors between two reads; 2 unless given.")] = None,
    mean_length: Annotated[float | None, Parameter(help="l: slots of an average pulse train; 5 unless given.")] = None,
    beta: Annotated[float | None, Parameter(help="Of AGAD; 1 needs no running average. 0.5 unless given.")] = None,
    read: Annotated[
        Literal["columns", "rows"] | None, Parameter(help="What a read takes of the array; columns unless given.")
    ] = None,
    batch: Annotated[int | None, Parameter(help="B: vectors between two writes of mp; 100 unless given.")] = None,
    two_phase: Annotated[bool, Parameter(help="Pulses up and pulses down one after the other.", negative="")] = False,
    flops: Annotated[
        float | None, Parameter(help="Digital operations a second of a core; 0.7e12 unless given.")
    ] = None,
    sharing: Annotated[int | None, Parameter(help="Arrays that share a core; 4 unless given.")] = None,
    pulse: Annotated[str | None, Parameter(help="Time of a slot; 5ns unless given.")] = None,
    mvm: Annotated[str | None, Parameter(help="Time of a read or of a pass; 40ns unless given.")] = None,
    data: Annotated[str | None, Parameter(help="With a network: data set whose samples it takes.")] = None,
    source: DataOptions = DataOptions(),  # noqa: B008 - frozen
    imported: ImportOption = None,
    csv: Annotated[Path | None, Parameter(help="The table, one row an algorithm or tile, to this CSV file.")] = None,
    outputs: Outputs = Outputs(),  # noqa: B008 - frozen
) -> None:
    """Print how long the update of an array takes, beside the published times; or what a network costs."""
    from mho.files import check_writable

    # Everything that can be refused is refused before the long work.
    imports(imported)
    if csv is not None:
        check_writable(csv)
    outputs.check()
    for option, value in (("--transfer-every", transfer_every), ("--batch", batch), ("--sharing", sharing)):
        if value is not None:
            at_least(option, value, 1)
    hardware = _hardware(_given(flops=flops, sharing=sharing, pulse=pulse, mvm=mvm), two_phase)
    said = _given(transfer_every=transfer_every, mean_length=mean_length, beta=beta, read=read, batch=batch)
    options: dict[str, Any] = {"hardware": hardware, **said}
    from mho.analog.update_times import update_times

    chosen = algorithms("--algorithm", algorithm) if algorithm else []
    used = chosen or (list(NAMES) if checkpoint is None else ["agad"])
    _check(said, used)
    if checkpoint is None:
        if data is not None:
            raise SpecError("--data goes with a network: mho analog cost lenet.safetensors --data mnist")
        times = update_times(used, _size(size or "512"), **options)
        _keep(times, csv, outputs, title="How long an update takes")
        return
    if size is not None:
        raise SpecError(f"--size {size} is for one array; a network has sizes of its own")
    if len(chosen) > 1:
        raise SpecError(f"--algorithm {algorithm}: of a network one algorithm at a time, such as agad")
    if data is None:
        raise DataError("a network needs --data, such as --data mnist: the size of its samples decides what it costs")
    update_times(used, **options)  # the options themselves are sound
    found = _network(load_model(checkpoint), source, data, used[0], options)
    _keep(found, csv, outputs, title=f"{Path(checkpoint).stem}: what training on the array costs")


_OWNERS = {
    "transfer_every": ("ttv2", "c-ttv2", "agad"),
    "read": ("ttv2", "c-ttv2", "agad"),
    "mean_length": ("sgd", "ttv2", "c-ttv2", "agad"),
    "beta": ("agad",),
    "batch": ("mp",),
}


def _check(said: dict[str, Any], used: list[str]) -> None:
    """Refuse an option that none of the algorithms in use has.

    Raises:
        SpecError: naming the option and whose it is.
    """
    for name in said:
        if not set(_OWNERS[name]) & set(used):
            raise SpecError(f"--{name.replace('_', '-')} is for {', '.join(_OWNERS[name])}, not {', '.join(used)}")


def _keep(found: UpdateTimes | NetworkCost, csv: Path | None, outputs: Outputs, *, title: str) -> None:
    """Print what was found, and write what was asked for."""
    from mho.cli.csv_file import write_csv

    print(found)
    if csv is not None:
        print(f"csv: {write_csv(csv, found.rows())}")
    outputs.write(found, title=title, analog=[found])


def _network(model: nn.Module, source: DataOptions, data: str, algorithm: str, options: dict[str, Any]) -> NetworkCost:
    """The cost of a network as it is, converted whole."""
    from mho import analog
    from mho.analog.network_cost import cost as cost_of
    from mho.evaluation.prepare import try_out

    samples = DataOptions(limit=2, normalize=source.normalize, root=source.root).test(data)
    try_out(model.eval(), samples)
    inputs, _ = next(iter(samples.batches(2)))
    # The algorithm only decides what an update costs; how many vectors there are is the network's.
    return cost_of(analog.convert(model, analog.InMemorySGD()), inputs, algorithm=algorithm, **options)


def _given(**options: Any) -> dict[str, Any]:
    """The options that were given."""
    return {name: value for name, value in options.items() if value is not None}


def _hardware(said: dict[str, Any], two_phase: bool) -> Hardware:
    from mho.analog.hardware import Hardware

    fields: dict[str, Any] = dict(said)
    for name in ("pulse", "mvm"):
        if name in fields:
            fields[name] = parse_duration(fields[name])
    return Hardware(two_phase=two_phase, **fields)


def _size(text: str) -> int | tuple[int, int]:
    """``"512"`` or ``"128x784"``."""
    parts = text.lower().split("x")
    try:
        sides = [int(part) for part in parts]
    except ValueError:
        sides = []
    if len(sides) not in (1, 2):
        raise SpecError(f"--size '{text}' is no size; write 512, or outputs x inputs such as 128x784")
    return sides[0] if len(sides) == 1 else (sides[0], sides[1])
