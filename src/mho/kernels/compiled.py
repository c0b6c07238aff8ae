"""What the compiled loops share: how they are compiled, and Philox.

Where there is no numba, functions stay Python: slow, with the same numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mho.kernels import reference as ref

try:
    import numba
except ImportError:  # pragma: no cover - numba is a dependency; source checkouts may run without it
    numba = None  # type: ignore[assignment]

_u32, _u64 = np.uint32, np.uint64
_M0, _M1 = _u64(ref.MULTIPLIERS[0]), _u64(ref.MULTIPLIERS[1])
_W0, _W1 = _u32(ref.WEYL[0]), _u32(ref.WEYL[1])


def compiled(function: Any) -> Any:
    """``function`` compiled; kept on disk for the next process where there is a place to keep it."""
    if numba is None:  # pragma: no cover
        return function
    try:
        return numba.njit(nogil=True, error_model="numpy", cache=True)(function)
    except RuntimeError:
        return numba.njit(nogil=True, error_model="numpy")(function)


def inlined(function: Any) -> Any:
    """``function`` compiled into whatever calls it."""
    return function if numba is None else numba.njit(inline="always", error_model="numpy")(function)


@inlined
def philox(c0, c1, c2, c3, k0, k1):  # type: ignore[no-untyped-def]
    """The four words of a counter, as :func:`mho.kernels.reference.philox`."""
    for _ in range(10):
        p0 = _M0 * _u64(c0)
        p1 = _M1 * _u64(c2)
        c0, c1, c2, c3 = (
            _u32(p1 >> _u64(32)) ^ c1 ^ k0,
            _u32(p1),
            _u32(p0 >> _u64(32)) ^ c3 ^ k1,
            _u32(p0),
        )
        k0 = _u32(k0 + _W0)
        k1 = _u32(k1 + _W1)
    return c0, c1, c2, c3
