"""aihwkit and CrossSim for `side_by_side_tools.py`."""

from __future__ import annotations

import math
from typing import Any

import torch
from side_by_side_tools import Tool, noisy
from torch import Tensor, nn


class Aihwkit(Tool):
    """A pair of devices a weight, ``prog_coeff = [sigma (g_max - g_min) / sqrt(2), 0, 0]``: errors of a pair add up.

    Conductances below 0 are clipped there, and one device of a pair is at g_min; with the default g_min = 0 half of its
    errors would be lost and weights would shrink. So g_min is ten standard deviations of a device here, and nothing is
    clipped. Passes are perfect, there is no drift and no compensation, and a layer is one tile of any size: S is that
    of the tensor.
    """

    package = "aihwkit"
    simulator = "InferenceRPUConfig"

    def __init__(self, job: dict[str, Any]) -> None:
        super().__init__(job)
        from aihwkit.nn.conversion import convert_to_analog

        torch.manual_seed(int(job["seed"]))  # it draws from the global generator
        self.analog = convert_to_analog(self.model, self.config()).eval()

    def config(self) -> Any:
        from aihwkit.inference import SinglePairConductanceConverter, StateIndependentNoiseModel
        from aihwkit.simulator import configs
        from aihwkit.simulator.parameters import IOParameters

        span = 25.0
        device = self.sigma * span / math.sqrt(2)
        least = max(10 * device, 1.0)
        out = getattr(configs, self.simulator)()
        out.forward = IOParameters(is_perfect=True)
        out.drift_compensation = None
        out.mapping.max_input_size = out.mapping.max_output_size = 0
        out.noise_model = StateIndependentNoiseModel(
            g_converter=SinglePairConductanceConverter(g_max=least + span, g_min=least),
            prog_coeff=[device, 0.0, 0.0],
        )
        return out

    def program(self) -> None:
        self.analog.program_analog_weights()

    def weights(self) -> dict[str, Tensor]:
        shapes = {name: self.model.get_parameter(name).shape for name in noisy(self.model)}
        layers = {name: self.analog.get_submodule(name.removesuffix(".weight")) for name in shapes}
        return {name: layers[name].get_weights()[0].reshape(shape) for name, shape in shapes.items()}

    @property
    def chip(self) -> nn.Module:
        return self.analog  # type: ignore[no-any-return]

    def train(self, seed: int) -> dict[str, Tensor]:
        from aihwkit.nn.conversion import convert_to_analog, convert_to_digital
        from aihwkit.optim import AnalogSGD
        from aihwkit.simulator.parameters.enums import WeightModifierType

        torch.manual_seed(seed)
        config = self.config()
        config.modifier.type = WeightModifierType.ADD_NORMAL
        config.modifier.std_dev = self.sigma
        config.modifier.rel_to_actual_wmax = True
        model = convert_to_analog(self.start(), config).train()
        optimizer = AnalogSGD(model.parameters(), lr=self.job["rate"])
        optimizer.regroup_param_groups(model)
        loss = nn.CrossEntropyLoss()
        for x, y in self.batches(seed):
            optimizer.zero_grad()
            loss(model(x), y).backward()
            optimizer.step()
        return dict(convert_to_digital(model).state_dict())


class AihwkitTorch(Aihwkit):
    """The same with its tile in plain torch."""

    simulator = "TorchInferenceRPUConfig"


class CrossSim(Tool):
    """A balanced pair of devices a weight, ``magnitude = sigma (1 - Gmin/Gmax) / sqrt(2)``, of its largest conductance.

    Programming errors are clipped at conductance 0, so Gmin/Gmax (Rmin/Rmax) is ten standard deviations of a device.
    Converters are ideal by default and a layer of LeNet fits in one array, so that S is that of the tensor. Training
    takes the gradient of convolutions at the weights without errors, which is another method: not compared.

    Written from the source of version 3.2 (sandialabs/cross-sim on GitHub; not on PyPI), where every call was looked
    up; never run by us.
    """

    package = "CrossSim"

    def __init__(self, job: dict[str, Any]) -> None:
        super().__init__(job)
        import numpy
        from simulator import CrossSimParameters
        from simulator.algorithms.dnn.torch import convert

        numpy.random.seed(int(job["seed"]) % 2**32)  # noqa: NPY002 - it draws from the global generator
        ten = 10 * self.sigma / math.sqrt(2)
        ratio = ten / (1 + ten)
        parameters = CrossSimParameters()
        device = parameters.xbar.device
        device.infinite_on_off_ratio = False
        device.Rmin, device.Rmax = 1e4 * ratio, 1e4
        device.programming_error.enable = True
        device.programming_error.model = "NormalIndependentDevice"
        device.programming_error.magnitude = self.sigma * (1 - ratio) / math.sqrt(2)
        self.convert = convert
        self.analog = convert.from_torch(self.model, parameters, bias_rows=0).eval()

    def program(self) -> None:
        self.convert.reinitialize(self.analog)

    def weights(self) -> dict[str, Tensor]:
        shapes = {name: self.model.get_parameter(name).shape for name in noisy(self.model)}
        layers = {name: self.analog.get_submodule(name.removesuffix(".weight")) for name in shapes}
        return {name: layers[name].get_core_weights()[0].reshape(shape) for name, shape in shapes.items()}

    @property
    def chip(self) -> nn.Module:
        return self.analog  # type: ignore[no-any-return]


TOOLS: dict[str, type[Tool]] = {"aihwkit": Aihwkit, "aihwkit-torch": AihwkitTorch, "crosssim": CrossSim}
