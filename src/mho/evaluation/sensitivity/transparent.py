"""Running a network so that its graph shows every operation, and nothing outside it notices."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from mho.evaluation.prepare import device_of


@contextmanager
def transparent(model: nn.Module) -> Iterator[None]:
    """Run attention and recurrent layers as the operations that they are made of, and leave global generators alone."""
    place = device_of(model)
    with ExitStack() as stack:
        stack.enter_context(sdpa_kernel(SDPBackend.MATH))
        # F.dropout(x) draws even in evaluation mode.
        stack.enter_context(torch.random.fork_rng(devices=[place] if place.type == "cuda" else []))
        if any(isinstance(m, nn.RNNBase) for m in model.modules()):
            stack.enter_context(_without_onednn())
            if place.type == "cuda":  # whose recurrent layers have a backward in training mode alone
                stack.enter_context(torch.backends.cudnn.flags(enabled=False))
        yield


@contextmanager
def _without_onednn() -> Iterator[None]:
    # Of an LSTM, oneDNN makes one operation. (The context of torch.backends sets TF32 too, and warns.)
    enabled, *_ = torch.backends.mkldnn.set_flags(False, _fp32_precision=None)  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        torch.backends.mkldnn.set_flags(enabled, _fp32_precision=None)  # type: ignore[no-untyped-call]
