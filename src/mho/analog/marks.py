"""What a network of the zoo was built as: a converted one is that no longer, until it is extracted again."""

from __future__ import annotations

from torch import nn

_BUILT_AS, _WAS = "_mho_built_as", "_mho_was_built_as"


def hide_mark(model: nn.Module) -> None:
    """So that :func:`mho.zoo.save` does not promise that the zoo can rebuild it, and says so."""
    vars(model)[_WAS] = vars(model).pop(_BUILT_AS, None)


def restore_mark(model: nn.Module) -> None:
    """Undo :func:`hide_mark`."""
    mark = vars(model).pop(_WAS, None)
    if mark is not None:
        vars(model)[_BUILT_AS] = mark
