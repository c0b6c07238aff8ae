"""What an adaptive evaluation spent, what the plain protocol would have, and the call that repeats it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mho.units import format_age, percent, significant

if TYPE_CHECKING:
    from mho.evaluation.result import Result
    from mho.evaluation.sampled import Sampled, Screening


def plain(result: Result, screening: Screening) -> int:
    """Chip-images of the plain protocol for the same widths of those intervals that decided when to stop."""
    chips = [max(p.plain_chips(name, result.threshold) for name in screening.precision) for p in _populations(result)]
    return sum(chips) * result.images


def missed(result: Result) -> list[str]:
    """One line for every interval that is wider than was asked for, since there were no more chips to make."""
    out = []
    for p in _populations(result):
        assert result.screening is not None
        for name, wanted in result.screening.precision.items():
            width = p.named(name, result.threshold).half_width
            if not width <= wanted:
                show = percent if result.bounded or name == "yield" else significant
                place = "" if p.sigma is None else f" at sigma {p.sigma:g}"
                place += f" at {format_age(p.age, result.clock, unit=True)}" if len(result.age) > 1 else ""
                out.append(
                    f"{name}{place} is known to ±{show(width)}, not ±{show(wanted)}: "
                    f"{len(p.values)} chips were the most allowed (n_chips)"
                )
    return out


def size(result: Result) -> str:
    """``"100 chips x 355"``, ``"64..1180 chips x 64..10000"``."""
    if result.screening is None:
        return f"{result.chips} chips x {result.images}"
    images = result.screening.images
    return f"{_span((images > 0).sum(-1).ravel().tolist())} chips x {_span(images[images > 0].tolist())}"


def spending(result: Result) -> str:
    """What an adaptive result spent, and what the plain protocol would have."""
    spent, usual = result.spent, result.plain
    said = f"{spent:,} chip-images; chips judged on all images would take {usual:,} for these widths"
    ratio = usual / spent
    said += f" ({ratio:.3g} times as many)" if ratio >= 1 else f" ({ratio:.2g} times as many: nothing was saved)"
    return said


def lines(result: Result) -> list[str]:
    """What follows the table of an adaptive result; nothing for a plain one."""
    if result.screening is None:
        return []
    return [spending(result), f"again: {call(result, result.screening)}", *missed(result)]


def call(result: Result, screening: Screening) -> str:
    """The call that repeats ``result``, number by number."""
    from mho.evaluation.metrics import METRICS

    named = next((key for key, metric in METRICS.items() if metric.name == result.metric), None)
    dtype = result.provenance.get("dtype", "float32")
    options = {
        "metric": None if named in ("accuracy", None) else named,
        "dtype": None if dtype == "float32" else dtype,
        "precision": dict(screening.precision),
        "confidence": result.confidence,
        "percentiles": tuple(result.percentiles),
        "threshold": result.threshold,
        "sigma": None if result.sigma == (None,) else list(result.sigma),
        "age": list(result.age) if result.age != (0.0,) else None,
        "n_chips": screening.cap,
        "first_chip": result.first_chip or None,
        "images": screening.look_asked,
    }
    said = ", ".join(f"{k}={v!r}" for k, v in options.items() if v is not None)
    said += f", metric={result.metric}" if named is None else ""
    return f"mho.evaluate(mho.deploy(model, memory, seed={result.seed}), data, {said})"


def _populations(result: Result) -> list[Sampled]:
    from mho.evaluation.sampled import Sampled

    return [p for p in result.populations() if isinstance(p, Sampled)]


def _span(counts: list[int]) -> str:
    return f"{min(counts)}" if min(counts) == max(counts) else f"{min(counts)}..{max(counts)}"
