"""The tiny shared block, and what each place where it is used has of its own."""

from __future__ import annotations

from collections.abc import Iterable
from math import gcd

from torch import Tensor, nn
from torch.nn.functional import linear

from mho.errors import ModelError, SpecError


class TinyBlock(nn.Linear):
    """T: adds to every group of c channels a mix of the same group, ``y = x + (W x + b)``.

    Of images a 1x1 convolution of c channels. It starts at zero and then passes everything on. One array, read once
    for every group at every place: :func:`mho.deploy` stores the weight as that of a linear layer, once; the bias and
    the sum are digital.

    Source: [qin2024tsb] as far as its abstract tells (a small 1x1 convolution with weights shared across layers); the
    groups, the sum and the start are a formulation of this package.

    Args:
        channels: c.
        like: tensor whose device and type its weights have.
    """

    def __init__(self, channels: int, like: Tensor) -> None:
        nn.Module.__init__(self)  # that of nn.Linear would draw a start from a global generator
        self.in_features = self.out_features = channels
        self.weight = nn.Parameter(like.new_zeros(channels, channels))
        self.bias = nn.Parameter(like.new_zeros(channels))

    def forward(self, input: Tensor) -> Tensor:
        """``(..., groups * c)`` to the same shape."""
        groups = input.unflatten(-1, (-1, self.in_features))  # type: ignore[no-untyped-call]
        return input + linear(groups, self.weight, self.bias).flatten(-2)

    def images(self, x: Tensor) -> Tensor:
        """``(n, groups * c, h, w)`` to the same shape."""
        out: Tensor = self(x.movedim(1, -1)).movedim(-1, 1)
        return out


class PlaceNorm(nn.Module):
    """What a batch norm is on a chip: a digital scale and shift per channel; at first it passes everything on.

    A norm with statistics would change the network as soon as it is put in. Training runs as on a chip, where
    statistics are constants, and a scale and a shift are then all that a batch norm can learn.

    Args:
        channels: of the features, c of every group.
        images: whether they are ``(n, channels, h, w)``, and not ``(n, ..., channels)``.
        like: tensor whose device and type its weights have.
    """

    def __init__(self, channels: int, images: bool, like: Tensor) -> None:
        super().__init__()
        self.images = images
        self.weight = nn.Parameter(like.new_ones(channels))
        self.bias = nn.Parameter(like.new_zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Features to features of the same shape."""
        if self.images:
            return x * self.weight[:, None, None] + self.bias[:, None, None]
        return x * self.weight + self.bias

    def extra_repr(self) -> str:
        return f"{self.weight.shape[0]}, images={self.images}"


def channels_for(features: Iterable[tuple[str, int]], wanted: int | None = None) -> int:
    """How many channels c a block takes that is to serve all ``features``.

    The fewest channels that any of them has, if that divides all the others; their greatest common divisor if not.

    Args:
        features: places by name, with the channels that they have.
        wanted: c itself, if somebody says it.

    Raises:
        SpecError: ``wanted`` does not divide the channels of a place.
        ModelError: there is no divisor but 1.
    """
    counts = dict(features)
    common = gcd(*counts.values())
    if wanted is not None:
        if isinstance(wanted, bool) or not isinstance(wanted, int) or wanted < 1:
            raise SpecError(f"channels={wanted!r} must be a whole number, at least 1")
        for name, count in counts.items():
            if count % wanted:
                raise SpecError(
                    f"channels={wanted} does not divide the {count} channels of '{name}'; "
                    f"it takes a divisor of {common}, or other taps=(...)"
                )
        return wanted
    if common == 1 and max(counts.values()) > 1:
        said = ", ".join(f"{name} {count}" for name, count in counts.items())
        raise ModelError(
            f"no block of more than one channel fits all places ({said}); name others in taps=(...), or say channels=1"
        ).at("taps")
    return common


def shared_parameters(model: nn.Module) -> list[nn.Parameter]:
    """The parameters of the shared block in ``model`` and of the norms of its places, each once."""
    found = [p for module in model.modules() if isinstance(module, TinyBlock | PlaceNorm) for p in module.parameters()]
    return list(dict.fromkeys(found))
