"""Voting on duplicated MSB planes: one dense product and a list of errors, against planes that are added up densely.

*layer*: products of 1,024 tokens, weights of one 768x768 or 3072x768 matrix (one large weight, so that all MSBs but
one are 0, as BERT's). *unprotected* multiplies by one effective matrix; *vote* adds the medians of errors alone;
*candidates* adds the median of three dense products to a fourth; *planes* multiplies by every plane, and by three MSB
planes. *chip* is making all that a chip needs from its address: faults, errors, weights, votes.

*encoder*: chips of a 4-layer, 256-wide encoder on the 872 sentences of SST-2, dev set (of lengths as they are; random
tokens where the data are not there), per chip, chips made included; *planes* runs the same chips as a loop over planes.

*lists*: bytes of the lists of errors a chip, and seconds to make them, of the encoder of BERT-base (85 M weights).

Intel Xeon, one thread of 2 cores shared with other work, torch 2.13.0+cpu, Python 3.11.7, ms, median [least, most].
768x768, n = 9: unprotected 7.75 [7.52, 7.97] at 0.01 %, vote 1.02, 1.06, 1.08 and 1.75 times that at 0.01, 0.05, 0.1
and 1 %, candidates 50.4 [49.8, 51.2], planes 99.7 [97.6, 101], making a chip 1.72 to 24.3; 3072x768: 30.3 [29.3, 34.8],
1.00, 1.08, 1.05, 1.93 times. Encoder at 0.1 %, n = 3, a chip: unprotected 1450 [1430, 1480], the paper's scheme 1750
[1710, 1800], planes 33400 [33000, 33500]; 100 chips of the paper's scheme 209 s. Lists: 2.2, 10.8 and 21.8 MiB a chip
at 0.01, 0.05 and 0.1 %, made in 0.06, 0.20 and 0.74 s.

OMP_NUM_THREADS=1 python benchmarks/bench_faults.py
"""

from __future__ import annotations

import statistics
import time

import numpy as np
import torch
from timing import interleaved, machine
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

import mho
from mho import data, devices, zoo
from mho.errors import MhoError
from mho.evaluation.bench import Bench
from mho.kernels.votes import add_votes
from mho.memory import redundancy
from mho.memory.faulty import Faulty
from mho.text import table

RUNS = 9
RATES = (1e-4, 5e-4, 1e-3, 1e-2)
TOKENS = 1024


def _spread(seconds: list[float]) -> str:
    low, middle, high = min(seconds), statistics.median(seconds), max(seconds)
    return f"{1e3 * middle:.3g} [{1e3 * low:.3g}, {1e3 * high:.3g}]"


def _matrix(columns: int, rows: int) -> nn.Linear:
    linear = nn.Linear(rows, columns, bias=False).eval()
    with torch.no_grad():
        linear.weight.copy_(0.04 * torch.randn(columns, rows, generator=torch.Generator().manual_seed(1)))
        linear.weight[0, 0] = 1.68
    return linear


def _planes(sampler: Faulty, chip: int) -> tuple[list[Tensor], list[Tensor]]:
    """Dense matrices of one chip: every plane but the MSB's, and the three candidates for that one."""
    code, faults = sampler.layout.code, sampler.layout.faults(sampler.device, 0, chip)
    errors = faults.errors(code)
    out = []
    for b, k in [(b, 0) for b in range(code.bits - 1)] + [(code.bits - 1, k) for k in range(3)]:
        bits = np.sign(code.integers) * (np.abs(code.integers) >> b & 1).astype(np.float32)
        mine = (errors.plane == b) & (errors.copy == k)
        np.add.at(bits, (errors.column[mine], errors.row[mine]), errors.sign[mine])
        out.append(torch.from_numpy(bits * 2.0**b * code.gain[:, None]).float())
    return out[:-3], out[-3:]


class Planes(nn.Module):
    """A layer that multiplies by every plane of one chip."""

    def __init__(self, linear: nn.Linear, sampler: Faulty, chip: int) -> None:
        super().__init__()
        self.low, self.candidates = _planes(sampler, chip)
        self.bias = linear.bias

    def forward(self, x: Tensor) -> Tensor:
        out = sum(F.linear(x, plane) for plane in self.low)
        out = out + torch.stack([F.linear(x, c) for c in self.candidates]).median(0).values
        return out if self.bias is None else out + self.bias


def _layers() -> None:
    rows = []
    for columns, inputs in ((768, 768), (3072, 768)):
        linear, x = _matrix(columns, inputs), torch.randn(TOKENS, inputs)
        for rate in RATES:
            sampler = mho.deploy(linear, redundancy.scheme("paper", rate)).samplers()["weight"]
            assert isinstance(sampler, Faulty)
            made = sampler.tensors("weight", 0, torch.tensor([0]))
            weight, votes = made["weight"][0], made["mho_votes"][0]
            low, candidates = _planes(sampler, 0)
            rest = torch.stack(low).sum(0)
            with torch.inference_mode():
                ways = {
                    "unprotected": lambda w=weight, x=x: F.linear(x, w),
                    "vote": lambda w=weight, x=x, v=votes: add_votes(F.linear(x, w), x, v),
                    "candidates": lambda r=rest, x=x, c=candidates: (
                        F.linear(x, r) + torch.stack([F.linear(x, m) for m in c]).median(0).values
                    ),
                    "planes": lambda x=x, low=low, c=candidates: (
                        sum(F.linear(x, m) for m in low) + torch.stack([F.linear(x, m) for m in c]).median(0).values
                    ),
                    "chip": lambda s=sampler: s.tensors("weight", 0, torch.tensor([1]), torch.empty(1, *s.clean.shape)),
                }
                same = (ways["vote"]() - ways["planes"]()).abs().max() / ways["planes"]().abs().max()
                assert float(same) < 1e-4, same
                taken = interleaved(ways, runs=RUNS)
            base = statistics.median(taken["unprotected"])
            ratio = statistics.median(taken["vote"]) / base
            rows.append([f"{columns}x{inputs}", f"{rate:g}", *(_spread(taken[w]) for w in ways), f"{ratio:.2f}"])
    header = ["matrix", "rate", "unprotected", "vote", "candidates", "planes", "chip", "vote / unprotected"]
    print(table(header, rows, left=1, title=f"one layer, {TOKENS} tokens, ms, n = {RUNS}"))


def _sentences() -> data.Dataset:
    try:
        return data.load("sst2")
    except MhoError:
        g = torch.Generator().manual_seed(0)
        ids, lengths = torch.randint(1000, 30000, (872, 64), generator=g), torch.randint(8, 45, (872,), generator=g)
        mask = (torch.arange(64) < lengths[:, None]).long()
        inputs = {"input_ids": ids * mask, "attention_mask": mask, "token_type_ids": torch.zeros_like(ids)}
        return data.Dataset(inputs=inputs, targets=torch.zeros(872, dtype=torch.int64), classes=2, name="random")


def _encoder() -> None:
    samples = _sentences()
    model = zoo.build("encoder", width=256, depth=4, heads=8, hidden=1024).eval()
    rules = {"classifier*": None}
    rows = []
    for rate in (1e-3,):
        lots = {}
        for name in ("none", "paper", "channel-flip-all-vote"):
            chips = mho.deploy(model, {**rules, "*": redundancy.scheme(name, rate)})
            lots[name] = Bench(chips, samples).lot(None, 0.0, 100)
        dense = zoo.build("encoder", width=256, depth=4, heads=8, hidden=1024).eval()
        samplers = lots["paper"].bench.chips.samplers()
        ways = {name: lambda lot=lot: lot.measure([7]) for name, lot in lots.items()}

        def planes(dense: nn.Module = dense, samplers: dict[str, Faulty] = samplers, lot=lots["paper"]) -> None:  # type: ignore[no-untyped-def, assignment]
            for name, sampler in samplers.items():
                owner, _, leaf = name.rpartition(".")[0].rpartition(".")
                linear = model.get_submodule(name.rpartition(".")[0])
                setattr(dense.get_submodule(owner), leaf, Planes(linear, sampler, 7))
            with torch.inference_mode():
                for inputs, _ in samples.batches(lot.plan.images):
                    dense(**inputs)

        taken = interleaved({**ways, "planes": planes}, runs=3)
        base = statistics.median(taken["none"])
        ratios = [f"{statistics.median(taken[n]) / base:.2f}" for n in ("paper", "channel-flip-all-vote", "planes")]
        rows.append(
            [f"{rate:g}", *(_spread(taken[n]) for n in ("none", "paper", "channel-flip-all-vote", "planes")), *ratios]
        )
        begun = time.perf_counter()
        lots["paper"].measure(range(100))
        print(f"rate {rate:g}: 100 chips of the paper's scheme in {time.perf_counter() - begun:.1f} s ({samples.name})")
    header = [
        "rate",
        "none",
        "paper",
        "channel-flip-all-vote",
        "planes",
        "paper / none",
        "channel-flip-all-vote / none",
        "planes / none",
    ]
    print(table(header, rows, left=1, title="4-layer, 256-wide encoder, 872 sentences, ms a chip, n = 3"))


def _lists() -> None:
    rows = []
    shapes = [(768, 768)] * 4 + [(3072, 768), (768, 3072)]
    samplers = []
    for i, (columns, inputs) in enumerate(shapes):
        memory = redundancy.scheme("paper", 5e-4)
        layer = mho.deploy(_matrix(columns, inputs), memory, seed=i).samplers()["weight"]
        assert isinstance(layer, Faulty)
        samplers.append(layer)
    for rate in (1e-4, 5e-4, 1e-3):
        size, begun = 0, time.perf_counter()
        for sampler in samplers:
            cell = devices.StuckAt.at_rate(rate)
            faults = sampler.layout.faults(cell, 0, 1)
            assert sampler.redundancy is not None
            one = sampler.redundancy.resolve(faults, sampler.layout.code, sampler.layout)
            assert one.votes is not None
            parts = (one.column, one.row, one.steps, one.votes.column, one.votes.starts, one.votes.row, one.votes.sign)
            size += sum(np.asarray(p).nbytes for p in parts)
        seconds = time.perf_counter() - begun
        rows.append([f"{rate:g}", f"{12 * size / 2**20:.1f}", f"{12 * seconds:.2f}"])
    print(table(["rate", "MiB a chip", "s a chip"], rows, left=1, title="lists of errors, encoder of BERT-base"))


def main() -> None:
    print(machine())
    _layers()
    _encoder()
    _lists()


if __name__ == "__main__":
    main()
