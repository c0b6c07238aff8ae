"""What ``mho design`` and ``mho demo --full`` take: who computes, how networks are trained, what can be bought."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from mho.cli.options import USUAL_SIGMA, MemoryOptions, at_least, place
from mho.cli.run import Engine, executor_of
from mho.errors import SpecError, unknown

if TYPE_CHECKING:
    from mho.memory import Memory
    from mho.memory.spec import NameRules
    from mho.studies.executors import Executor
    from mho.training import Recipe


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class EngineOptions:
    """Who computes."""

    engine: Annotated[
        Engine | None,
        Parameter(help="Worker processes of this machine (unless given), this process, or a Ray cluster."),
    ] = None
    workers: Annotated[
        int | None, Parameter(help="How many workers; one per GPU, or per core as far as memory goes, unless given.")
    ] = None
    address: Annotated[
        str | None, Parameter(help="Ray cluster, such as auto or ray://head:10001; a local one unless given.")
    ] = None
    torch_device: Annotated[str | None, Parameter(help="cpu or cuda; GPUs are dealt out unless given.")] = None

    def executor(self, modules: tuple[str, ...], root: str | None, *, alone: bool = False) -> Executor:
        """The executor that is asked for; ``alone`` asks for this process where no engine is named.

        Raises:
            SpecError: options that do not go together, or a device that is not there.
        """
        if self.workers is not None:
            at_least("--workers", self.workers, 1)
        where = place(self.torch_device)
        return executor_of(
            self.engine or ("inline" if alone else "processes"), self.workers, self.address, 0.0, modules, root, where
        )

    def here(self, why: str) -> None:
        """Refuse what computes elsewhere.

        Raises:
            SpecError: ``why``, naming the option.
        """
        for name in ("engine", "workers", "address"):
            value = getattr(self, name)
            if value is not None and (name, value) != ("engine", "inline"):
                raise SpecError(f"--{name} {value}: {why}")


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class TeachOptions:
    """How networks are trained."""

    recipe: Annotated[str | None, Parameter(help="A paper's recipe, such as swim-lenet; the options change it.")] = None
    epochs: Annotated[int | None, Parameter(help="Passes over the data.")] = None
    lr: Annotated[float | None, Parameter(help="Learning rate at the start.")] = None
    batch_size: Annotated[int | None, Parameter(help="Samples per step.")] = None

    def spec(self) -> Recipe | None:
        """The recipe that is asked for; ``None`` if none is.

        Raises:
            SpecError, UnknownNameError: no such recipe, or a number out of range.
        """
        from mho.training import Recipe, preset

        said = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "recipe"}
        changes = {name: value for name, value in said.items() if value is not None}
        if self.recipe is not None:
            return preset(self.recipe, **changes)
        return Recipe().replace(**changes) if changes else None


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class MeasureOptions:
    """What can be bought."""

    methods: Annotated[
        str | None,
        Parameter(
            help="Training methods to choose among: noise,ovf (mho list methods). noise, right-censored, ovf and irs "
            "unless given.",
            show_default=False,
        ),
    ] = None
    without_training: Annotated[bool, Parameter(negative="", help="The network is trained plainly, or not at all.")] = (
        False
    )
    tolerance: Annotated[
        float | None, Parameter(help="Of write-verify: largest error, a fraction of a cell's range; 0.06 unless given.")
    ] = None

    def measures(self, data: str, memory: Memory | NameRules, *, plain: str) -> dict[str, Any]:
        """Axes of what can be bought for ``memory``.

        Args:
            data: name of the data.
            memory: what the network is programmed onto.
            plain: what no method is called.

        Raises:
            SpecError: options that mean nothing for this memory, or leave nothing to buy.
            UnknownNameError: no method has this name.
        """
        from mho.codesign.suited import programming, usual
        from mho.studies.sources import Data, Trained

        if self.methods is not None and self.without_training:
            raise SpecError("--methods and --without-training contradict each other; leave out one of them")
        found = usual(Trained(architecture="lenet", data=Data(name=data, split="train")), memory)
        if self.tolerance is not None:
            if "memory.programming" not in found:
                raise SpecError(
                    f"--tolerance {self.tolerance:g} is of write-verify, which is no measure for {memory.label}; "
                    "leave it out"
                )
            once = next(iter(found["memory.programming"].values()))
            found["memory.programming"] = programming(once, self.tolerance)
        if self.without_training:
            found.pop("model.method", None)
        elif self.methods is not None:
            found["model.method"] = {plain: None, **self._named()}
        elif "model.method" in found:
            methods = found["model.method"]
            found["model.method"] = {plain: None, **{k: v for k, v in methods.items() if v is not None}}
        if not found:
            raise SpecError("nothing is left to choose among; leave out --without-training, or give a YAML (mho new)")
        return found

    def _named(self) -> dict[str, Any]:
        """Methods by their names, with the strengths that the usual measures have."""
        from mho.codesign.suited import training
        from mho.training import METHODS

        assert self.methods is not None
        known = {type(m): (label, m) for label, m in training().items() if m is not None}
        out = {}
        for name in (n.strip() for n in self.methods.split(",")):
            if name not in METHODS or name == "plain":
                raise unknown("method", name, [n for n in METHODS if n != "plain"])
            kind = METHODS[name]
            label, method = known[kind] if kind in known else (name, _made(name, kind))
            out[label] = method
        return out


def _made(name: str, kind: Any) -> Any:
    try:
        return kind()
    except (SpecError, TypeError) as error:
        raise SpecError(
            f"--methods {name} needs fields ({str(error).removeprefix(f'{kind.__name__}: ')}); give them in a YAML "
            "(mho new design.yaml --template design)"
        ) from None


def stored(options: MemoryOptions, sigma: float | None) -> tuple[Memory | NameRules, float | None]:
    """The memory, or name rules, at the severity that is asked for, and that severity; ``None`` is the device's own.

    Training looks at the memory, so its device has the severity, too.

    Raises:
        SpecError: the device has no severity.
    """
    from mho.frozen import FrozenDict
    from mho.memory import Memory
    from mho.memory.spec import NameRules

    usual = options.usual_sigma()
    severity = sigma if sigma is not None or usual is None else usual[0]
    found = options.rules(sigma=USUAL_SIGMA if severity is None else severity)
    if isinstance(found, Memory):
        return (found if severity is None else found.with_sigma(severity)), severity
    rules = {p: m if m is None or severity is None else m.with_sigma(severity) for p, m in found.items()}
    return NameRules(rules=FrozenDict(rules)), severity


def budgets(listed: list[str]) -> dict[str, float]:
    """``["training_seconds=600"]`` as numbers by cost.

    Raises:
        SpecError: one is none.
    """
    from mho.codesign import COSTS

    out: dict[str, float] = {}
    for said in listed:
        name, sign, value = (part.strip() for part in said.partition("="))
        if name not in COSTS:
            raise unknown("cost", name, COSTS)
        if name in out:
            raise SpecError(f"--budget names {name} twice")
        try:
            out[name] = float(value)
        except ValueError:
            shown = f"'{value}' is no number" if sign else "there is no ="
            raise SpecError(f"--budget {said}: {shown}; write one such as training_seconds=600") from None
    return out


def check_folder(option: str, folder: Path | None) -> None:
    """Refuse, before any work, what is no folder to write to.

    Raises:
        OutputError, SpecError: naming the folder.
    """
    from mho.files import check_writable

    if folder is None:
        return
    if folder.is_dir():
        check_writable(folder / "study.yaml")
    elif folder.exists():
        raise SpecError(f"{option} {folder} is a file; name a folder")
    else:
        check_writable(folder)
