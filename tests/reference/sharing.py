"""A shared block and the norm of one place, number by number."""

from __future__ import annotations


def shared(
    features: list[float], mix: list[list[float]], bias: list[float], scale: list[float], shift: list[float]
) -> list[float]:
    """The features of one position: groups of c channels, each with its mix added, then scaled and shifted."""
    c, out = len(mix), []
    for channel, value in enumerate(features):
        group, row = divmod(channel, c)
        total = value + bias[row]
        for column in range(c):
            total += mix[row][column] * features[group * c + column]
        out.append(total * scale[channel] + shift[channel])
    return out
