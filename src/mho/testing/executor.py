"""What every executor must satisfy."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from mho.memory.spec import Memory
from mho.studies.coordinator import ATTEMPTS
from mho.studies.executors.base import Executor
from mho.studies.executors.inline import Inline
from mho.studies.names import Shard
from mho.studies.results import Answers
from mho.studies.sources import Data, Trained
from mho.studies.store import Store
from mho.studies.study import Study
from mho.studies.verb import run
from mho.testing.around import Around, Doubled, Kept, Killing, Log, Reversed
from mho.testing.claims import say
from mho.testing.faulty import Faulty
from mho.training.recipe import Recipe

IMPORTS = ("mho.testing.faulty",)
"""What the workers have to import to know the device."""
WRONG = 0.4
"""The sigma at which the device goes wrong."""
STUDY = Study(
    name="check-executor",
    model=Trained(architecture="lenet", data=Data(name="digits", split="train", limit=64), recipe=Recipe(epochs=1)),
    memory=Memory(device=Faulty(raises=WRONG)),
    data=Data(name="digits", limit=64),
    chips=12,
    sigma=(0.05, 0.1, 0.2, WRONG),
    axes={"seed": (0, 1)},  # type: ignore[arg-type]
)
CHIPS = 6 * 12
"""In the cells that do not go wrong."""

Make = Callable[[tuple[str, ...]], Executor]


def check_executor(make: Make, *, kill: Callable[[Executor], None] | None = None) -> None:
    """Raise unless studies may trust an executor.

    A small study (LeNet on 64 digits, 8 cells, of which two raise) must give the numbers of
    :class:`~mho.studies.executors.Inline`, bit for bit, whatever the order of the outcomes and however often each
    comes; what raises must be its cell's error alone, with the traceback; a damaged file must be noticed and computed
    again; after an interrupt in the middle, the same executor must start again and compute only what is missing. With
    ``kill``, a job whose worker was killed must be done again, and a cell that kills every worker must fail alone::

        check_executor(lambda imports: MyExecutor(imports=imports), kill=lambda executor: executor.kill_one())

    Args:
        make: an executor that was not started yet, whose workers import the modules that are named.
        kill: ends (SIGKILL) the process of a worker that has a job, of the executor that it is given; leave it out
            where jobs are done in this process.
    """
    with tempfile.TemporaryDirectory(prefix="mho-check-") as folder:
        there = Path(folder)
        wanted = run(STUDY, store=there / "wanted", executor=Inline())
        kept = Kept(make(IMPORTS))
        try:
            _manners(kept.inner)
            _computes(kept, there / "plain", wanted, "")
            _computes(Reversed(kept), there / "reversed", wanted, "with outcomes last first, ")
            _computes(Doubled(kept), there / "doubled", wanted, "with every outcome delivered three times, ")
            _repairs(kept, there / "plain", wanted)
        finally:
            kept.end()
        kept.end()  # closing what is closed is no error
        _resumes(make(IMPORTS), there / "interrupted", wanted)
        if kill is not None:
            _survives(Killing(make(IMPORTS), kill), there / "killed", wanted)


def _manners(executor: Executor) -> None:
    say(isinstance(executor, Executor), f"a {type(executor).__name__} is no mho.studies.executors.Executor")
    say(bool(executor.label), "its label is empty")


def _computes(executor: Around, store: Path, wanted: Answers, when: str) -> None:
    log = Log()
    found = run(STUDY, store=store, executor=executor, observers=[log])
    say(not log.notices, f"{when}it makes the run notice: {log.notices}")
    _same(found, wanted, when)
    say(log.chips == CHIPS, f"{when}{log.chips} chips were computed, not {CHIPS}")
    say(executor.wait(0.0) == [] or isinstance(executor, Doubled), f"{when}an outcome comes of no job")


def _repairs(executor: Executor, store: Path, wanted: Answers) -> None:
    """One file with a bit flipped, one torn, in a store that is complete."""
    flipped, torn = _two_shards(Store(store))
    content = bytearray((store / flipped.path).read_bytes())
    content[len(content) // 2] ^= 1
    (store / flipped.path).write_bytes(content)
    (store / torn.path).write_bytes((store / torn.path).read_bytes()[:-9])
    log = Log()
    found = run(STUDY, store=store, executor=executor, observers=[log])
    say(any("damaged" in notice for notice in log.notices), "damaged files were not noticed")
    _same(found, wanted, "after repairing damaged files, ")
    lost = flipped.count + torn.count
    say(log.chips == lost, f"{log.chips} chips were computed again for files that held {lost}")


def _two_shards(store: Store) -> tuple[Shard, Shard]:
    by_cell = {shard.cell: shard for shard in store.every_shard()}
    one, other, *_ = by_cell.values()
    return one, other


def _resumes(executor: Executor, store: Path, wanted: Answers) -> None:
    first, second = Log(shards=3), Log()
    try:
        run(STUDY, store=store, executor=executor, observers=[first])
    except KeyboardInterrupt:
        pass
    else:
        raise AssertionError("an interrupt from an observer did not end the run")
    _same(run(STUDY, store=store, executor=executor, observers=[second]), wanted, "resumed after an interrupt, ")
    both = first.chips + second.chips
    say(both == CHIPS, f"{first.chips} chips were kept before an interrupt and {second.chips} computed after it")


def _survives(executor: Executor, store: Path, wanted: Answers) -> None:
    """A worker is killed, and one cell kills whoever computes it."""
    study = STUDY.replace(memory=Memory(device=Faulty(ends=WRONG)), axes={"seed": (0,)})
    log = Log()
    found = run(study, store=store, executor=executor, observers=[log])
    sound = [n for n in log.notices if "is done again" in n and f"sigma {WRONG:g}" not in n]
    say(bool(sound), "a worker was killed, and no job came back as lost")
    _same(found, wanted, "after a worker was killed, ", labels=("seed 0",))
    say(len(found.failures) == 1, f"a cell that ends its worker: {len(found.failures)} cells fail, not 1")
    error = next(iter(found.failures.values()))
    said = f"{ATTEMPTS} workers in a row"
    say(said in error, f"a cell that ends its worker fails with '{error.strip().splitlines()[-1]}'")


def _same(found: Answers, wanted: Answers, when: str, labels: tuple[str, ...] = ()) -> None:
    """The numbers that are wanted, to the last bit, and what fails there."""
    for label in labels or wanted.results:
        say(label in found.results, f"{when}there is no result for {label}: {_first(found)}")
        have, want = found.results[label], wanted.results[label]
        say(have.sigma == want.sigma, f"{when}{label} has the sigmas {have.sigma}, not {want.sigma}: {_first(found)}")
        for name in ("values", "ekl", "ideal", "digital"):
            same = np.array_equal(getattr(have, name), getattr(want, name), equal_nan=True)
            say(same, f"{when}{name} of {label} are not those of Inline, bit for bit")
    if not labels:
        say(set(found.failures) == set(wanted.failures), f"{when}what fails is {sorted(found.failures)}")
        for cell, error in found.failures.items():
            shown = "Traceback" in error and "ArithmeticError: this device was told to raise" in error
            say(shown, f"{when}the error of {cell} is not its traceback but '{error}'")


def _first(found: Answers) -> str:
    return next((error.strip().splitlines()[-1] for error in found.failures.values()), "nothing failed")
