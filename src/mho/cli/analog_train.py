"""``mho analog train``: a network of the zoo, trained on arrays of pulsed cells."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from mho.cli.analog_options import ALGORITHM_HELP, YAML, CellOptions, FieldOptions, algorithms, applied
from mho.cli.inputs import DataOptions
from mho.cli.options import ImportOption, imports
from mho.cli.outputs import Outputs
from mho.errors import SpecError, unknown

if TYPE_CHECKING:
    from mho.analog.algorithm import Algorithm
    from mho.analog.experiments.sweep_result import Sweep
    from mho.analog.peripherals import Peripherals
    from mho.analog.wear import Wear
    from mho.training import Recipe


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ArrayOptions:
    """What is trained on, and how."""

    algorithm: Annotated[str, Parameter(help=f"{ALGORITHM_HELP}; or a YAML file (kind: AGAD, fields).")] = "agad"
    states: Annotated[
        float | None, Parameter(help="Steps of a cell from bound to bound; 20 unless given, or those of --cell.")
    ] = None
    reference_std: Annotated[
        float | None, Parameter(help="Of ttv2, c-ttv2: standard deviation of the reference; 0 unless given.")
    ] = None
    digital: Annotated[
        str, Parameter(help="Layers that stay digital, names or patterns: fc3,conv*.", show_default=False)
    ] = ""
    input_bits: Annotated[int | None, Parameter(help="Of the converters of inputs; ideal unless given.")] = None
    output_bits: Annotated[
        int | None, Parameter(help="Of the converters of outputs, which take up to --output-bound; ideal unless given.")
    ] = None
    output_bound: Annotated[
        float | None, Parameter(help="Largest output of an array, in units of weight times input.")
    ] = None
    output_noise: Annotated[
        float | None, Parameter(help="Standard deviation of a product's noise, in units of weights.")
    ] = None

    def way(self, field: FieldOptions, cells: CellOptions) -> Algorithm:
        """The algorithm that is asked for.

        Raises:
            SpecError: an option that it does not take.
            UnknownNameError: there is none of this name.
        """
        if self.algorithm.lower().endswith(YAML):
            from mho.cli.analog_reading import read_algorithm

            also = [*field.given(), *cells.given()]
            also += [name for name in ("states", "reference_std") if getattr(self, name) is not None]
            if also:
                said = " and ".join(f"--{name.replace('_', '-')}" for name in also)
                raise SpecError(f"{self.algorithm} says everything about the algorithm; leave out {said}")
            return read_algorithm(self.algorithm)
        names = algorithms("--algorithm", self.algorithm)
        if len(names) > 1:
            raise SpecError(f"--algorithm {self.algorithm} lists {len(names)}; one network is trained by one")

        from mho.analog.experiments.asking import varied
        from mho.analog.experiments.settings import ALGORITHMS

        field.check(names)
        way = applied(ALGORITHMS[names[0]](), field, cells.spec())
        if self.reference_std is not None and way.with_reference(0.0, 1.0) == way:
            raise SpecError(f"--reference-std is for ttv2 and c-ttv2: {names[0]} reads no reference")
        return varied(way, self.states, self.reference_std)

    def rules(self, way: Algorithm) -> dict[str, Algorithm | None]:
        """What :func:`mho.analog.convert` is told."""
        names = [name.strip() for name in self.digital.split(",") if name.strip()]
        return {**dict.fromkeys(names), "*": way}

    def peripherals(self) -> Peripherals | None:
        """Converters and noise; ``None`` for ideal ones."""
        from mho.analog.peripherals import Peripherals

        names = ("input_bits", "output_bits", "output_bound", "output_noise")
        given: dict[str, Any] = {name: value for name in names if (value := getattr(self, name)) is not None}
        return Peripherals(**given) if given else None


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class LearningOptions:
    """How to train: stochastic gradient descent, which is what arrays can do."""

    epochs: Annotated[int, Parameter(help="Passes over the data.")] = 3
    lr: Annotated[float, Parameter(help="Learning rate at the start.")] = 0.05
    batch_size: Annotated[int, Parameter(help="Samples per step; arrays take them one by one.")] = 32
    schedule: Annotated[Literal["constant", "cosine"], Parameter(help="Of the learning rate.")] = "constant"
    seed: Annotated[int, Parameter(help="Decides start, order, devices and pulses.")] = 0
    train_limit: Annotated[int | None, Parameter(help="Only the first so many training samples.")] = None
    checkpoint: Annotated[
        Path | None, Parameter(help="File that holds the run after each epoch; go on from it where it exists.")
    ] = None

    def spec(self) -> Recipe:
        """The recipe that is asked for."""
        from mho.training import Recipe

        return Recipe(
            optimizer="sgd",
            epochs=self.epochs,
            lr=self.lr,
            batch_size=self.batch_size,
            schedule=self.schedule,
            seed=self.seed,
        )


def train(
    model: Annotated[str, Parameter(help="Architecture; see mho list models.")],
    /,
    *,
    data: Annotated[str, Parameter(help="Data set; see mho list data.")] = "digits",
    out: Annotated[Path, Parameter(help="Checkpoint to write (.safetensors): the weights that the arrays hold.")],
    array: ArrayOptions = ArrayOptions(),
    field: FieldOptions = FieldOptions(),  # noqa: B008 - frozen
    cells: CellOptions = CellOptions(),  # noqa: B008 - frozen
    learning: LearningOptions = LearningOptions(),
    compare: Annotated[
        bool, Parameter(negative="", help="Train the same network in floating point, too, and print both.")
    ] = False,
    source: DataOptions = DataOptions(),  # noqa: B008 - frozen
    imported: ImportOption = None,
    outputs: Outputs = Outputs(),  # noqa: B008 - frozen
) -> None:
    """Train a network on arrays, test it, and save the weights that they hold as an ordinary network."""
    from mho.data.catalog import entry
    from mho.files import check_writable
    from mho.zoo import ARCHITECTURES

    # Everything that can be refused is refused before the long work.
    imports(imported)
    if model not in ARCHITECTURES:
        raise unknown("model", model, ARCHITECTURES)
    entry(data)
    if out.suffix != ".safetensors":
        raise SpecError(f"--out '{out}' must end in .safetensors: weights are never pickled")
    if learning.checkpoint is not None and learning.checkpoint.resolve() == out.resolve():
        raise SpecError(f"--out and --checkpoint are both {out}: the network and the run are two files")
    check_writable(out)
    outputs.check()
    recipe, way, around = learning.spec(), array.way(field, cells), array.peripherals()

    from mho import zoo
    from mho.analog.conversion import convert
    from mho.analog.experiments.judging import judged, single
    from mho.analog.extraction import extract
    from mho.analog.wear import wear
    from mho.training import origin
    from mho.training import train as fit

    training, test = source.train(data, learning.train_limit), source.test(data)
    start = zoo.build_for(model, training, seed=learning.seed)
    network = convert(start, array.rules(way), peripherals=around, seed=learning.seed)
    started = time.perf_counter()
    trained = fit(network, training, recipe=recipe, checkpoint=learning.checkpoint)
    record = judged(trained, recipe, test, time.perf_counter() - started)
    floating = None
    if compare:
        started = time.perf_counter()
        plain = fit(start, training, recipe=recipe)
        floating = judged(plain, recipe, test, time.perf_counter() - started)
    found = Found(
        single(way, record, floating, model=model, data=training.name, images=len(test), recipe=recipe), wear(trained)
    )
    made = origin(trained)
    assert made is not None
    kept = {key: value for key, value in made.to_dict().items() if value is not None} | {"data": data}
    said = {pattern: None if a is None else a.to_dict() for pattern, a in array.rules(way).items()}
    zoo.save(extract(trained), out, **kept, analog=said, test_accuracy=1 - record["errors"])
    print(found.sweep, found.wear, sep="\n\n")
    print(f"\n{out}: {model} on {data}, {100 * (1 - record['errors']):.2f} % of {len(test):,} test samples")
    outputs.write(found, title=f"{model} on {data}, trained on arrays", analog=[found.sweep, found.wear])


@dataclass(frozen=True)
class Found:
    """What the command found, for ``--json``."""

    sweep: Sweep
    wear: Wear

    def to_dict(self) -> dict[str, Any]:
        """Plain data: test errors, and pulses per device."""
        return {"sweep": self.sweep.to_dict(), "wear": self.wear.to_dict()}
