"""Downloads that appear whole and verified, or not at all."""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
import urllib.request
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from http.client import HTTPException
from pathlib import Path, PurePosixPath
from typing import IO

from mho.errors import DataError

_TIMEOUT_S = 20.0
_CHUNK = 1 << 20


def download(urls: Sequence[str], checksum: str, target: Path, *, archive: bool = False) -> None:
    """Fetch the first mirror that answers with the right bytes.

    Args:
        urls: mirrors in order.
        checksum: published of the file: md5 (32 digits) or sha256 (64).
        target: file to make; with ``archive`` the folder that the archive unpacks (others are skipped).
        archive: unpack a ``.tar.gz`` or ``.zip`` beside ``target``.

    Raises:
        DataError: no mirror gave the file; names the last reason.
        OSError: the disk could not be written.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    algorithm = "sha256" if len(checksum) == 64 else "md5"
    reason = "no address"
    try:
        for url in urls:
            try:
                got = _stream(url, temporary, algorithm)
            except (OSError, ValueError, HTTPException) as error:  # URLError is an OSError
                reason = f"{url}: {getattr(error, 'reason', error)}"
                continue
            if got != checksum:
                reason = f"{url}: {algorithm} {got} instead of {checksum}"
                continue
            if archive:
                unpack(temporary, target)
            else:
                temporary.replace(target)
            return
        raise DataError(reason)
    finally:
        temporary.unlink(missing_ok=True)


def _stream(url: str, path: Path, algorithm: str) -> str:
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as answer, path.open("wb") as out:
        while chunk := answer.read(_CHUNK):
            digest.update(chunk)
            out.write(chunk)
    return digest.hexdigest()


def unpack(archive: Path, folder: Path) -> None:
    """Unpack the members of ``archive`` below ``folder.name/`` into ``folder``, each file atomically.

    Raises:
        DataError: the archive is corrupt.
    """
    try:
        for name, stream in _members(archive):
            parts = PurePosixPath(name).parts
            if len(parts) < 2 or parts[0] != folder.name or ".." in parts:
                continue
            path = folder.joinpath(*parts[1:])
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
            try:
                with temporary.open("wb") as out:
                    shutil.copyfileobj(stream, out)
                temporary.replace(path)
            finally:
                temporary.unlink(missing_ok=True)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, zlib.error) as error:
        raise DataError(f"{archive} is corrupt ({error})") from None


def _members(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened:
            for entry in opened.infolist():
                if not entry.is_dir():
                    with opened.open(entry) as stream:
                        yield entry.filename, stream
        return
    with tarfile.open(archive) as tar:
        for member in tar:
            content = tar.extractfile(member) if member.isfile() else None
            if content is not None:
                yield member.name, content
