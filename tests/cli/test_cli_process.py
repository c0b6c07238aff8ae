"""The command as a process: what it imports, and what it does with pipes, full disks and plain terminals."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("torch", "numba", "scipy", "sklearn", "matplotlib", "safetensors")
ASK = (
    "import sys; from mho.cli import main; code = main(sys.argv[1:]);"
    f"print(*(m for m in {HEAVY!r} if m in sys.modules), file=sys.stderr); sys.exit(code)"
)
ENTRY = "import sys; from mho.cli import entry; entry()"


def _python(code: str, *arguments: str, stdout=subprocess.PIPE, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        stdout=stdout, stderr=subprocess.PIPE, text=True, encoding="utf-8", errors="replace",
        env=os.environ | environment, timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    "line",
    ["--help", "--version", "list devices", "list models", "list data", "describe --help", "evaluate --help",
     "train --help", "demo --help", "doctor --help", "train lenett --out a.safetensors",
     "evaluate x --data digits --age 1x"],
)  # fmt: skip
def test_quick_answers_import_nothing_heavy(line) -> None:
    said = _python(ASK, *line.split())
    assert said.stderr.splitlines()[-1] == ""
    assert said.returncode == (2 if "lenett" in line or "1x" in line else 0)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_output_on_a_full_disk_is_one_line() -> None:
    with open("/dev/full", "w") as full:
        said = _python(ENTRY, "list", "devices", stdout=full)
    assert (said.returncode, said.stderr) == (2, "mho: No space left on device\n")


def test_a_reader_that_leaves_is_no_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        said = _python(ENTRY, "list", "models", stdout=writing)
    finally:
        os.close(writing)
    assert (said.returncode, said.stderr) == (0, "")


def test_a_terminal_without_our_signs() -> None:
    said = _python(ENTRY, "list", "devices", PYTHONIOENCODING="ascii")
    assert (said.returncode, said.stderr) == (0, "")
    assert "FeFET2" in said.stdout


def test_the_installed_command_answers_like_main(nets) -> None:
    said = _python(ENTRY, "describe", str(nets / "truncated.safetensors"))
    assert said.returncode == 2
    assert said.stdout == ""
    assert said.stderr.startswith("mho: ")
    assert len(said.stderr.splitlines()) == 1
