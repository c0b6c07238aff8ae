"""A whole choice, tried: a tiny network is trained, deployed and asked about."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from mho.analog.algorithm import Algorithm
from mho.codesign.compatibility_questions import Job, MeansNothingError, evaluated, in_place, searched
from mho.codesign.compatibility_training import SEARCH, Learnt, trained, uses_memory
from mho.devices import RRAM1, PositionCode
from mho.devices.pulsed import PulsedCell
from mho.errors import MhoError
from mho.memory import Memory
from mho.zoo.binary.layers import BinaryLinear


@dataclass(frozen=True)
class Choice:
    """One thing of every axis, made."""

    device: Any
    mapping: Any
    programming: Any
    redundancy: Any
    training: Any
    question: Any


class Trials:
    """Runs choices; networks that are trained in one way are trained once."""

    def __init__(self) -> None:
        draws = torch.Generator().manual_seed(0)
        classes = torch.tensor([0, 1, 2, 0, 1, 2])
        self.data, self.calibration = ((torch.randn(6, 4, generator=draws), classes) for _ in range(2))
        self._networks = {binary: _network(BinaryLinear if binary else nn.Linear, draws) for binary in (False, True)}
        self._learnt: dict[Any, Learnt | MhoError] = {}

    def run(self, choice: Choice) -> str:
        """Do it.

        Returns:
            Why the network was not trained on the very memory that it is deployed on; empty if it was, or on none.

        Raises:
            MhoError: what a user would be told.
            MeansNothingError: there is nothing to do.
        """
        how = choice.training
        if choice.question is searched:
            if not hasattr(how, "sigma"):
                raise MeansNothingError
            how = how.replace(sigma=SEARCH)
        if isinstance(choice.device, PulsedCell) and isinstance(how, Algorithm):
            if not hasattr(how, "cell"):
                raise MeansNothingError
            # Cells that were trained on; the network is then written to others.
            how, choice = how.replace(cell=choice.device), replace(choice, device=RRAM1(sigma=0.1))
        if how is in_place and choice.question is not evaluated:
            raise MeansNothingError
        memory = _memory(choice)
        if how is in_place:
            in_place(Job(self._networks[memory.mapping.binary], memory, self.data, self.calibration))
            return ""
        learnt = self._train(how, memory)
        rules = memory if learnt.rules is None else learnt.rules
        choice.question(Job(learnt.model, rules, self.data, self.calibration))
        return learnt.apart

    def _train(self, how: Any, memory: Memory) -> Learnt:
        binary = memory.mapping.binary
        used = memory if uses_memory(how) else None
        key = how, used, binary
        if key not in self._learnt:
            try:
                self._learnt[key] = trained(how, self._networks[binary], self.calibration, used)
            except MhoError as error:
                self._learnt[key] = error
        found = self._learnt[key]
        if isinstance(found, MhoError):
            raise found
        return found


def _network(layer: type[nn.Linear], draws: torch.Generator) -> nn.Module:
    made = nn.Sequential(layer(4, 6), nn.ReLU(), layer(6, 3))
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=draws))
    return made.eval()


def _memory(choice: Choice) -> Memory:
    device, measure = choice.device, choice.redundancy
    if isinstance(measure, PositionCode):
        if not getattr(device, "slips", False):
            raise MeansNothingError  # there are no positions
        device, measure = device.replace(correction=measure), None
    return Memory(device=device, mapping=choice.mapping, programming=choice.programming, redundancy=measure)
