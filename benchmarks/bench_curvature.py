"""How near each method comes to the exact diagonal of the Hessian, and how long it takes.

    python benchmarks/bench_curvature.py [checkpoint.safetensors data]

Without arguments a LeNet is trained on handwritten digits first. The exact diagonal is ``gauss-newton-exact``, which is
that of the Hessian for a ReLU network. Rank correlations are Spearman's over the weights of a layer that are not zero;
*total* is the layer's sum over the exact one; *kept* is the part of the exact sum of all layers (h S²) that the first
1 % and 10 % of a ranking hold.
"""

from __future__ import annotations

import sys
import time

import torch
from scipy.stats import spearmanr
from timing import machine

from mho import data, zoo
from mho.evaluation.sensitivity import Sensitivity, sensitivity
from mho.text import table
from mho.training import Recipe, train

SAMPLES = 2000
CASES = {
    "second-derivative": {},
    "gauss-newton, 1 pass": {"samples": 1},
    "gauss-newton, 4 passes": {"samples": 4},
    "gauss-newton, 4, batches of 64": {"samples": 4, "batch_size": 64},
    "fisher": {},
    "hutchinson, 16 probes": {"samples": 16},
    "magnitude": {},
}


def everything(result: Sensitivity) -> torch.Tensor:
    return torch.cat([value.flatten() for value in result.normalised().values()])


def main() -> None:
    if len(sys.argv) > 2:
        model, images = zoo.load(sys.argv[1]), data.load(sys.argv[2], split="train", limit=SAMPLES)
    else:
        images = data.digits(split="train")
        model = train(zoo.build_for("lenet", images, seed=0), images, recipe=Recipe(epochs=10, lr=2e-3, batch_size=32))
    start = time.perf_counter()
    exact = sensitivity(model, images, method="gauss-newton-exact", show_progress=False)
    seconds = time.perf_counter() - start
    truth = everything(exact)
    rows: list[list[object]] = []
    for case, options in CASES.items():
        start = time.perf_counter()
        got = sensitivity(model, images, method=case.split(",")[0], show_progress=False, **options)  # type: ignore[arg-type]
        took = time.perf_counter() - start
        cells = []
        for name, h in exact.items():
            alive = h > 0
            total = f"{float(got[name].sum() / h.sum()):.2f}" if got.power else "-"
            cells.append(f"{spearmanr(got[name][alive], h[alive]).statistic:.2f} / {total}")
        rows.append([case, f"{took:.2f}", *cells, *kept(everything(got), truth)])
    rows.append(["exact", f"{seconds:.2f}", *["1.00 / 1.00"] * len(exact), *kept(truth, truth)])
    header = [f"{len(images)} images", "s", *(n.removesuffix(".weight") for n in exact), "kept by 1 %", "by 10 %"]
    print(table(header, rows, title="rank correlation / total, by layer"))
    print(machine())


def kept(ranking: torch.Tensor, truth: torch.Tensor) -> list[str]:
    order = ranking.argsort(descending=True)
    return [f"{float(truth[order[: int(part * len(order))]].sum() / truth.sum()):.3f}" for part in (0.01, 0.1)]


if __name__ == "__main__":
    main()
