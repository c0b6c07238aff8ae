"""The index of a store: its shards in SQLite, for quick answers. The files are the truth; this can be rebuilt."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

from mho.errors import OutputError
from mho.studies.lock import held
from mho.studies.names import Shard
from mho.studies.store import DamagedError, Store

_SCHEMA = """
create table if not exists shards (
    cell text not null, first integer not null, count integer not null, checksum text not null,
    work text not null, seconds real not null,
    primary key (cell, first, count, checksum)
) without rowid;
create table if not exists about (key text primary key, value text not null);
"""
_VERSION = 1
PATIENCE = 30.0
"""Seconds that a writer waits for a reader to finish."""
GLANCE = 0.5
"""Seconds that a reader waits for a writer."""


class Tally(NamedTuple):
    """What the index says about one cell: how many files, chips and seconds."""

    shards: int
    chips: int
    seconds: float


class Index:
    """The index of ``store``; a writer makes it again from the files where it is unreadable or may lag behind them.

    A run marks the index as open before it writes its first shard and as closed at its end: a killed run leaves the
    mark, and the next one compares with the file names. A reader neither writes nor waits: where the index is not to
    be trusted, it goes by the names of the files, which tell neither seconds nor kinds of work.

    Args:
        store: the store.
        write: whether it is kept up to date; the store's lock is then held by the caller.

    Raises:
        OutputError: it cannot be written: another program has it open, or the folder is closed.
    """

    def __init__(self, store: Store, *, write: bool = False) -> None:
        self._store, self._path, self._write = store, store.root / "index.sqlite", write
        if not write:
            self._db = self._trusted() or self._named()
            return
        try:
            try:
                self._db = self._connect()
            except sqlite3.OperationalError:
                raise  # locked, closed or full: that does not make it wrong
            except sqlite3.DatabaseError:
                for end in ("", "-journal"):
                    self._path.with_name(f"{self._path.name}{end}").unlink(missing_ok=True)
                self._db = self._connect()
            if self._said("state") != "closed":
                self.rebuild()
            self._say("state", "open")
        except sqlite3.OperationalError as error:
            raise OutputError(
                f"the index {self._path} cannot be written ({error}); close what else has it open, then run again"
            ) from None

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, isolation_level=None, timeout=PATIENCE)
        try:
            db.execute("pragma synchronous = off")  # lost with the power, it is made again
            if db.execute("pragma user_version").fetchone()[0] not in (0, _VERSION):
                raise sqlite3.DatabaseError("another version")
            db.executescript(_SCHEMA)
            db.execute(f"pragma user_version = {_VERSION}")
        except sqlite3.Error:
            db.close()
            raise
        return db

    def _trusted(self) -> sqlite3.Connection | None:
        """The file, opened for reading, if a run closed it or keeps it up to date now."""
        db = None
        try:
            # Not even a journal or an empty file is made.
            db = sqlite3.connect(f"{self._path.absolute().as_uri()}?mode=ro", uri=True, timeout=GLANCE)
            version = db.execute("pragma user_version").fetchone()[0]
            row = db.execute("select value from about where key = 'state'").fetchone()
            db.execute("select cell, first, count, checksum, work, seconds from shards limit 1").fetchone()
        except sqlite3.Error:
            version, row = 0, None
        if db is not None and version == _VERSION and row and (row[0] == "closed" or held(self._store.root)):
            return db
        if db is not None:
            db.close()
        return None

    def _named(self) -> sqlite3.Connection:
        """An index in memory, from the names of the files alone."""
        db = sqlite3.connect(":memory:", isolation_level=None)
        db.executescript(_SCHEMA)
        rows = ((s.cell, s.first, s.count, s.checksum) for s in self._store.every_shard())
        db.execute("begin")
        db.executemany("insert into shards values (?, ?, ?, ?, '', 0.0)", rows)
        db.execute("commit")
        return db

    def rebuild(self) -> None:
        """Compare with the names of the files; only those that are new are opened."""
        known = {Shard(*row) for row in self._db.execute("select cell, first, count, checksum from shards")}
        there = set(self._store.every_shard())
        new = []
        for shard in there - known:
            try:
                data = self._store.get(shard)
            except DamagedError:
                data = {}  # whoever reads its numbers finds out
            new.append((shard, str(data.get("work", "")), float(data.get("seconds", 0.0))))
        self._db.execute("begin immediate")
        for gone in known - there:
            self.remove(gone)
        for row in new:
            self.add(*row)
        self._db.execute("commit")

    def add(self, shard: Shard, work: str, seconds: float) -> None:
        """Note a shard, the ``seconds`` it took and the kind of ``work`` it was."""
        row = (shard.cell, shard.first, shard.count, shard.checksum, work, seconds)
        self._db.execute("insert or replace into shards values (?, ?, ?, ?, ?, ?)", row)

    def remove(self, shard: Shard) -> None:
        """Forget a shard."""
        row = (shard.cell, shard.first, shard.count, shard.checksum)
        self._db.execute("delete from shards where cell = ? and first = ? and count = ? and checksum = ?", row)

    def shards(self, cell: str) -> list[Shard]:
        """The shards of one cell, by first chip."""
        rows = self._db.execute(
            "select cell, first, count, checksum from shards where cell = ? order by first, count", (cell,)
        )
        return [Shard(*row) for row in rows]

    def tallies(self) -> dict[str, Tally]:
        """Every cell that has shards."""
        rows = self._db.execute("select cell, count(*), sum(count), sum(seconds) from shards group by cell")
        return {cell: Tally(*rest) for cell, *rest in rows}

    def seconds_per_chip(self, work: str) -> float | None:
        """How long a chip took where the work was of this kind; ``None`` if it never was."""
        found = self._db.execute(
            "select sum(seconds) / sum(count) from shards where work = ? and count > 0", (work,)
        ).fetchone()[0]
        return None if found is None else float(found)

    def close(self) -> None:
        """Mark the index as complete."""
        if self._write:
            with contextlib.suppress(sqlite3.Error):
                self._say("state", "closed")
        self._db.close()

    def _said(self, key: str) -> str:
        row = self._db.execute("select value from about where key = ?", (key,)).fetchone()
        return row[0] if row else ""

    def _say(self, key: str, value: str) -> None:
        self._db.execute("insert or replace into about values (?, ?)", (key, value))


def ranges(shards: Iterable[Shard]) -> list[range]:
    """The chips that some shards hold, as ranges that neither touch nor overlap."""
    out: list[range] = []
    for shard in sorted(shards, key=lambda s: s.first):
        stop = shard.first + shard.count
        if out and shard.first <= out[-1].stop:
            out[-1] = range(out[-1].start, max(stop, out[-1].stop))
        else:
            out.append(range(shard.first, stop))
    return out


def missing(held: Iterable[range], chips: int) -> list[range]:
    """Of chips 0 to ``chips - 1``, those in none of the ``held`` ranges (sorted, apart)."""
    out, start = [], 0
    for part in held:
        if start < min(part.start, chips):
            out.append(range(start, min(part.start, chips)))
        start = max(start, part.stop)
    return [*out, range(start, chips)] if start < chips else out
