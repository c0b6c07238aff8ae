"""Your own measurements as a device: how good is a network on the cells of your lab, now and after a day?

    python examples/own_device_csv.py [measurements.csv g_max]

The CSV has the columns state,mean,std (and age in seconds), in any unit; g_max is the top level in that unit. Without
arguments a made-up table is used. Raw samples work too: columns target,read (and age).
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import mho
from mho import data, devices, zoo

MADE_UP = """\
# conductance in microsiemens; invented for this example
state,mean,std,age
0,0.4,0.5,1
13,13.1,1.6,1
27,26.8,1.8,1
40,39.7,0.9,1
0,0.9,0.7,86400
13,12.2,2.3,86400
27,25.3,2.6,86400
40,38.9,1.4,86400
"""


def load_device(arguments: list[str]) -> devices.Device:
    """The device of the command line, or the made-up one."""
    if arguments:
        path, g_max = arguments
        return devices.MeasuredTable.from_csv(path, g_max=float(g_max))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "made up.csv")
        path.write_text(MADE_UP)
        return devices.MeasuredTable.from_csv(path, g_max=40)


def main() -> None:
    device = load_device(sys.argv[1:])
    train, test = data.digits(split="train"), data.digits(split="test")
    model = mho.train(zoo.build("mlp", hidden=[64]), train)
    chips = mho.deploy(model, mho.Memory(device=device))

    # The device as measured, at three ages between which it is interpolated.
    print(mho.evaluate(chips, test, n_chips=100, age=[1, 3600, 86400], threshold=0.9))

    # What if the process were better, or worse? Sigma rescales the whole table: shifts and spreads.
    print()
    print(mho.evaluate(chips, test, n_chips=100, sigma=[0.02, 0.05, 0.1], age=86400, threshold=0.9))


if __name__ == "__main__":
    main()
