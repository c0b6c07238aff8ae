"""What a run finds wrong in its store goes out of the way, so that it is computed again. Only a run does this."""

from __future__ import annotations

from collections.abc import Iterable

from mho.studies.cells import identity
from mho.studies.index import Index
from mho.studies.names import Shard
from mho.studies.plan import Plan
from mho.studies.results import Collected
from mho.studies.store import Store


def mend(plan: Plan, found: Collected, store: Store, index: Index) -> list[str]:
    """Discard damaged files, and chips of a network other than the one that is kept; what was done, a line each."""
    out = []
    if found.damaged:
        _discard(found.damaged, store, index)
        out.append(f"{len(found.damaged)} damaged file(s) found; their chips are computed again")
    for model, networks in found.trained.items():
        content = store.model(model)
        kept = max(networks, key=lambda n: len(networks[n])) if content is None else identity(content)
        others = [shard for network, shards in networks.items() if network != kept for shard in shards]
        _discard(others, store, index)
        label = plan.networks[model].label
        out.append(f"{label} was trained again and became another network; {len(others)} file(s) are computed again")
    return out


def _discard(shards: Iterable[Shard], store: Store, index: Index) -> None:
    for shard in shards:
        store.discard(shard)
        index.remove(shard)
