"""A folder of small JSON files, one a training, so that what was interrupted goes on."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import Any

from mho.errors import OutputError
from mho.files import write_json

Record = dict[str, float]
"""What is kept of one training: numbers by name, ``nan`` where there is none."""

FORMAT = 1


class Folder:
    """Results of trainings by everything that decides them.

    Args:
        path: the folder, made if missing; ``None`` keeps nothing.

    Raises:
        OutputError: there is something else, or it cannot be made.
    """

    def __init__(self, path: str | Path | None) -> None:
        self.path = None if path is None else Path(path)
        if self.path is not None:
            try:
                self.path.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise OutputError(f"cannot make the folder {path}: {error.strerror or error}") from None

    def get(self, key: dict[str, Any], name: str, make: Callable[[], Record]) -> Record:
        """The numbers of ``key``: those that lie here, else new ones, which then lie here.

        A file that cannot be read, or is of another key, is made anew.

        Args:
            key: plain data that decides the numbers.
            name: what the file begins with.
            make: computes them.
        """
        if self.path is None:
            return make()
        text = json.dumps({"format": FORMAT, **key}, sort_keys=True)
        file = self.path / f"{name}-{blake2b(text.encode(), digest_size=8).hexdigest()}.json"
        said = json.loads(text)
        try:
            found = json.loads(file.read_text())
            if found["key"] == said:
                return {name: math.nan if value is None else float(value) for name, value in found["numbers"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            pass
        numbers = make()
        kept = {name: value if math.isfinite(value) else None for name, value in numbers.items()}
        write_json(file, {"key": said, "numbers": kept})
        return numbers
