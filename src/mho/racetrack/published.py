"""The nanowires that the 2024 simulator of misalignment faults counts, right or wrong [bereholschi2024netdrift].

Its printed overheads are shares of these counts, not of what the networks need.
"""

from __future__ import annotations

from mho.errors import SpecError


def published_nanowires(shape: tuple[int, ...], bits: int, *, undivided: bool = False) -> int:
    """Nanowires that the simulator gives to a weight, each of ``bits`` bits and ``bits - 1`` shifts a pass.

    - A matrix ``(O, I)`` has ``O (I // bits)``; what is left over is dropped.
    - A convolution ``(O, I, kh, kw)`` too: ``bits`` input channels share a nanowire, and all positions of the kernel
      its offset.
    - A convolution of fewer than ``bits`` inputs (the first) has ``I (O // bits)``, inputs and outputs exchanged; with
      a single input, ``O``.
    - The first convolution of a residual block (``undivided``) has ``O I``: nobody divided by ``bits``.

    Args:
        shape: of the weight.
        bits: K of a nanowire.
        undivided: whether this is the first convolution of a residual block.

    Raises:
        SpecError: the simulator has no nanowire for such a weight.
    """
    if len(shape) < 2 or bits < 1:
        raise SpecError(f"counting='published' is of matrices and convolutions on nanowires, not of {shape} on {bits}")
    outputs, inputs = shape[:2]
    if undivided:
        return outputs * inputs
    found = outputs * (inputs // bits)
    if len(shape) > 2 and inputs in (1, 3):  # the first convolution, of grey or of colour images
        found = outputs if inputs == 1 else inputs * (outputs // bits)
    if not found:
        raise SpecError(
            f"counting='published': the simulator has no nanowire of {bits} bits for a weight of shape "
            f"{'x'.join(map(str, shape))}; use counting='physical', or fewer bits"
        )
    return found
