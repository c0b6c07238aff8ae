"""Time and peak memory of every training method against plain training, on the CPU.

python benchmarks/bench_training_methods.py [--networks lenet resnet20] [--batch 128] [--runs 5] [--steps 4]

Each memory is that of a process of its own, which trains for three mini-batches: what tensors take at the most, as the
profiler of torch counts it, and by how much the resident memory of the process grows. Times are of interleaved runs.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from timing import interleaved, machine
from torch.profiler import ProfilerActivity, profile

from mho import zoo
from mho.data import Dataset
from mho.spec import from_dict, parameters
from mho.text import table
from mho.training import METHODS, Method, Recipe, train

ARGUMENTS = {"sigma": 0.1, "bound": 0.03}
"""Given to every method that has them."""
PUBLISHED = {"ovf": "3.22", "irs": "1.07"}
"""Peak GPU memory of a ResNet-18 on CIFAR-10 over that of plain training [qin2025neft] (Fig. 8)."""
MIB = 2**20


def methods() -> dict[str, Method | None]:
    """Plain training, every method of the command line, and the other way to take the gradient of feedback."""
    out: dict[str, Method | None] = {"plain": None}
    for name, kind in METHODS.items():
        takes = [p.name for p in parameters(kind)]
        out[name] = kind(**{key: value for key, value in ARGUMENTS.items() if key in takes})
    feedback = out.get("ovf")
    if feedback is not None:
        out["ovf, all graphs"] = feedback.replace(graphs="all")
    return out


def samples(network: str, n: int) -> Dataset:
    """Noise of the shape of MNIST or CIFAR-10."""
    shape = (1, 28, 28) if network == "lenet" else (3, 32, 32)
    inputs = torch.rand(n, *shape, generator=torch.Generator().manual_seed(0))
    return Dataset(inputs=inputs, targets=torch.arange(n) % 10, classes=10)


def run(network: torch.nn.Module, data: Dataset, method: Method | None, batch: int) -> None:
    recipe = Recipe(epochs=1, batch_size=batch)
    train(network, data, method=method, recipe=recipe, progress=False)


def resident(what: str) -> int:
    """Resident memory of this process in bytes: ``VmRSS`` now, ``VmHWM`` at the most; 0 where Linux does not tell."""
    status = Path("/proc/self/status")  # the peak of getrusage is also that of the process that started this one
    lines = status.read_text().splitlines() if status.exists() else []
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith(what)), 0)


def measure(network: str, batch: int, said: str) -> None:
    """In a process of its own: print what tensors take at the most, and the growth of the process, in bytes."""
    method, model = (None if said == "null" else from_dict(json.loads(said))), zoo.build(network)
    run(model, samples(network, 4), method, batch=2)  # type: ignore[arg-type] # imports and compiles
    data = samples(network, 3 * batch)
    before = resident("VmRSS")
    run(model, data, method, batch)  # type: ignore[arg-type]
    grown = resident("VmHWM") - before
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as traced:
        run(model, data, method, batch)  # type: ignore[arg-type]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trace.json"
        traced.export_chrome_trace(str(path))
        events = json.loads(path.read_text())["traceEvents"]
    most = max(e["args"]["Total Allocated"] for e in events if e.get("name") == "[memory]")
    print(json.dumps([most, grown]))


def peaks(network: str, batch: int, method: Method | None) -> tuple[float, float]:
    """Bytes of tensors, and by which the process grows."""
    said = json.dumps(None if method is None else method.to_dict())
    # Else the C library keeps large blocks that are free, and pieces of them, for itself: up to as much again.
    env = os.environ | {"MALLOC_MMAP_THRESHOLD_": str(2**16), "OMP_NUM_THREADS": str(torch.get_num_threads())}
    command = [sys.executable, __file__, "--networks", network, "--batch", str(batch), "--measure", said]
    out = subprocess.run(command, check=True, capture_output=True, text=True, env=env).stdout
    tensors, grown = json.loads(out.splitlines()[-1])
    return tensors, grown


def show(network: str, asked: argparse.Namespace) -> None:
    """One table."""
    model, data = zoo.build(network), samples(network, asked.steps * asked.batch)
    cases = methods()
    seconds = interleaved(
        {name: lambda method=method: run(model, data, method, asked.batch) for name, method in cases.items()},  # type: ignore[misc]
        runs=asked.runs,
    )
    taken = {name: peaks(network, asked.batch, method) for name, method in cases.items()}
    rows = []
    for name in cases:
        slower = statistics.median(a / b for a, b in zip(seconds[name], seconds["plain"], strict=True))
        step = 1e3 * statistics.median(seconds[name]) / asked.steps
        (tensors, grown), (plain_tensors, plain_grown) = taken[name], taken["plain"]
        memory = [f"{tensors / MIB:.1f}", f"{tensors / plain_tensors:.2f}"]
        memory += [f"{grown / MIB:.1f}", f"{grown / plain_grown:.2f}" if plain_grown else "", PUBLISHED.get(name, "")]
        rows.append([name, f"{step:.1f}", f"{slower:.2f}", *memory])
    header = [f"{network}, batches of {asked.batch}", "ms a step", "x plain", "MiB of tensors", "x plain"]
    print(table([*header, "MiB of process", "x plain", "published x"], rows))
    print(f"medians of {asked.runs} interleaved runs of {asked.steps} steps each, set-up included")
    print("published: peak GPU memory, ResNet-18 on CIFAR-10; there feedback keeps all graphs\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", nargs="+", default=["lenet", "resnet20"])
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    if asked.measure is not None:  # by peaks()
        measure(asked.networks[0], asked.batch, asked.measure)
        return
    for network in asked.networks:
        show(network, asked)
    print(machine())


if __name__ == "__main__":
    main()
