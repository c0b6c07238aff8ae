"""Training on the array as it is written down: one sample, one crosspoint, one slot, one pulse after another.

The equations of [rasch2024fast] on plain numbers; only the addresses of random numbers are those of the library.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from mho.kernels import reference as philox_of

F = np.float32


def words(counter: tuple[int, int, int, int], key: tuple[int, int]) -> list[int]:
    """The four Philox words of a counter."""
    return [int(w) for w in philox_of.philox(tuple(torch.tensor(c) for c in counter), key)]  # type: ignore[arg-type]


def bit(key: tuple[int, int], chip: int, sample: int, line: int, slot: int, chance: float) -> bool:
    """Whether a line fires in a slot."""
    drawn = words((line, sample & 0xFFFFFFFF, chip, (slot >> 2) | ((sample >> 32) << 16)), key)[slot & 3]
    return drawn < int(min(chance, 1.0) * 2.0**32)


def normal(key: tuple[int, int], chip: int, sample: int, row: int, column: int, width: int, pulse: int) -> np.float32:
    """The normal number of one pulse of one crosspoint.

    First pulses of four columns share a block of numbers; so do four later pulses of one crosspoint.
    """
    first = pulse == 0
    block = row * (-(-width // 4)) + column // 4 if first else row * width + column
    number = 0 if first else 1 + (pulse - 1) // 4
    lane = column % 4 if first else (pulse - 1) % 4
    drawn = words((block, sample & 0xFFFFFFFF, chip, number | ((sample >> 32) << 16)), key)
    both = philox_of.box_muller(*(torch.tensor(w) for w in (drawn[:2] if lane < 2 else drawn[2:])))
    return F(both[lane % 2])


def one_pulse(v: np.float32, up: bool, points: dict[str, np.float32], cell: Any, z: np.float32) -> np.float32:
    """A soft-bounds (linear-step) cell after one pulse; written for a way up, mirrored for a way down."""
    step, ahead, behind = points["up"], points["high"], -points["low"]
    slope = F(cell.slopes[0])
    if not up:
        v, step, ahead, behind, slope = -v, points["down"], behind, ahead, F(cell.slopes[1])
    lost = F(step * slope / ahead) if ahead > 0 else F(0)
    if cell.noise == "multiplicative":
        v = F(v + F(step - F(lost * v)) * F(F(1) + F(F(cell.ctoc) * z)))
    else:
        v = F(F(F(F(1) - lost) * v) + step) + F(F(step * F(cell.ctoc)) * z)
    v = min(max(v, -behind), ahead)
    return v if up else -v


class Literal:
    """A tile of one chip, told what to do sample by sample.

    Args:
        tile: where to begin; it is not changed.
    """

    def __init__(self, tile: Any, chip: int = 0) -> None:
        self.tile, self.algorithm, self.index = tile, tile.algorithm, chip
        self.chip = int(tile.chips[chip])
        self.shape = tile.shape
        self.sample = int(tile.samples)
        self.state = {name: array[chip].numpy().copy() for name, array in tile.arrays.items()}
        self.middle = tile.symmetric[chip].numpy() if hasattr(tile, "symmetric") else np.zeros(self.shape, np.float32)
        self.state["weight"] = tile.held[chip].numpy().copy()
        self.pulses = {name: used[chip].numpy().copy() for name, used in tile.pulses.items()}
        self.points = {}
        for name in self.algorithm.cells:
            p = tile.points(name)
            self.points[name] = {k: getattr(p, k)[chip].numpy() for k in ("up", "down", "high", "low")}
        if hasattr(tile, "means"):
            self.means = [float(m) for m in tile.means[chip]]
            self.chopper = tile.choppers[chip].tolist()
            self.reads = tile.reads[chip].tolist()
            self.sweeps, self.position = int(tile.sweeps), int(tile.position)

    def array(self, name: str) -> np.ndarray[Any, Any]:
        """As it is read."""
        return self.state[name] - self.middle if name == "weight" else self.state[name]

    def send(self, array: str, i: int, j: int, up: bool, number: int) -> None:
        """One pulse to one cell."""
        cell = self.algorithm.cells[array]
        points = {k: p[i, j] for k, p in self.points[array].items()}
        z = F(0)
        if cell.ctoc > 0:
            key = self.tile.key(f"pulses of {array}")
            z = normal(key, self.chip, self.sample, i, j, self.shape[1], number)
        self.state[array][i, j] = one_pulse(self.state[array][i, j], up, points, cell, z)
        self.pulses[array][i, j] += 1

    def coincidences(self, array: str, x: Any, d: Any, rate: float) -> None:
        """The outer product as trains of pulses."""
        trains, step = self.algorithm.pulses, self.algorithm.cells[array].step
        mx, md = float(np.abs(x).max()), float(np.abs(d).max())
        if mx == 0 or md == 0 or rate == 0:
            return
        needed = rate * mx * md / step
        slots = min(max(math.ceil(needed), 1), trains.length) if trains.length_management else trains.length
        base = math.sqrt(rate / (step * slots))
        largest = md
        if trains.saturation == "errors" and needed > trains.length:
            largest = md * trains.length / needed
        tilt = math.sqrt(mx / largest) if trains.update_management else 1.0
        of_x, of_d = self.tile.lines
        for i in range(self.shape[0]):
            for j in range(self.shape[1]):
                number = 0
                for slot in range(slots):
                    if x[j] == 0 or d[i] == 0:
                        continue
                    column = bit(of_x, self.chip, self.sample, j, slot, abs(float(x[j])) * (base / tilt))
                    row = bit(of_d, self.chip, self.sample, i, slot, abs(float(d[i])) * (base * tilt))
                    if column and row:
                        self.send(array, i, j, up=bool(x[j] * d[i] < 0), number=number)
                        number += 1

    def step(self, x: Any, d: Any, rate: float) -> None:
        """One sample."""
        algorithm = self.algorithm
        if algorithm.name == "in-memory SGD":
            self.coincidences("weight", x, d, rate)
        elif algorithm.name == "mixed precision":
            for i in range(self.shape[0]):
                for j in range(self.shape[1]):
                    self.state["hidden"][i, j] -= F(F(F(rate) * d[i]) * x[j])
            if (self.sample + 1) % algorithm.write_every == 0:
                self.write()
        else:
            self.transfer(x, d, rate)
        self.leak()
        self.sample += 1

    def leak(self) -> None:
        """What is left after a sample, of cells that are not stuck."""
        for name, cell in self.algorithm.cells.items():
            if cell.lifetime is not None:
                p = self.points[name]
                left = self.state[name] * F(math.exp(-1 / cell.lifetime))
                self.state[name] = np.minimum(np.maximum(left, p["low"]), p["high"])

    def write(self) -> None:
        """Whole pulses of the digital sum."""
        step = self.algorithm.cell.step
        for i in range(self.shape[0]):
            for j in range(self.shape[1]):
                wanted = math.trunc(float(self.state["hidden"][i, j] / F(step)))
                self.state["hidden"][i, j] -= F(F(step) * F(wanted))
                for number in range(abs(wanted)):
                    self.send("weight", i, j, up=wanted > 0, number=number)

    def transfer(self, x: Any, d: Any, rate: float) -> None:
        """Outer product to A, and every so often a slice of A to H and W."""
        a, cell = self.algorithm, self.algorithm.accumulating_cell
        for side, values in enumerate((x, d)):
            largest = float(np.abs(values).max())
            if largest > 0:
                before = self.means[side]
                self.means[side] = largest if before == 0 else 0.99 * before + (1 - 0.99) * largest
        product = self.means[0] * self.means[1]
        fast = a.fast_rate * a.pulses.length * cell.step / product if product > 0 else 0.0
        chopped = np.array(self.chopper, np.float32)
        by_column = a.read == "columns"
        self.coincidences("gradient", x * chopped if by_column else x, d if by_column else d * chopped, fast)
        if (self.sample + 1) % a.transfer_every:
            return
        k, slices = self.position, len(self.chopper)
        self.reads[k] += 1
        gain = rate * a.transfer_every * slices / (a.granularity * a.cell.step)
        if a.correct_gradient_magnitudes and fast > 0:
            gain /= fast
        rho, regular, corrects = a.flips
        if corrects:
            gain /= self.reads[k]
        dynamic, beta, waits = a.baseline
        period = math.ceil(1 / rho - 1e-9) if rho > 0 else 0
        turns = False
        if rho > 0 and regular:
            turns = self.reads[k] >= period
        elif rho > 0:
            drawn = words((0, self.sample & 0xFFFFFFFF, self.chip, self.sample >> 32), self.tile.key("choppers"))[0]
            turns = drawn < rho * 2.0**32
        armed = not waits or self.sweeps > period
        for i in range(self.shape[0]):
            for j in range(self.shape[1]):
                if k == (j if by_column else i):
                    self.carry(i, j, F(gain), F(self.chopper[k]), dynamic, F(beta), turns, armed)
        if turns:
            self.chopper[k] = -self.chopper[k]
            self.reads[k] = 0
        self.position += 1
        if self.position == slices:
            self.position, self.sweeps = 0, self.sweeps + 1

    def carry(self, i: int, j: int, gain: Any, c: Any, dynamic: bool, beta: Any, turns: bool, armed: bool) -> None:
        """What is read of one crosspoint, to H and on to W."""
        a, s = self.algorithm, self.state
        read = s["gradient"][i, j]
        if "reference" in s:
            read = F(read - s["reference"][i, j])
        if a.read_noise > 0:
            z = normal(self.tile.key("reads"), self.chip, self.sample, i, j, self.shape[1], 0)
            read = F(read + F(F(a.read_noise) * z))
        if a.read_step > 0:
            read = F(np.rint(F(read / F(a.read_step))) * F(a.read_step))
        known = F(0)
        if dynamic:
            mean = read
            if "average" in s:
                mean = F(F(F(F(1) - beta) * s["average"][i, j]) + F(beta * read))
                s["average"][i, j] = mean
            known = s["baseline"][i, j]
            if turns:
                s["baseline"][i, j] = mean
        h = F(s["hidden"][i, j] + F(gain * F(c * F(read - known))))
        if abs(h) >= 1:
            if armed:
                self.send("weight", i, j, up=bool(h > 0), number=0)
            h = F(0) if a.forget else F(h - np.sign(h))
        s["hidden"][i, j] = h
