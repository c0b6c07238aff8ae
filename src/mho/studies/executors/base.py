"""What does jobs: here, in processes of this machine, or on a cluster."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Job = dict[str, Any]
"""Plain data: an ``id``, a ``kind`` and what :class:`mho.studies.worker.Worker` needs for it."""


@dataclass(frozen=True)
class Outcome:
    """What became of a job.

    Attributes:
        job: its id.
        data: the answer as plain data; ``None`` where there is none.
        blob: bytes that came with it (a trained network).
        error: traceback of an exception in the job itself.
        lost: why there is neither answer nor exception: the worker died. The job may be given out again.
    """

    job: str
    data: dict[str, Any] | None = None
    blob: bytes = b""
    error: str = ""
    lost: str = ""


class Executor(ABC):
    """Hands jobs to workers and their outcomes back, in any order; :func:`mho.testing.check_executor` tests one.

    An executor neither retries nor stores: a job given to a worker that dies comes back as lost. It may deliver an
    outcome twice.
    """

    label: str = "executor"

    @abstractmethod
    def start(self, fetch: Callable[[str], bytes]) -> None:
        """Start the workers. ``fetch`` gives the safetensors of a network by key, here, where the study runs."""

    @property
    @abstractmethod
    def free(self) -> int:
        """How many jobs would start at once if submitted now.

        Zero means wait. Where no worker will ever come, raise a :class:`~mho.errors.MhoError` that says so.
        """

    @abstractmethod
    def submit(self, job: Job) -> None:
        """Hand a job out; only called while :attr:`free` is positive."""

    @abstractmethod
    def wait(self, timeout: float) -> list[Outcome]:
        """Outcomes that came in, waiting at most ``timeout`` seconds for the first; empty if none did."""

    @abstractmethod
    def close(self) -> None:
        """Stop the workers, whatever they do; also called after an interrupt."""


def first_lines(error: BaseException) -> str:
    """The traceback of ``error`` as text; one line for what a user can put right."""
    import traceback

    from mho.errors import MhoError

    if isinstance(error, MhoError):
        return f"{type(error).__name__}: {error}"
    return "".join(traceback.format_exception(error))
