"""``mho clean``: make room in a store."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from mho.cli.study_options import StoreOption, record_of, store_of


def clean(
    study: Annotated[
        Path | None, Parameter(help="YAML of a study to forget: what only it has goes too. Unless given, leftovers.")
    ] = None,
    /,
    *,
    yes: Annotated[bool, Parameter(negative="", help="Delete; otherwise only say what would be deleted.")] = False,
    store: StoreOption = None,
) -> None:
    """Say what nobody needs: damaged and half-written files, cells of no recorded study. With --yes, delete it."""
    from mho.errors import SpecError
    from mho.studies.cleaning import leftovers, unused
    from mho.studies.index import Index
    from mho.studies.lock import writing
    from mho.studies.records import check_file, records, unreadable
    from mho.studies.store import Store

    place = store_of(study, store)
    if not place.is_dir():
        raise SpecError(f"there is no store {place}")
    found = Store(place)
    if not found.exists():
        raise SpecError(f"{place} is no store of mho: it has no store.json; nothing is deleted")
    with writing(place):
        if torn := unreadable(place):
            raise SpecError(
                f"{torn[0]} cannot be read, so what its study needs is unknown; mho run of that study writes it again "
                "(or delete it, and what only it needs goes)"
            )
        known = records(place)
        if study is not None:
            name = record_of(study, place)["name"]
            check_file(name, study, place)
            del known[name]
        waste = [*leftovers(found), *unused(found, known.values())]
        for part in waste:
            print(f"{len(part.files):,} files, {part.size / 2**20:.1f} MB: {part.why}")
        if not waste:
            print("nothing to delete")
        if not yes:
            if waste:
                print("mho clean --yes deletes them" if study is None else f"mho clean {study} --yes deletes them")
            return
        for part in waste:
            part.remove()
        if study is not None:
            (place / "studies" / f"{name}.json").unlink(missing_ok=True)
        index = Index(found, write=True)
        index.rebuild()
        index.close()
    print("deleted")
