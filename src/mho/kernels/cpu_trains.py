"""Pulse trains on the CPU, compiled by numba: which line of an array fires in which slot, as bits of words."""

from __future__ import annotations

import numpy as np

from mho.kernels.compiled import compiled, philox

_u32, _u64 = np.uint32, np.uint64
FEW = 0.6
"""Share of columns with an input up to which it is faster to move these alone."""


@compiled
def plan(rates, lengths, scales, means, x, d, rate, fast, step, longest, memory, managed, balanced, saturates):  # type: ignore[no-untyped-def]
    """Rate and train of every sample, in order; see :func:`mho.kernels.pulses.plan`."""
    for r in range(d.shape[0]):
        own = r if x.shape[0] > 1 else 0
        for t in range(d.shape[1]):
            mx, md = np.float64(0), np.float64(0)
            for j in range(x.shape[2]):
                mx = max(mx, np.float64(abs(x[own, t, j])))
            for i in range(d.shape[2]):
                md = max(md, np.float64(abs(d[r, t, i])))
            now = rate
            if fast > 0:
                if mx > 0:
                    means[r, 0] = mx if means[r, 0] == 0 else memory * means[r, 0] + (1 - memory) * mx
                if md > 0:
                    means[r, 1] = md if means[r, 1] == 0 else memory * means[r, 1] + (1 - memory) * md
                product = means[r, 0] * means[r, 1]
                now = fast * longest * step / product if product > 0 else 0.0
            rates[r, t] = now
            if mx == 0 or md == 0 or now == 0:
                lengths[r, t], scales[r, t, 0], scales[r, t, 1] = 0, 0.0, 0.0
                continue
            expected = now * mx * md / step
            length = longest
            if managed:
                length = int(min(max(np.ceil(expected), 1.0), float(longest)))
            base = np.sqrt(now / (step * length))
            tilt = 1.0
            if balanced:
                reach = md * longest / expected if saturates and expected > longest else md
                tilt = np.sqrt(mx / reach)
            lengths[r, t], scales[r, t, 0], scales[r, t, 1] = length, base / tilt, base * tilt


@compiled
def _line(words, line, at, chance, length, sample, chip, key):  # type: ignore[no-untyped-def]
    """Draw the train of a line into ``words[:, at]``."""
    threshold = _u64(min(chance, 1.0) * 4294967296.0)
    for w in range(words.shape[0]):
        word = _u32(0)
        for q in range(8):
            first = 32 * w + 4 * q
            if first >= length:
                break
            block = _u32(first >> 2) | (_u32(sample >> 32) << _u32(16))
            a, b, c, d = philox(_u32(line), _u32(sample), _u32(chip), block, key[0], key[1])
            four = _u32(_u64(a) < threshold) | (_u32(_u64(b) < threshold) << _u32(1))
            four |= (_u32(_u64(c) < threshold) << _u32(2)) | (_u32(_u64(d) < threshold) << _u32(3))
            if length - first < 4:
                four &= (_u32(1) << _u32(length - first)) - _u32(1)
            word |= four << _u32(4 * q)
        words[w, at] = word


@compiled
def draw(  # type: ignore[no-untyped-def]
    words, signs, row_words, row_signs, columns, counts, x, d, chop_x, chop_d, lengths, scales, chips, sample, key_x,
    key_d, first, last,
):  # fmt: skip
    """The trains ``first`` to ``last`` of ``chips * samples``; see :class:`mho.kernels.pulses.Trains`."""
    samples = d.shape[1]
    for s in range(first, last):
        r, t = s // samples, s % samples
        own = r if x.shape[0] > 1 else 0
        chip, number, length = chips[r], sample + t, lengths[r, t]
        width, m = x.shape[2], 0
        for j in range(width):
            m += x[own, t, j] != 0
        some = m <= FEW * width
        m = 0
        for j in range(width):
            value = x[own, t, j]
            if value == 0 and some:
                continue
            if value == 0 or length == 0:
                words[s, :, m] = _u32(0)
            else:
                _line(words[s], j, m, np.float64(abs(value)) * scales[r, t, 0], length, number, chip, key_x)
            turned = chop_x.shape[0] > 0 and chop_x[r, t, j] < 0
            columns[s, m], signs[s, m] = j, 1 if (value < 0) == turned else -1
            m += 1
        counts[s] = m
        for i in range(d.shape[2]):
            value = d[r, t, i]
            if value == 0 or length == 0:
                row_words[s, :, i] = _u32(0)
            else:
                _line(row_words[s], i, i, np.float64(abs(value)) * scales[r, t, 1], length, number, chip, key_d)
            turned = chop_d.shape[0] > 0 and chop_d[r, t, i] < 0
            # Gradients are descended: where input and error have one sign, the weight goes down.
            row_signs[s, i] = -1 if (value < 0) == turned else 1
