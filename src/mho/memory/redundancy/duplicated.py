"""What methods have in common that store the top planes more than once."""

from __future__ import annotations

from dataclasses import dataclass

from mho.memory.redundancy.base import Redundancy


@dataclass(frozen=True, kw_only=True)
class Duplicated(Redundancy):
    """Abstract redundancy by copies of the most significant planes, which may stand where columns are pruned.

    Attributes:
        copies: of every protected plane, the original counted.
        planes: how many are protected, the most significant first.
        embed: whether duplicates go where columns are pruned, as far as there is room.
        pools: layers with the same inputs that take each other's duplicates; see
            :class:`mho.memory.redundancy.Voting`.
    """

    copies: int
    planes: int
    embed: bool = True
    pools: tuple[tuple[str, ...], ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check(self.copies >= 1, "copies", "must be 1 or more, the original counted")
        self.check(self.planes >= 1, "planes", "must be 1 or more, from the most significant down")
        self.check(all(len(pool) > 1 for pool in self.pools), "pools", "must hold pools of two or more layers")

    def plane_copies(self, bits: int) -> tuple[int, ...]:
        self.check(self.planes <= bits, "planes", f"must be at most the {bits} that the mapping has")
        return (1,) * (bits - self.planes) + (self.copies,) * self.planes
