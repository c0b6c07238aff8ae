"""Where networks are tapped: the ends of their blocks, and modules that somebody names."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import relu

from mho import zoo
from mho.training.methods.taps import calls, chosen, ends, listening


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def ended(model: nn.Module, sample: Tensor) -> list[tuple[str, int]]:
    model.eval()
    with torch.no_grad():
        return [(call.spelt, call.shape[1]) for call in ends(calls(model, lambda: model(sample)))]


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1, with one ReLU for all."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(inputs, 4, 1), nn.Conv2d(4, 4, 3, stride, 1)
        self.conv3, self.relu = nn.Conv2d(4, outputs, 1), nn.ReLU(inplace=True)
        self.shortcut = nn.Conv2d(inputs, outputs, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv3(self.relu(self.conv2(self.relu(self.conv1(x)))))
        return self.relu(y + self.shortcut(x))


class Residual(nn.Module):
    """With a stem that pools, as for ImageNet."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1, self.relu = nn.Conv2d(3, 16, 7, 2, 3), nn.BatchNorm2d(16), nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.layer1 = nn.Sequential(Bottleneck(16, 16), Bottleneck(16, 16))
        self.layer2 = nn.Sequential(Bottleneck(16, 32, 2), Bottleneck(32, 32))
        self.avgpool, self.drop, self.fc = nn.AdaptiveAvgPool2d(1), nn.Dropout(), nn.Linear(32, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        return self.fc(torch.flatten(self.drop(self.avgpool(self.layer2(self.layer1(x)))), 1))


def unit(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU())


class Nested(nn.Module):
    """Convolutions with their norms in containers, those in stages, and declared in another order than they run."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(16, 3)
        self.late = nn.ModuleList([unit(8, 16)])
        self.early = nn.Sequential(unit(3, 4), unit(4, 4), nn.MaxPool2d(2), unit(4, 8), unit(8, 8), nn.MaxPool2d(2))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.late[0](self.early(x)).mean((2, 3)))


def plain() -> nn.Sequential:
    return nn.Sequential(
        *[nn.BatchNorm2d(3), nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.1)],
        *[nn.Conv2d(4, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(288, 3)],
    )


@pytest.mark.parametrize(
    ("make", "taps"),
    [
        (plain, [("5", 4), ("7", 8)]),
        (Nested, [("early.2", 4), ("early.5", 8), ("late.0", 16)]),
        (Residual, [("maxpool", 16), ("layer1.1", 16), ("layer2.1", 32)]),
        (
            lambda: nn.Sequential(nn.Identity(), Residual()),
            [("1.maxpool", 16), ("1.layer1.1", 16), ("1.layer2.1", 32)],
        ),
        (lambda: zoo.build("lenet", image_size=20, channels=3), [("pool:1", 6), ("pool:2", 16)]),
        (lambda: zoo.build("resnet20"), [("relu", 16), ("layer1", 16), ("layer2", 32), ("layer3", 64)]),
        (lambda: nn.Sequential(nn.Flatten(), nn.Linear(1200, 3)), []),
    ],
)
def test_blocks_end_where_the_number_of_channels_changes(make: Callable[[], nn.Module], taps: list) -> None:
    assert ended(make(), torch.rand(1, 3, 20, 20, generator=seeded(0))) == taps


def test_a_module_that_is_called_again_is_tapped_at_the_right_call() -> None:
    model, x = zoo.build("lenet", image_size=8).eval(), torch.rand(3, 1, 8, 8, generator=seeded(1))
    root = calls(model, lambda: model(x[:1]))
    taps = chosen(root, ["relu:3", "pool:2", "relu:2"])
    assert [t.spelt for t in taps] == ["relu:2", "pool:2", "relu:3"], "in the order in which they run"
    before = copy.deepcopy(model)
    with listening(model, taps) as heard:
        model(x)
    first = model.pool(relu(model.conv1(x)))
    second = relu(model.conv2(first))
    assert torch.equal(heard["relu:2"], second)
    assert torch.equal(heard["pool:2"], model.pool(second))
    assert torch.equal(heard["relu:3"], relu(model.fc1(model.pool(second).flatten(1))))
    assert [len(m._forward_hooks) for m in model.modules()] == [len(m._forward_hooks) for m in before.modules()]
