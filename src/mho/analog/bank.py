"""The arrays that hold one weight tensor of a layer."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from math import prod
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from mho.analog.algorithm import Algorithm
from mho.analog.matmul import Exact, Pass, Product, recorded
from mho.analog.peripherals import Peripherals
from mho.analog.placeholder import Placeholder
from mho.analog.reading import Noise, read, read_noise
from mho.analog.tile import Tile
from mho.errors import ModelError
from mho.spec import Spec

_TOGETHER = 1 << 22
"""Numbers that are given to a tile at once, about: small passes are put together, large ones cut."""

Vectors = Callable[[Tensor, Tensor], Iterator[tuple[int, Tensor, Tensor]]]
"""``(x, d)`` of a pass to vectors ``(n, inputs)`` and ``(n, outputs)`` of blocks, in order and in pieces."""


class Site(NamedTuple):
    """Where arrays stand, and what is around them.

    Attributes:
        forward: peripherals of the forward pass.
        backward: of the backward pass.
        scale: model weight in one of the array, or "weights": ``max|W| / omega``.
        omega: conductance that the largest weight starts at.
        seed: decides all devices and pulses.
        chip: which device.
        counted: whether pulses are counted, one number a device.
    """

    forward: Peripherals
    backward: Peripherals
    scale: float | str
    omega: float
    seed: int
    chip: int
    counted: bool


class Bank(nn.Module):
    """One weight tensor on arrays: on one, or on several that each hold a block of its rows.

    The tensor, of which dimension 0 counts outputs, is taken as a matrix ``(outputs, inputs)``. An array holds
    ``W / s`` of the model's weights W, with one digital factor s for all blocks. A step of SGD on the model's weights,
    ``W -= rate d x^T`` with d = dLoss/dy, is therefore ``rate / s`` in units of the array.

    Args:
        weight: the tensor to hold; it is written to the arrays as well as these can, without errors of writing.
        algorithm: how the arrays are trained.
        name: of the parameter in the model.
        blocks: how many arrays share the outputs.
        site: peripherals, scale, seed and chip.
        learns: whether the weight shall be trained.

    Attributes:
        tiles: the arrays; of several, number i is called ``name.i``.
        scale: s, ``()`` float64.
        reads: vectors read so far in training, forward and backward, ``(2,)`` int64: the address of their noise.
    """

    scale: Tensor
    reads: Tensor

    def __init__(
        self, weight: Tensor, algorithm: Algorithm, name: str, *, blocks: int, site: Site, learns: bool
    ) -> None:
        super().__init__()
        self.name, self.site, self.learns = name, site, learns
        self.shape = tuple(weight.shape)
        rows, columns = weight.shape[0] // blocks, prod(weight.shape[1:])
        names = [name] if blocks == 1 else [f"{name}.{i}" for i in range(blocks)]
        self.tiles = nn.ModuleList(
            Tile(algorithm, (rows, columns), name=n, seed=site.seed, chips=(site.chip,), counted=site.counted)
            for n in names
        )
        largest = float(weight.detach().abs().max()) if weight.numel() else 0.0
        scale = site.scale if isinstance(site.scale, float) else largest / site.omega or 1.0
        self.register_buffer("scale", torch.tensor(scale, dtype=torch.float64))
        self.register_buffer("reads", torch.zeros(2, dtype=torch.int64))
        self._passes: list[Pass] = []
        self._heard = False
        self._gradient: Placeholder | None = None
        self._places, self._within = [0] * blocks, False
        self.program(weight)

    @property
    def exact(self) -> bool:
        """Whether products are those of the weights, both ways."""
        return self.site.forward.ideal and self.site.backward.ideal

    @property
    def learning(self) -> bool:
        """Whether an optimiser listens, and the weight shall be trained."""
        return self._heard and self.learns

    @property
    def waiting(self) -> bool:
        """Whether a backward pass has left something for the next step."""
        self._settle()
        return bool(self._passes)

    @property
    def finite(self) -> bool:
        """Whether no number that waits is NaN or infinite."""
        return all(found.finite for found in self._passes)

    def specs(self) -> tuple[Spec, ...]:
        """The algorithm, and the peripherals that are not ideal."""
        around = (self.site.forward, self.site.backward)
        return (self.tile(0).algorithm, *(spec for spec in around if not spec.ideal))

    @torch.no_grad()
    def program(self, weight: Tensor) -> None:
        """Write the model's weights to the arrays, within the bounds of their devices.

        Raises:
            ModelError: they are no finite tensor of the shape of the parameter.
        """
        if not isinstance(weight, Tensor):
            raise ModelError(f"{self.name}: {type(weight).__name__} is no tensor of weights for an array")
        if tuple(weight.shape) != self.shape:
            raise ModelError(f"{self.name}: weights of shape {tuple(weight.shape)}; its arrays take {self.shape}")
        if not finite(weight.detach()):
            raise ModelError(f"{self.name}: a weight is NaN or infinite; no array can hold that")
        matrix = weight.detach().reshape(self.shape[0], -1) / float(self.scale)
        for block, rows in enumerate(matrix.chunk(len(self.tiles))):
            self.tile(block).program(rows)

    @torch.no_grad()
    def weight(self) -> Tensor:
        """What the arrays hold, as weights of the model."""
        blocks = [self.tile(i).weight[0] for i in range(len(self.tiles))]
        held = blocks[0] if len(blocks) == 1 else torch.cat(blocks)
        return (held * float(self.scale)).reshape(self.shape)

    def holds(self, weight: Tensor) -> bool:
        """Whether ``weight`` is what the arrays hold, in the type of numbers of ``weight``."""
        held, weight = self.weight().to(weight.device, weight.dtype), weight.detach()
        return torch.equal(held, weight) or torch.allclose(held, weight, rtol=0, atol=0, equal_nan=True)

    def product(self, x: Tensor, weight: Tensor, block: int = 0, product: Product | None = None) -> Tensor:
        """``x`` ``(..., inputs)`` times the weights of a block, which ``backward()`` makes wait for a step.

        Args:
            x: inputs.
            weight: those of the block, ``(outputs, inputs)``; of other products what they take.
            block: which array.
            product: another product than this, where the peripherals are exact.
        """
        if product is None:
            product = Exact() if self.exact else _Through(self, block, training=True)
        return recorded(x.to(weight.dtype), weight, product, lambda found: self._keep(block, found))

    def evaluated(self, x: Tensor, weight: Tensor, block: int = 0) -> Tensor:
        """``x`` times the weights of a block as the array is read when it is not trained.

        Gradients are those of the exact product. Vectors are numbered from the start of a call of the whole model, and
        the number is the address of their noise: the same call gives the same answer, while steps of a sequence and
        uses of a shared layer differ. Sample i of every batch has the noise of sample i, so that what is measured
        depends a little on how a test set is cut into batches.
        """
        through = _Through(self, block, training=False)
        if not torch.is_grad_enabled() or not (x.requires_grad or weight.requires_grad):
            return through.forward(x, weight)
        exact = torch.nn.functional.linear(x, weight)
        return exact + (through.forward(x.detach(), weight.detach()) - exact.detach())

    def noise(self, block: int, direction: int, x: Tensor, *, training: bool) -> Noise:
        """The noise of the next vectors ``x`` ``(n, ...)`` that are read forward (0) or backward (1)."""
        kind, first = "evaluation", self._places[block]
        if training:
            kind, first = ("forward", "backward")[direction], int(self.reads[direction])
            self.reads[direction] += len(x)
        else:
            self._places[block] += len(x)
        return read_noise(self.site.seed, self.tile(block).name, self.site.chip, kind, first, len(x), x.device)

    def begin_pass(self, *, whole: bool) -> None:
        """Number reads in evaluation from 0: of the whole model, or of a layer that is called alone."""
        if whole or not self._within:
            self._places, self._within = [0] * len(self.tiles), whole

    def end_pass(self) -> None:
        """The call of the whole model has ended."""
        self._within = False

    def listen(self, weight: nn.Parameter) -> None:
        """From now on keep what backward passes bring for the parameter: somebody will call :meth:`step`."""
        self._heard = True
        if self._gradient is None or self._gradient.weight is not weight:
            self._gradient = Placeholder(weight)

    def forget(self) -> None:
        """Drop what waits for a step."""
        self._passes = []
        if self._gradient is not None:
            self._gradient.clear()

    def ready(self, *, scaler: bool) -> None:
        """Raise unless what waits can be used as it is; ``scaler`` if a ``GradScaler`` takes the step.

        Raises:
            ModelError: an input was changed in place since, or a gradient scaled that an array does not know of.
        """
        self._settle()
        if self._gradient is not None:
            self._gradient.check(self.name, scaler=scaler)
        if any(found.changed for found in self._passes):
            raise ModelError(
                f"{self.name}: its input was changed in place between backward() and step(); give the model a copy"
            )

    @torch.no_grad()
    def gradient_norm(self, vectors: Vectors | None = None) -> float:
        """The norm of the gradient by the model's weights that all that waits makes together."""
        total: dict[int, Tensor] = {}
        for block, x, d in _together(self._passes, vectors):
            product = d.t().double() @ x.double()
            total[block] = total[block] + product if block in total else product
        return float(sum(float(part.square().sum()) for part in total.values()) ** 0.5)

    @torch.no_grad()
    def step(self, rate: float, vectors: Vectors | None = None, factor: float = 1.0) -> bool:
        """Give every array what its backward passes have left, in the order of their forward calls.

        Args:
            rate: of SGD, for the model's weights.
            vectors: how inputs and gradients become vectors; the last dimension if left out.
            factor: what gradients are multiplied by before.

        Returns:
            Whether there was anything.
        """
        left = sorted(self._passes, key=lambda found: found.number)
        self.forget()
        for block, x, d in _together(left, vectors):
            self.tile(block).update(x, d if factor == 1 else d * factor, rate / float(self.scale))
        return bool(left)

    def tile(self, block: int) -> Tile:
        """The array of a block."""
        found = self.tiles[block]
        assert isinstance(found, Tile)
        return found

    def _settle(self) -> None:
        """Drop what waits where the gradient of the parameter was dropped, as by ``model.zero_grad()``."""
        if self._gradient is not None and self._gradient.dropped:
            self.forget()

    def _apply(self, fn: Any, recurse: bool = True) -> Bank:
        # Arrays follow the layer to another device, not to other types of numbers; scale and reads stay with Python.
        for tile in self.tiles:
            device = fn(torch.empty(0)).device
            if device.type == "cpu" or (device.type == "cuda" and torch.version.hip is None):
                tile.to(device)
        return self

    def __getstate__(self) -> dict[str, Any]:
        # A copy has its own backward passes and its own optimiser.
        places = {"_places": [0] * len(self.tiles), "_within": False}
        return self.__dict__ | {"_passes": [], "_heard": False, "_gradient": None} | places

    def _keep(self, block: int, found: Pass) -> None:
        if not self.learns:
            return
        found.block = block
        if self._heard:
            self._settle()
            found.finite = finite(found.x) and finite(found.d)
            if self._gradient is not None:
                self._gradient.put(finite=found.finite)
            self._passes.append(found)
            return
        warnings.warn(
            f"{self.name} is on an array, and no mho.analog.SGD was made for its model: it learns nothing",
            stacklevel=2,
        )


class _Through:
    """The product through the peripherals of a bank, one block."""

    def __init__(self, bank: Bank, block: int, *, training: bool) -> None:
        self._bank, self._block, self._training = bank, block, training

    def forward(self, x: Tensor, weight: Tensor) -> Tensor:
        return self._read(x, weight, 0, self._bank.site.forward)

    def backward(self, d: Tensor, x: Tensor, weight: Tensor) -> Tensor:
        return self._read(d, weight.t(), 1, self._bank.site.backward)

    def _read(self, x: Tensor, weight: Tensor, direction: int, spec: Peripherals) -> Tensor:
        flat = x.reshape(-1, x.shape[-1])
        noise = self._bank.noise(self._block, direction, flat, training=self._training)
        return read(flat, weight, float(self._bank.scale), spec, noise).reshape(*x.shape[:-1], weight.shape[0])


def finite(numbers: Tensor) -> bool:
    """Whether all numbers are finite, and are so as the float32 that arrays take."""
    numbers = (numbers.coalesce().values() if numbers.is_sparse else numbers).to(torch.float32)
    # One pass: a sum is finite only if all it adds up are, and very rarely is not though they are.
    return bool(torch.isfinite(numbers.sum())) or bool(torch.isfinite(numbers).all())


def _together(left: list[Pass], vectors: Vectors | None) -> Iterator[tuple[int, Tensor, Tensor]]:
    """The vectors of all passes, in order of each block, in pieces of a fair size."""
    pieces: dict[int, list[tuple[Tensor, Tensor]]] = {}
    for found in left:
        x, d = found.x, found.d
        flat = iter([(found.block, x.reshape(-1, x.shape[-1]), d.reshape(-1, d.shape[-1]))])
        for block, inputs, errors in flat if vectors is None else vectors(x, d):
            some = pieces.setdefault(block, [])
            some.append((inputs, errors))
            if sum(i.numel() + e.numel() for i, e in some) >= _TOGETHER:
                yield block, *_joined(pieces.pop(block))
    for block, some in pieces.items():
        yield block, *_joined(some)


def _joined(pieces: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    if len(pieces) == 1:
        return pieces[0]
    return torch.cat([x for x, _ in pieces]), torch.cat([d for _, d in pieces])
