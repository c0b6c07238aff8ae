"""What several commands take: lists on one line, ages with units, and how a memory is named."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from mho.errors import SpecError, nearest
from mho.units import parse_duration

if TYPE_CHECKING:
    from torch import nn

    from mho.memory import Memory


def numbers(option: str, text: str) -> list[float]:
    """``"0.05,0.1"`` as numbers.

    Raises:
        SpecError: naming the option and what is no number.
    """
    out = []
    for part in text.split(","):
        try:
            out.append(float(part))
        except ValueError:
            raise SpecError(f"{option} '{part.strip()}' is no number; write a list such as 0.05,0.1,0.2") from None
    return out


def durations(text: str) -> list[float]:
    """``"0,1h,1y"`` as seconds."""
    return [parse_duration(part) for part in text.split(",")]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class MemoryOptions:
    """How the memory is named on the command line."""

    device: Annotated[str, Parameter(help="Device preset, or a CSV of your own measurements; see mho list devices.")] = (
        "RRAM1"
    )
    weight_bits: Annotated[int, Parameter(help="Bits per weight.")] = 8
    cell_bits: Annotated[int, Parameter(help="Bits per cell.")] = 2
    g_max: Annotated[
        float | None, Parameter(help="Conductance of the top level, where a device CSV is not in fractions.")
    ] = None
    memory: Annotated[
        Path | None, Parameter(help="YAML of a memory, or of name rules; instead of the options above.")
    ] = None

    def rules(self, sigma: float) -> Memory | dict[str, Memory | None]:
        """The memory (or rules) asked for; ``sigma`` is the device's severity where a preset needs one."""
        if self.memory is not None:
            return _from_file(self.memory)
        from mho.mapping import SlicedMagnitude
        from mho.memory import Memory

        return Memory(
            device=self._device(sigma),
            mapping=SlicedMagnitude(weight_bits=self.weight_bits, cell_bits=self.cell_bits),
        )

    def _device(self, sigma: float) -> Any:
        import inspect

        from mho import devices

        if self.device.lower().endswith(".csv"):
            return devices.MeasuredTable.from_csv(self.device, g_max=self.g_max)
        names = {n.lower(): p for n, p in devices.PRESETS.items()}
        preset = names.get(self.device.lower())
        takes_sigma = preset is None or "sigma" in inspect.signature(preset.make).parameters
        return devices.get(self.device, **({"sigma": sigma} if takes_sigma else {}))


def _from_file(path: Path) -> Any:
    import yaml

    from mho.memory import Memory
    from mho.spec import from_dict

    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise SpecError(f"{path}: cannot be read ({reason})") from None
    except yaml.YAMLError as error:
        raise SpecError(f"{path}: is no valid YAML ({' '.join(str(error).split())})") from None
    if not isinstance(data, dict):
        raise SpecError(f"{path}: expected 'kind: Memory' or 'rules:' with patterns")
    if "rules" in data:
        if not isinstance(data["rules"], dict):
            raise SpecError(f"{path}: rules must map name patterns to memories (or null)")
        return {str(k): None if v is None else from_dict(v) for k, v in data["rules"].items()}
    spec = from_dict(data)
    if not isinstance(spec, Memory):
        raise SpecError(f"{path}: holds a {type(spec).__name__}; it must be a Memory ({nearest('Memory', ['Memory'])})")
    return spec


def load_model(path: str) -> nn.Module:
    """The network in a safetensors file, or in a published CIFAR ResNet's ``.th`` file."""
    from mho import zoo

    return zoo.load_published_resnet(path) if path.endswith(".th") else zoo.load(path)
