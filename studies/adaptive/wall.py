"""Wall time of adaptive evaluations, and of the chips that the plain protocol would need for the same widths.

MHO_DATA=... python studies/adaptive/wall.py lenet-mnist.safetensors     (on an otherwise idle machine)
"""

from __future__ import annotations

import sys
import time

import mho
from mho import data, devices, zoo

PLAIN = 20


def main() -> None:
    test = data.mnist(split="test")
    chips = mho.deploy(zoo.load(sys.argv[1]), mho.Memory(device=devices.RRAM1(sigma=0.2)))
    mho.evaluate(chips, test, n_chips=2, show_progress=False)
    started = time.perf_counter()
    mho.evaluate(chips, test, n_chips=PLAIN, show_progress=False)
    # The digital network and the noiseless cells are judged too.
    chip = (time.perf_counter() - started) / (PLAIN + 2)
    print(f"a chip on all images: {chip:.3f} s, mean of {PLAIN}")
    for precision in ({"mean": 0.01}, {"p1": 0.05}):
        seconds = []
        for _ in range(3):
            started = time.perf_counter()
            result = mho.evaluate(chips, test, precision=precision, show_progress=False)
            seconds.append(time.perf_counter() - started)
        low, middle, high = sorted(seconds)
        plain = result.plain // len(test)
        print(f"{precision}: {middle:.1f} s [{low:.1f}, {high:.1f}], {result.chips} chips")
        print(f"   plain: {plain} chips, {plain * chip:.0f} s")


if __name__ == "__main__":
    main()
