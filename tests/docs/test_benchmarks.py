"""The comparison with other tools runs, and cannot time a tool that does something else; its page names what exists."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
BENCHMARKS = ROOT / "benchmarks"
PAGE = ROOT / "docs" / "benchmarks.md"


def _checks() -> ModuleType:
    """Loaded from its file: benchmarks are scripts, not a package."""
    spec = importlib.util.spec_from_file_location("side_by_side_checks", BENCHMARKS / "side_by_side_checks.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_side_by_side_runs_with_mho_alone_and_says_what_is_missing(tmp_path) -> None:
    small = (
        "--data digits --epochs 1 --images 40 --train-images 128 --repeats 2 --chips 2 --judges 2 --precise mean=0.3"
    )
    command = [sys.executable, str(BENCHMARKS / "side_by_side.py"), *small.split()]
    tools = ["--tools", "mho", "crosssim", "--python", f"crosssim={sys.executable}"]
    run = subprocess.run([*command, *tools, "--json", "run.json"], cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    assert "nan" not in run.stdout
    assert re.search(r"crosssim\s+not installed", run.stdout) or importlib.util.find_spec("simulator")
    assert "load average" in run.stdout
    kept = json.loads((tmp_path / "run.json").read_text())
    assert len(kept["chips"]["mho"]["values"]) == 4
    assert len(kept["chips"]["mho"]["seconds"]) == len(kept["training"]["mho"]["seconds"]) == 2
    assert kept["precise"][0]["low"] <= kept["precise"][0]["value"] <= kept["precise"][0]["high"]
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


@pytest.mark.parametrize(
    ("factor", "shift", "fits"),
    [(1.0, 0.0, True), (1.02, 0.0, False), (0.98, 0.0, False), (1.0, 0.02, False)],
)
def test_errors_that_are_not_those_asked_for_are_noticed(factor, shift, fits) -> None:
    generator = np.random.default_rng(7)
    layers = {}
    for name, size in (("large", 90_000), ("small", 20_000)):
        errors = factor * generator.standard_normal(size) + shift
        layers[name] = [size, errors.mean(), np.square(errors).mean()]
    assert _checks().errors_agree(layers)[0] is fits


def test_a_small_layer_on_the_wrong_scale_is_noticed() -> None:
    layers = {"large": [1_000_000, 0.0, 1.0], "small": [500, 0.0, 1.5]}
    assert not _checks().errors_agree(layers)[0]


@pytest.mark.parametrize(
    ("mean", "deviation", "fits"),
    [(0.9, 0.05, True), (0.87, 0.05, False), (0.9, 0.12, False)],
)
def test_chips_of_another_distribution_are_noticed(mean, deviation, fits) -> None:
    generator = np.random.default_rng(7)
    ours = generator.normal(0.9, 0.05, 140).tolist()
    others = generator.normal(mean, deviation, 140).tolist()
    assert _checks().accuracies_agree(others, ours)[0] is fits


def test_tools_take_turns() -> None:
    assert _checks().turns(["a", "b", "c"], 3) == list("abcbcacab")


def test_the_page_names_scripts_that_exist() -> None:
    named = set(re.findall(r"benchmarks/(\w+\.py)", PAGE.read_text(encoding="utf-8")))
    assert "side_by_side.py" in named
    assert {name for name in named if not (BENCHMARKS / name).exists()} == set()
    # Every benchmark is on the page, so that a number has one place where it is looked for.
    assert {path.name for path in BENCHMARKS.glob("bench_*.py")} <= named
