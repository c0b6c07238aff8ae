"""The devices and algorithms of [rasch2024fast] as tiles of aihwkit [rasch2021aihwkit], where it is installed.

aihwkit 1.2.0, CPU: from its source distribution, against the torch that is there. Nothing of it needs a change; its
`torchvision` serves experiments alone and may be missing.

    apt-get install g++ libopenblas-dev
    pip install "cmake>=4.2.1" ninja scikit-build "pybind11>=3.0.1" "setuptools<80" wheel mypy protobuf requests tqdm
    USE_CUDA=OFF CMAKE_BUILD_PARALLEL_LEVEL=2 pip install --no-build-isolation --no-deps aihwkit==1.2.0
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from aihwkit import __version__
from aihwkit.simulator.configs import SingleRPUConfig, UnitCellRPUConfig
from aihwkit.simulator.configs.compounds import ChoppedTransferCompound, DynamicTransferCompound
from aihwkit.simulator.configs.devices import ConstantStepDevice, PulsedDevice, SoftBoundsReferenceDevice
from aihwkit.simulator.parameters import IOParameters, UpdateParameters
from aihwkit.simulator.tiles import AnalogTile

NAME = f"aihwkit {__version__}"
ALGORITHMS = ("sgd", "ttv2", "c-ttv2", "agad")


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One algorithm on one device; the letters of [rasch2024fast], in brackets those of the device."""

    algorithm: str
    step: float
    """Mean step of a pulse at weight 0, of a range of 2 (delta); 2 / step states."""
    trains: int = 5
    """Slots of a pulse train at the most (l_max)."""
    fast_rate: float = 1.0
    """eta_0: A learns at fast_rate * trains * step / (mean max|x| * mean max|d|)."""
    every: int = 2
    """Samples between two reads of a column of A (n_s)."""
    gain: float = 1000.0
    """gamma_0: a read adds rate * every * columns / (gain * step) times its value to H."""
    flips: float = 0.1
    """Chance that a chopper flips after a read (rho): random in c-TTv2, every 1 / flips reads in AGAD."""
    decay: float = 0.5
    """Weight of the last read in the mean that AGAD subtracts (beta)."""
    reference: float = 0.0
    """Spread of the reference (sigma_r) of the array that takes the gradient: A, in SGD W."""
    bounds: float = 0.3
    """Spread of the bounds (s_b) of the array that takes the gradient."""
    slow_bounds: float = 0.3
    """Spread of the bounds of W where there is an A."""
    seed: int = 0
    """Of what is drawn once for a device; 0 draws anew. Pulses cannot be seeded on the CPU."""


def device(setting: Setting, bounds: float, reference: float) -> SoftBoundsReferenceDevice:
    """Soft bounds whose reference is the symmetry point: s_dtod = s_ctoc = 0.3, s_pm = 0.1, log-normal slopes."""
    return SoftBoundsReferenceDevice(
        dw_min=setting.step,
        w_max=1.0,
        w_min=-1.0,
        w_max_dtod=bounds,
        w_min_dtod=bounds,
        dw_min_dtod=0.3,
        dw_min_dtod_log_normal=True,
        dw_min_std=0.3,
        up_down_dtod=0.1,
        mult_noise=False,
        subtract_symmetry_point=True,
        reference_std=reference,
        construction_seed=setting.seed,
    )


def config(setting: Setting, devices: Iterable[PulsedDevice] | None = None) -> SingleRPUConfig | UnitCellRPUConfig:
    """Perfect reads and passes; ``devices`` in place of those of :func:`device`."""
    fast, slow = devices or (
        device(setting, setting.bounds, setting.reference),
        device(setting, setting.slow_bounds, 0.0),
    )
    if setting.algorithm == "sgd":
        out = SingleRPUConfig(device=fast)
    else:
        arguments = {
            "unit_cell_devices": [fast, slow],
            "construction_seed": setting.seed,
            "transfer_every": setting.every,
            "units_in_mbatch": False,
            "transfer_forward": IOParameters(is_perfect=True),
            "auto_scale": True,
            "fast_lr": setting.fast_rate,
            "auto_granularity": setting.gain,
            "in_chop_prob": 0.0 if setting.algorithm == "ttv2" else setting.flips,
        }
        if setting.algorithm == "agad":
            compound = DynamicTransferCompound(**arguments, tail_weightening=setting.decay / setting.flips)
        else:
            compound = ChoppedTransferCompound(**arguments)
        out = UnitCellRPUConfig(device=compound)
    out.forward, out.backward = IOParameters(is_perfect=True), IOParameters(is_perfect=True)
    out.update = UpdateParameters(desired_bl=setting.trains)
    return out


def tile(setting: Setting, outputs: int, inputs: int, rate: float) -> AnalogTile:
    """At visible weight 0."""
    out = AnalogTile(outputs, inputs, config(setting))
    out.set_weights(torch.zeros(outputs, inputs))
    out.set_learning_rate(rate)
    return out


def pulses(setting: Setting, rate: float, x: torch.Tensor, d: torch.Tensor, like: AnalogTile | None = None) -> float:
    """Mean pulses per crosspoint and sample on the array that takes the gradient: A, in SGD W.

    aihwkit counts pulses on GPUs alone. Here the devices are without bounds, noise or spread: what one vector changes,
    over the step, is the number of its pulses, which all have one sign.

    Args:
        setting: algorithm and pulse trains.
        rate: of SGD.
        x: inputs, [samples, inputs].
        d: derivatives of the loss, [samples, outputs].
        like: a tile whose running means of max|x| and max|d| to start from.
    """
    far = {"w_max": 1e4, "w_min": -1e4, "w_max_dtod": 0.0, "w_min_dtod": 0.0}
    exact = {"dw_min_dtod": 0.0, "dw_min_std": 0.0, "up_down_dtod": 0.0}
    counter = AnalogTile(
        d.shape[1], x.shape[1], config(setting, [ConstantStepDevice(dw_min=setting.step, **far, **exact)] * 2)
    )
    counter.set_weights(torch.zeros(d.shape[1], x.shape[1]))
    counter.set_learning_rate(rate)
    if like is not None:
        means = {k: v for k, v in like.tile.dump_extra().items() if k.endswith((".m_x", ".m_d"))}
        counter.tile.load_extra(counter.tile.dump_extra() | means, True)

    def array() -> torch.Tensor:
        taken = counter.get_weights()[0] if setting.algorithm == "sgd" else _hidden(counter)
        return taken.clone()

    total, before = 0.0, array()
    for i in range(len(x)):
        counter.update(x[i : i + 1].clone(), d[i : i + 1].clone())
        now = array()
        total += float(((now - before).abs() / setting.step).round().mean(dtype=torch.float64))
        before = now
    return total / len(x)


def _hidden(tile: AnalogTile) -> torch.Tensor:
    return tile.get_hidden_parameters()["hidden_weights_0"]
