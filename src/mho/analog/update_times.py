"""The update times of all algorithms side by side, beside the published ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mho.analog.hardware import Hardware
from mho.analog.naming import NAMES, TITLES
from mho.analog.update_time import UpdateCost, update_time
from mho.errors import SpecError
from mho.text import table

if TYPE_CHECKING:
    from mho.analog.algorithm import Algorithm


@dataclass(frozen=True, kw_only=True)
class UpdateTimes:
    """What one vector costs with several algorithms.

    Attributes:
        costs: one of each, in the order asked for.
    """

    costs: tuple[UpdateCost, ...]

    def rows(self) -> list[dict[str, Any]]:
        """One flat record an algorithm; ``times_faster`` is the time of mixed precision over this one's."""
        slow = next((cost.seconds for cost in self.costs if cost.kind == "MixedPrecision"), None)
        return [cost.to_dict() | {"times_faster": slow / cost.seconds if slow else None} for cost in self.costs]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        first = self.costs[0].hardware
        return {"updates": self.rows(), "hardware": first.to_dict()}

    @property
    def references(self) -> tuple[str, ...]:
        """BibTeX keys of the model of costs; see :func:`mho.cite`."""
        return tuple(dict.fromkeys(key for cost in self.costs for key in cost.references))

    def __str__(self) -> str:
        u, h = self.costs[0].update, self.costs[0].hardware
        phases = ", up and down one after the other" if h.two_phase else ""
        title = (
            f"The update of {u.outputs}x{u.inputs} devices by one vector; {h.array_flops / 1e9:g} operations a ns, "
            f"{h.mvm * 1e9:g} ns a read, {h.pulse * 1e9:g} ns a slot{phases}"
        )
        rows = self.rows()
        return f"{table(_TIMES, map(_times, rows), title=title)}\n\n{table(_SIZES, map(_sizes, rows))}"


def update_times(
    algorithms: str | Algorithm | Sequence[str | Algorithm] = tuple(NAMES),
    n: int | tuple[int, int] = 512,
    *,
    hardware: Hardware | None = None,
    **options: Any,
) -> UpdateTimes:
    """How long does an update take, with each of some algorithms?

    Args:
        algorithms: one or several names or specs; the five of the published table unless given.
        n: as :func:`mho.analog.update_time` takes it.
        hardware: times and speeds; the paper's if ``None``.
        **options: further ones of :func:`mho.analog.update_time`, for all algorithms.

    Raises:
        UnknownNameError, SpecError: as :func:`mho.analog.update_time`; or no algorithm is named.
    """
    if isinstance(algorithms, Hardware):
        raise SpecError("update_times: hardware goes by name: update_times(hardware=analog.Hardware(...))")
    if isinstance(algorithms, str) or not isinstance(algorithms, Iterable):
        algorithms = (algorithms,)
    if not algorithms:
        raise SpecError(f"update_times: no algorithm is named; some of {', '.join(NAMES)}")
    return UpdateTimes(costs=tuple(update_time(a, n, hardware=hardware, **options) for a in algorithms))


_TIMES = ["algorithm", "n_s", "l", "digital ns", "reads ns", "pulses ns", "ns", "published ns", "times faster than MP"]
_SIZES = ["algorithm", "bytes kept", "bits loaded", "bits of memory moved", "analog arrays"]


def _times(row: dict[str, Any]) -> list[str]:
    published, faster = row["published_seconds"], row["times_faster"]
    return [
        row["algorithm"],
        f"{row['transfer_every']}" if row["reads"] else "–",
        "–" if row["algorithm"] == TITLES["MixedPrecision"] else f"{row['mean_length']:g}",
        *(f"{row[key] * 1e9:.1f}" for key in ("digital_seconds", "read_seconds", "pulse_seconds", "seconds")),
        "–" if published is None else f"{published * 1e9:.1f}",
        "–" if faster is None else f"{faster:.1f}",
    ]


def _sizes(row: dict[str, Any]) -> list[str]:
    numbers = (row["storage_bytes"], row["load_bits"], row["memory_bits"], row["arrays"])
    return [row["algorithm"], *(f"{number:,.0f}" for number in numbers)]
