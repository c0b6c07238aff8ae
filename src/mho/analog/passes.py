"""Where a forward pass begins: reads in evaluation are numbered from there, and their number addresses their noise."""

from __future__ import annotations

from typing import Any

from torch import nn

from mho.analog.bank import Bank


def number_reads(model: nn.Module) -> None:
    """Let a call of ``model`` as a whole begin the numbers anew; a layer called alone does so for itself."""
    if any(not bank.exact for bank in _banks(model)):
        model.register_forward_pre_hook(_begin)
        model.register_forward_hook(_end, always_call=True)


def number_reads_of_layer(layer: nn.Module) -> None:
    """Let a call of ``layer`` begin the numbers anew, unless it is part of a call of its model."""
    layer.register_forward_pre_hook(_begin_alone)


def forget_numbers(module: nn.Module) -> None:
    """Undo what this file did to a module."""
    for hooks in (module._forward_pre_hooks, module._forward_hooks):
        for number in [n for n, hook in hooks.items() if hook in (_begin, _begin_alone, _end)]:
            del hooks[number]
            module._forward_hooks_always_called.pop(number, None)


def _banks(model: nn.Module) -> list[Bank]:
    return [module for module in model.modules() if isinstance(module, Bank)]


def _begin(model: nn.Module, args: Any) -> None:
    for bank in _banks(model):
        bank.begin_pass(whole=True)


def _begin_alone(layer: nn.Module, args: Any) -> None:
    for bank in _banks(layer):
        bank.begin_pass(whole=False)


def _end(model: nn.Module, args: Any, output: Any) -> None:
    for bank in _banks(model):
        bank.end_pass()
