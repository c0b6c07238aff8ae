"""Where data is looked for, and where a download goes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mho.data.download import download
from mho.errors import DataError


@dataclass(frozen=True, kw_only=True)
class Remote:
    """Something to download into a data root.

    Attributes:
        urls: mirrors, tried in order.
        md5: the published checksum of the download; empty where that is another.
        sha256: likewise.
        target: where the file goes below the root; for an archive, the folder that it unpacks.
        archive: whether the download is an archive to unpack.
    """

    urls: tuple[str, ...]
    md5: str = ""
    sha256: str = ""
    target: str
    archive: bool = False


def search_path(root: str | Path | None) -> tuple[Path, ...]:
    """The data roots in the order searched: ``root``, ``$MHO_DATA``, ``./data``, ``~/.cache/mho/data``."""
    given = [Path(root)] if root is not None else []
    environment = [Path(os.environ["MHO_DATA"])] if os.environ.get("MHO_DATA") else []
    return tuple(path.expanduser() for path in (*given, *environment, Path("data"), Path("~/.cache/mho/data")))


def find(root: str | Path | None, names: Sequence[str]) -> Path | None:
    """The first of ``names`` (paths below a data root) that exists, root by root; ``None`` if none does."""
    for folder in search_path(root):
        for name in names:
            if os.path.exists(folder / name):  # Path.exists raises where a folder may not be read
                return folder / name
    return None


def obtain(root: str | Path | None, names: Sequence[str], remote: Remote, *, what: str) -> Path:
    """The first of ``names`` that exists below a data root; downloaded from ``remote`` where none does.

    A download goes to ``root``, else to ``$MHO_DATA``, else to ``~/.cache/mho/data``.

    Args:
        root: the user's argument, searched first.
        names: equivalent paths below a root, such as a file and its ``.gz``.
        remote: what to download.
        what: the data set, for the error.

    Raises:
        DataError: not found and not to be had; says where was searched, what is missing and its address.
    """
    found = find(root, names)
    if found is not None:
        return found
    roots = search_path(root)
    home = roots[0] if root is not None or os.environ.get("MHO_DATA") else roots[-1]
    try:
        download(remote.urls, remote.md5 or remote.sha256, home / remote.target, archive=remote.archive)
    except (OSError, DataError) as error:
        searched = ", ".join(map(str, roots))
        raise DataError(
            f"{what}: {names[0]} is in none of {searched}, and the download failed ({error}): "
            f"get {remote.urls[0]} and {'unpack' if remote.archive else 'put'} it so that "
            f"{home / names[0]} exists"
        ) from None
    found = find(home, names)
    if found is None:
        raise DataError(f"{what}: {remote.urls[0]} was downloaded but holds no {names[0]}")
    return found
