"""Training on arrays in words: which algorithm, at which error of the reference and number of states, how well."""

from __future__ import annotations

from mho.analog.published_errors import SIZE
from mho.reports.analog import arrays, costs, crosspoint, networks
from mho.reports.analog.phrases import several
from mho.reports.analog.view import Analog
from mho.reports.answer import Finding
from mho.reports.wording import capital


def opening(view: Analog) -> str:
    """The answer in one sentence: of networks, else of programmed arrays, of one crosspoint, of costs."""
    said = [networks.opening(view, view.sweeps[0])] if view.sweeps else []
    said += [arrays.opening(view, view.programmings[0])] if view.programmings else []
    if said:
        return " ".join(said)
    if view.toys:
        return crosspoint.opening(view)
    return costs.opening(view)


def findings(view: Analog) -> list[Finding]:
    """One finding a question, as far as there is something to say."""
    said = [
        ("What a crosspoint does", crosspoint.told(view)),
        *((f"How exactly it programs{arrays.named(p, view)}", arrays.told(view, p)) for p in view.programmings),
        *((f"What is left of {who}", networks.told(view, swept)) for who, swept in networks.together(view).items()),
        ("What an update takes", costs.updates(view)),
        ("How often devices are pulsed", costs.pulses(view)),
        ("What has to be remembered", costs.memories(view)),
    ]
    return [Finding(question, "", sentences) for question, sentences in said if sentences]


def caveats(view: Analog) -> list[str]:
    """What these numbers do not say."""
    out = []
    if view.programmings and min(p.chips for p in view.programmings) < 10:
        few = min(p.chips for p in view.programmings)
        out.append(f"{capital(several(few, 'chip'))}: differences between algorithms that are small need more.")
    for sweep in view.sweeps:
        if len(sweep.seeds) == 1:
            out.append(f"{sweep.model} on {sweep.data}: one seed says nothing about the next one; no intervals.")
        if sweep.floating is not None and any(
            point.errors.mean() < sweep.floating.errors.mean() for point in sweep.points
        ):
            out.append(
                f"{sweep.model} on {sweep.data}: floating point was trained with the recipe of the arrays; one of its "
                "own may do better."
            )
    for programming in view.programmings:
        out += arrays.unfinished(programming)
    labels = [p.labels for p in view.programmings] + [s.labels for s in view.sweeps]
    if any(len(mine) > 1 for mine in labels):
        out.append("Parameters are those of the setting for all algorithms; tuned one by one, each may do better.")
    if any(p.size == SIZE for p in view.programmings):
        out.append(
            "Published errors were read off a figure, and those of another tool were measured with its own settings: "
            "they stand beside ours, nothing is computed from them."
        )
    return [*dict.fromkeys(out)]
