"""Tiny-ImageNet, from its standard folder of JPEG files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from mho.data.dataset import Dataset
from mho.data.images import Normalize, Split, assemble, check_request, read_error
from mho.data.roots import Remote, obtain
from mho.errors import DataError, unknown

_FOLDER = "tiny-imagenet-200"
_REMOTE = Remote(
    urls=(
        "https://cs231n.stanford.edu/tiny-imagenet-200.zip",
        "http://cs231n.stanford.edu/tiny-imagenet-200.zip",
    ),
    md5="90528d7ca1a48142e341f4ef8d21d0de",
    target=_FOLDER,
    archive=True,
)
_SIDE = 64


def tiny_imagenet(
    *,
    root: str | Path | None = None,
    split: Split = "test",
    limit: int | None = None,
    normalize: Normalize = "imagenet",
    wnids: Sequence[str] | None = None,
) -> Dataset:
    """Tiny-ImageNet: ``(N, 3, 64, 64)`` normalised pixels, 200 classes or those asked for.

    Args:
        root: folder that holds ``tiny-imagenet-200``; searched before ``$MHO_DATA``, ``./data``,
            ``~/.cache/mho/data``.
        split: "train" (100,000) or "test": the 10,000 *validation* images (its test images
            have no labels).
        limit: keep only the first so many images (training images come class by class).
        normalize: a name in ``mho.data.NORMALIZATIONS`` or ``(mean, std)``.
        wnids: only these classes (such as "n01443537"), numbered in the order given.

    Raises:
        DataError: the folder is missing and cannot be downloaded, is incomplete, or Pillow is not installed.
        UnknownNameError: a wnid is not among the folder's.

    Source: Le, Yang, "Tiny ImageNet Visual Recognition Challenge", Stanford CS231N 2015.
    """
    check_request(split, limit)
    folder = obtain(root, (f"{_FOLDER}/wnids.txt",), _REMOTE, what="tiny_imagenet").parent
    known = _text(folder / "wnids.txt").split()
    chosen = list(known if wnids is None else wnids)
    for wnid in chosen:
        if wnid not in known:
            raise unknown("wnid", wnid, known)
    if len(set(chosen)) != len(chosen) or not chosen:
        raise DataError(f"tiny_imagenet: wnids={chosen} must name at least one class, and each only once")
    number = {wnid: index for index, wnid in enumerate(chosen)}
    images = _train(folder, chosen) if split == "train" else _validation(folder, number)
    listed = [image for image, _ in zip(images, range(limit), strict=False)] if limit else list(images)
    if not listed:
        raise DataError(f"{folder}: no {split} image of the classes asked for")
    pixels = np.stack([_pixels(path) for path, _ in listed])
    labels = np.array([number[wnid] for _, wnid in listed])
    return assemble(pixels, labels, name="tiny_imagenet", normalize=normalize, classes=len(chosen))


def _train(folder: Path, wnids: Sequence[str]) -> Iterator[tuple[Path, str]]:
    for wnid in wnids:
        images = folder / "train" / wnid / "images"
        if not images.is_dir():
            raise DataError(f"tiny_imagenet: there is no folder {images}; unpack {_REMOTE.urls[0]} again")
        # numeric order: n01443537_2 before n01443537_10
        for path in sorted(images.glob("*.JPEG"), key=lambda p: (len(p.name), p.name)):
            yield path, wnid


def _validation(folder: Path, number: dict[str, int]) -> Iterator[tuple[Path, str]]:
    annotations = folder / "val" / "val_annotations.txt"
    for line in _text(annotations).splitlines():
        fields = line.split("\t")
        if len(fields) < 2:
            raise read_error(annotations, f"no class in the line {line!r}")
        if fields[1] in number:
            yield folder / "val" / "images" / fields[0], fields[1]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise read_error(path, error) from None


def _pixels(path: Path) -> np.ndarray:
    """``(3, 64, 64)`` uint8; grey images (there are some) get three equal channels."""
    try:
        from PIL import Image
    except ImportError:
        raise DataError("tiny_imagenet needs Pillow to read JPEG files: pip install 'mho[vision]'") from None
    try:
        with Image.open(path) as image:
            pixels = np.asarray(image.convert("RGB"))
    except (OSError, SyntaxError, ValueError) as error:  # Pillow raises all three on broken files
        raise read_error(path, error) from None
    if pixels.shape != (_SIDE, _SIDE, 3):
        raise read_error(path, f"{pixels.shape[1]}x{pixels.shape[0]} pixels instead of {_SIDE}x{_SIDE}")
    return pixels.transpose(2, 0, 1)
