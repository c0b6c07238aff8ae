"""``mho demo``: the main job on real data, in under a minute, without any download."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from mho.cli.options import at_least

SIGMAS = (0.01, 0.02, 0.05, 0.1, 0.2)
AGES = ("1s", "30d")


def demo(
    *,
    out: Annotated[Path, Parameter(help="HTML report to write.")] = Path("mho-demo.html"),
    chips: Annotated[int, Parameter(help="Chips per device, sigma and age.")] = 100,
    seed: Annotated[int, Parameter(help="Decides training and every chip.")] = 0,
) -> None:
    """Train a LeNet on handwritten digits, program it onto RRAM1 and FeFET2 chips, and report how good they are."""
    from mho.files import check_writable
    from mho.units import parse_duration

    at_least("--chips", chips, 1)
    at_least("--seed", seed, 0)
    check_writable(out)
    print("training a LeNet on scikit-learn's handwritten digits ...", flush=True)

    from mho import data, devices, zoo
    from mho.evaluation import evaluate
    from mho.memory import Memory, deploy, describe
    from mho.reports import report
    from mho.training import Recipe, train

    training, test = data.digits(split="train"), data.digits(split="test")
    model = train(zoo.build("lenet", seed=seed), training, recipe=Recipe(epochs=16, lr=2e-3, seed=seed))

    # Drift of a few per cent a decade of time, with spread between cells: an illustration, not a measured device.
    drift = devices.PowerLawDrift(nu=0.01, nu_std=0.005, t0=1.0)
    results, populations = [], []
    for preset in (devices.RRAM1, devices.FeFET2):
        device = devices.Stack(stages=(preset(sigma=SIGMAS[0]), drift), name=preset.__name__)
        population = deploy(model, Memory(device=device), seed=seed)
        result = evaluate(
            population,
            test,
            n_chips=chips,
            sigma=SIGMAS,
            age=[parse_duration(a) for a in AGES],
            threshold=0.9,
        )
        print(f"\n{result}", flush=True)
        results.append(result)
        populations.append(population)
    print(f"\n{describe(populations[0])}\n")
    report(
        out,
        results,
        populations,
        title="A LeNet on RRAM and FeFET chips",
        command=f"mho demo --chips {chips} --seed {seed}",
        references=["lecun1998gradient"],
        intro=(
            "A LeNet trained on scikit-learn's 8x8 handwritten digits (enlarged to 28x28), stored as 8-bit magnitudes "
            "on four 2-bit cells a weight. Sigma is the standard deviation of a cell as a fraction of its full "
            "conductance range. Drift is illustrative: exponents of 0.01 on average, 0.005 between cells, from 1 s on."
        ),
    )
    print(f"report: {out}")
