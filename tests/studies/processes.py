"""What processes there are, from /proc."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path


def children(parent: int) -> list[int]:
    """Processes that ``parent`` started."""
    return [pid for pid in map(int, filter(str.isdecimal, os.listdir("/proc"))) if _stat(pid)[1] == str(parent)]


def alive(pid: int) -> bool:
    """Whether a process is there, and not only its entry."""
    return _stat(pid)[0] not in ("", "Z")


def left_after(pids: Iterable[int], seconds: float) -> list[int]:
    """Those that are still alive after so long; waits no longer than it must."""
    deadline = time.monotonic() + seconds
    while (left := [pid for pid in pids if alive(pid)]) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


def _stat(pid: int) -> tuple[str, str]:
    """State and parent of a process."""
    try:
        state, parent, *_ = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return "", ""
    return state, parent
