"""Executors: the same numbers from all of them, whatever dies, and nothing left behind."""

from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from processes import children, left_after

from mho.errors import SpecError
from mho.studies.executors import Executor, Inline, Outcome, Processes
from mho.studies.verb import run
from mho.testing import check_executor
from mho.testing.executor import STUDY


def kill_a_busy_child(executor: Executor) -> None:
    assert isinstance(executor, Processes)
    busy = next(child for child in executor._children if child.job is not None)
    busy._process.send_signal(signal.SIGKILL)


def test_inline_conforms() -> None:
    check_executor(lambda imports: Inline())


def test_one_process_conforms() -> None:
    check_executor(lambda imports: Processes(workers=1, imports=imports))


def test_two_processes_conform_and_survive_their_workers() -> None:
    check_executor(lambda imports: Processes(workers=2, imports=imports), kill=kill_a_busy_child)


class _Rounding(Inline):
    """Loses the last digits on the way."""

    def wait(self, timeout: float) -> list[Outcome]:
        outcomes = super().wait(timeout)
        for outcome in outcomes:
            if outcome.data is not None and "ekl" in outcome.data:
                outcome.data["ekl"] = [None if v is None else round(v, 6) for v in outcome.data["ekl"]]
        return outcomes


class _Terse(Inline):
    """Says that something went wrong, not what."""

    def wait(self, timeout: float) -> list[Outcome]:
        return [replace(o, error="it failed") if o.error else o for o in super().wait(timeout)]


class _Leaving(Inline):
    """Takes a job whose device raised for lost: a worker would die of it, and of the next."""

    def wait(self, timeout: float) -> list[Outcome]:
        return [replace(o, error="", lost="gone") if o.error else o for o in super().wait(timeout)]


@pytest.mark.parametrize(
    ("broken", "what"),
    [(_Rounding, "ekl of seed 0"), (_Terse, "'it failed'"), (_Leaving, "notice")],
)
def test_broken_executors_are_caught(broken: type[Inline], what: str) -> None:
    with pytest.raises(AssertionError, match=what):
        check_executor(lambda imports: broken())


def test_numbers_do_not_depend_on_the_threads(tmp_path: Path) -> None:
    """LeNet's first linear layer does: MKL splits its sums among threads."""
    found = []
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        try:
            found.append(run(STUDY, store=tmp_path / str(threads)).results["seed 0"])
            assert torch.get_num_threads() == threads, "put back as it was"
        finally:
            torch.set_num_threads(1)
    for other in found[1:]:
        assert (other.values == found[0].values).all()
        assert other.ekl is not None
        assert other.ekl.tobytes() == found[0].ekl.tobytes()  # type: ignore[union-attr]


class _Unwanted(Inline):
    def start(self, fetch: object) -> None:
        raise AssertionError("there is nothing to do")


def test_a_complete_study_starts_no_worker(tmp_path: Path) -> None:
    study = STUDY.replace(sigma=(0.1,))
    first = run(study, store=tmp_path)
    again = run(study, store=tmp_path, executor=_Unwanted())
    assert again.rows() == first.rows()


def test_no_workers_at_all_are_refused() -> None:
    with pytest.raises(SpecError, match="workers=0 must be one or more"):
        Processes(workers=0)


SCRIPT = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
import sys
from mho.studies.observers import Observer
from mho.studies.verb import run
from mho.studies.executors import Processes
from mho.testing.executor import STUDY

class Say(Observer):
    def advanced(self, cell, chips, seconds):
        print("going", flush=True)

endless = STUDY.replace(sigma=(0.1,), chips=10_000_000)
run(endless, store=sys.argv[1], executor=Processes(workers=2, imports=("mho.testing.faulty",)), observers=[Say()])
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_no_worker_outlives_the_study(how: signal.Signals, tmp_path: Path) -> None:
    study = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    try:
        assert study.stdout is not None
        assert study.stdout.readline() == "going\n"
        workers = children(study.pid)
        assert len(workers) == 2
        study.send_signal(how)
        study.wait(30)
        assert not left_after(workers, 30)  # half a second where nothing else runs
    finally:
        study.kill()
        study.wait()
