"""Weights as bits on nanowires: binary ones, or the bit planes of integers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mho.devices.nanowires import Nanowires, cut, stacked
from mho.errors import ModelError, SpecError, unknown
from mho.mapping.base import Encoded, Mapping
from mho.mapping.codes import Encoding, coefficients, combiner, encode, largest
from mho.mapping.slices import root_sum_square

MOST_BITS = 4096
ORDERS: dict[str, Callable[[Tensor, int], NDArray[np.int64]]] = {}
"""Storage orders of the user's: ``(weight, channel_dim) -> permutation`` of the flattened weight."""


def register_order(name: str, order: Callable[[Tensor, int], NDArray[np.int64]]) -> None:
    """Let ``Tracks(order=name)`` store weights in an order of yours.

    Args:
        name: what to call it.
        order: from the weight and its output-channel dimension to ``(weights,)``, which flattened weight is stored
            at each position; tracks are cut from that one after the other.

    Raises:
        SpecError: the name is taken by one of mho's own.
    """
    if name in ("row", "column", "published"):
        raise SpecError(f"'{name}' is one of mho's own storage orders; give yours another name")
    ORDERS[name] = order


@dataclass(frozen=True, kw_only=True)
class Tracks(Mapping):
    """Weights on nanowires of ``bits`` domains [bereholschi2024netdrift] section 3.1.

    A binary weight is one bit, 1 for ``+a`` and 0 for ``-a``; the magnitude ``a`` (one an output channel, or one for
    all) stays digital. With more ``weight_bits``, ``W = S/m v`` with ``m = 2^(b-1) - 1`` and v the integer of b bits.

    Attributes:
        bits: K, domains of a nanowire, 1 to 4096; the last one of a row may hold fewer bits.
        order: "row": the weights of an output channel one after the other; "column": the output channels of one input
            (and kernel position) one after the other; "published": input channels at one kernel position, as in the
            simulator of 2024; a permutation of the flattened weight; or a name of :func:`register_order`.
        ports: access ports, evenly spaced: each reads K/ports domains.
        weight_bits: b, 1 to 16.
        encoding: of integers, where ``weight_bits`` is 2 or more: "twos-complement", "offset", "sign-magnitude" or
            "gray"; see :mod:`mho.mapping.codes`.
        slicing: "plane": a track holds one significance of K weights; "interleaved": all bits of K/b weights.

    Raises:
        ModelError: binary weights are asked for and the weights are not binary.
    """

    bits: int = 64
    order: str | tuple[int, ...] = "row"
    ports: int = 1
    weight_bits: int = 1
    encoding: Encoding = "twos-complement"
    slicing: Literal["plane", "interleaved"] = "plane"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check(1 <= self.bits <= MOST_BITS, "bits", f"must be 1 to {MOST_BITS} domains of a nanowire")
        self.check(1 <= self.ports <= self.bits, "ports", f"must be 1 to bits={self.bits}")
        self.check(1 <= self.weight_bits <= 16, "weight_bits", "must be 1 to 16")
        if isinstance(self.order, str) and self.order not in ("row", "column", "published", *ORDERS):
            raise unknown("order", self.order, ("row", "column", "published", *ORDERS))
        if isinstance(self.order, tuple) and sorted(self.order) != list(range(len(self.order))):
            raise SpecError("Tracks: order lists positions that are no permutation of 0, 1, 2, ...").at("order")
        plain = self.weight_bits == 1 and self.ports == 1
        self.check(self.order != "published" or plain, "order", "is for weight_bits=1 and one port")
        self.check(self.slicing == "plane" or self.weight_bits > 1, "slicing", "is for weight_bits of 2 or more")
        if self.slicing == "interleaved":
            whole = f"must be a multiple of weight_bits={self.weight_bits} where weights are interleaved"
            self.check(self.bits % self.weight_bits == 0, "bits", whole)

    @property
    def cell_bits(self) -> int:
        return 1

    def labelled(self, device: str) -> str:
        order = {"row": "", "published": ", as published"}
        said = order.get(self.order, f", by {self.order}") if isinstance(self.order, str) else ", permuted"
        return f"{device}, K={self.bits}{said}"

    @property
    def binary(self) -> bool:
        return self.weight_bits == 1

    @property
    def cells_per_weight(self) -> int:
        return self.weight_bits

    @property
    def kappa(self) -> float:
        if self.weight_bits == 1:
            return 2.0
        values, _ = coefficients(self.weight_bits, self.encoding)
        return root_sum_square(list(values)) / largest(self.weight_bits)

    def encode(self, weight: Tensor, channel_dim: int = 0) -> Encoded:
        if self.weight_bits == 1:
            positive = (weight > 0).to(torch.float32)[None]
            two = torch.full((1,), 2.0, device=weight.device)
            return Encoded(positive, two, magnitude(weight, channel_dim), -1.0, _signs)
        scale = self.full_scale(weight, channel_dim)
        top = largest(self.weight_bits)
        integers = (weight / scale * top).round()
        values, offset = coefficients(self.weight_bits, self.encoding)
        return Encoded(
            encode(integers, self.weight_bits, self.encoding),
            torch.tensor(values, device=weight.device),
            scale / top,
            offset,
            combiner(self.weight_bits, self.encoding),
        )

    def nanowires(self, weight: Tensor, channel_dim: int = 0) -> Nanowires:
        if self.order == "published":
            return _published(tuple(weight.shape), self.bits)
        cells = np.arange(weight.numel(), dtype=np.int64).reshape(tuple(weight.shape))
        matrix = np.moveaxis(cells, channel_dim, 0)
        matrix = matrix.reshape(len(matrix), -1)
        if self.order == "column":
            matrix = matrix.T
        elif self.order != "row":
            matrix = self._permuted(weight, channel_dim)[None]
        if self.slicing == "interleaved":
            planes = np.arange(self.weight_bits, dtype=np.int64) * weight.numel()
            matrix = (matrix[:, :, None] + planes).reshape(len(matrix), -1)
        in_order = channel_dim == 0 and self.order == "row" and self.slicing == "plane"
        one = cut(
            matrix.shape[0],
            matrix.shape[1],
            self.bits,
            ports=self.ports,
            places=None if in_order else np.ascontiguousarray(matrix).reshape(-1),
            plane=0 if self.slicing == "plane" else -1,
        )
        return stacked(one, self.weight_bits) if self.slicing == "plane" else one

    def _permuted(self, weight: Tensor, channel_dim: int) -> NDArray[np.int64]:
        if isinstance(self.order, tuple):
            found = np.array(self.order, dtype=np.int64)
        else:
            found = np.asarray(ORDERS[self.order](weight, channel_dim), dtype=np.int64).reshape(-1)
        if len(found) != weight.numel() or not np.array_equal(np.sort(found), np.arange(len(found))):
            said = f"a list of {len(found)}" if isinstance(self.order, tuple) else f"'{self.order}'"
            raise SpecError(
                f"Tracks: order={said} is no permutation of the {weight.numel()} weights of a tensor of shape "
                f"{tuple(weight.shape)}"
            )
        return found


def _signs(levels: Tensor) -> Tensor:
    """What the weighted sum would give, in half the passes over memory."""
    return levels[0].mul(2).sub_(1)


def magnitude(weight: Tensor, channel_dim: int) -> Tensor:
    """The one magnitude of each output channel of binary weights, broadcastable to them.

    Raises:
        ModelError: a channel has several.
    """
    others = [d for d in range(weight.dim()) if d != channel_dim % weight.dim()]
    size = weight.detach().abs()
    if not others:
        return size
    most = size.amax(others, keepdim=True)
    if not torch.allclose(size.amin(others, keepdim=True), most, rtol=1e-5, atol=0.0):
        odd = weight.flatten()[int((most - size).abs().argmax())]
        raise ModelError(
            f"weights are not binary: a channel holds {float(odd):.4g} beside +-{float(most.flatten()[0]):.4g}; "
            "Tracks(weight_bits=1) stores +-a; train a binarised network (mho.zoo bnn-vgg3), or take more weight_bits"
        )
    return most


def _published(shape: tuple[int, ...], bits: int) -> Nanowires:
    """Where the simulator of 2024 lets weights slip: 64 input channels at a time, kernel positions in lockstep.

    Each group of 64 moves with one offset however long its nanowires are (``bits`` only says how often they shift), and
    what lies beyond a row is the next one (docs/decisions/0018). Of a first convolution, of three colours, only three
    output channels have offsets.
    """
    outputs, inputs = shape[:2]
    cells = np.arange(int(np.prod(shape)), dtype=np.int64).reshape(outputs, inputs, -1)
    kernel = cells.shape[-1]
    one = cut(kernel * outputs, inputs, 64, places=cells.transpose(2, 0, 1).reshape(-1))
    units = one.tracks // kernel
    shifts = np.full(units, bits - 1, np.int32)
    if inputs == 3 and kernel > 1:
        shifts[inputs * (units // outputs) :] = 0
    return Nanowires(
        starts=one.starts,
        places=one.places,
        shifts=shifts,
        bits=bits,
        segment=64,
        planes=np.zeros(units, np.int8),
        row=inputs,
        rows=outputs,
    )
