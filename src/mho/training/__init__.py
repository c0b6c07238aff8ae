"""Making networks: ordinary training with the papers' recipes, and methods that make a network tolerant.

Importing this package does not import torch; the first call of :func:`train` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from mho.training.gates.method import Gates
from mho.training.method import Method
from mho.training.methods.adversarial import AdversarialWeights
from mho.training.methods.averaged import AveragedNoise
from mho.training.methods.correctnet import CorrectNet
from mho.training.methods.irs import IntermediateSnapshots
from mho.training.methods.noise_injection import NoiseInjection
from mho.training.methods.ovf import OrientedVariationalForward
from mho.training.methods.plain import Plain
from mho.training.methods.right_censored import RightCensored
from mho.training.methods.temperature import Temperature
from mho.training.noises.base import GaussianNoise, IndependentNoise, Noise
from mho.training.noises.censored import (
    CentredCensoredNoise,
    DoublyCensoredNoise,
    LeftCensoredNoise,
    RightCensoredNoise,
    ShiftedGaussianNoise,
    ShiftNoise,
)
from mho.training.noises.distributions import RightTruncatedNoise, SaltAndPepperNoise, UniformNoise
from mho.training.noises.level_dependent import LevelDependentNoise
from mho.training.noisy import NoisyMethod
from mho.training.observers import Observer
from mho.training.presets import PRESETS, Preset, preset
from mho.training.recipe import Recipe
from mho.training.sigma_search import SigmaSearch
from mho.training.trackers import TensorBoard, WandB

if TYPE_CHECKING:
    from mho.training.checkpoint import load_checkpoint
    from mho.training.compensation.layers import with_compensation
    from mho.training.compensation.result import CompensatedLayer, Compensation
    from mho.training.compensation.verb import compensate
    from mho.training.gates.compact import CompactLinear, shrink
    from mho.training.gates.layers import with_gates, without_gates
    from mho.training.gates.pools import pools
    from mho.training.gates.result import Pruned
    from mho.training.gates.sparse import LayerSparsity, Sparsity, sparsity
    from mho.training.gates.verb import prune
    from mho.training.insitu import in_situ
    from mho.training.insitu_result import InSitu
    from mho.training.loop import train
    from mho.training.monitor import Monitor
    from mho.training.norms import refresh_norms
    from mho.training.record import Epoch, Origin, history, origin
    from mho.training.sharing.insertion import with_shared_block
    from mho.training.sharing.result import Place, SharedBlock
    from mho.training.sharing.verb import share_block
    from mho.training.teacher import Teacher

__all__ = [
    "METHODS",
    "PRESETS",
    "AdversarialWeights",
    "AveragedNoise",
    "CentredCensoredNoise",
    "CompactLinear",
    "CompensatedLayer",
    "Compensation",
    "CorrectNet",
    "DoublyCensoredNoise",
    "Epoch",
    "Gates",
    "GaussianNoise",
    "InSitu",
    "IndependentNoise",
    "IntermediateSnapshots",
    "LayerSparsity",
    "LeftCensoredNoise",
    "LevelDependentNoise",
    "Method",
    "Monitor",
    "Noise",
    "NoiseInjection",
    "NoisyMethod",
    "Observer",
    "OrientedVariationalForward",
    "Origin",
    "Place",
    "Plain",
    "Preset",
    "Pruned",
    "Recipe",
    "RightCensored",
    "RightCensoredNoise",
    "RightTruncatedNoise",
    "SaltAndPepperNoise",
    "SharedBlock",
    "ShiftNoise",
    "ShiftedGaussianNoise",
    "SigmaSearch",
    "Sparsity",
    "Teacher",
    "Temperature",
    "TensorBoard",
    "UniformNoise",
    "WandB",
    "compensate",
    "history",
    "in_situ",
    "load_checkpoint",
    "origin",
    "pools",
    "preset",
    "prune",
    "refresh_norms",
    "share_block",
    "shrink",
    "sparsity",
    "train",
    "with_compensation",
    "with_gates",
    "with_shared_block",
    "without_gates",
]

METHODS: Mapping[str, type[Method]] = MappingProxyType(
    {
        "plain": Plain,
        "noise": NoiseInjection,
        "right-censored": RightCensored,
        "ovf": OrientedVariationalForward,
        "irs": IntermediateSnapshots,
        "correctnet": CorrectNet,
        "adversarial": AdversarialWeights,
        "temperature": Temperature,
        "average": AveragedNoise,
    }
)
"""Every method by the name that the command line gives it; the last two are controls."""

_HOMES = {
    "CompactLinear": "gates.compact",
    "CompensatedLayer": "compensation.result",
    "Compensation": "compensation.result",
    "Epoch": "record",
    "InSitu": "insitu_result",
    "LayerSparsity": "gates.sparse",
    "Monitor": "monitor",
    "Origin": "record",
    "Place": "sharing.result",
    "Pruned": "gates.result",
    "SharedBlock": "sharing.result",
    "Sparsity": "gates.sparse",
    "Teacher": "teacher",
    "compensate": "compensation.verb",
    "history": "record",
    "in_situ": "insitu",
    "load_checkpoint": "checkpoint",
    "origin": "record",
    "pools": "gates.pools",
    "prune": "gates.verb",
    "refresh_norms": "norms",
    "share_block": "sharing.verb",
    "shrink": "gates.compact",
    "sparsity": "gates.sparse",
    "train": "loop",
    "with_compensation": "compensation.layers",
    "with_gates": "gates.layers",
    "with_shared_block": "sharing.insertion",
    "without_gates": "gates.layers",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'mho.training' has no attribute '{name}'")
    return getattr(import_module(f"mho.training.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
