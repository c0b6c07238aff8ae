"""Peak memory of evaluate against the number of chips of a LeNet: it must not grow.

python benchmarks/bench_memory.py
"""

from __future__ import annotations

import subprocess
import sys

from timing import machine

from mho.text import table

CODE = """
import resource, torch, mho
from mho import devices, zoo
chips = mho.deploy(zoo.build("lenet").eval(), mho.Memory(device=devices.RRAM1(sigma=0.1)))
data = (torch.rand(32, 1, 28, 28), torch.zeros(32, dtype=torch.int64))
mho.evaluate(chips, data, n_chips={chips}, show_progress=False)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def main() -> None:
    rows = []
    for chips in (100, 1_000, 10_000):
        out = subprocess.run(
            [sys.executable, "-c", CODE.format(chips=chips)], check=True, capture_output=True, text=True
        )
        rows.append([f"{chips:,}", f"{int(out.stdout) / 1024:.0f}"])
    print(table(["chips", "peak MiB"], rows, left=0))
    print(machine())


if __name__ == "__main__":
    main()
