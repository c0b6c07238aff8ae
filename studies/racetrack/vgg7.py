"""Train a quarter-width VGG7 with binary weights on CIFAR-10, for machines on which the whole one takes days.

python studies/racetrack/vgg7.py vgg7.safetensors
"""

from __future__ import annotations

import sys

import mho
from mho.training import Recipe

model = mho.zoo.build("bnn-vgg7", width=32)
train, test = (mho.data.load("cifar10", split=split) for split in ("train", "test"))
recipe = Recipe(epochs=9, batch_size=256, lr=2e-3, schedule="multistep", milestones=(4, 6, 7, 8), gamma=0.4)
trained = mho.train(model, train, recipe=recipe).eval()
mho.zoo.save(trained, sys.argv[1])
chips = mho.deploy(trained, mho.Memory(device=mho.devices.Racetrack(), mapping=mho.mapping.Tracks()))
print(mho.evaluate(chips, test, n_chips=1))
