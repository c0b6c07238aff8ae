"""A Ray cluster: connecting to one, and what room it has."""

from __future__ import annotations

import importlib
import logging
import os
import socket
import sys
import warnings
from collections.abc import Mapping
from typing import Any

from mho.errors import MhoError

KINDS = {"CPU": "num_cpus", "GPU": "num_gpus"}
"""Ray's name for what a node has, and for the option that asks for it."""


def library() -> Any:
    """Ray, loaded when it is first needed."""
    try:
        return importlib.import_module("ray")
    except ImportError:
        raise MhoError("Ray is not installed; pip install 'mho[ray]'") from None


def connect(address: str | None) -> bool:
    """Connect to a cluster, or start one here; whether there was no connection before.

    Args:
        address: as :class:`mho.studies.executors.Ray` takes it.

    Raises:
        MhoError: Ray is not installed, or there is no cluster.
    """
    ray = library()
    if ray.is_initialized():
        return False
    address = address or os.environ.get("RAY_ADDRESS") or "local"
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if address == "local":
        # The same code and modules as here, installed or not; of other machines' folders nothing is known.
        here = os.pathsep.join(p or os.getcwd() for p in sys.path)
        options |= {"include_dashboard": False, "runtime_env": {"env_vars": {"PYTHONPATH": here}}}
    try:
        _knock(address)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # about variables that nothing here depends on
            ray.init(address, **options)
    except Exception as error:  # Ray has no one class for this
        said = next(iter(str(error).splitlines()), "")
        raise MhoError(f"no Ray cluster at '{address}' ({type(error).__name__}: {said})") from error
    return True


def _knock(address: str) -> None:
    """Whether somebody answers at ``host:port``: Ray itself goes on asking for minutes."""
    host, _, port = address.rpartition(":")
    if host and port.isdecimal() and "//" not in address:
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()


def room(needs: Mapping[str, float]) -> int:
    """Workers that fit on the cluster's nodes.

    Args:
        needs: options of Ray's to what each worker takes.
    """
    asked = [(kind, needs[option]) for kind, option in KINDS.items() if needs[option]]
    nodes = [node["Resources"] for node in library().nodes() if node["Alive"]]
    return sum(min(int(have.get(kind, 0) / need + 1e-6) for kind, need in asked) for have in nodes)


def no_room(needs: Mapping[str, float], waited: float) -> MhoError:
    """The error that says what was asked for and what there is."""
    ray = library()
    have, free = ray.cluster_resources(), ray.available_resources()
    nodes = sum(node["Alive"] for node in ray.nodes())
    asked = " and ".join(f"{needs[option]:g} {kind}" for kind, option in KINDS.items())
    there = " and ".join(f"{have.get(kind, 0):g} {kind} ({free.get(kind, 0):g} free)" for kind in KINDS)
    return MhoError(f"no room for a worker in {waited:g} s: it takes {asked}; the cluster's {nodes} nodes have {there}")
