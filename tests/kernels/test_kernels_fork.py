"""Threads do not survive a fork: a child must make its own, or it waits for ever."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

# Compared by numpy: torch's own threads do not survive a fork either.
CODE = """
import os, numpy, torch
from mho import kernels
torch.set_num_threads(2)
out, chips = torch.empty(1, 300_000), torch.zeros(1, dtype=torch.int64)
again = torch.empty(1, 300_000)
kernels.fill_normal(out, (1, 2), chips)
child = os.fork()
if child == 0:
    kernels.fill_normal(again, (1, 2), chips)
    os._exit(0 if numpy.array_equal(again.numpy(), out.numpy()) else 1)
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_draws_the_same_numbers() -> None:
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", CODE], timeout=60, check=False)
    assert done.returncode == 0
