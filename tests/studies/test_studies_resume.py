"""A study may be killed at any moment; what it finds in the end is what it would have found undisturbed."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from processes import children, left_after

from mho.cli import main
from mho.studies.lock import writing
from mho.studies.store import Store

STUDY = """
name: killed
model: {architecture: mlp, data: {name: digits, split: train}, recipe: {epochs: 1}}
data: {name: digits}
memory: {device: {kind: RRAM1, sigma: 0.1}}
sigma: [0.05, 0.2]
age: [0, 30d]
chips: 120
axes:
  memory.device: {RRAM1: {kind: RRAM1, sigma: 0.1}, FeFET2: {kind: FeFET2, sigma: 0.1}}
  seed: [0, 1]
"""

DRIVER = """
# Runs the study again and again in children that are killed at random moments, until one comes to its end.
import os, random, signal, sys, time

import torch
torch.set_num_threads(1)  # before any thread is there: a child would wait for threads that a fork does not copy
from mho.cli import main
from mho.studies import run, store
import mho.evaluation, mho.training, mho.zoo.registry, mho.data.optdigits
mho.data.load("digits")
import mho.studies.coordinator
mho.studies.coordinator.SHARD_SECONDS, mho.studies.coordinator.FIRST_SHARD = 0.05, 2

study, folder, log, kills = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
moments = random.Random(7)
put = store.Store.put

def logged(self, cell, first, count, data):
    with open(log, "a") as file:
        file.write(f"{cell} {first} {count}\\n")
    return put(self, cell, first, count, data)

store.Store.put = logged
killed = runs = 0
while True:
    child = os.fork()
    if child == 0:
        os._exit(main(["run", study, "--store", folder, "--engine", "inline"]))
    runs += 1
    if killed < kills:
        time.sleep(moments.uniform(0.02, 0.7))
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        killed += 1
        continue
    assert os.waitstatus_to_exitcode(status) == 0, status
    if killed >= kills:
        break
    os.system(f"rm -rf {folder}/cells/{moments.choice(os.listdir(folder + '/cells'))}")  # done too early: more to do
    open(log, "w").close()
print(killed, runs)
"""


@pytest.fixture
def study(tmp_path: Path) -> Path:
    path = tmp_path / "study.yaml"
    path.write_text(STUDY)
    return path


@pytest.fixture(scope="module")
def complete(tmp_path_factory) -> Path:
    """The store of the study after an undisturbed run."""
    folder = tmp_path_factory.mktemp("complete")
    (folder / "study.yaml").write_text(STUDY)
    assert main(["run", str(folder / "study.yaml"), "--store", str(folder / "store"), "--engine", "inline"]) == 0
    return folder / "store"


@pytest.fixture
def store(complete: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(complete, tmp_path / "store"))


def table(study: Path, store: Path, *options: str) -> bytes:
    out = store.parent / f"{store.name}.csv"
    assert main(["export", str(study), "--store", str(store), "--csv", str(out), *options]) == 0
    return out.read_bytes()


def test_killed_at_twenty_moments_it_ends_where_it_would_have_undisturbed(study, store, tmp_path) -> None:
    killed, log = tmp_path / "killed", tmp_path / "log"
    command = [sys.executable, "-c", DRIVER, str(study), str(killed), str(log), "20"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(done.stdout.split()[-2]) >= 20

    assert table(study, killed, "--every-chip") == table(study, store, "--every-chip")

    # Nothing is computed twice but what was being written when it was killed.
    written = Counter(log.read_text().splitlines())
    assert sum(written.values()) - len(written) <= 20
    held = Counter(
        i for s in Store(killed).every_shard() for i in ((s.cell, c) for c in range(s.first, s.first + s.count))
    )
    assert set(held.values()) == {1}


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
def test_workers_killed_with_their_study_leave_nobody_behind_and_nothing_broken(study: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    command = [sys.executable, "-m", "mho", "run", str(study), "--store", str(store), "--workers", "2"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    give_up = time.monotonic() + 120
    while not any(Store(store).every_shard()) and process.poll() is None and time.monotonic() < give_up:
        time.sleep(0.05)
    workers = children(process.pid)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert workers
    assert not left_after(workers, 30)
    assert main(["run", str(study), "--store", str(store), "--engine", "inline"]) == 0
    assert len(table(study, store).splitlines()) == 1 + 16


def test_more_chips_compute_only_the_new_ones(study: Path, store: Path, tmp_path: Path, capsys) -> None:
    few = table(study, store, "--every-chip").decode().splitlines()
    before = set(Store(store).every_shard())
    study.write_text(STUDY.replace("chips: 120", "chips: 150").replace("name: killed", "name: renamed"))
    capsys.readouterr()
    assert main(["run", str(study), "--store", str(store), "--dry-run"]) == 0
    assert "480 chips missing" in capsys.readouterr().out
    assert main(["run", str(study), "--store", str(store), "--engine", "inline"]) == 0
    new = set(Store(store).every_shard()) - before
    assert sum(s.count for s in new) == 16 * 30
    assert min(s.first for s in new) == 120
    many = table(study, store, "--every-chip").decode().splitlines()
    assert len(many) == 1 + 16 * 150
    assert set(few) < set(many)


@pytest.mark.parametrize("harm", ["torn", "flipped", "gone"])
def test_a_damaged_file_is_noticed_computed_again_and_said(study: Path, store: Path, capsys, harm: str) -> None:
    wanted = table(study, store, "--every-chip")
    victim = store / sorted(Store(store).every_shard())[3].path
    content = bytearray(victim.read_bytes())
    if harm == "torn":
        victim.write_bytes(content[: len(content) // 2])
    elif harm == "flipped":
        content[len(content) // 3] ^= 4
        victim.write_bytes(content)
    else:
        victim.unlink()
    capsys.readouterr()
    assert main(["run", str(study), "--store", str(store), "--engine", "inline"]) == 0
    assert "1 damaged file" in capsys.readouterr().err
    assert table(study, store, "--every-chip") == wanted


def test_an_index_that_is_gone_or_garbage_is_made_again(study: Path, store: Path, capsys) -> None:
    wanted = table(study, store)
    for harm in (lambda p: p.unlink(), lambda p: p.write_bytes(b"garbage" * 999), lambda p: p.write_bytes(b"")):
        harm(store / "index.sqlite")
        assert table(study, store) == wanted
        capsys.readouterr()
        assert main(["status", str(study), "--store", str(store)]) == 0
        assert "16 of 16 cells, 1,920 of 1,920 chips" in capsys.readouterr().out


FAILING = """
from dataclasses import dataclass
from mho.devices import Device

@dataclass(frozen=True, kw_only=True)
class Brittle(Device):
    breaks: bool = False
    def write(self, level, draws):
        if self.breaks:
            raise ZeroDivisionError("the tip broke")
        return level + 0.01 * draws.normal("brittle")
"""


def test_a_cell_that_fails_is_recorded_and_does_not_stop_the_rest(tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "brittle.py").write_text(FAILING)
    path, store = tmp_path / "study.yaml", tmp_path / ".mho"
    path.write_text(
        """
name: brittle
model: {architecture: mlp, data: {name: digits, split: train}, recipe: {epochs: 1}}
data: {name: digits}
memory: {device: {kind: Brittle}}
chips: 3
axes: {memory.device.breaks: [true, false]}
"""
    )
    run = ["run", str(path), "--engine", "inline", "--import", str(tmp_path / "brittle.py")]
    assert main(run) == 2
    said = capsys.readouterr()
    assert "1 cell failed" in said.err
    assert "ZeroDivisionError: the tip broke" in said.err
    assert "Traceback" not in said.err
    assert "breaks False: accuracy" in said.out
    assert main(["status", str(path)]) == 0
    said = capsys.readouterr()
    assert "1 of 2 cells, 3 of 6 chips" in said.out
    assert 'raise ZeroDivisionError("the tip broke")' in said.out
    # Put right, it is forgotten.
    (tmp_path / "brittle.py").write_text(FAILING.replace("self.breaks", "not level.numel()"))
    monkeypatch.delitem(sys.modules, "brittle")
    assert main(run) == 0
    capsys.readouterr()
    assert main(["status", str(path)]) == 0
    said = capsys.readouterr()
    assert "2 of 2 cells" in said.out
    assert "tip" not in said.out
    assert not list((store / "failures").iterdir())


def test_a_full_disk_stops_the_run_in_one_line_and_keeps_what_is_there(study, store, capsys, monkeypatch) -> None:
    study.write_text(STUDY.replace("chips: 120", "chips: 140"))
    before = table_files(store)
    real = os.fsync

    def full(descriptor: int) -> None:
        if "cells" in os.readlink(f"/proc/self/fd/{descriptor}"):
            raise OSError(errno.ENOSPC, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    assert main(["run", str(study), "--store", str(store), "--engine", "inline"]) == 2
    said = capsys.readouterr().err
    assert "No space left on device" in said
    assert "Traceback" not in said
    assert table_files(store) == before
    monkeypatch.undo()
    assert main(["run", str(study), "--store", str(store), "--engine", "inline"]) == 0


def table_files(store: Path) -> list[str]:
    return sorted(str(p.relative_to(store)) for p in (store / "cells").rglob("*") if p.is_file())


def test_two_runs_at_once_are_refused(study: Path, store: Path, capsys) -> None:
    with writing(store):
        holder = subprocess.run(
            [sys.executable, "-m", "mho", "run", str(study), "--store", str(store), "--engine", "inline"],
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
    assert holder.returncode == 2
    assert f"another run (process {os.getpid()}) is writing" in holder.stderr


def test_clean_deletes_what_nobody_needs_and_asks_first(study: Path, store: Path, capsys) -> None:
    (store / "cells" / ".mho-0123456789ab.tmp").write_bytes(b"half")
    other = Store(store).put("f" * 24, 0, 2, {"seconds": 1.0})
    assert main(["clean", "--store", str(store)]) == 0
    assert "half-written" in (out := capsys.readouterr().out)
    assert "of cells that no study has" in out
    assert (store / other.path).exists()
    assert main(["clean", "--store", str(store), "--yes"]) == 0
    assert not (store / other.path).exists()
    assert not (store / "cells" / ".mho-0123456789ab.tmp").exists()
    assert len(table(study, store).splitlines()) == 1 + 16
    assert main(["clean", str(study), "--store", str(store), "--yes"]) == 0
    assert not list(Store(store).every_shard())
