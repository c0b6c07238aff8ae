"""CELLS -> MODEL: the Memory spec, name rules, deploy, describe, and validate -> explain -> fix."""

from mho.memory.deployment import Chips, deploy
from mho.memory.description import Description, DigitalTensor, StoredLayer
from mho.memory.layers import LayerRule, register
from mho.memory.layout import describe
from mho.memory.spec import Memory, NameRules
from mho.memory.validation import Problem, fix, validate

__all__ = [
    "Chips",
    "Description",
    "DigitalTensor",
    "LayerRule",
    "Memory",
    "NameRules",
    "Problem",
    "StoredLayer",
    "deploy",
    "describe",
    "fix",
    "register",
    "validate",
]
