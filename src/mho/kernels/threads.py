"""Python threads over the parts of a compiled loop: numba's own thread pool would compete with torch's."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from typing import Any

import torch

_SERIAL = 1 << 15
"""Numbers below which a second thread costs more than it saves."""


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="mho-kernel")


# Threads do not survive a fork, and a pool without threads waits for ever.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)


def in_parts(kernel: Any, tiles: int, numbers: int, *arguments: Any) -> None:
    """Call ``kernel(*arguments, first, last)`` on parts of ``tiles``, in threads if there are ``numbers`` enough."""
    threads = min(torch.get_num_threads(), tiles) if numbers > _SERIAL else 1
    cuts = [tiles * i // threads for i in range(threads + 1)]
    others = [
        _pool(threads).submit(lambda a=a, b=b: kernel(*arguments, a, b))  # type: ignore[misc]
        for a, b in pairwise(cuts[1:])
    ]
    kernel(*arguments, cuts[0], cuts[1])
    for other in others:
        other.result()
