"""One run at a time writes to a store."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mho.errors import OutputError

TRIES = 25
"""How often a run asks for the lock: for a second, in which :func:`held` may have it for a moment."""


@contextmanager
def writing(store: Path) -> Iterator[None]:
    """Hold the store's lock; the system lets go of it when the process ends, however it ends.

    Raises:
        OutputError: another run holds it.
    """
    try:
        import fcntl
    except ImportError:  # not on this system: two runs at once only compute things twice
        yield
        return
    with open(store / "lock", "a+") as file:
        for attempt in range(TRIES):
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if attempt < TRIES - 1:
                    time.sleep(1 / TRIES)
        else:
            file.seek(0)
            raise OutputError(
                f"another run (process {file.read().strip() or 'unknown'}) is writing to {store}; wait for it, or "
                "use another --store"
            )
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def held(store: Path) -> bool:
    """Whether a run is writing to the store now."""
    try:
        import fcntl

        with open(store / "lock") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except (ImportError, OSError):  # no lock, none that may be looked at, or a system that has none
        return False
    return False
