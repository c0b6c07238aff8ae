"""A small GPT-2 (two blocks, 128 wide) that tells the next character of Shakespeare, trained from nothing.

python studies/faults/characters.py [--epochs 8] [--seed 0]

Its network is that of ``transformers``; it goes to $MHO_DATA/encoders/gpt2-char.safetensors.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

import torch

import mho
from mho import data, training, zoo
from mho.evaluation.metrics import METRICS


def main() -> None:
    """Train, save, and say how good it is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    train, test = (data.load("tiny_shakespeare", split=split) for split in ("train", "test"))
    config = {
        "model_type": "gpt2", "vocab_size": 65, "n_embd": 128, "n_layer": 2, "n_head": 4, "n_positions": 100,
        "bos_token_id": 0, "eos_token_id": 0, "tie_word_embeddings": False,
        "resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0,
    }  # fmt: skip
    model = zoo.build("transformers", task="language-model", config=config, seed=asked.seed)
    recipe = training.Recipe(
        epochs=asked.epochs, batch_size=32, optimizer="adamw", lr=2e-3, weight_decay=0.01, schedule="linear",
        warmup=0.05, clip=1.0, seed=asked.seed,
    )  # fmt: skip
    begun = time.time()
    model = mho.train(model, train, recipe=recipe).eval()
    metric = METRICS["cross-entropy"]
    with torch.inference_mode():
        parts = [metric.batch(model(x).logits[None], y) for x, y in test.batches(64)]
    nats = float(metric.finish(parts)[0])
    path = Path(os.environ["MHO_DATA"]) / "encoders/gpt2-char.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    zoo.save(model, path, data="tiny_shakespeare", test_cross_entropy=nats, seed=asked.seed)
    print(f"{path}: {nats:.3f} nats a character, {len(test):,} sequences, {time.time() - begun:.0f} s")


if __name__ == "__main__":
    main()
