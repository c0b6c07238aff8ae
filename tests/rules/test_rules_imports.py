"""A room imports only from rooms above it; looking around costs no torch; nothing unpickles or draws globally."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

import mho

ROOT = Path(mho.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
ROOMS = (
    ("errors", "units", "text", "files", "frozen", "fields", "progress", "spec"),
    ("kernels", "rng"),
    ("data",),
    ("zoo",),
    ("devices",),
    ("programming",),
    ("mapping",),
    ("memory",),
    ("evaluation",),
    ("training",),
    ("racetrack",),
    ("analog",),
    ("studies",),
    ("codesign",),
    ("reports",),
    ("testing",),
    ("cli", "__main__"),
)
"""Floors of the house, top first; rooms of one floor may see each other."""
FLOOR = {room: number for number, floor in enumerate(ROOMS) for room in floor}
ANYWHERE = {"__version__"}
"""Names of the package itself that every room may read."""


def room_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imported_rooms(tree: ast.AST) -> set[str]:
    """Rooms imported anywhere in a file: at its top, inside functions and under TYPE_CHECKING."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            paths = [alias.name.split(".") for alias in node.names]
            found |= {path[1] for path in paths if path[0] == "mho" and len(path) > 1}
        elif isinstance(node, ast.ImportFrom) and node.level:
            found.add("(relative)")
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "mho":
            parts = (node.module or "").split(".")
            found |= {parts[1]} if len(parts) > 1 else {rooms_of_name(a.name) for a in node.names}
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "mho":
            found.add(rooms_of_name(node.attr))
    return found - ANYWHERE


def rooms_of_name(name: str) -> str:
    """The room behind a name of the package itself: ``mho.deploy`` is memory's."""
    return mho._VERBS.get(name, f"mho.{name}").split(".")[1]


@pytest.mark.parametrize("path", [f for f in FILES if room_of(f) != "__init__"], ids=lambda p: str(p.relative_to(ROOT)))
def test_a_room_imports_only_from_rooms_above_it(path: Path) -> None:
    room = room_of(path)
    assert room in FLOOR, f"{room} has no floor in this house: say where it is"
    for other in imported_rooms(ast.parse(path.read_text())):
        assert other in FLOOR, f"{path.name} imports mho.{other}, which is no room (relative imports hide the room)"
        assert FLOOR[other] <= FLOOR[room], f"{room} imports from {other}, a room below it"


def test_the_import_rule_sees_every_way_to_import() -> None:
    source = """
import mho.cli, os
from mho import report, __version__
if TYPE_CHECKING:
    from mho.training.loop import fit
def f():
    from mho.memory import validate
    import mho
    return mho.evaluate, mho.zoo, mho.__version__
"""
    assert imported_rooms(ast.parse(source)) == {"cli", "reports", "training", "memory", "evaluation", "zoo"}
    assert imported_rooms(ast.parse("from . import x")) == {"(relative)"}


def modules_after(statement: str) -> set[str]:
    """Top-level packages in memory after ``statement`` in a fresh interpreter."""
    code = f"{statement}\nimport sys\nprint(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


HEAVY = {"torch", "numba", "scipy", "sklearn", "matplotlib", "triton", "torchvision", "transformers"}


@pytest.mark.parametrize(
    "statement",
    [
        "import mho; dir(mho); mho.__version__",
        "import mho.devices, mho.devices.presets; mho.devices.get('RRAM1', sigma=0.1).to_yaml()",
        "import mho.zoo.catalog",
        "import mho.data.catalog",
        "import mho.units, mho.errors, mho.spec, mho.text, mho.progress, mho.rng",
        "import mho.cli",
    ],
)
def test_looking_around_costs_no_torch(statement: str) -> None:
    assert not modules_after(statement) & HEAVY


def test_the_public_names_are_those_that_exist() -> None:
    assert sorted(mho.__all__) == sorted(set(mho.__all__))
    assert dir(mho) == mho.__all__
    for name in mho.__all__:
        assert getattr(mho, name) is not None
    lazy = set(mho._VERBS) | set(mho._ROOMS)
    assert set(mho.__all__) == lazy | {"__version__"}
    with pytest.raises(AttributeError, match="no attribute 'evalute'"):
        mho.evalute  # noqa: B018


@pytest.mark.parametrize("room", sorted({f.parent.relative_to(ROOT).as_posix() for f in FILES if f.parent != ROOT}))
def test_every_room_lists_its_doors(room: str) -> None:
    module = importlib.import_module("mho." + room.replace("/", "."))
    assert module.__doc__, "a room says what it is for"
    for name in getattr(module, "__all__", ()):
        assert hasattr(module, name)


DRAWS = re.compile(r"^torch\.(rand|randn|randint|randperm|normal|bernoulli|multinomial|poisson)(_like)?$")
GLOBAL = re.compile(r"^(np|numpy)\.random\.(?!default_rng$|Generator$|Philox$|PCG64$|SeedSequence$)|^random\.")
SEEDS = re.compile(r"\b(manual_seed|manual_seed_all|seed|set_rng_state)$")
OWN = re.compile(r"Generator\b|^(generator|draws)\.")
SEEDS_GLOBALLY = {"training/setup.py", "zoo/registry.py"}
"""Dropout and torch's own starting weights know only its global generators; they are put back as they were."""


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_nothing_is_drawn_from_a_global_generator(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call):
            continue
        name, keywords = ast.unparse(node.func), {k.arg for k in node.keywords}
        assert not GLOBAL.search(name), f"{name} draws from a global generator"
        assert not DRAWS.match(name) or "generator" in keywords, f"{name} without generator="
        if SEEDS.search(name) and str(path.relative_to(ROOT)) not in SEEDS_GLOBALLY:
            assert OWN.search(name), f"{name} sets a global generator"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_nothing_is_unpickled(path: Path) -> None:
    """Reading a pickle runs code. Of the pickle module only its error is used: torch raises it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            name, keywords = ast.unparse(node.func), {k.arg: ast.unparse(k.value) for k in node.keywords}
            assert name != "torch.load" or keywords.get("weights_only") == "True", "torch.load unpickles"
            assert name not in {"np.load", "numpy.load"} or keywords.get("allow_pickle") == "False"
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "pickle":
            assert node.attr == "UnpicklingError"
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        assert not {n.split(".")[0] for n in names} & {"cPickle", "dill", "cloudpickle", "shelve", "joblib"}
        assert not (isinstance(node, ast.ImportFrom) and node.module == "pickle")
