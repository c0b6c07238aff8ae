"""The table of architectures: what each is, which paper uses it. Torch-free, so that listing is instant."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeVar

from mho.errors import SpecError

_C = TypeVar("_C", bound=Callable[..., Any])


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """One row of the table.

    Attributes:
        name: what :func:`mho.zoo.build` is asked for.
        module: the module that holds the class, imported on first use.
        kind: the class in that module.
        description: one line for ``mho list models``.
        paper: who uses this network, or where it is from.
        fixed: options that this name fixes (the depth of a ``resnet20``); the user cannot change them.
    """

    name: str
    module: str
    kind: str
    description: str
    paper: str
    fixed: Mapping[str, Any] = field(default_factory=dict)


def _resnet_cifar(depth: int) -> Architecture:
    return Architecture(
        name=f"resnet{depth}",
        module="mho.zoo.resnet_cifar",
        kind="ResNetCIFAR",
        description=f"{depth}-layer CIFAR ResNet, 16-32-64 channels, parameter-free (option A) shortcuts",
        paper="He et al., Deep Residual Learning for Image Recognition, CVPR 2016, section 4.2",
        fixed=MappingProxyType({"depth": depth}),
    )


_ROWS = (
    Architecture(
        name="lenet",
        module="mho.zoo.lenet",
        kind="LeNet",
        description="2 convolutions (3x3), 3 linear layers; 105,918 weights at 28x28; no batch norm",
        paper="Yan, Hu, Shi, SWIM, DAC 2022; after LeCun et al., Proc. IEEE 1998",
    ),
    Architecture(
        name="lenet-tanh",
        module="mho.zoo.lenet_tanh",
        kind="LeNetTanh",
        description="2 convolutions (5x5), 2 linear layers, tanh; 80,016 weights at 28x28; no batch norm",
        paper="Gokmen, Onen, Haensch, Frontiers in Neuroscience 2017; Rasch et al., Nature Communications 2024",
    ),
    Architecture(
        name="convnet",
        module="mho.zoo.convnet",
        kind="ConvNet",
        description="6 convolutions (3x3), 3 linear layers, for 32x32 colour images; no batch norm",
        paper="Yan, Hu, Shi, SWIM, DAC 2022 (its CIFAR-10 network)",
    ),
    Architecture(
        name="vgg8",
        module="mho.zoo.vgg8",
        kind="VGG8",
        description="6 convolutions with batch norm, 2 linear layers; 12.9 million weights at 32x32",
        paper="NeFT, negative feedback training for compute-in-memory accelerators",
    ),
    Architecture(
        name="resnet18",
        module="mho.zoo.resnet18",
        kind="ResNet18",
        description="ResNet-18 for small images: 3x3 stem of stride 1, no max-pool; 11.2 million weights",
        paper="He et al., CVPR 2016, as changed for CIFAR-10 and Tiny-ImageNet in SWIM (DAC 2022) and NeFT",
    ),
    Architecture(
        name="mlp",
        module="mho.zoo.mlp",
        kind="MLP",
        description="fully connected, 784-256-128-10 unless asked otherwise",
        paper="Gokmen, Vlasov, Frontiers in Neuroscience 2016 (with activation=sigmoid; ReLU unless told)",
    ),
    *(_resnet_cifar(depth) for depth in (20, 32, 44, 56)),
    Architecture(
        name="vit",
        module="mho.zoo.vit",
        kind="ViT",
        description="vision transformer, 4x4 patches, 8 blocks of width 256; 4.2 million weights at 32x32",
        paper="Dosovitskiy et al., ICLR 2021; its size after Rasch et al., Nature Communications 2024",
    ),
    Architecture(
        name="char-lstm",
        module="mho.zoo.char_lstm",
        kind="CharLSTM",
        description="2 LSTM layers of width 64 that tell the next character; 76,992 weights at 87 characters",
        paper="Gokmen, Rasch, Haensch, Frontiers in Neuroscience 2018; Rasch et al., Nature Communications 2024",
    ),
    Architecture(
        name="encoder",
        module="mho.zoo.encoder",
        kind="Encoder",
        description="transformer encoder for sentences, 2 blocks of width 128; 393,472 weights besides its tables",
        paper="after Devlin et al., BERT, NAACL 2019; for Li et al., zero-space fault tolerance",
    ),
    Architecture(
        name="bnn-vgg3",
        module="mho.zoo.binary.vgg",
        kind="BinaryVGG3",
        description="binarised: 2 convolutions (3x3), 2 linear layers; 6.5 million weights of +1 or -1 at 28x28",
        paper="Bereholschi et al., RTM Misalignment Faults in BNNs (NetDrift), SAMOS 2024",
    ),
    Architecture(
        name="bnn-vgg7",
        module="mho.zoo.binary.vgg",
        kind="BinaryVGG7",
        description="binarised: 6 convolutions (3x3), 2 linear layers; 13.0 million weights of +1 or -1 at 32x32",
        paper="Bereholschi et al., RTM Misalignment Faults in BNNs (NetDrift), SAMOS 2024",
    ),
    Architecture(
        name="bnn-resnet18",
        module="mho.zoo.binary.resnet",
        kind="BinaryResNet18",
        description="binarised ResNet-18, for 64x64 images; 11.2 million weights of +1 or -1",
        paper="Bereholschi et al., RTM Misalignment Faults in BNNs (NetDrift), SAMOS 2024",
    ),
)

FOREIGN = Architecture(
    name="transformers",
    module="mho.zoo.hugging_face",
    kind="from_config",
    description="a network of Hugging Face's library, from its configuration; mho.zoo.pretrained reads them",
    paper="whatever the configuration describes",
)
"""What rebuilds networks of another library from checkpoints; not listed, as it has no size of its own."""

_TABLE = {row.name: row for row in _ROWS}

ARCHITECTURES: Mapping[str, Architecture] = MappingProxyType(_TABLE)
"""Every architecture by name, in the order in which they are listed."""


def register(name: str, *, description: str = "", paper: str = "") -> Callable[[_C], _C]:
    """Give a class (or function) that makes networks a name, for checkpoints, studies and the command line::

        @zoo.register("tiny")
        class Tiny(nn.Module):
            def __init__(self, classes: int = 10) -> None: ...

    It must be found again by its name in its module; its options are its parameters, which must be plain data.

    Raises:
        SpecError: the name is taken, or the class has no name of its own in its module.
    """

    def keep(make: _C) -> _C:
        row = Architecture(
            name=name, module=make.__module__, kind=make.__qualname__, description=description, paper=paper
        )
        if "<locals>" in row.kind or "." in row.kind:
            raise SpecError(f"model '{name}': {row.kind} must be defined at the top of its module")
        if name == FOREIGN.name:
            raise SpecError(f"the name '{name}' is taken by {FOREIGN.module}.{FOREIGN.kind}")
        if name in _TABLE and _TABLE[name] != row:
            raise SpecError(f"the name '{name}' is taken by {_TABLE[name].module}.{_TABLE[name].kind}")
        _TABLE[name] = row
        return make

    return keep


def names() -> tuple[str, ...]:
    """The names that :func:`mho.zoo.build` knows."""
    return tuple(ARCHITECTURES)
