"""Figures of where copies sit: how much room there is in every layer, and what stands in the planes of a few."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING

from mho.reports import figures
from mho.reports.faults.parts import embeddings
from mho.reports.figures import Bar, Drawing, Key, Run
from mho.reports.plates import PANELS, Plate
from mho.reports.wording import ordinal, share

if TYPE_CHECKING:
    from mho.memory.description import Description
    from mho.memory.redundancy import Embedding, Slot

ROWS = 40  # pools that a figure shows; of more, those with least room


def room(found: Description, name: str) -> Plate:
    """Columns that are pruned and what copies need, a row a pool of layers."""
    bars = []
    pools = sorted(embeddings(found), key=lambda e: e.sparsity)[:ROWS]
    for i, e in enumerate(pools):
        label = short(e)
        words = f"{label}\n{share(e.sparsity, 3)} of the columns pruned, {share(e.least_sparsity, 3)} needed"
        words += f"\n{e.needed:,} columns of copies, {e.free:,} free, {e.missing:,} without room"
        bars.append(Bar(label, i, 1 if e.missing else 2, 100 * e.sparsity, f"{100 * e.sparsity:.1f}", words,
                        mark=100 * e.least_sparsity))  # fmt: skip
    panel = figures.bars(bars, "columns pruned, %", "", "pruned columns and what copies need, layer by layer")
    caption = (
        "Columns that are pruned; the stroke is the share from which on all copies of a layer, or of layers with "
        "common inputs, fit into them."
    )
    return Plate(name, [panel], caption, [], found.memories)


def planes(found: Description, name: str) -> Plate:
    """What stands in every plane of a few layers: the one with least room, the one with most, one between."""
    hosts = [(e, layer) for e in sorted(embeddings(found), key=lambda e: e.sparsity) for layer in e.layers]
    chosen = hosts if len(hosts) <= PANELS else [hosts[0], hosts[len(hosts) // 2], hosts[-1]]
    copies = max(max(e.copies) for e, _ in chosen)
    keys = [Key("the layer’s own bits", "area")]
    keys += [Key(f"{ordinal(k + 1)} copy", "area", k, (k,)) for k in range(1, copies)]
    caption = (
        "What stands in the planes of a layer, the most significant at the top, pruned columns moved to the right. "
        "Blank columns are free; the array of the other sign looks the same."
    )
    caption += " Rows below plane 0 had to be added." if any(e.missing for e, _ in chosen) else ""
    caption += f" {len(chosen)} of {len(hosts)} layers, by their share of pruned columns." * (len(chosen) < len(hosts))
    return Plate(name, [_layer(e, layer) for e, layer in chosen], caption, keys, found.memories)


def short(e: Embedding) -> str:
    """The layers of a pool."""
    return ", ".join(layer.removesuffix(".weight") for layer in e.layers)


def _layer(e: Embedding, layer: str) -> Drawing:
    columns, pruned = e.layers[layer]
    held: dict[int, dict[int, Slot]] = defaultdict(dict)
    for slot in e.slots:
        if slot.host == layer:
            held[slot.host_plane][slot.host_column] = slot
    # Pruned columns are those that hold something in a plane of the layer, and others of which nothing is known.
    hosts = sorted({c for b, slots in held.items() if b < e.bits for c in slots})
    at = {c: columns - pruned + i for i, c in enumerate(hosts)}
    rows: list[tuple[str, list[Run]]] = []
    for b in reversed(range(e.bits)):
        runs = [Run(0, columns - pruned, None, -1, f"{columns - pruned:,} columns of plane {b}")]
        rows.append((f"plane {b}", runs + _runs((at[c], slot) for c, slot in held[b].items())))
    for b in sorted(b for b in held if b >= e.bits):
        rows.append(("added", _runs(held[b].items())))
    name = layer.removesuffix(".weight")
    return figures.slots(rows, columns, name, f"what stands in the planes of {name}")


def _runs(placed: Iterable[tuple[int, Slot]]) -> list[Run]:
    """Neighbours that are columns of one copy of one plane, of one layer, together."""
    out: list[tuple[int, list[Slot]]] = []
    for start, slot in sorted(placed, key=lambda item: item[0]):
        if out:
            first, run = out[-1]
            if first + len(run) == start and (run[0].layer, run[0].plane, run[0].copy) == (
                slot.layer, slot.plane, slot.copy,
            ):  # fmt: skip
                run.append(slot)
                continue
        out.append((start, [slot]))
    return [
        Run(start, len(run), run[0].copy, run[0].copy, f"{run[0].layer.removesuffix('.weight')}\nplane {run[0].plane}, "
            f"{ordinal(run[0].copy + 1)} copy\n{len(run):,} columns")
        for start, run in out
    ]  # fmt: skip
