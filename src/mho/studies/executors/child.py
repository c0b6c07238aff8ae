"""A worker process: reads jobs from standard input, writes outcomes to standard output, ends with its parent."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from multiprocessing.connection import Connection

from mho.studies.executors.base import first_lines


def main(options: str) -> None:
    """Serve until the other end closes."""
    orders = Connection(os.dup(0), writable=False)
    results = Connection(os.dup(1), readable=False)
    os.dup2(2, 1)  # what a user's code prints must not end up among the outcomes
    _die_with_parent()
    said = json.loads(options)
    import torch  # noqa: F401 - while the first job is on its way

    from mho.studies.imports import import_all
    from mho.studies.worker import Worker

    models: dict[str, bytes] = {}
    worker: Worker | None = None
    while True:
        try:
            header, blob = json.loads(orders.recv_bytes()), orders.recv_bytes()
        except EOFError:
            return
        if set(header) == {"model"}:
            models[header["model"]] = blob
            continue
        data, made, error = None, b"", ""
        try:
            if worker is None:
                import_all(said["imports"])
                worker = Worker(models.__getitem__, root=said["root"], device=said["device"])
            data, made = worker.do(header)
        except Exception as raised:  # whatever a user's device, network or metric raises belongs to its cell
            error = first_lines(raised)
        results.send_bytes(json.dumps({"data": data, "error": error}).encode())
        results.send_bytes(made or b"\0")


def _die_with_parent() -> None:
    """A killed study must not leave workers behind that compute for nobody."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except (BrokenPipeError, KeyboardInterrupt):
        os._exit(1)
