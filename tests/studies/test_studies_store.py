"""What a run may do to its store, and that readers do nothing to it."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from mho import devices, training
from mho.cli import main
from mho.errors import OutputError, SpecError
from mho.memory import Memory
from mho.programming import WriteVerify
from mho.studies import Data, Observer, Study, Trained, run
from mho.studies import store as stores
from mho.studies.index import Index
from mho.studies.joining import number
from mho.studies.lock import held, writing
from mho.studies.store import Store
from mho.studies.verb import answers
from mho.studies.worker import _numbers

STUDY = Study(
    name="small",
    model=Trained(
        architecture="mlp", data=Data(name="digits", split="train"), recipe=training.Recipe(epochs=1, batch_size=512)
    ),
    memory=Memory(device=devices.RRAM1(sigma=0.1)),
    data=Data(name="digits", limit=50),
    chips=4,
    axes={"seed": (0, 1)},  # type: ignore[arg-type]
)


class Listener(Observer):
    """Writes down what it hears."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.notices: list[str] = []
        self.chips = 0

    def started(self, plan, chips) -> None:
        self.heard.append("started")

    def advanced(self, cell, chips, seconds) -> None:
        self.chips += chips

    def finished(self, cell, row) -> None:
        self.heard.append("finished")

    def noticed(self, message) -> None:
        self.heard.append("noticed")
        self.notices.append(message)

    def ended(self) -> None:
        self.heard.append("ended")


@pytest.fixture(scope="module")
def complete(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("complete")
    (folder / "study.yaml").write_text(STUDY.to_yaml())
    assert main(["run", str(folder / "study.yaml"), "--engine", "inline"]) == 0
    return folder


@pytest.fixture
def project(complete: Path, tmp_path: Path) -> Path:
    """A folder with a study and its complete store."""
    return Path(shutil.copytree(complete, tmp_path / "project"))


@pytest.fixture
def mho(project: Path, monkeypatch, capsys) -> Callable[..., tuple[int, str, str]]:
    """Runs the command in the folder: code, output, errors."""
    monkeypatch.chdir(project)
    monkeypatch.delenv("MHO_STORE", raising=False)

    def command(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(list(arguments))
        return code, *capsys.readouterr()

    return command


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def first_shard(store: Path) -> Path:
    return store / next(iter(sorted(Store(store).every_shard()))).path


# -- clean


def test_clean_touches_no_folder_that_is_no_store(mho, tmp_path) -> None:
    other = tmp_path / "photos"
    for name in ("a.damaged", "models/x.safetensors", "failures/1.json", "cells/ab/c/0+1.x.json"):
        (other / name).parent.mkdir(parents=True, exist_ok=True)
        (other / name).write_text("mine")
    before = contents(other)
    code, _, said = mho("clean", "--store", str(other), "--yes")
    assert (code, said.count("\n")) == (2, 1)
    assert "is no store of mho" in said
    assert contents(other) == before


def test_clean_deletes_only_files_that_are_named_as_the_stores_own(mho, project) -> None:
    store = project / ".mho"
    mine = ["notes.damaged", "models/mine.safetensors", "failures/notes.json", "cells/notes.json", ".mho-notes.tmp",
            "cells/ab/notes/0+1.0123456789abcdef.json", "models/ab/lenet.v1.safetensors"]  # fmt: skip
    own = [f"failures/{'e' * 24}.json", f"models/ee/{'e' * 24}.{'0' * 16}.safetensors", ".mho-0123456789ab.tmp",
           f"cells/ee/{'e' * 24}/0+4.{'0' * 16}.json", f"cells/ee/{'e' * 24}/4+4.{'0' * 16}.damaged"]  # fmt: skip
    for name in (*mine, *own):
        (store / name).parent.mkdir(parents=True, exist_ok=True)
        (store / name).write_text("{}")
    assert mho("clean", "--yes")[0] == 0
    assert [name for name in mine if not (store / name).exists()] == []
    assert [name for name in own if (store / name).exists()] == []
    assert (store / "failures").is_dir()
    assert mho("run", "study.yaml", "--dry-run")[1].count("cached") == 3


@pytest.mark.parametrize("harm", ["torn", '{"name": "small"}', "[]"])
def test_clean_refuses_while_a_record_cannot_be_read(mho, project, harm) -> None:
    (project / ".mho/studies/small.json").write_text(harm)
    before = contents(project / ".mho/cells")
    code, out, said = mho("clean", "--yes")
    assert (code, out, said.count("\n")) == (2, "", 1)
    assert "small.json cannot be read" in said
    assert contents(project / ".mho/cells") == before
    assert mho("run", "study.yaml", "--engine", "inline")[0] == 0
    assert mho("clean", "--yes")[0] == 0
    assert contents(project / ".mho/cells") == before


# -- records


def test_two_files_of_one_name_do_not_share_a_record(mho, project) -> None:
    (project / "other.yaml").write_text(STUDY.replace(chips=2).to_yaml())
    record = (project / ".mho/studies/small.json").read_bytes()
    for command in (["run", "other.yaml", "--engine", "inline"], ["clean", "other.yaml", "--yes"]):
        code, _, said = mho(*command)
        assert (code, said.count("\n")) == (2, 1)
        assert "the study 'small' of this store is that of" in said
        assert "rename one of the two, or use another --store" in said
        assert (project / ".mho/studies/small.json").read_bytes() == record
    (project / "study.yaml").rename(project / "renamed.yaml")
    assert mho("run", "other.yaml", "--engine", "inline")[0] == 0, "the first is gone"
    assert mho("run", "renamed.yaml", "--engine", "inline")[0] == 2
    (project / "other.yaml").write_text(STUDY.replace(name="other").to_yaml())
    assert mho("run", "renamed.yaml", "--engine", "inline")[0] == 0, "the second is another study now"


def test_a_copied_project_is_another_project(mho, project, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(shutil.copytree(project, tmp_path / "copy"))
    assert mho("run", "study.yaml", "--engine", "inline")[0] == 0


# -- damaged files


def test_a_reader_says_what_is_damaged_and_leaves_it_there(mho, project) -> None:
    victim = first_shard(project / ".mho")
    victim.write_bytes(b"{}")
    before = contents(project / ".mho")
    assert mho("export", "study.yaml", "--csv", "table.csv")[0] == 0
    assert mho("report", "study.yaml")[0] == 0
    assert mho("status", "study.yaml")[0] == 0
    assert contents(project / ".mho") == before
    assert "1 cell with a damaged file" in (project / "study.html").read_text()


@pytest.mark.parametrize("chips", [4, 6])
def test_a_damaged_file_of_a_study_that_grew_is_computed_again(project, chips) -> None:
    wanted = run(STUDY.replace(chips=chips), store=project / "undisturbed").every_chip()
    first_shard(project / ".mho").write_bytes(b"{}")
    listener = Listener()
    found = run(STUDY.replace(chips=chips), store=project / ".mho", observers=[listener])
    assert found.every_chip() == wanted
    assert found.notices == ()
    assert listener.notices == ["1 damaged file(s) found; their chips are computed again"]
    assert listener.heard.count("started") == listener.heard.count("ended") == 1


def test_a_disk_that_keeps_nothing_is_named(project, monkeypatch) -> None:
    real = stores.write_bytes
    monkeypatch.setattr(stores, "write_bytes", lambda p, d: real(p, d[:-1] + b"!" if "cells" in str(p) else d))
    with pytest.raises(OutputError, match=r"such as .*cells.*does the disk of .* keep what it is given\?") as error:
        run(STUDY.replace(chips=6), store=project / ".mho")
    assert "\n" not in str(error.value)


def test_files_that_are_not_the_stores_are_passed_over(mho, project) -> None:
    cell = first_shard(project / ".mho").parent
    for name in ("._0+4.0123456789abcdef.json", "0+4 (copy).json", "x.json", "Thumbs.db"):
        (cell / name).write_bytes(b"\0")
    (project / ".mho/cells/notes").mkdir()
    (project / ".mho/index.sqlite").unlink()
    assert "2 of 2 cells, 8 of 8 chips" in mho("status", "study.yaml")[1]
    assert mho("run", "study.yaml", "--engine", "inline")[0] == 0


def test_a_store_copied_without_its_empty_folders_is_read(mho, project) -> None:
    (project / ".mho/failures").rmdir()
    code, out, _ = mho("status", "study.yaml")
    assert code == 0
    assert "2 of 2 cells" in out


# -- networks


def test_chips_of_two_networks_are_never_one_population(project, monkeypatch) -> None:
    """The network is lost, and where it is trained again it becomes another one."""
    import mho.training as trainings

    store, real = project / ".mho", trainings.train

    def rounding(*arguments, **options):
        model = real(*arguments, **options)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.mul_(1.05)
        return model

    monkeypatch.setattr(trainings, "train", rounding)
    wanted = run(STUDY.replace(chips=6), store=project / "other").every_chip()
    for path in (store / "models").rglob("*.safetensors"):
        path.unlink()
    listener = Listener()
    found = run(STUDY.replace(chips=6), store=store, observers=[listener])
    assert found.every_chip() == wanted
    assert found.notices == ()
    assert listener.notices == ["mlp was trained again and became another network; 2 file(s) are computed again"]
    assert listener.chips == 2 * 6
    again = Listener()
    assert run(STUDY.replace(chips=6), store=store, observers=[again]).every_chip() == wanted
    assert again.chips == 0


def test_a_reader_uses_no_cell_with_chips_of_two_networks(project) -> None:
    store = Store(project / ".mho")
    shard = next(iter(sorted(store.every_shard())))
    data = store.get(shard)
    record = json.loads((store.root / "studies/small.json").read_text())
    store.put(shard.cell, 4, 2, {**data, "network": "f" * 24, "values": [0.0] * 2, "ekl": [0.0] * 2})
    (store.root / "index.sqlite").unlink()
    found = answers(record, store)
    assert len(found.results) == 1
    assert "1 cell of chips with two different networks" in found.notices[0]


def test_numbers_come_back_as_they_were() -> None:
    values = [0.1, -0.0, 1e-320, float("inf"), float("-inf"), float("nan")]
    assert str([number(v) for v in _numbers(values)]) == str(values)


# -- the index


def _open(path: Path) -> None:
    db = sqlite3.connect(path)
    db.execute("update about set value = 'open'")
    db.commit()
    db.close()


@pytest.mark.parametrize(
    "harm",
    [
        lambda p: None,
        lambda p: p.unlink(),
        lambda p: p.write_bytes(b"garbage" * 999),
        lambda p: p.write_bytes(b""),
        _open,
    ],
    ids=["closed", "gone", "garbage", "empty", "open"],
)
def test_readers_change_no_file_of_a_store(mho, project, monkeypatch, harm) -> None:
    store = project / ".mho"
    harm(store / "index.sqlite")
    before = contents(store)

    def refused(*arguments, **options):
        raise OSError("the store is read-only")

    for name in ("rename", "unlink", "mkdir"):
        monkeypatch.setattr(Path, name, refused)
    assert "2 of 2 cells, 8 of 8 chips" in mho("status", "study.yaml")[1]
    assert mho("status")[0] == 0
    assert mho("run", "study.yaml", "--dry-run")[0] == 0
    monkeypatch.undo()
    assert mho("export", str(project / "study.yaml"), "--csv", str(project / "table.csv"))[0] == 0
    assert mho("report", str(project / "study.yaml"))[0] == 0
    assert contents(store) == before


def test_a_locked_index_is_neither_waited_for_nor_replaced(project, monkeypatch) -> None:
    path = project / ".mho/index.sqlite"
    before = path.read_bytes()
    monkeypatch.setattr("mho.studies.index.PATIENCE", 0.1)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("begin exclusive")
    try:
        index = Index(Store(project / ".mho"))
        assert sum(tally.chips for tally in index.tallies().values()) == 8
        index.close()
        with pytest.raises(OutputError, match=r"index\.sqlite cannot be written \(database is locked\)"):
            Index(Store(project / ".mho"), write=True)
    finally:
        other.close()
    assert path.read_bytes() == before


def test_a_run_makes_a_garbled_index_again(project) -> None:
    (project / ".mho/index.sqlite").write_bytes(b"garbage" * 999)
    listener = Listener()
    run(STUDY, store=project / ".mho", observers=[listener])
    assert listener.chips == 0
    assert Index(Store(project / ".mho")).seconds_per_chip is not None


# -- the lock


def test_looking_at_the_lock_stops_no_run(tmp_path) -> None:
    fcntl = pytest.importorskip("fcntl")
    with open(tmp_path / "lock", "a+") as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        end = threading.Timer(0.2, fcntl.flock, (looking, fcntl.LOCK_UN))
        end.start()
        with writing(tmp_path):
            assert held(tmp_path)
        end.join()
    assert not held(tmp_path)


# -- observers


def test_who_fails_once_is_told_nothing_more(project) -> None:
    class Failing(Listener):
        def noticed(self, message) -> None:
            super().noticed(message)
            raise RuntimeError("out of reach")

    first_shard(project / ".mho").write_bytes(b"{}")
    failing, listener = Failing(), Listener()
    run(STUDY, store=project / ".mho", observers=[failing, listener])
    assert failing.heard == ["started", "noticed"]
    assert listener.heard == ["started", "noticed", "noticed", "finished", "ended"]
    assert "Failing stopped watching: RuntimeError: out of reach" in listener.notices


# -- failures


def test_failures_are_forgotten_with_what_they_were_of(mho, project) -> None:
    store = Store(project / ".mho")
    cell = first_shard(store.root).parent.name
    network = next(key for key, _ in store.every_model())
    for key in (cell, network):
        store.fail(key, "what", "it was broken")
    assert "broken" not in mho("status", "study.yaml")[1]
    record = json.loads((store.root / "studies/small.json").read_text())
    assert answers(record, store).failures == {}
    assert mho("run", "study.yaml", "--engine", "inline")[0] == 0
    assert list(store.every_failure()) == []


# -- adaptive cells


def test_every_chip_has_a_row_and_no_row_has_no_chip(tmp_path) -> None:
    asked = STUDY.replace(chips=None, precision={"mean": 0.02}, sigma=(0.02, 0.3), axes={})
    found = run(asked, store=tmp_path)
    (result,) = found.results.values()
    assert result.screening is not None
    rows = found.every_chip()
    assert len(rows) == (result.screening.images > 0).sum() < result.screening.images.size
    for row in rows:
        assert row["low"] <= row["value"] <= row["high"]
        assert 0 < row["images"] <= 50


# -- names and devices of one's own


def test_yes_is_a_name(mho, project) -> None:
    (project / "yes.yaml").write_text(STUDY.to_yaml().replace("name: small", "name: yes"))
    assert mho("run", "yes.yaml", "--engine", "inline")[0] == 0
    assert mho("status", "yes.yaml")[1].startswith("yes: 2 of 2 cells")
    (project / "bad.yaml").write_text("name: a\nname: b\n")
    assert mho("status", "bad.yaml")[2].startswith("mho: bad.yaml:2: 'name' is there twice")


OWN = """
from dataclasses import dataclass
from mho.devices import Device

@dataclass(frozen=True, kw_only=True)
class OwnDevice(Device):
    spread: float = 0.05
    def write(self, level, draws):
        return level + self.spread * draws.normal("own")
"""


def test_a_study_of_ones_own_device_goes_all_the_way(project) -> None:
    """In processes of their own, where nothing else has imported the device."""
    (project / "own.py").write_text(OWN)
    (project / "own.yaml").write_text(
        "name: own\nmodel: {architecture: mlp, data: {name: digits, split: train}, recipe: {epochs: 1}}\n"
        "data: {name: digits, limit: 50}\nmemory: {device: {kind: OwnDevice}}\nchips: 2\n"
    )
    for command in (
        ["check", "own.yaml"], ["run", "own.yaml", "--engine", "inline"], ["report", "own.yaml"],
        ["export", "own.yaml", "--csv", "own.csv"], ["cite", "own.yaml"],
    ):  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", "mho", *command, "--import", "./own.py"],
            cwd=project, capture_output=True, text=True, check=False, env=os.environ | {"MHO_STORE": ""},
        )  # fmt: skip
        assert done.returncode == 0, (command, done.stderr)
    assert len((project / "own.csv").read_text().splitlines()) == 2


def test_the_home_of_nobody_is_one_line(tmp_path) -> None:
    from mho.errors import CheckpointError
    from mho.studies import Checkpoint

    with pytest.raises(CheckpointError, match="no file ~nobody-here/x"):
        run(STUDY.replace(model=Checkpoint(path="~nobody-here/x"), axes={}), store=tmp_path)


def test_a_store_that_is_a_file_is_refused(tmp_path) -> None:
    (tmp_path / "store").write_text("")
    with pytest.raises(SpecError, match="is a file"):
        run(STUDY, store=tmp_path / "store")


# -- what older versions wrote

VERIFIED = STUDY.replace(
    model=STUDY.model.replace(options={"hidden": (8,)}),
    memory=Memory(device=devices.RRAM1(sigma=0.1), programming=WriteVerify(tolerance=0.06)),
    axes={},
)


@pytest.mark.parametrize("precision", [None, 0.2])
def test_files_that_do_not_say_what_programming_costs_are_read(tmp_path, precision) -> None:
    study = VERIFIED.replace(sigma=(0.1, 0.2), precision=precision)
    new = run(study, store=tmp_path).rows()
    assert all(row["nwc"] == 1 for row in new)
    store = Store(tmp_path)
    shard = next(store.every_shard())
    data = store.get(shard)
    del (data["result"] if precision else data)["writing"]
    (tmp_path / shard.path).unlink()
    (tmp_path / "index.sqlite").unlink()
    store.put(shard.cell, shard.first, shard.count, data)
    record = json.loads((tmp_path / "studies" / "small.json").read_text())
    for answer in (answers(record, store), run(study, store=tmp_path)):
        assert str(answer)
        assert answer.rows() == [{k: v for k, v in row.items() if k in answer.rows()[0]} for row in new]
        assert "nwc" not in answer.rows()[0], "of one sigma alone it would be shown beside the other's numbers"


def test_what_programming_costs_is_in_any_file_of_a_cell(tmp_path) -> None:
    run(VERIFIED, store=tmp_path)
    wanted = run(VERIFIED.replace(chips=6), store=tmp_path).rows()
    store = Store(tmp_path)
    last = sorted(store.every_shard(), key=lambda s: s.first)[-1]
    data = store.get(last)
    del data["writing"]
    (tmp_path / last.path).unlink()
    (tmp_path / "index.sqlite").unlink()
    store.put(last.cell, last.first, last.count, data)
    record = json.loads((tmp_path / "studies" / "small.json").read_text())
    assert answers(record, store).rows() == wanted
