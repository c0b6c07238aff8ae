"""A BERT of Hugging Face on cells that are stuck: fine-tune it, prune room for copies, see what it stands.

    python examples/bert.py                                   a small one, on made-up sentences, in a minute
    python examples/bert.py bert-base-uncased sst2 [CHIPS]    yours: a folder or a name on the hub, and a task of GLUE

Needs pip install 'mho[transformers]'. The second takes hours on a CPU.
"""

from __future__ import annotations

import sys

import torch
from torch import nn

import mho
from mho import data, mapping, training, zoo
from mho.data import Dataset
from mho.training import Recipe, preset


def sentences(count: int, seed: int, length: int = 16) -> Dataset:
    """Words 10 to 19 are good, all others neutral: how many good words has a sentence, 0 to 4?"""
    draws = torch.Generator().manual_seed(seed)
    targets = torch.randint(5, (count,), generator=draws)
    words = torch.randint(20, 60, (count, length), generator=draws)
    place = torch.rand(count, length, generator=draws).argsort(1)
    good = torch.randint(10, 20, (count, length), generator=draws)
    words = torch.where(place < targets[:, None], good, words)
    inputs = {"input_ids": words, "attention_mask": torch.ones_like(words)}
    return Dataset(inputs=inputs, targets=targets, classes=5, name="made-up sentences")


def small() -> nn.Module:
    """Two layers of width 32, untrained."""
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    rest = {"vocab_size": 60, "max_position_embeddings": 16, "num_labels": 5, "hidden_dropout_prob": 0.0}
    return zoo.build("transformers", task="classification", config={"model_type": "bert", **sizes, **rest})


def main() -> None:
    name, task, chips = (*sys.argv[1:], *[""] * 3)[:3]
    if name:
        train, test = data.glue(task, split="train"), data.glue(task)
        model, recipe = zoo.pretrained(name, classes=train.classes), preset("bert-glue")
    else:
        train, test = sentences(1200, seed=1), sentences(300, seed=2)
        recipe = Recipe(optimizer="adamw", lr=5e-3, epochs=6, batch_size=32, schedule="linear", warmup=0.1)
        model = small()
    tuned = mho.train(model, train, recipe=recipe)
    print(mapping.statistics(tuned))

    pruned = training.prune(tuned, train, columns=0.3, recipe=recipe)
    print(f"\n{pruned}\n")
    print(
        mho.faults(
            pruned.model,
            test,
            schemes=("none", "paper", "channel-flip-all-vote"),
            rates=(1e-4, 1e-3, 1e-2) if name else (0.01, 0.03, 0.1),
            n_chips=int(chips or 10),
        )
    )


if __name__ == "__main__":
    main()
