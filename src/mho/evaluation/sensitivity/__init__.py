"""WHICH WEIGHTS MATTER: the second derivative of the loss in one pass, and what it is compared with."""

from mho.evaluation.sensitivity.graph import NoRule, Step, propagate, rule
from mho.evaluation.sensitivity.layers import LayerSensitivity
from mho.evaluation.sensitivity.losses import Loss
from mho.evaluation.sensitivity.method import Found, Method
from mho.evaluation.sensitivity.methods import METHODS, register
from mho.evaluation.sensitivity.result import Sensitivity
from mho.evaluation.sensitivity.rules.arithmetic import elementwise
from mho.evaluation.sensitivity.rules.routing import route
from mho.evaluation.sensitivity.task import Task
from mho.evaluation.sensitivity.verb import sensitivity

__all__ = [
    "METHODS",
    "Found",
    "LayerSensitivity",
    "Loss",
    "Method",
    "NoRule",
    "Sensitivity",
    "Step",
    "Task",
    "elementwise",
    "propagate",
    "register",
    "route",
    "rule",
    "sensitivity",
]
