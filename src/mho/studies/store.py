"""Where results are kept: immutable files named after what they hold, and an index that can always be rebuilt.

::

    cells/<ab>/<cell key>/<first>+<count>.<checksum>.json    metric of chips first .. first + count - 1
    models/<ab>/<model key>.<checksum>.safetensors           what the study trained or read
    failures/<key>.json                                      the last traceback of what did not work
    studies/<name>.json                                      what the last run of a study was to compute
    index.sqlite                                             a copy of the file names, for quick answers

Files are written whole or not at all (:mod:`mho.files`) and never change; the checksum in the name (SHA-256, 16 hex
digits) tells a damaged one. JSON and safetensors only: reading one never runs code.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mho.errors import OutputError, SpecError
from mho.files import write_bytes, write_json
from mho.studies import names
from mho.studies.names import Shard

FORMAT = 1


class DamagedError(Exception):
    """A file whose bytes are not those it was named after."""


class Store:
    """A folder of results.

    Args:
        root: the folder; made when first written to.

    Raises:
        SpecError: the folder is something else, or of another version of the store.
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = Path(root)
        if self.root.exists() and not self.root.is_dir():
            raise SpecError(f"the store {root} is a file; name a folder")
        about = self.root / "store.json"
        if about.exists():
            try:
                found = json.loads(about.read_text())["format"]
            except (OSError, ValueError, KeyError, TypeError):
                raise SpecError(f"{about} cannot be read; is {root} a store of mho?") from None
            if found != FORMAT:
                raise SpecError(f"the store {root} has format {found}, this mho reads {FORMAT}; use another --store")

    def exists(self) -> bool:
        """Whether the folder says that it is a store."""
        return (self.root / "store.json").is_file()

    def create(self) -> None:
        """Make the folder, so that it can be written to."""
        for name in names.FOLDERS:
            try:
                (self.root / name).mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise OutputError(f"cannot make the store {self.root}: {error.strerror or error}") from None
        if not self.exists():
            write_json(self.root / "store.json", {"format": FORMAT})

    def shards(self, cell: str) -> list[Shard]:
        """The shards of one cell, by first chip."""
        found = (names.shard(cell, name) for name in _names(self.root / names.cell_folder(cell)))
        return sorted(shard for shard in found if shard is not None)

    def every_shard(self) -> Iterator[Shard]:
        """All shards, cell by cell."""
        for prefix in sorted(_names(self.root / "cells")):
            for cell in sorted(_names(self.root / "cells" / prefix)):
                if names.KEY.fullmatch(cell) and cell.startswith(prefix):
                    yield from self.shards(cell)

    def every_model(self) -> Iterator[tuple[str, Path]]:
        """All networks: key and file."""
        for prefix in sorted(_names(self.root / "models")):
            for name in sorted(_names(self.root / "models" / prefix)):
                if said := names.NETWORK.fullmatch(name):
                    yield said[1], self.root / "models" / prefix / name

    def every_failure(self) -> Iterator[tuple[str, Path]]:
        """All tracebacks that are kept: key and file."""
        for name in sorted(_names(self.root / "failures")):
            if said := names.FAILURE.fullmatch(name):
                yield said[1], self.root / "failures" / name

    def put(self, cell: str, first: int, count: int, data: dict[str, Any]) -> Shard:
        """Keep ``data`` as a shard."""
        content = json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
        shard = Shard(cell, first, count, _checksum(content))
        _write(self.root / shard.path, content)
        return shard

    def get(self, shard: Shard) -> dict[str, Any]:
        """What :meth:`put` kept.

        Raises:
            DamagedError: the file is torn, changed or gone.
        """
        data = json.loads(_verified(self.root / shard.path, shard.checksum))
        assert isinstance(data, dict)
        return data

    def discard(self, shard: Shard) -> None:
        """Take a damaged shard out of the way; it stays beside as ``*.damaged``."""
        with contextlib.suppress(OSError):
            path = self.root / shard.path
            path.rename(path.with_suffix(".damaged"))

    def put_model(self, key: str, content: bytes) -> None:
        """Keep a network's safetensors; copies that are damaged go out of the way, as ``*.damaged``."""
        for path in self._models(key):
            try:
                _verified(path, path.name.split(".")[1])
            except DamagedError:
                with contextlib.suppress(OSError):
                    path.rename(path.with_suffix(".damaged"))
        _write(self.root / names.network(key, _checksum(content)), content)

    def model(self, key: str) -> bytes | None:
        """The safetensors of a network; ``None`` if it is not there or every copy is damaged."""
        for path in self._models(key):
            with contextlib.suppress(DamagedError):
                return _verified(path, path.name.split(".")[1])
        return None

    def has_model(self, key: str) -> bool:
        """Whether there is a network of this key, damaged or not."""
        return bool(self._models(key))

    def _models(self, key: str) -> list[Path]:
        folder = self.root / "models" / key[:2]
        found = (names.NETWORK.fullmatch(name) for name in sorted(_names(folder)))
        return [folder / said[0] for said in found if said and said[1] == key]

    def fail(self, key: str, what: str, traceback: str) -> None:
        """Remember why something did not work."""
        write_json(self.root / "failures" / f"{key}.json", {"key": key, "what": what, "traceback": traceback})

    def forgive(self, key: str) -> None:
        """Forget that it did not work."""
        (self.root / "failures" / f"{key}.json").unlink(missing_ok=True)

    def failure(self, key: str) -> str | None:
        """The traceback of what did not work the last time."""
        try:
            return str(json.loads((self.root / "failures" / f"{key}.json").read_text())["traceback"])
        except (OSError, ValueError, KeyError, TypeError):
            return None


def _checksum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from None
    write_bytes(path, content)


def _verified(path: Path, checksum: str) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DamagedError(f"{path}: {error.strerror or error}") from None
    if _checksum(content) != checksum:
        raise DamagedError(f"{path} is not what was written")
    return content


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
