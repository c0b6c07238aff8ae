"""A tool in a process of its own, for `side_by_side.py`: lines of JSON in, lines of JSON out."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import IO, Any


class Worker:
    """A tool in a process of its own."""

    def __init__(self, name: str, python: str, job: Path, threads: int) -> None:
        self.name = name
        self.errors: IO[str] = tempfile.TemporaryFile("w+")  # noqa: SIM115 - lives as long as the process
        count = {f"{library}_NUM_THREADS": str(threads) for library in ("OMP", "MKL", "OPENBLAS", "NUMBA")}
        script = Path(__file__).with_name("side_by_side_worker.py")
        self.process = subprocess.Popen(
            [python, str(script), name, str(job), str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            env=os.environ | count,
        )
        self.about = self._answer()
        self.failed = self.about.get("missing") or self.about.get("failed")

    def ask(self, do: str, **more: object) -> dict[str, Any]:
        """An answer; ``{"failed": reason}`` once the process has died."""
        if self.failed:
            return {"failed": self.failed}
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            print(json.dumps({"do": do, **more}), file=self.process.stdin, flush=True)
        found = self._answer()
        self.failed = found.get("failed")
        return found

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if line:
            found: dict[str, Any] = json.loads(line)
            return found
        self.process.wait()
        self.errors.seek(0)
        said = self.errors.read().strip().splitlines()
        return {"failed": said[-1] if said else f"ended with {self.process.returncode}"}

    def row(self) -> list[str]:
        """Name, version, torch, python, seconds until it was ready."""
        if self.failed:
            return [self.name, "not installed" if "missing" in self.about else "fails", "", "", ""]
        about = self.about
        return [self.name, about["version"], about["torch"], about["python"], f"{about['ready']:.2f}"]

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()
        self.errors.close()
