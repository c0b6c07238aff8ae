"""Run the study: python studies/first-light/run.py resnet20-12fca82f.th [population ...]

Reads study.yaml and the two devices beside it, and writes results/<population>.json, table.md and report.html
there. CIFAR-10 is looked for as ``mho list data`` says. With names of populations only those are computed; the table
and the report always show all results that are there.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import yaml

from mho import data, zoo
from mho.evaluation import Result, evaluate
from mho.files import write_json, write_text
from mho.memory import Memory, deploy, describe
from mho.reports import write
from mho.spec import from_dict

HERE = Path(__file__).parent


def memory_of(entry: dict[str, Any]) -> Memory:
    """The memory of one population; a device may be named by its file."""
    spec = dict(entry["memory"])
    if isinstance(spec["device"], str):
        spec["device"] = yaml.safe_load((HERE / spec["device"]).read_text())
    memory = from_dict(spec)
    assert isinstance(memory, Memory)
    return memory


def slug(label: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-")


def main() -> None:
    study = yaml.safe_load((HERE / "study.yaml").read_text())
    model = zoo.load_published_resnet(sys.argv[1])
    wanted = sys.argv[2:] or [slug(e["label"]) for e in study["populations"]]
    test = data.load(**study["data"])
    (HERE / "results").mkdir(exist_ok=True)
    for entry in study["populations"]:
        name = slug(entry["label"])
        if name in wanted:
            result = evaluate(
                deploy(model, memory_of(entry), seed=study["seed"]),
                test,
                n_chips=study["n_chips"],
                sigma=entry.get("sigma"),
                age=entry.get("age", 0.0),
                percentiles=study["percentiles"],
                label=entry["label"],
            )
            print(result, flush=True)
            write_json(HERE / "results" / f"{name}.json", result.to_dict())
    show(study, model)


def show(study: dict[str, Any], model: Any) -> None:
    """Write the table and the page from the results that are there."""
    paths = {e["label"]: HERE / "results" / f"{slug(e['label'])}.json" for e in study["populations"]}
    results = {k: Result.from_dict(json.loads(p.read_text())) for k, p in paths.items() if p.exists()}
    memories = {e["label"]: memory_of(e) for e in study["populations"]}
    write_text(HERE / "table.md", "\n\n".join(f"```\n{r}\n```" for r in results.values()) + "\n")
    swept = {k: r for k, r in results.items() if r.sigma != (None,)}
    if swept:
        first = next(iter(swept))
        write(
            HERE / "report.html",
            title="First light: the published ResNet-20 on RRAM",
            results=swept,
            description=describe(deploy(model, memories[first], seed=study["seed"])),
            command="python studies/first-light/run.py resnet20-12fca82f.th",
            specs={k: memories[k].to_yaml() for k in swept},
            references=["he2016resnet", "qin2025neft", "levy_rram_relaxation", "salmon2011random"],
        )


if __name__ == "__main__":
    main()
