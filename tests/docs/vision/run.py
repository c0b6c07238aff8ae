"""Run a script with torchvision at hand: python tests/docs/vision/run.py FOLDER SCRIPT.

FOLDER is where torchvision and timm were installed, apart from everything else (see the Makefile).
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import torch


def declare(folder: Path) -> torch.library.Library | None:
    """Let torchvision be imported although its compiled part does not load, which networks have no use for.

    That of PyPI is built against CUDA, and a torch for CPUs has none of its libraries; its import then stops where
    operators that only that part declares are to get a shape function. The operators stay without a kernel: to call
    one is an error, as it should be. Where the compiled part does load nothing is declared.

    Returns:
        What declares them, for as long as it lives.
    """
    try:
        for compiled in folder.glob("torchvision/_C*.so"):
            torch.ops.load_library(compiled)
    except OSError:
        library = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor x) -> Tensor")
        return library
    return None


if __name__ == "__main__":
    folder, script = sys.argv[1:]
    sys.path.insert(0, folder)
    library = declare(Path(folder))
    sys.argv = [script]
    runpy.run_path(script, run_name="__main__")
