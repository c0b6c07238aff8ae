"""One tool in a process of its own interpreter, started by `side_by_side.py`.

    python benchmarks/side_by_side_worker.py TOOL JOB THREADS

JOB is a file of tensors. A line of JSON comes in ({"do": ..., ...}), a line of JSON goes out.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import torch
from side_by_side_peers import TOOLS
from side_by_side_tools import Hand, Mho, Tool, timed

JUDGED = 1000
"""Images on which chips judge a trained network."""


def moments(tool: Tool, chips: int) -> dict[str, list[float]]:
    """Of the errors in units of sigma S, layer by layer: [cells, mean, mean square]."""
    sums: dict[str, list[float]] = {}
    clean = tool.job["state"]
    for _ in range(chips):
        tool.program()
        for name, weight in tool.weights().items():
            z = (weight - clean[name]).double() / (tool.sigma * clean[name].abs().max())
            row = sums.setdefault(name, [0.0, 0.0, 0.0])
            for i, value in enumerate((z.numel(), z.sum(), z.square().sum())):
                row[i] += float(value)
    return {name: [n, total / n, square / n] for name, (n, total, square) in sums.items()}


def answer(tool: Tool, asked: dict[str, Any]) -> dict[str, Any]:
    """What one line asks for."""
    match asked["do"]:
        case "moments":
            return {"layers": moments(tool, asked["chips"])}
        case "tune":
            return {"batch": tool.tune()}
        case "evaluate":
            seconds, values = timed(lambda: tool.accuracies(asked["chips"]))
            return {"seconds": seconds, "values": values}
        case "precise":
            assert isinstance(tool, Mho)
            seconds, found = timed(lambda: tool.precise(asked["precision"]))
            return {"seconds": seconds, **found}
        case "train":
            seconds, state = timed(lambda: tool.train(asked["seed"]))
            images = {key: tool.job[key][:JUDGED] for key in ("inputs", "targets")}
            trained = {key: value.detach() for key, value in state.items()}
            judge = Hand(tool.job | images | {"state": trained, "seed": asked["seed"]})
            return {"seconds": seconds, "value": sum(judge.accuracies(asked["chips"])) / asked["chips"]}
    raise ValueError(asked["do"])


def made(name: str, job: dict[str, Any]) -> Tool:
    return (TOOLS | {"torch": Hand, "mho": Mho})[name](job)


def main() -> None:
    name, path, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
    # What a tool prints goes to the errors: the other side reads nothing but answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def say(line: dict[str, Any]) -> None:
        print(json.dumps(line), file=answers, flush=True)

    torch.set_num_threads(threads)
    try:
        seconds, tool = timed(lambda: made(name, torch.load(path, weights_only=True)))
    except ImportError as error:
        say({"missing": str(error)})
        return
    say({"version": tool.version, "torch": torch.__version__, "python": sys.version.split()[0], "ready": seconds})
    for line in sys.stdin:
        say(answer(tool, json.loads(line)))


if __name__ == "__main__":
    main()
