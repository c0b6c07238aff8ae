"""Every example runs and prints numbers."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import torch

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.py"))
NEEDED = {"bert": ["transformers"]}
"""Packages beyond mho's own; without them an example is skipped."""
APART = ("timm_vit", "torchvision_resnet")
"""Those that need torchvision, which would break transformers here: they run in a process that has it alone."""
VISION = Path(sys.prefix) / "vision"
"""Where make test installs it."""
START = Path(__file__).parent / "vision" / "run.py"


@pytest.fixture(autouse=True)
def _as_it_was():
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    torch.set_rng_state(state)


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 3
    assert {*NEEDED, *APART} <= {e.stem for e in EXAMPLES}


@pytest.mark.parametrize("example", EXAMPLES, ids=[e.stem for e in EXAMPLES])
def test_example(example, tmp_path, monkeypatch, capfd) -> None:
    for package in NEEDED.get(example.stem, ()):
        pytest.importorskip(package)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(example)])
    if example.stem in APART:
        if not VISION.is_dir():
            pytest.skip(f"no torchvision in {VISION}: make test installs it there")
        run = subprocess.run([sys.executable, START, VISION, example], env=os.environ | {"OMP_NUM_THREADS": "1"})
        assert run.returncode == 0
    else:
        runpy.run_path(str(example), run_name="__main__")
    said = capfd.readouterr()
    assert said.err == ""
    assert "accuracy in %" in said.out
    assert "nan" not in said.out
    assert list(tmp_path.iterdir()) == [], "an example leaves nothing behind"
    assert example.read_text(encoding="utf-8").count("\n") < 80, "an example is read at one go"


@pytest.mark.parametrize(
    ("name", "package", "how"),
    [
        ("timm_vit", "timm", "raise ModuleNotFoundError"),
        ("torchvision_resnet", "torchvision", "raise RuntimeError('operator torchvision::nms does not exist')"),
    ],
)
def test_without_torchvision_one_line_says_what_to_install(name, package, how, tmp_path) -> None:
    """Not there, and there but built for another torch."""
    (tmp_path / f"{package}.py").write_text(how)
    example = next(e for e in EXAMPLES if e.stem == name)
    environment = os.environ | {"PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    run = subprocess.run([sys.executable, example], env=environment, capture_output=True, text=True)
    assert run.returncode == 1
    assert run.stderr.count("\n") == 1
    assert "pip install torch torchvision" in run.stderr


def test_operators_are_declared_only_where_the_compiled_part_does_not_load(tmp_path) -> None:
    declare = runpy.run_path(str(START))["declare"]
    compiled = tmp_path / "torchvision" / "_C.so"
    compiled.parent.mkdir()
    compiled.symlink_to(next((Path(torch.__file__).parent / "lib").glob("libc10*")))
    assert declare(tmp_path) is None
    compiled.unlink()
    compiled.write_bytes(b"needs libcudart.so")
    library = declare(tmp_path)
    assert library is not None
    assert str(torch.ops.torchvision.nms.default) == "torchvision.nms.default"
    with pytest.raises(NotImplementedError):
        torch.ops.torchvision.nms(torch.zeros(1))
