"""Sensitivities against one ordinary forward and backward pass over the same samples in the same batches.

    python benchmarks/bench_sensitivity.py

Every method computes its numbers for all weight matrices; "forward + backward" computes the gradients of the same.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable

import torch
from timing import interleaved, machine
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from mho import zoo
from mho.evaluation.sensitivity import sensitivity
from mho.memory.layers import full_name, matrices
from mho.text import table

RUNS = 5


class Encoder(nn.Module):
    """Two transformer layers (GELU, norm first) over patches, mean, linear head."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Linear(48, 128)
        layer = nn.TransformerEncoderLayer(
            128, 4, 512, batch_first=True, activation="gelu", norm_first=True, dropout=0.0
        )
        self.body = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(128, 10)

    def forward(self, x: Tensor) -> Tensor:
        patches = F.unfold(x, 4, stride=4).transpose(1, 2)
        return self.head(self.body(self.patches(patches)).mean(1))


def ordinary(model: nn.Module, images: Tensor, labels: Tensor, batch: int) -> Callable[[], object]:
    """The gradients of all weight matrices, summed over batches."""
    names = [full_name(p, leaf) for p, m in model.named_modules() for leaf, _ in matrices(m)]
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name in names)

    def run() -> object:
        model.zero_grad()
        for x, y in zip(images.split(batch), labels.split(batch), strict=True):  # type: ignore[no-untyped-call]
            F.cross_entropy(model(x), y, reduction="sum").backward()  # type: ignore[no-untyped-call]
        return None

    return run


CASES: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...], int, int]] = {
    "LeNet": (lambda: zoo.build("lenet"), (1, 28, 28), 1024, 256),
    "ConvNet": (lambda: zoo.build("convnet"), (3, 32, 32), 128, 64),
    "ResNet-20": (lambda: zoo.build("resnet20"), (3, 32, 32), 128, 64),
    "ResNet-18": (lambda: zoo.build("resnet18"), (3, 32, 32), 64, 32),
    "transformer": (Encoder, (3, 32, 32), 256, 64),
}
METHODS = {"second-derivative": {}, "gauss-newton": {"samples": 1}, "fisher": {}}


def main() -> None:
    generator, rows = torch.Generator().manual_seed(0), []
    for name in sys.argv[1:] or CASES:
        make, shape, n, batch = CASES[name]
        images, model = torch.rand(n, *shape, generator=generator), make().eval()
        labels = torch.randint(10, (n,), generator=generator)

        def measured(method: str, **options: int) -> Callable[[], object]:
            given = {"model": model, "data": (images, labels), "batch_size": batch, "show_progress": False, **options}  # noqa: B023
            return lambda: sensitivity(**given, method=method)  # type: ignore[arg-type]

        cases = {"forward + backward": ordinary(model, images, labels, batch)}
        cases |= {m: measured(m, **options) for m, options in METHODS.items() if m != "fisher" or name != "ResNet-18"}
        seconds = interleaved(cases, runs=RUNS)
        for case, runs in seconds.items():
            ratios = [a / b for a, b in zip(runs, seconds["forward + backward"], strict=True)]
            ms = [f"{1e3 * f(runs):.4g}" for f in (statistics.median, min, max)]
            rows.append([f"{name}, N={n}", case, *ms, RUNS, f"{statistics.median(ratios):.2f}"])
    print(table(["network", "case", "median ms", "min", "max", "n", "x ordinary"], rows, left=2))
    print(machine())


if __name__ == "__main__":
    main()
