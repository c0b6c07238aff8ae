"""Weights of chips: what every way of making them has in common."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor

from mho.programming import Cost


class Source(ABC):
    """Abstract source of one weight tensor on any chips."""

    @abstractmethod
    def sample(self, seed: int, chips: Tensor, out: Tensor | None = None) -> Tensor:
        """Effective weights of ``chips`` ``(chips,)``, shape ``(chips, *weight.shape)`` float32.

        ``out``, of that shape, may be written to and returned, which saves an allocation per chip.
        """

    def tensors(self, name: str, seed: int, chips: Tensor, out: Tensor | None = None) -> dict[str, Tensor]:
        """All that a chip replaces in the model for the parameter ``name``: its weights, and what goes with them."""
        return {name: self.sample(seed, chips, out)}

    @property
    def by_cell(self) -> bool:
        """Whether chips are made cell by cell, not weight by weight."""
        return False


class Sampler(Source):
    """Abstract source of one weight tensor that is programmed onto cells."""

    @property
    @abstractmethod
    def cost(self) -> Cost:
        """What programming these cells of one chip costs on average."""

    @property
    @abstractmethod
    def bytes_per_chip(self) -> int:
        """Memory that sampling one chip takes."""

    @property
    @abstractmethod
    def numbers(self) -> int:
        """Random numbers that sampling one chip takes."""

    @abstractmethod
    def scaled(self, gain: Tensor) -> Sampler:
        """The same chips with every effective weight multiplied by ``gain`` (broadcastable to the weight)."""
