"""The extended Hamming code of any number of data bits: corrects one wrong bit, notices two."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray


class Hamming:
    """Positions 1, 2, 3, ... of a word: powers of two hold check bits, the others data; position 0 the overall parity.

    Check bit j makes even the number of ones in positions whose number has bit j; the overall parity that of all
    positions [hamming1950]. With k data bits there are r check bits, the smallest r with ``2^r >= k + r + 1``, and the
    overall parity.
    """

    def __init__(self, k: int) -> None:
        self.k = k
        self.r = next(r for r in range(1, 64) if 2**r >= k + r + 1)

    @property
    def check_bits(self) -> int:
        """r check bits and the overall parity."""
        return self.r + 1

    @cached_property
    def positions(self) -> NDArray[np.int64]:
        """``(k,)`` of the data bits."""
        numbers = np.arange(1, 1 << self.r, dtype=np.int64)
        found: NDArray[np.int64] = numbers[numbers & (numbers - 1) != 0][: self.k]
        return found

    @cached_property
    def check_positions(self) -> NDArray[np.int64]:
        """``(r + 1,)`` of the check bits, the overall parity last."""
        return np.append(1 << np.arange(self.r), 0)

    @cached_property
    def generator(self) -> NDArray[np.int64]:
        """``(r + 1, k)``: which data bits a check bit is the parity of."""
        checks = (self.positions >> np.arange(self.r)[:, None]) & 1
        # The overall parity counts a data bit once itself and once in each of its check bits.
        return np.concatenate([checks, (1 + checks.sum(axis=0, keepdims=True)) % 2])

    def toggled(self, position: NDArray[np.int64], word: NDArray[np.int64], words: int) -> NDArray[np.int64]:
        """The data bit that the decoder turns over in every word; -1 where it does not, or turns over a check bit.

        Args:
            position: ``(n,)`` of every bit that reads wrong.
            word: ``(n,)`` its word, 0 to ``words - 1``.
            words: how many.

        Returns:
            ``(words,)``, 0 to k - 1 or -1. An odd number of wrong bits shows in the overall parity and is taken for
            one, at the position that the syndrome names, if there is one. An even number is none or two.
        """
        syndrome = np.zeros(words, np.int64)
        np.bitwise_xor.at(syndrome, word, position)
        odd = np.bincount(word, minlength=words) % 2 == 1
        data = np.full(1 << self.r, -1)
        data[self.positions] = np.arange(self.k)
        return np.where(odd, data[syndrome], -1)
