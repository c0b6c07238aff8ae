"""A vision transformer of timm: how much does it help to verify what is written, and what does that cost?

    python examples/timm_vit.py

A narrow one, trained here for seconds on digits. Yours comes with weights, and with your data:

    model = timm.create_model("vit_tiny_patch16_224", pretrained=True).eval()
"""

from __future__ import annotations

import sys

import torch

import mho
from mho import data, devices
from mho.programming import OpenLoop, WriteVerify
from mho.training import Recipe

try:
    import timm
except (ImportError, RuntimeError):  # timm needs torchvision: not there, or built for another torch
    sys.exit("no timm, or no torchvision that fits your torch; from one place: pip install torch torchvision timm")

SIZES = {"img_size": 28, "patch_size": 7, "in_chans": 1, "embed_dim": 64, "depth": 2, "num_heads": 4}


def main() -> None:
    torch.manual_seed(0)
    train, test = data.digits(split="train"), data.digits(split="test")
    model = timm.create_model("vit_tiny_patch16_224", num_classes=10, **SIZES)
    recipe = Recipe(optimizer="adamw", lr=3e-3, epochs=12, batch_size=32, schedule="linear", warmup=0.1)
    model = mho.train(model, train, recipe=recipe)

    # Attention and MLPs go to cells. Embeddings of positions, norms and biases are no matrices, and stay digital.
    memory = mho.Memory(device=devices.RRAM1(sigma=0.2))
    for writing in (OpenLoop(), WriteVerify(tolerance=0.1)):
        chips = mho.deploy(model, memory.replace(programming=writing))
        name = f"verified to {writing.tolerance:g}" if writing.verifies else "written once"
        print(f"{mho.evaluate(chips, test, n_chips=30, label=name)}\n")
    layout = mho.describe(chips)
    print(f"{len(layout.stored)} matrices on {layout.cells:,} cells; written once, that many write cycles")


if __name__ == "__main__":
    main()
