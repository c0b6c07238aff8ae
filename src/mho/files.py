"""Files that are written whole or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from pathlib import Path
from typing import Any

from mho.errors import OutputError


def write_bytes(path: str | os.PathLike[str], data: bytes) -> Path:
    """Write ``data`` so that a reader sees the old file or the new one, never half of one.

    The bytes go to a temporary file in the same folder, are forced to disk, and take the name by a rename.

    Args:
        path: the file; its folder must exist. A link is followed.
        data: what it shall hold.

    Returns:
        ``path``.

    Raises:
        OutputError: the folder is missing or closed, the path is no file, the disk is full; nothing half-written
            is left behind.
    """
    target = check_writable(path)
    temporary = target.with_name(f".mho-{secrets.token_hex(6)}.tmp")
    try:
        with open(temporary, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from None
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
    return Path(path)


def write_text(path: str | os.PathLike[str], text: str) -> Path:
    """Write ``text`` as UTF-8; see :func:`write_bytes`."""
    return write_bytes(path, text.encode("utf-8", errors="replace"))


def write_json(path: str | os.PathLike[str], data: Any) -> Path:
    """Write plain data as JSON; see :func:`write_bytes`."""
    return write_text(path, json.dumps(data, indent=1, allow_nan=False) + "\n")


def check_writable(path: str | os.PathLike[str]) -> Path:
    """The real path of ``path``, if a file could be written there; asked before long work, not after it.

    Raises:
        OutputError: the folder is missing, or the path is a folder or a device.
    """
    target = Path(os.path.realpath(path))
    if not target.parent.is_dir():
        raise OutputError(f"cannot write {path}: the folder {target.parent} does not exist")
    # A rename would replace a device such as /dev/null by a plain file.
    if os.path.exists(target) and not target.is_file():
        raise OutputError(f"cannot write {path}: it is a {'folder' if target.is_dir() else 'device'}, not a file")
    return target
