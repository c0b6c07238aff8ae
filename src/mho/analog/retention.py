"""How long the arrays have to remember what they hold, while a network is trained [rasch2024fast]."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from mho.analog.hardware import Hardware
from mho.analog.network_cost import cost
from mho.analog.published import REFERENCE_DRIFT, RETENTION_SAMPLES
from mho.analog.tiles import idle_line, tiles_of
from mho.text import table
from mho.units import format_duration, percent

if TYPE_CHECKING:
    from torch import nn

    from mho.data.dataset import Inputs
    from mho.devices.pulsed import PulsedCell


@dataclass(frozen=True, kw_only=True)
class TileRetention:
    """What one tile has to remember.

    Attributes:
        tile: its name.
        algorithm: what tables call the one that trains it.
        period: vectors from one read of a slice of A to the next, n n_s; ``None`` without a gradient array.
        chopper_period: vectors for which a chopper keeps its sign, on average; ``None`` without choppers.
        vector_seconds: time from one vector of this tile to the next; ``None`` for a tile that gets none.
        gradient_leak: part of A that leaks away in one period; 0 where its cells keep what they hold.
        reference_drift: how far the paper lets R move in a whole training, as a share of the range; ``None`` without R.
        run: vectors so far, for which W had to last.
        weight_leak: part of W that leaked away meanwhile, had nothing renewed it.
    """

    tile: str
    algorithm: str
    period: int | None
    chopper_period: float | None
    vector_seconds: float | None
    gradient_leak: float | None
    reference_drift: float | None
    run: int
    weight_leak: float

    @property
    def gradient_seconds(self) -> float | None:
        """How long A has to remember: one period."""
        return None if self.period is None else self._seconds(self.period)

    @property
    def run_seconds(self) -> float | None:
        """How long the array would have been at it."""
        return self._seconds(self.run)

    def to_dict(self) -> dict[str, Any]:
        """A flat record."""
        return {
            "tile": self.tile,
            "algorithm": self.algorithm,
            "period_vectors": self.period,
            "chopper_period_vectors": self.chopper_period,
            "gradient_seconds": self.gradient_seconds,
            "gradient_leak": self.gradient_leak,
            "reference_drift": self.reference_drift,
            "run_vectors": self.run,
            "run_seconds": self.run_seconds,
            "weight_leak": self.weight_leak,
        }

    def _seconds(self, vectors: int) -> float | None:
        return None if self.vector_seconds is None else vectors * self.vector_seconds


@dataclass(frozen=True, kw_only=True)
class Retention:
    """What the tiles of a network have to remember.

    Attributes:
        tiles: in the order of the model.
    """

    references: ClassVar[tuple[str, ...]] = ("rasch2024fast",)

    tiles: tuple[TileRetention, ...]

    def rows(self) -> list[dict[str, Any]]:
        """One flat record a tile."""
        return [tile.to_dict() for tile in self.tiles]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {"tiles": self.rows(), "published_gradient_samples": list(RETENTION_SAMPLES)}

    def __str__(self) -> str:
        rows = [
            [
                one.tile,
                one.algorithm,
                _or_dash(one.period, "{:,}"),
                _duration(one.gradient_seconds),
                "–" if one.gradient_leak is None else percent(one.gradient_leak),
                _or_dash(one.chopper_period, "{:,.6g}"),
                "–" if one.reference_drift is None else f"{100 * one.reference_drift:g}",
                f"{one.run:,}",
                _duration(one.run_seconds),
                percent(one.weight_leak),
            ]
            for one in self.tiles
        ]
        low, high = RETENTION_SAMPLES
        title = (
            "What has to be remembered: A from read to read, R with a drift of so much of the range, W throughout"
            f"\n(published: A {low} to {high} samples; R as here)"
            f"{idle_line([one.tile for one in self.tiles if one.vector_seconds is None])}"
        )
        header = ["tile", "algorithm", "A: vectors", "time", "leaks %", "chopper", "R: %", "W: vectors", "time"]
        return table([*header, "leaks %"], rows, left=2, title=title)


def retention(
    model: nn.Module,
    inputs: Inputs | None = None,
    *,
    samples: float | None = None,
    hardware: Hardware | None = None,
    **options: Any,
) -> Retention:
    """How long do the arrays of this network have to remember?

    A counts from read to read, n n_s vectors: what was added earlier is in H by then. W counts for the whole run. Times
    are those of a network whose tiles work one after the other.

    Args:
        model: a converted model.
        inputs: a few samples, if the model was not trained yet.
        samples: without ``inputs``, how many it was trained with.
        hardware: times and speeds; the paper's if ``None``.
        **options: as :func:`mho.analog.cost` takes them.

    Raises:
        ModelError, SpecError: as :func:`mho.analog.cost`.
    """
    costs = cost(model, inputs, samples=samples, hardware=hardware, **options)
    found = []
    for name, tile in tiles_of(model).items():
        used, one = tile.algorithm, costs[name]
        cells = used.cells
        update = one.update.update
        period = update.slices * update.transfer_every if "gradient" in cells else None
        flips = getattr(used, "flip_rate", None)
        found.append(
            TileRetention(
                tile=name,
                algorithm=one.update.algorithm,
                period=period,
                chopper_period=period / flips if period and flips else None,
                vector_seconds=costs.seconds / one.vectors if one.vectors else None,
                gradient_leak=None if period is None else _leaked(cells["gradient"], period),
                reference_drift=REFERENCE_DRIFT.get(type(used).__name__),
                run=int(tile.samples),
                weight_leak=_leaked(cells["weight"], int(tile.samples)) if "weight" in cells else 0.0,
            )
        )
    return Retention(tiles=tuple(found))


def _leaked(cell: PulsedCell, vectors: int) -> float:
    """Part of a conductance that is gone after so many vectors."""
    return 1.0 - float(cell.kept**vectors)


def _or_dash(value: float | None, form: str) -> str:
    return "–" if value is None else form.format(value)


def _duration(seconds: float | None) -> str:
    return "–" if seconds is None else format_duration(seconds)
