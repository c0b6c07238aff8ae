"""``mho doctor``: is everything here, and does it compute the right numbers?"""

from __future__ import annotations

import importlib.util
import os
import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

from mho.errors import MhoError

KNOWN_ANSWER = (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)
"""Philox4x32-10 of counter 0 and key 0 (Random123)."""


def doctor() -> None:
    """Check versions, kernels, devices and data, and say what is missing and how to get it.

    Exits with 2 if something that mho needs does not work.
    """
    from mho.text import table

    rows = list(_checks())
    print(table(["", "what", "found"], rows, left=3))
    broken = [what for mark, what, _ in rows if mark == "BROKEN"]
    if broken:
        raise MhoError(f"not working: {', '.join(broken)}; reinstall mho in a fresh environment")


def _checks() -> Iterator[tuple[str, str, str]]:
    import torch

    import mho
    from mho.data.roots import search_path

    yield "ok", "mho", mho.__version__
    yield "ok", "python", f"{platform.python_version()} on {platform.platform()}"
    yield "ok", "torch", f"{torch.__version__}, {torch.get_num_threads()} threads of {os.cpu_count()} cores"
    for package in ("numba", "numpy", "scipy", "safetensors", "matplotlib"):
        yield _package(package, "BROKEN")
    yield _kernel("reference")
    yield _kernel("cpu")
    if torch.cuda.is_available():
        yield "ok", "cuda", torch.cuda.get_device_name()
        yield _kernel("cuda")
    else:
        yield "-", "cuda", "no GPU; everything runs on the CPU"
    for package, extra, use in (
        ("huggingface_hub", "hub", "hf:// checkpoints"),
        ("transformers", "transformers", "networks of Hugging Face"),
        ("PIL", "vision", "Tiny ImageNet"),
    ):
        found = importlib.util.find_spec(package) is not None
        yield "ok" if found else "-", f"{package} ({use})", "installed" if found else f"pip install 'mho[{extra}]'"
    for root in search_path(None):
        yield "ok" if root.is_dir() else "-", "data root", str(root) if root.is_dir() else f"{root} (not there)"


def _package(name: str, otherwise: str) -> tuple[str, str, str]:
    try:
        return "ok", name, version(name)
    except PackageNotFoundError:
        return otherwise, name, "not installed"


def _kernel(name: str) -> tuple[str, str, str]:
    import importlib

    import torch

    device = "cuda" if name == "cuda" else "cpu"
    what = f"{name} kernel"
    try:
        kernel = importlib.import_module(f"mho.kernels.{name}")
        out = torch.empty(1, 4, dtype=torch.int64, device=device)
        kernel.fill_bits(out, (0, 0), torch.zeros(1, dtype=torch.int64))
    except Exception as error:  # a doctor reports whatever goes wrong
        return "BROKEN", what, f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
    good = tuple(out[0].tolist()) == KNOWN_ANSWER
    return ("ok", what, "known answer matches") if good else ("BROKEN", what, "wrong random numbers")
