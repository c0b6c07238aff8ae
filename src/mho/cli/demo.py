"""``mho demo``: the main job on real data, in under a minute, without any download."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from mho.cli.design_options import EngineOptions, TeachOptions
from mho.cli.options import ImportOption, at_least, imports
from mho.cli.study_options import StoreOption, store_of
from mho.errors import SpecError

SIGMAS = (0.01, 0.02, 0.05, 0.1, 0.2)
AGES = ("1s", "30d")
OUT = ("mho-demo.html", "mho-demo-full.html")
CHIPS = (100, 400)


def demo(
    *,
    out: Annotated[
        Path | None,
        Parameter(help=f"HTML report to write; {OUT[0]} unless given, with --full {OUT[1]}.", show_default=False),
    ] = None,
    chips: Annotated[
        int | None,
        Parameter(
            help=f"Chips per device, sigma and age, {CHIPS[0]} unless given; with --full per line, {CHIPS[1]}.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, Parameter(help="Decides training and every chip; with --full the chips.")] = 0,
    full: Annotated[
        bool,
        Parameter(
            negative="",
            help="Instead: training for tolerance, selective verification and both, side by side; average, unlucky and "
            "worst possible chip, write cycles, training. Takes minutes; the options below are for it.",
        ),
    ] = False,
    data: Annotated[str | None, Parameter(help="Data set: digits unless given, mnist, fashion_mnist, cifar10.")] = None,
    network: Annotated[str | None, Parameter(help="Architecture: lenet unless given, resnet18.")] = None,
    limit: Annotated[int | None, Parameter(help="Only the first so many test samples.")] = None,
    sigma: Annotated[float | None, Parameter(help="Severity of RRAM1; 0.2 unless given.")] = None,
    teach: TeachOptions = TeachOptions(),  # noqa: B008 - frozen
    store: StoreOption = None,
    engine: EngineOptions = EngineOptions(),  # noqa: B008 - frozen
    import_: ImportOption = None,
    root: Annotated[Path | None, Parameter(help="Folder of the data.")] = None,
    json: Annotated[Path | None, Parameter(help="Every number behind the table, to this file.")] = None,
    csv: Annotated[Path | None, Parameter(help="The table, to this file.")] = None,
    dry_run: Annotated[bool, Parameter(negative="", help="Only say what is to be trained.")] = False,
) -> None:
    """Train a LeNet on handwritten digits, program it onto RRAM1 and FeFET2 chips, and report how good they are."""
    from mho.files import check_writable
    from mho.units import parse_duration

    chips = at_least("--chips", CHIPS[full] if chips is None else chips, 1)
    at_least("--seed", seed, 0)
    out = Path(OUT[full]) if out is None else out
    only: dict[str, object] = {"data": data, "network": network, "sigma": sigma, "limit": limit, "store": store}
    only |= {"import": import_, "root": root, "json": json, "csv": csv, "dry-run": dry_run or None}
    only |= {f.name.replace("_", "-"): getattr(group, f.name) for group in (teach, engine) for f in fields(group)}
    if full:
        from mho.cli.demo_full import full_demo

        given = {name: value for name, value in (("sigma", sigma), ("limit", limit)) if value is not None}
        full_demo(
            out, data=data or "digits", network=network or "lenet", teach=teach, store=store_of(None, store),
            engine=engine, root=root, json=json, csv=csv, dry_run=dry_run, modules=imports(import_),
            chips=chips, seed=seed, **given,
        )  # fmt: skip
        return
    for name, value in only.items():
        if value is not None:
            raise SpecError(f"--{name} is for --full; add it, or leave out --{name}")
    check_writable(out)
    print("training a LeNet on scikit-learn's handwritten digits ...", flush=True)

    from mho import devices, zoo
    from mho.data import digits
    from mho.evaluation import evaluate
    from mho.memory import Memory, deploy, describe
    from mho.reports import report
    from mho.training import Recipe, train

    training, test = digits(split="train"), digits(split="test")
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
