"""The training recipes of the papers, by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from mho.errors import unknown
from mho.training.recipe import Recipe


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A recipe and where it is from."""

    recipe: Recipe
    source: str


_SGD = Recipe(
    epochs=200,
    optimizer="sgd",
    lr=0.01,
    momentum=0.9,
    weight_decay=5e-4,
    schedule="cosine",
    augment="crop-flip",
)
_BINARY = Recipe(
    epochs=100, batch_size=256, optimizer="adam", lr=1e-3, schedule="multistep", milestones=(10,), gamma=0.5
)
_SMALL = Recipe(epochs=20, optimizer="adam", lr=1e-3, schedule="multistep", milestones=(60,))

PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "swim-lenet": Preset(
            recipe=_SMALL,
            source="SWIM, DAC 2022 (code); TRICE trains LeNet the same way. The step at epoch 60 is only "
            "reached in longer runs",
        ),
        "swim-convnet": Preset(
            recipe=_SMALL.replace(augment="crop-flip"),
            source="SWIM, DAC 2022 (code); TRICE trains ConvNet the same way",
        ),
        "swim-resnet18": Preset(
            recipe=_SGD,
            source="SWIM, DAC 2022, and TRICE (code), which leave the epochs open: 200 here, as NeFT",
        ),
        "neft-vgg8": Preset(
            recipe=Recipe(epochs=200, optimizer="adam", lr=1e-3, schedule="cosine", augment="crop-flip"),
            source="NeFT (code); without the augmentation for MNIST",
        ),
        "neft-resnet18": Preset(
            recipe=Recipe(epochs=200, optimizer="adam", lr=1e-2, schedule="cosine", augment="crop-flip"),
            source="NeFT (code)",
        ),
        "bnn-vgg3": Preset(
            recipe=_BINARY.replace(milestones=tuple(range(10, 100, 10))),
            source="SPICE-Torch (code), from which NetDrift, SAMOS 2024, has its networks; Fashion-MNIST",
        ),
        "bnn-vgg7": Preset(
            recipe=_BINARY.replace(epochs=200, milestones=(50, 100, 150), augment="crop-flip"),
            source="SPICE-Torch (code), from which NetDrift, SAMOS 2024, has its networks; CIFAR-10",
        ),
        "bnn-resnet18": Preset(
            recipe=_BINARY.replace(
                epochs=300,
                batch_size=128,
                milestones=(50, 100, 150, 200, 250),
                augment="crop-flip",
                loss="binary-hinge",
            ),
            source="SPICE-Torch (code), from which NetDrift, SAMOS 2024, has its networks; ImageNette at 64x64",
        ),
        "bert-glue": Preset(
            recipe=Recipe(
                epochs=3,
                batch_size=32,
                optimizer="adamw",
                lr=3e-5,
                weight_decay=0.01,
                schedule="linear",
                warmup=0.1,
                clip=1.0,
            ),
            source="Devlin et al., NAACL 2019: fine-tuning for GLUE, with the best of the rates 2e-5, 3e-5, 4e-5 and "
            "5e-5 on the development set; warm-up, clipping and decay are those of its code, which spares biases and "
            "norms the decay",
        ),
    }
)
"""Every preset by name."""


def preset(name: str, **changes: Any) -> Recipe:
    """The recipe called ``name``, with some fields changed: ``preset("swim-lenet", epochs=5)``.

    Raises:
        UnknownNameError: no such preset.
        SpecError: an unknown field, or a value out of range.
    """
    if name not in PRESETS:
        raise unknown("recipe", name, PRESETS)
    return PRESETS[name].recipe.replace(**changes)
