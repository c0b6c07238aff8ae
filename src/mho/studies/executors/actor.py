"""The far end of a Ray cluster: one worker in a process that Ray started."""

from __future__ import annotations

import json
import os
import platform
from typing import TYPE_CHECKING, Any

from mho.studies.executors.base import first_lines
from mho.studies.executors.cluster import library

if TYPE_CHECKING:
    from mho.studies.worker import Worker


class Actor:
    """Does jobs, one after the other.

    Args:
        options: imports, root and device, as JSON.
    """

    def __init__(self, options: str) -> None:
        self._options = json.loads(options)
        self._models: dict[str, bytes] = {}
        self._worker: Worker | None = None

    def place(self) -> tuple[str, int]:
        """Where this worker is: node and process."""
        return platform.node(), os.getpid()

    def do(self, said: str, reference: list[Any]) -> tuple[str, bytes]:
        """Do a job: the outcome's fields as JSON, and its bytes.

        Args:
            said: the job as JSON.
            reference: of the network that it needs, in Ray's object store; empty if none.
        """
        job = json.loads(said)
        if reference and job["model"] not in self._models:
            self._models[job["model"]] = library().get(reference[0])
        try:
            data, blob = self._ready().do(job)
        except Exception as error:  # whatever a user's device, network or metric raises belongs to its cell
            return json.dumps({"error": first_lines(error)}), b""
        return json.dumps({"data": data}), blob

    def _ready(self) -> Worker:
        if self._worker is None:
            from mho.studies.imports import import_all
            from mho.studies.worker import Worker

            import_all(self._options["imports"])
            device = "cuda" if library().get_gpu_ids() else self._options["device"]
            self._worker = Worker(self._models.__getitem__, root=self._options["root"], device=device)
        return self._worker
