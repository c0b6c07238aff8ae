"""REDUNDANCY: duplicates, votes, spares and codes against stuck cells, all under one interface."""

from typing import TYPE_CHECKING, Any

from mho.memory.redundancy.base import Redundancy
from mho.memory.redundancy.best_of import BestOf
from mho.memory.redundancy.closest import ClosestValue
from mho.memory.redundancy.ecc import ECC
from mho.memory.redundancy.embedding import Embedding, Slot, embed, least_sparsity
from mho.memory.redundancy.faults import Errors, Faults, Resolved, Votes
from mho.memory.redundancy.layout import Host, Layout, lay_out
from mho.memory.redundancy.majority import CellMajority
from mho.memory.redundancy.remapping import Remapping
from mho.memory.redundancy.voting import Voting

if TYPE_CHECKING:
    from mho.memory.redundancy.schemes import SCHEMES, TITLES, scheme

__all__ = [
    "ECC",
    "SCHEMES",
    "TITLES",
    "BestOf",
    "CellMajority",
    "ClosestValue",
    "Embedding",
    "Errors",
    "Faults",
    "Host",
    "Layout",
    "Redundancy",
    "Remapping",
    "Resolved",
    "Slot",
    "Votes",
    "Voting",
    "embed",
    "lay_out",
    "least_sparsity",
    "scheme",
]


def __getattr__(name: str) -> Any:
    # Schemes are whole memories, and a memory names its redundancy.
    if name in ("SCHEMES", "TITLES", "scheme"):
        from mho.memory.redundancy import schemes

        return getattr(schemes, name)
    raise AttributeError(f"module 'mho.memory.redundancy' has no attribute '{name}'")
