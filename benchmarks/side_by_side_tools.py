"""One job as a tool does it: what `side_by_side.py` asks for, as a torch loop and in mho; peers are next door.

Only torch and the tool itself are needed here: other tools live in interpreters of their own.

sigma means the same everywhere: a chip has the weights W + N(0, (sigma S)²), S = max|W| of the tensor, drawn anew for
each chip, neither clipped nor quantised; biases, products and sums are exact. How each tool is told so is said at its
class.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Iterator
from importlib import metadata
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

BATCHES = (50, 100, 250, 500, 1000)
"""Images in a batch that a tool which leaves it to the user is tried with; it then gets the fastest."""


def network(state: dict[str, Tensor], size: int) -> nn.Sequential:
    """LeNet with the names of ``mho.zoo.LeNet``, in torch alone."""
    channels, classes = state["conv1.weight"].shape[1], len(state["fc3.bias"])
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        conv1=nn.Conv2d(channels, 6, 3, padding=1),
        relu1=nn.ReLU(),
        pool1=nn.MaxPool2d(2),
        conv2=nn.Conv2d(6, 16, 3, padding=1),
        relu2=nn.ReLU(),
        pool2=nn.MaxPool2d(2),
        flat=nn.Flatten(),
        fc1=nn.Linear(16 * (size // 4) ** 2, 120),
        relu3=nn.ReLU(),
        fc2=nn.Linear(120, 84),
        relu4=nn.ReLU(),
        fc3=nn.Linear(84, classes),
    )
    model = nn.Sequential(layers)
    model.load_state_dict(state)
    return model.eval()


def noisy(model: nn.Module) -> list[str]:
    """Parameters that lie in the memory: weights; biases are digital."""
    return [name for name, _ in model.named_parameters() if name.endswith("weight")]


class Tool(ABC):
    """What a tool is asked for; ``the_job`` of `side_by_side.py` makes the ``job``."""

    package: ClassVar[str]

    def __init__(self, job: dict[str, Any]) -> None:
        self.job, self.sigma = job, float(job["sigma"])
        self.model = network(job["state"], job["inputs"].shape[-1])
        self.batch = 250

    @property
    def version(self) -> str:
        return metadata.version(self.package)

    @abstractmethod
    def program(self) -> None:
        """The next chip."""

    @abstractmethod
    def weights(self) -> dict[str, Tensor]:
        """Those of the chip programmed last, in the shapes of the network."""

    @property
    @abstractmethod
    def chip(self) -> nn.Module:
        """The chip programmed last, as a network."""

    def accuracies(self, chips: int) -> list[float]:
        return [self._next_accuracy() for _ in range(chips)]

    def _next_accuracy(self) -> float:
        self.program()
        with torch.inference_mode():
            return hits(self.chip, self.job["inputs"], self.job["targets"], self.batch) / len(self.job["targets"])

    def tune(self) -> int:
        """Images in a batch: the fastest of BATCHES, best of two chips each."""
        seconds = {}
        for self.batch in BATCHES:
            seconds[self.batch] = min(timed(self._next_accuracy)[0] for _ in range(2))
        self.batch = min(seconds, key=seconds.__getitem__)
        return self.batch

    def train(self, seed: int) -> dict[str, Tensor]:
        """One pass over the training images with errors drawn anew for each batch; plain SGD at a constant rate."""
        raise NotImplementedError

    def batches(self, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
        """A random order of the training images."""
        inputs, targets = self.job["train_inputs"], self.job["train_targets"]
        order = torch.randperm(len(inputs), generator=torch.Generator().manual_seed(seed))
        for part in torch.split(order, self.job["batch"]):
            yield inputs[part], targets[part]

    def start(self) -> nn.Sequential:
        """The network that training starts from."""
        return network(self.job["start"], self.job["inputs"].shape[-1]).train()


class Hand(Tool):
    """A loop in torch: what one would write without any tool."""

    package = "torch"

    def __init__(self, job: dict[str, Any]) -> None:
        super().__init__(job)
        self.clean = {name: self.model.get_parameter(name).detach().clone() for name in noisy(self.model)}
        self.generator = torch.Generator().manual_seed(int(job["seed"]))

    def program(self) -> None:
        with torch.no_grad():
            for name, weight in self.clean.items():
                self.model.get_parameter(name).copy_(self._written(weight))

    def _written(self, weight: Tensor) -> Tensor:
        noise = torch.randn(weight.shape, generator=self.generator)
        return weight + self.sigma * weight.abs().max() * noise

    def weights(self) -> dict[str, Tensor]:
        return {name: self.model.get_parameter(name).detach() for name in self.clean}

    @property
    def chip(self) -> nn.Module:
        return self.model

    def train(self, seed: int) -> dict[str, Tensor]:
        model = self.start()
        optimizer = torch.optim.SGD(model.parameters(), lr=self.job["rate"])
        names, loss = noisy(model), nn.CrossEntropyLoss()
        for x, y in self.batches(seed):
            clean = {name: model.get_parameter(name).data for name in names}
            for name, weight in clean.items():
                model.get_parameter(name).data = self._written(weight)
            optimizer.zero_grad()
            loss(model(x), y).backward()
            for name, weight in clean.items():
                model.get_parameter(name).data = weight
            optimizer.step()
        return model.state_dict()


class Mho(Tool):
    """``RRAM1(sigma)`` on ``Analog()``: one unquantised cell a weight, whose full range is S."""

    package = "mho"

    def __init__(self, job: dict[str, Any]) -> None:
        super().__init__(job)
        import mho
        from mho.devices import RRAM1
        from mho.mapping import Analog

        self.mho, self.done = mho, 0
        self.memory = mho.Memory(device=RRAM1(sigma=self.sigma), mapping=Analog())
        self.chips = mho.deploy(self.model, self.memory, seed=int(job["seed"]))

    def program(self) -> None:
        self.done += 1

    def weights(self) -> dict[str, Tensor]:
        return {name: values[0] for name, values in self.chips.weights([self.done - 1]).items()}

    @property
    def chip(self) -> nn.Module:
        return self.chips.chip(self.done - 1)

    def accuracies(self, chips: int) -> list[float]:
        self.done += chips
        data, first = (self.job["inputs"], self.job["targets"]), self.done - chips
        found = self.mho.evaluate(self.chips, data, n_chips=chips, first_chip=first, show_progress=False)
        return [float(v) for v in found.at().values]

    def tune(self) -> int:
        return 0  # evaluate chooses

    def precise(self, precision: dict[str, float]) -> dict[str, Any]:
        """Until the intervals are as narrow as asked; on chips of another seed."""
        chips = self.mho.deploy(self.model, self.memory, seed=int(self.job["seed"]) + 1)
        data = self.job["inputs"], self.job["targets"]
        found = self.mho.evaluate(chips, data, precision=precision, show_progress=False)
        name = next(iter(precision))
        interval = found.at().mean if name == "mean" else found.at().percentile(float(name[1:]))
        counts = {"chips": found.chips, "spent": found.spent, "plain": found.plain}
        return counts | {"value": interval.value, "low": interval.low, "high": interval.high}

    def train(self, seed: int) -> dict[str, Tensor]:
        from mho.data import Dataset
        from mho.training import NoiseInjection, Recipe

        recipe = Recipe(
            epochs=1,
            batch_size=self.job["batch"],
            optimizer="sgd",
            lr=self.job["rate"],
            schedule="constant",
            seed=seed,
        )
        images = Dataset(inputs=self.job["train_inputs"], targets=self.job["train_targets"], classes=10)
        method = NoiseInjection(sigma=self.sigma)
        return dict(self.mho.train(self.start(), images, method=method, recipe=recipe, progress=False).state_dict())


def hits(model: nn.Module, inputs: Tensor, targets: Tensor, batch: int) -> int:
    parts = zip(torch.split(inputs, batch), torch.split(targets, batch), strict=True)
    return sum(int((model(x).argmax(1) == y).sum()) for x, y in parts)


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    found = work()
    return time.perf_counter() - start, found
