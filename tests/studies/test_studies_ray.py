"""Ray: the same numbers from a cluster, whatever node dies; and what is said where there is no Ray or no room."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mho.errors import MhoError, SpecError
from mho.studies.executors import Executor, Ray, actor, cluster
from mho.studies.verb import run
from mho.testing import check_executor
from mho.testing.around import Killing, Log
from mho.testing.executor import IMPORTS, STUDY

needs_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed")
SOUND = STUDY.replace(sigma=(0.05, 0.1, 0.2))
BYTES = 100 * 2**20
"""Of Ray's object store on each node."""


def test_ray_is_not_loaded_before_it_is_used() -> None:
    code = "import sys, mho.studies.executors as e; e.Ray(workers=2); sys.exit('ray' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_without_ray_one_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MhoError, match=r"^Ray is not installed; pip install 'mho\[ray\]'$"):
        run(SOUND, store=tmp_path, executor=Ray())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"workers": 0}, "workers=0 must be"),
        ({"gpus_per_worker": 1.5}, "gpus_per_worker=1.5 must be a fraction"),
        ({"gpus_per_worker": -1}, "gpus_per_worker=-1 must be"),
        ({"cpus_per_worker": 0}, "cpus_per_worker=0 must be"),
    ],
)
def test_impossible_wishes_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError, match=said):
        Ray(**options)


@pytest.mark.parametrize(
    ("cpus", "gpus", "workers"),
    [(1, 0, 12), (3, 0, 3), (1, 1, 2), (1, 0.5, 4), (1, 0.1, 8), (0, 0.1, 20), (1, 2, 1), (16, 0, 0)],
)
def test_workers_fit_on_whole_nodes(monkeypatch: pytest.MonkeyPatch, cpus: float, gpus: float, workers: int) -> None:
    there = [
        {"Alive": True, "Resources": {"CPU": 8.0, "GPU": 2.0}},
        {"Alive": True, "Resources": {"CPU": 4.0}},
        {"Alive": False, "Resources": {"CPU": 64.0, "GPU": 8.0}},
    ]
    monkeypatch.setattr(cluster, "library", lambda: SimpleNamespace(nodes=lambda: there))
    assert cluster.room({"num_cpus": cpus, "num_gpus": gpus}) == workers


@pytest.mark.parametrize(("gpus", "device", "where"), [(["0"], "cpu", "cuda"), ([], None, None), ([], "cpu", "cpu")])
def test_a_worker_with_a_gpu_computes_there(
    monkeypatch: pytest.MonkeyPatch, gpus: list[str], device: str | None, where: str | None
) -> None:
    monkeypatch.setattr(actor, "library", lambda: SimpleNamespace(get_gpu_ids=lambda: gpus))
    worker = actor.Actor(json.dumps({"imports": [], "root": None, "device": device}))._ready()
    assert worker._device == where


@pytest.fixture(scope="module")
def nodes() -> Iterator[str]:
    """Two nodes with one core each, and two that compute nothing: the head and the study's own; the address."""
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 0, "include_dashboard": False, "object_store_memory": BYTES}
    there = Cluster(initialize_head=True, head_node_args=head)
    try:
        # Each with an address of its own; a study connects to the node that came last, which must stay.
        for last, cores in ((2, 1), (3, 1), (4, 0)):
            there.add_node(num_cpus=cores, object_store_memory=BYTES, node_ip_address=f"127.0.0.{last}")
        yield there.address
    finally:
        there.shutdown()


def kill_a_busy_worker(executor: Executor) -> None:
    os.kill(_busy(executor), signal.SIGKILL)


def kill_its_node(executor: Executor) -> None:
    """The node's own process and everything that it started, at once, as if its power failed."""
    raylet = _parent(_busy(executor))
    assert "raylet" in Path(f"/proc/{raylet}/cmdline").read_text()
    for pid in (raylet, *(p for p in map(int, filter(str.isdecimal, os.listdir("/proc"))) if _parent(p) == raylet)):
        os.kill(pid, signal.SIGKILL)


def _busy(executor: Executor) -> int:
    assert isinstance(executor, Ray)
    return next(seat.process for seat in executor._seats if seat.job is not None)


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


@needs_ray
def test_a_cluster_of_this_machine_is_started_and_ended(tmp_path: Path) -> None:
    import ray

    wanted = run(SOUND, store=tmp_path / "inline")
    found = run(SOUND, store=tmp_path / "ray", executor=Ray("local", workers=1, imports=IMPORTS))
    assert not ray.is_initialized()
    for label, result in wanted.results.items():
        assert found.results[label].values.tobytes() == result.values.tobytes()


@needs_ray
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
def test_a_cluster_conforms_and_survives_workers_and_nodes(nodes: str, tmp_path: Path) -> None:
    """One test, in this order: nodes that were killed do not come back."""
    check_executor(lambda imports: Ray(nodes, workers=2, imports=imports), kill=kill_a_busy_worker)
    with pytest.raises(MhoError, match=r"no room for a worker in 1 s: it takes 2 CPU and 0 GPU; .* 4 nodes have 2 CPU"):
        run(SOUND, store=tmp_path / "large", executor=Ray(nodes, workers=1, cpus_per_worker=2, patience=1))

    wanted = run(SOUND, store=tmp_path / "inline")
    log = Log()
    executor = Killing(Ray(nodes, imports=IMPORTS), kill_its_node)
    found = run(SOUND, store=tmp_path / "ray", executor=executor, observers=[log])
    assert sum("is done again" in notice for notice in log.notices) == 1
    assert not found.failures
    for label, result in wanted.results.items():
        assert found.results[label].values.tobytes() == result.values.tobytes()
        assert found.results[label].ekl.tobytes() == result.ekl.tobytes()  # type: ignore[union-attr]

    last = Killing(Ray(nodes, imports=IMPORTS, patience=5), kill_its_node)
    with pytest.raises(MhoError, match=r"no room for a worker in 5 s: it takes 1 CPU and 0 GPU"):
        run(SOUND, store=tmp_path / "none", executor=last)
    assert run(SOUND, store=tmp_path / "none").rows() == wanted.rows(), "what was kept is as good"


@needs_ray
def test_a_cluster_that_is_not_there_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(MhoError, match=r"^no Ray cluster at '127.0.0.1:1'") as caught:
        run(SOUND, store=tmp_path, executor=Ray("127.0.0.1:1"))
    assert "\n" not in str(caught.value)
