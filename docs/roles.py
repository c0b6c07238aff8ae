"""What docstrings write for the eye becomes Markdown for the reference: roles and plain-text tables."""

from __future__ import annotations

import re
from typing import Any

import griffe

_ROLE = re.compile(r":(?:class|func|meth|mod|data|attr):`~?([^`]+)`")
_TABLE = re.compile(r"^(=+ +=[= ]*\n(?:.*\n)*=+ +=[= ]*)$", re.MULTILINE)


class Roles(griffe.Extension):
    """Rewrites docstrings while the package is read."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        """``:func:`mho.deploy``` becomes code; a table ruled with equals signs keeps its columns."""
        if obj.docstring is not None:
            text = _ROLE.sub(r"`\1`", obj.docstring.value)
            obj.docstring.value = _TABLE.sub(r"```text\n\1\n```", text)
