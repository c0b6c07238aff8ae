"""The story computed: candidates of one design, judged on its test data."""

from __future__ import annotations

import platform
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from mho.codesign.design import Design
from mho.codesign.prober import Look, Prober
from mho.codesign.story import Line, Story
from mho.codesign.suited import TOLERANCE, training
from mho.errors import SpecError
from mho.evaluation.metrics import METRICS
from mho.frozen import FrozenDict
from mho.memory.spec import Memory
from mho.programming import OpenLoop, Selective, WriteVerify
from mho.studies.executors.base import Executor
from mho.studies.observers import Observer
from mho.studies.plan import make_plan
from mho.studies.points import Point
from mho.studies.sources import Data, Trained
from mho.training.recipe import Recipe

CHIPS = 400
"""Of each line: a lower limit of the 1st percentile takes 368."""
METHOD, PROGRAMMING = "model.method", "memory.programming"
BOUND = 0.03
"""Of every weight, beside the one that verification implies: where networks differ."""
FRACTION = 0.1
"""Of the weights that selective verification verifies."""
LINES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "nothing": ("plain training", "written once"),
        "all verified": ("plain training", "all verified"),
        "SWIM": ("plain training", "SWIM"),
        "noise injection": ("noise injection", "written once"),
        "right-censored": ("right-censored", "written once"),
        "right-censored, SWIM": ("right-censored", "SWIM"),
        "OVF": ("OVF", "written once"),
        "IRS": ("IRS", "written once"),
        "IRS, SWIM": ("IRS", "SWIM"),
    }
)
"""What is bought: how the network is trained, and what is verified."""


def asked_of(
    data: str,
    network: str,
    *,
    recipe: Recipe | None = None,
    sigma: float = 0.2,
    tolerance: float = TOLERANCE,
    fraction: float = FRACTION,
    bound: float = BOUND,
    chips: int = CHIPS,
    limit: int | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> Design:
    """The design that the lines are candidates of; see :func:`tell`.

    Raises:
        SpecError, UnknownNameError: an argument that is impossible.
    """
    from mho.devices import RRAM1

    verify = WriteVerify(tolerance=tolerance)
    programming = {"written once": OpenLoop(), "SWIM": Selective(fraction=fraction, verify=verify)}
    recipe = recipe or Recipe(epochs=16 if data == "digits" else 8, lr=2e-3)
    return Design(
        name=f"story-{data}",
        # The seed of the recipe is that of the starting weights, too, as mho train has it.
        model=Trained(architecture=network, data=Data(name=data, split="train"), recipe=recipe, seed=None),
        memory=Memory(device=RRAM1(sigma=sigma)),
        data=Data(name=data, limit=limit),
        # Nothing has to be reached here: the targets name what is told.
        targets=("p1 >= 0", f"worst({tolerance:g} of cells) >= 0", f"worst({bound:g}) >= 0"),  # type: ignore[arg-type]
        measures=FrozenDict(
            {METHOD: FrozenDict(training()), PROGRAMMING: FrozenDict(programming | {"all verified": verify})}
        ),
        sigma=sigma,
        chips=chips,
        confidence=confidence,
        seed=seed,
    )


def listed(design: Design, lines: Sequence[str] | None = None) -> dict[str, FrozenDict]:
    """The combination of every line, by the name that tables give it.

    Raises:
        SpecError: no such line.
    """
    from mho.errors import unknown

    out = {}
    some = f"SWIM {100 * design.measures[PROGRAMMING]['SWIM'].fraction:g} %"
    for name in LINES if lines is None else lines:
        if name not in LINES:
            raise unknown("line", name, LINES)
        method, programming = LINES[name]
        out[name.replace("SWIM", some)] = FrozenDict({METHOD: method, PROGRAMMING: programming})
    return out


def tell(
    design: Design,
    *,
    lines: Sequence[str] | None = None,
    store: str | Path | None = None,
    executor: Executor | None = None,
    observers: Sequence[Observer] = (),
    root: str | None = None,
) -> Story:
    """Judge the measures of several papers on the same test data, with the same chips: who helps, and at what price.

    What is computed is kept in the store, network by network, and shared with :func:`mho.design`.

    Args:
        design: of :func:`asked_of`.
        lines: names in :data:`LINES`; all of them if ``None``.
        store: folder of the results; ``$MHO_STORE`` or ``.mho`` if ``None``.
        executor: who computes; this process if ``None``.
        observers: who watches.
        root: folder searched first for data.

    Returns:
        One line for each combination.

    Raises:
        SpecError, UnknownNameError: no such line.
        DataError: data that are missing.
    """
    import torch

    from mho import __version__

    started = time.perf_counter()
    if not METRICS[design.metric].bounded:
        raise SpecError(f"the story is told in accuracies; {design.metric} is none")
    wanted = listed(design, lines)
    prober = Prober(design, store=store, executor=executor, observers=observers, root=root)
    look = look_of(design)
    judged = prober.judge(list(wanted.values()), look)
    names = [t.label(design.clock) for t in design.targets]
    told, images = [], 0
    for (name, chosen), found in zip(wanted.items(), judged, strict=True):
        if found.refused or found.costs is None:
            told.append(Line(name=name, chosen=dict(chosen), refused=found.refused))
            continue
        result = prober.results[chosen, look]
        images = result.images
        told.append(
            Line(
                name=name,
                chosen=dict(chosen),
                values={"mean": result.at(age=0.0).mean, "p1": found.values[names[0]]},
                digital=result.digital,
                worst=tuple(found.values[n].value for n in names[1:]),
                bounded=chosen[PROGRAMMING] == "all verified",
                chips=result.chips,
                costs=found.costs,
            )
        )
    tolerance = design.measures[PROGRAMMING]["all verified"].tolerance
    return Story(
        design=design,
        lines=tuple(told),
        bounds=(implied(design), *(t.level for t in design.targets if t.level is not None and not t.cells)),
        tolerance=tolerance,
        images=images,
        provenance={
            "mho": __version__,
            "torch": torch.__version__,
            "python": platform.python_version(),
            "processor": platform.processor() or platform.machine(),
            "seconds": round(time.perf_counter() - started, 1),
        },
    )


def missing(design: Design, *, store: str | Path | None = None, root: str | None = None) -> list[str]:
    """Networks that are not in the store yet, by name; reads the data, computes nothing.

    Raises:
        DataError: data that are missing.
    """
    prober = Prober(design, store=store, root=root)
    look, clock = look_of(design), design.clock
    points = [Point(prober.study(chosen, look), chosen, clock) for chosen in listed(design).values()]
    plan = make_plan(points[0].study, points=points, root=root)
    return [n.label for n in plan.networks.values() if n.job is not None and not prober.store.has_model(n.key)]


def look_of(design: Design) -> Look:
    """How closely the lines are looked at: the same chips for all, each on all test data."""
    return Look("refined", design.data, design.seed, None, design.chips, design.confidence)


def implied(design: Design) -> float:
    """The bound on every weight, a fraction of its full scale, that the tolerance of every cell implies."""
    from mho.evaluation.worst_case.box import box_of, tolerant
    from mho.memory import deploy
    from mho.zoo import build

    assert isinstance(design.model, Trained)
    assert isinstance(design.memory, Memory)
    network = build(design.model.architecture, **design.model.options)
    return tolerant(box_of(deploy(network, design.memory)))[1] * float(
        design.measures[PROGRAMMING]["all verified"].tolerance
    )
