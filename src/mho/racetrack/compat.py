"""The choices of the simulator that the figures of [bereholschi2024netdrift] come from."""

from __future__ import annotations

from mho.devices import Racetrack
from mho.mapping import Tracks
from mho.memory import Memory


def compat2024(bits: int = 64, fault_rate: float = 4.55e-5, passes: int = 10) -> Memory:
    """The memory of the published simulator, as read in its source of 2024.

    It differs from the defaults of :class:`mho.devices.Racetrack` in that an iteration reads all weights ``passes``
    times (once a test batch); a pass is read whole with the offset at its end; 64 input channels of a kernel position
    move together, all kernel positions with one offset; beyond a row lies the next row of memory, before it a constant;
    and an offset stays for ever once it reaches K/2 to the right, with no bound to the left (docs/decisions/0018).

    Not reproduced: memory that its kernel reads outside of its arrays (here the last weight is read again, or an offset
    is 0), and the race between blocks that write to the tensor they read.

    Args:
        bits: K.
        fault_rate: per shift.
        passes: reads of the weights an iteration: test images over batch size, 10 for VGG3 and VGG7, 16 for ResNet-18.
    """
    device = Racetrack(
        fault_rate=fault_rate, passes=passes, read_order="block", fill="published", bound="stick-right", rewind="free"
    )
    return Memory(device=device, mapping=Tracks(bits=bits, order="published"))
