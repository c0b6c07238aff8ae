"""The encoders of this study, trained from nothing.

python studies/faults/encoders.py {questions FILE.tsv.xz, sst2-cls, qqp, mrpc, sst2-4x256} [--seed 0]

Data below $MHO_DATA; networks go to $MHO_DATA/encoders. "questions" makes files of qqp from a part of Quora's pairs.
"""

from __future__ import annotations

import argparse
import lzma
import os
import time
from pathlib import Path

import torch
from torch import nn

import mho
from mho import data, training, zoo

HOME = Path(os.environ["MHO_DATA"])
OUT = HOME / "encoders"
HELD_OUT = 2_000


def questions(part: Path) -> None:
    """``glue/QQP/train.tsv`` and ``dev.tsv`` from labelled pairs without a header, 2,000 for development."""
    lines = lzma.decompress(part.read_bytes()).decode().split("\n")
    lines = [line for line in lines if line.count("\t") == 5]
    folder = HOME / "glue/QQP"
    folder.mkdir(parents=True, exist_ok=True)
    for name, some in (("train", lines[:-HELD_OUT]), ("dev", lines[-HELD_OUT:])):
        (folder / f"{name}.tsv").write_bytes("".join(line + "\n" for line in some).encode())
        print(f"{folder / name}.tsv: {len(some):,} pairs")


def started(model: nn.Module, path: Path) -> nn.Module:
    """``model`` with what it shares with the network in ``path``; of a longer table of places the first ones."""
    old, new = zoo.load(path).state_dict(), model.state_dict()
    with torch.no_grad():
        for name, tensor in old.items():
            if name.startswith("classifier"):
                continue
            if name == "position":
                new[name][:, : tensor.shape[1]] = tensor[:, : new[name].shape[1]]
            else:
                new[name].copy_(tensor)
    return model


def fit(
    name: str,
    task: str,
    recipe: training.Recipe,
    *,
    start: str | None = None,
    length: int | None = None,
    **options: int,
) -> None:
    """Train on a task and save the last epoch."""
    train, test = (data.glue(task, split=split, length=length) for split in ("train", "test"))  # type: ignore[arg-type]
    model = zoo.build_for("encoder", train, seed=recipe.seed, pooling="cls", **options)
    if start is not None:
        started(model, OUT / f"{start}.safetensors")
    begun = time.time()
    model = mho.train(model, train, recipe=recipe).eval()
    chosen = torch.cat([model(**inputs).detach().argmax(-1) for inputs, _ in test.batches(256)])
    right = (chosen == test.targets).double().mean().item()
    hits = ((chosen == 1) & (test.targets == 1)).sum().item()
    f1 = 2 * hits / max(1, int((chosen == 1).sum() + (test.targets == 1).sum()))
    path = zoo.save(
        model, OUT / f"{name}.safetensors", data=task, test_accuracy=right, test_f1=f1, seed=recipe.seed, start=start
    )
    print(f"{path}: {100 * right:.2f} % right, F1 {100 * f1:.2f} %, {len(test):,} samples, {time.time() - begun:.0f} s")


def main() -> None:
    """Do what the command line asks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["questions", "sst2-cls", "qqp", "mrpc", "sst2-4x256"])
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    OUT.mkdir(exist_ok=True)
    recipe = training.Recipe(
        optimizer="adamw", lr=5e-4, batch_size=64, epochs=3, schedule="cosine", weight_decay=0.01, seed=asked.seed
    )
    if asked.what == "questions":
        questions(asked.file)
    elif asked.what == "sst2-cls":
        fit("sst2-cls", "sst2", recipe.replace(epochs=2))
    elif asked.what == "qqp":
        fit("qqp", "qqp", recipe, start="sst2", length=64)
    elif asked.what == "mrpc":
        fit("mrpc", "mrpc", recipe.replace(lr=2e-4), start="qqp")
    else:
        recipe = recipe.replace(batch_size=128, epochs=2, precision="bfloat16")
        fit("sst2-4x256", "sst2", recipe, width=256, depth=4, heads=4, hidden=1024)


if __name__ == "__main__":
    main()
