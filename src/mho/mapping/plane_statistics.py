"""What the weights of a network look like as planes of bits: how few are large, and how empty the high planes are."""

from __future__ import annotations

from collections.abc import Mapping as Named
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn

from mho.errors import ModelError, SpecError
from mho.text import table


@dataclass(frozen=True, kw_only=True)
class TensorStatistics:
    """One weight tensor.

    Attributes:
        name: of the parameter.
        shape: of the tensor.
        largest: max |w|.
        sigma: standard deviation of the weights.
        above_half: weights with |w| > max |w| / 2, which are those whose most significant bit is 1.
        zeros: weights that are exactly 0.
        positive: share of ones in each plane of the array for positive weights, least significant first.
        negative: the same of the array for negative weights.
    """

    name: str
    shape: tuple[int, ...]
    largest: float
    sigma: float
    above_half: int
    zeros: int
    positive: tuple[float, ...]
    negative: tuple[float, ...]

    @property
    def weights(self) -> int:
        """Elements of the tensor."""
        return torch.Size(self.shape).numel()

    @property
    def ratio(self) -> float:
        """Largest weight in standard deviations; 0 where all weights are equal."""
        return self.largest / self.sigma if self.sigma else 0.0

    @property
    def density(self) -> tuple[float, ...]:
        """Share of ones in each plane, both arrays counted; below 0.5 cells that rather read 1 favour a flipped one."""
        return tuple((p + n) / 2 for p, n in zip(self.positive, self.negative, strict=True))


@dataclass(frozen=True, kw_only=True)
class PlaneStatistics:
    """The weight tensors of a network as planes of bits; Table 2 of [li2024zerospace], and what decides its benefit.

    Attributes:
        model: class of the network.
        bits: planes of the magnitude.
        tensors: in the order of the network.
    """

    model: str
    bits: int
    tensors: tuple[TensorStatistics, ...]

    def rows(self) -> list[dict[str, Any]]:
        """One tensor a row, as plain data: its attributes, ``weights``, ``ratio`` and ``density``."""
        return [asdict(t) | {"weights": t.weights, "ratio": t.ratio, "density": t.density} for t in self.tensors]

    def __str__(self) -> str:
        planes = [f"bit {b}" for b in reversed(range(self.bits))]
        rows = [
            [
                t.name,
                "x".join(map(str, t.shape)),
                f"{t.weights:,}",
                f"{t.largest:.3g}",
                f"{t.sigma:.3g}",
                f"{t.ratio:.1f}",
                f"{t.above_half:,}",
                *(f"{100 * share:.3g}" for share in reversed(t.density)),
            ]
            for t in self.tensors
        ]
        title = f"{self.model}: weights as {self.bits} planes of bits, share of ones in %"
        header = ["weight", "shape", "weights", "max |w|", "sigma", "max/sigma", "above max/2", *planes]
        return table(header, rows, left=2, title=title)


def statistics(model: nn.Module | Named[str, Tensor], bits: int = 8) -> PlaneStatistics:
    """Of every weight tensor: how large it gets, and the share of ones in each of its planes of bits.

    As :class:`mho.mapping.BitPlanes` stores it unless asked otherwise: ``m = round(|w| / q)``, ``q = max |w| / (2^n -
    1)`` of the tensor, the bits of m in the array of the sign of w.

    Args:
        model: a network, whose parameters of two dimensions or more are looked at, tables of embeddings too; or
            tensors by name, all of which are.
        bits: n, planes of the magnitude, 1 to 16.

    Raises:
        ModelError: no such tensor, or one that is empty or holds NaN or infinite values.
        SpecError: ``bits`` is out of range.
    """
    if isinstance(bits, bool) or not isinstance(bits, int) or not 1 <= bits <= 16:
        raise SpecError(f"bits={bits!r} must be a whole number from 1 to 16: planes of the magnitude")
    if isinstance(model, nn.Module):
        named: dict[str, Tensor] = {name: p for name, p in model.named_parameters() if p.dim() > 1}
    else:
        named = dict(model)
    kind = type(model).__name__ if isinstance(model, nn.Module) else "tensors"
    if not named:
        raise ModelError(f"{kind} has no weight tensor of two dimensions or more")
    return PlaneStatistics(model=kind, bits=bits, tensors=tuple(_of(n, t, bits) for n, t in named.items()))


@torch.no_grad()
def _of(name: str, tensor: Tensor, bits: int) -> TensorStatistics:
    weight = tensor.detach().float().flatten()
    if not weight.numel() or not bool(torch.isfinite(weight).all()):
        raise ModelError(f"{name} is empty or holds NaN or infinite values: it has no planes of bits")
    size, top = weight.abs(), (1 << bits) - 1
    largest = size.amax()
    integers = (size / largest * top).round().to(torch.int64) if bool(largest > 0) else torch.zeros_like(size).long()
    return TensorStatistics(
        name=name,
        shape=tuple(tensor.shape),
        largest=float(largest),
        sigma=float(weight.double().std(correction=0)),
        above_half=int((size > largest / 2).sum()),
        zeros=int((weight == 0).sum()),
        positive=_ones(integers[weight > 0], bits, weight.numel()),
        negative=_ones(integers[weight < 0], bits, weight.numel()),
    )


def _ones(integers: Tensor, bits: int, cells: int) -> tuple[float, ...]:
    # Counting how often each integer occurs goes through the weights once, not once a plane.
    counts = torch.bincount(integers, minlength=1 << bits)
    values = torch.arange(1 << bits, device=counts.device)
    return tuple(int(counts[(values >> b & 1).bool()].sum()) / cells for b in range(bits))
