"""What a network of the zoo was built as: a converted one is that no longer, until it is extracted again."""

from __future__ import annotations

from torch import nn

_BUILT_AS, _WAS = "_mho_built_as", "_mho_was_built_as"


def hide_mark(model: nn.Module) -> None:
    """So that :func:`mho.zoo.save` does not promise that the zoo can rebuild it."""
    _rename(model, _BUILT_AS, _WAS)


def restore_mark(model: nn.Module) -> None:
    """Undo :func:`hide_mark`."""
    _rename(model, _WAS, _BUILT_AS)


def _rename(model: nn.Module, before: str, after: str) -> None:
    if before in vars(model):
        vars(model)[after] = vars(model).pop(before)
