"""validate -> explain -> fix: what in a user's model cannot be programmed, why, and what to do."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatch

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.parameter import is_lazy
from torch.nn.utils import parametrize

from mho.errors import ModelError
from mho.memory.layers import full_name, matrices, rule_for

DTYPES = (torch.float32,)
"""Types of weights that can be programmed."""


@dataclass(frozen=True)
class Problem:
    """One reason why a model cannot be deployed.

    Attributes:
        where: module or parameter.
        what: the reason, one line.
        remedy: what to do about it, one line.
        fixable: whether :func:`fix` does it.
    """

    where: str
    what: str
    remedy: str
    fixable: bool

    def __str__(self) -> str:
        return f"{self.where}: {self.what}; {self.remedy}"


def validate(model: nn.Module) -> list[Problem]:
    """Everything that stands in the way of deploying ``model``; empty where nothing does."""
    if not isinstance(model, nn.Module):
        raise ModelError(f"deploy takes a torch.nn.Module, not a {type(model).__name__}")
    lazy = [n for n, p in model.named_parameters() if is_lazy(p)]
    if lazy:
        # Nothing else can be asked of parameters without a shape.
        return [Problem(lazy[0], "has no shape yet (lazy module)", "run the model on one batch first", False)]
    return [problem for check in _CHECKS for problem in check(model)]


def fix(model: nn.Module) -> nn.Module:
    """A copy of ``model`` with every fixable problem solved; the model passed in stays as it is.

    Puts the model in evaluation mode, unties shared weights, bakes parametrisations in and converts weights to
    float32.

    Raises:
        ModelError: a problem remains that only its owner can solve.
    """
    _refuse([p for p in validate(model) if not p.fixable])
    fixed = copy.deepcopy(model)
    fixed.eval()
    for module in fixed.modules():
        if parametrize.is_parametrized(module):
            _own_class(module)
            for name in list(module.parametrizations):  # type: ignore[arg-type]
                parametrize.remove_parametrizations(module, name, leave_parametrized=True)
    fixed.float()
    for names in _shared(fixed):
        for name in names[1:]:
            owner, _, leaf = name.rpartition(".")
            module = fixed.get_submodule(owner)
            setattr(module, leaf, nn.Parameter(getattr(module, leaf).detach().clone()))
    require_valid(fixed)
    return fixed


def _own_class(module: nn.Module) -> None:
    """Part ``module`` from its original: a deep copy shares the class that a parametrisation has made for it."""
    kind = type(module)
    own = {k: v for k, v in vars(kind).items() if k not in ("__dict__", "__weakref__")}
    module.__class__ = type(kind.__name__, kind.__bases__, own)


def require_valid(model: nn.Module, digital: Callable[[str], bool] = lambda _: False) -> None:
    """Raise :class:`ModelError`, one line a problem, unless the model can be deployed.

    Args:
        model: any module.
        digital: whether a parameter of this name stays digital; tensors may share what no cell holds.
    """
    problems = validate(model)
    tied = _shared(model) if any("(tied)" in p.what for p in problems) else []
    allowed = {" and ".join(names) for names in tied if all(map(digital, names))}
    _refuse([p for p in problems if p.where not in allowed])


def _refuse(problems: list[Problem]) -> None:
    if problems:
        lines = [str(p) for p in problems[:8]]
        lines += [f"... and {len(problems) - 8} more"] if len(problems) > 8 else []
        if all(p.fixable for p in problems):
            lines.append("all of this can be done for you: mho.memory.fix(model) returns a copy that deploys")
        raise ModelError("\n".join(lines))


def _non_finite(model: nn.Module) -> list[Problem]:
    out = []
    for name, p in [*model.named_parameters(), *model.named_buffers()]:
        if not p.is_floating_point() or bool(torch.isfinite(p).all()):
            continue
        if not isinstance(p, nn.Parameter) and "running" not in name:
            continue  # masks of -inf are buffers too, and meant so
        what = "weights" if isinstance(p, nn.Parameter) else "statistics"
        bad = int((~torch.isfinite(p)).sum())
        out.append(Problem(name, f"{bad} of {p.numel()} {what} are NaN or infinite", "retrain or reload", False))
    return out


def _shared(model: nn.Module) -> list[list[str]]:
    """Names of tensors that several layers share, if one of these layers would store it.

    A layer that is called, or registered, more than once is one array read more than once, and no problem.
    """
    owners: dict[int, list[str]] = defaultdict(list)
    stored = set()
    for prefix, module in model.named_modules():
        for leaf, p in module.named_parameters(recurse=False):
            owners[id(p)].append(full_name(prefix, leaf))
        stored |= {full_name(prefix, leaf) for leaf, _ in matrices(module)}
    return [names for names in owners.values() if len(names) > 1 and stored & set(names)]


def _tied(model: nn.Module) -> list[Problem]:
    return [
        Problem(
            " and ".join(names),
            "they are one shared (tied) tensor, but cells of two arrays cannot be shared",
            "untie them, or keep them digital in a copy without tying",
            True,
        )
        for names in _shared(model)
    ]


def _train_mode(model: nn.Module) -> list[Problem]:
    for name, module in model.named_modules():
        if isinstance(module, _BatchNorm) and module.training and module.running_mean is not None:
            return [
                Problem(
                    name,
                    f"{type(module).__name__} is in training mode, so a result would depend on the batch",
                    "call model.eval()",
                    True,
                )
            ]
    return []


def _batch_statistics(model: nn.Module) -> list[Problem]:
    return [
        Problem(
            name,
            f"{type(module).__name__} keeps no running statistics, so a result would depend on the batch",
            "train it with track_running_stats=True",
            False,
        )
        for name, module in model.named_modules()
        if isinstance(module, _BatchNorm) and module.running_mean is None
    ]


def _quantised(model: nn.Module) -> list[Problem]:
    return [
        Problem(
            name or type(module).__name__,
            f"{type(module).__name__} is already quantised and keeps no float weights",
            "deploy the float model; the mapping quantises it",
            False,
        )
        for name, module in model.named_modules()
        if "quantized" in type(module).__module__.split(".")
        # Packed layers hand their weights out by a method; their parts and quantised activations have none.
        and any(callable(getattr(module, method, None)) for method in ("weight", "get_weight"))
    ]


def _dtypes(model: nn.Module) -> list[Problem]:
    out = []
    for prefix, module in model.named_modules():
        for name, _ in matrices(module):
            parameter = module.get_parameter(name)
            if parameter.dtype not in DTYPES:
                where = full_name(prefix, name)
                convertible = parameter.is_floating_point()
                out.append(
                    Problem(
                        where,
                        f"weights are {str(parameter.dtype).removeprefix('torch.')}; only float32 can be programmed",
                        "call model.float()" if convertible else "rewrite the layer with real weights",
                        convertible,
                    )
                )
    return out


def _parametrised(model: nn.Module) -> list[Problem]:
    return [
        Problem(
            name,
            "its weight is computed by a parametrisation, so there is no tensor to program",
            "bake it in with torch.nn.utils.parametrize.remove_parametrizations",
            True,
        )
        for name, module in model.named_modules()
        if parametrize.is_parametrized(module)
    ]


def _recomputed(model: nn.Module) -> list[Problem]:
    out = []
    for prefix, module in model.named_modules():
        rule = rule_for(module)
        for leaf, value in vars(module).items():
            # Hooks (pruning, weight norm, spectral norm of torch.nn.utils) put a tensor where the parameter was.
            if rule and isinstance(value, Tensor) and any(fnmatch(leaf, pattern) for pattern in rule.parameters):
                where = full_name(prefix, leaf)
                remedy = "make it permanent with torch.nn.utils.prune.remove or remove_weight_norm"
                out.append(Problem(where, "is computed by a hook, so there is no tensor to program", remedy, False))
    return out


def _marked(model: nn.Module) -> list[Problem]:
    for name, module in model.named_modules():
        # Kinds of modules that stand for something else than what is stored say so: (what, remedy).
        said = getattr(type(module), "deploy_refused", None)
        if said is not None:
            what, remedy = said
            return [Problem(name or type(module).__name__, what, remedy, False)]
    return []


def _devices(model: nn.Module) -> list[Problem]:
    places = {str(p.device): n for n, p in model.named_parameters()}
    if len(places) < 2:
        return []
    where = ", ".join(f"{name} on {place}" for place, name in places.items())
    return [Problem("model", f"is spread over several devices ({where})", "move it to one: model.to('cuda')", False)]


_CHECKS: tuple[Callable[[nn.Module], list[Problem]], ...] = (
    _marked,
    _quantised,
    _parametrised,
    _recomputed,
    _dtypes,
    _non_finite,
    _train_mode,
    _batch_statistics,
    _tied,
    _devices,
)
