"""Binarised networks by XNOR and popcount against the same by float products: one chip's forward pass.

    python benchmarks/bench_popcount.py [runs]

Rows: the networks of the racetrack-memory studies at full size, untrained (the time does not depend on the weights), on
as many images as ``mho.evaluate`` takes in a batch, in its layout, with one chip's weights ±1 in place of the
parameters. Every pass binarises (float) or packs (popcount) these weights anew, and the norms, pools and signs in
between are the same floats for both. Then single layers by themselves.

Measured with OMP_NUM_THREADS=1 (Intel Xeon with AVX-512 VPOPCNTDQ, 1 thread of 2 cores, others at work; torch 2.13.0,
numba 0.68.1, Python 3.11.7; medians of 15 interleaved runs, ms):

    network or layer                    float   popcount   ratio
    bnn-vgg3, 46 images                  19        9.8      1.95
    bnn-vgg7, 18 images                 158       46.7      3.33
    bnn-resnet18, 16 images             460      226        2.07
    3x3, 64 to 64, 14x14, 46 images       3.6      1.4      2.57
    3x3, 128 to 128, 32x32, 18 images    29.3      8.8      3.32
    3x3, 512 to 512, 8x8, 18 images      32.4      7.6      4.21
    linear, 3136 to 2048, 46 images       8.4      2.7      3.08
    linear, 8192 to 1024, 18 images      22.4      4.6      4.91

What is left of the networks' time is mostly their norms, signs and pools.
"""

from __future__ import annotations

import sys
from functools import partial

import torch
from timing import interleaved, machine, show
from torch import Tensor, nn

from mho import zoo
from mho.evaluation.forward import call
from mho.zoo.binary import BinaryConv2d, BinaryLinear, packed, signs

NETWORKS = {"bnn-vgg3": (46, 1, 28), "bnn-vgg7": (18, 3, 32), "bnn-resnet18": (16, 3, 64)}
"""Images, channels, pixels a side."""
LAYERS: dict[str, tuple[nn.Module, tuple[int, ...]]] = {
    "3x3, 64 to 64, 14x14": (BinaryConv2d(64, 64, 3, padding=1, bias=False), (46, 64, 14, 14)),
    "3x3, 128 to 128, 32x32": (BinaryConv2d(128, 128, 3, padding=1, bias=False), (18, 128, 32, 32)),
    "3x3, 512 to 512, 8x8": (BinaryConv2d(512, 512, 3, padding=1, bias=False), (18, 512, 8, 8)),
    "linear, 3136 to 2048": (BinaryLinear(3136, 2048, bias=False), (46, 3136)),
    "linear, 8192 to 1024": (BinaryLinear(8192, 1024, bias=False), (18, 8192)),
}


def drawn(*shape: int) -> Tensor:
    x = torch.rand(*shape, generator=torch.Generator().manual_seed(0))
    return x.to(memory_format=torch.channels_last) if len(shape) == 4 else x


@torch.inference_mode()
def compare(title: str, model: nn.Module, inputs: Tensor, runs: int) -> None:
    """Time both ways, after making sure that they agree."""
    weights = {name: signs(p.detach()) for name, p in model.named_parameters() if p.dim() > 1}
    other = packed(model)
    assert torch.equal(call(model, inputs, weights), call(other, inputs, weights))
    cases = {
        "float": partial(call, model, inputs, weights),
        "popcount": partial(call, other, inputs, weights),
    }
    show(title, interleaved(cases, runs=runs), unit=1e-3, unit_name="ms", baseline="popcount")


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    for name, (images, channels, size) in NETWORKS.items():
        compare(f"{name}, {images} images", zoo.build(name).eval(), drawn(images, channels, size, size), runs)
    for name, (layer, shape) in LAYERS.items():
        compare(f"{name}, {shape[0]} images", layer.eval(), signs(drawn(*shape) - 0.5), runs)
    print(machine())


if __name__ == "__main__":
    main()
