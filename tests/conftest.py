"""Puts tests/ on the path (tests/reference holds the slow twins) and keeps torch from fighting over the cores."""

from __future__ import annotations

import pytest
import torch


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    # The tests' tensors are tiny; with several workers (-n) more threads only wait for each other.
    torch.set_num_threads(1)
