"""``mho describe``: what sits where."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from mho.cli.options import MemoryOptions, load_model
from mho.errors import SpecError


def describe(
    checkpoint: Annotated[str, Parameter(help="Network: a .safetensors file, or a published CIFAR ResNet (.th).")],
    /,
    *,
    memory: MemoryOptions = MemoryOptions(),  # noqa: B008 - frozen
    tile: Annotated[str, Parameter(help="Rows x columns of one array, in cells.")] = "128x128",
    slots: Annotated[bool, Parameter(negative="", help="Print where every duplicated column stands, too.")] = False,
) -> None:
    """Print layer, cells, tiles and quantisation error, and what stays digital and why."""
    rows, _, columns = tile.lower().partition("x")
    if not (rows.isdecimal() and columns.isdecimal()):
        raise SpecError(f"--tile '{tile}' must be rows x columns, such as 128x128")
    rules = memory.rules(sigma=0.0)
    from mho.memory import deploy
    from mho.memory import describe as layout

    found = layout(deploy(load_model(checkpoint), rules), tile=(int(rows), int(columns)))
    print(found)
    if slots and found.embeddings:
        print(f"\n{found.where()}")
    elif slots:
        print("\nno duplicates: this memory has no redundancy that stores any")
