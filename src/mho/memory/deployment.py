"""CELLS -> MODEL: program a model onto a population of imperfect chips."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from numbers import Integral

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from mho.devices import StuckAt
from mho.devices.base import common_clock
from mho.devices.stack import only_stuck, stuck_of
from mho.errors import ModelError, SpecError
from mho.mapping.base import Programmed, program
from mho.mapping.bit_planes import BitPlanes
from mho.mapping.sampler import Sampler
from mho.memory.arrays import refuse_voting, vote_at
from mho.memory.binary import binarised
from mho.memory.description import DigitalTensor
from mho.memory.faulty import Faulty
from mho.memory.layers import LayerRule, full_name, matrices
from mho.memory.placing import check_pools, layouts
from mho.memory.rules import Rules, check_all_used, first_match, normalise
from mho.memory.selection import Curvature, check_curvature, choose
from mho.memory.spec import APART, Memory
from mho.memory.validation import require_valid
from mho.memory.varied import Varied
from mho.programming import Written
from mho.spec import references
from mho.units import Clock, check_age
from mho.zoo.binary.layers import BinaryConv2d, BinaryLinear
from mho.zoo.binary.signs import signs


@dataclass(frozen=True)
class Placement:
    """One weight tensor on cells."""

    parameter: str
    kind: str
    memory: Memory
    layer: LayerRule


@dataclass(frozen=True)
class Chips:
    """A model on imperfect memory: chip 0, chip 1, chip 2, ... of one seed, made when asked for.

    Attributes:
        model: private copy of the model as it was deployed, in evaluation mode.
        placements: parameter name to what holds it.
        digital: tensors that stay digital, with the reason.
        seed: chip i of this seed is always the same chip.
        rules: name patterns to memories, as they were given.
        sensitivity: parameter name to what :func:`mho.sensitivity` found, for selective write-verify.
    """

    model: nn.Module
    placements: dict[str, Placement]
    digital: tuple[DigitalTensor, ...]
    seed: int
    rules: dict[str, Memory | None]
    sensitivity: Curvature | None = None

    @property
    def label(self) -> str:
        """Short name for tables: the devices in use."""
        return ", ".join(dict.fromkeys(p.memory.label for p in self.placements.values()))

    @property
    def memories(self) -> tuple[Memory, ...]:
        """The distinct memories in use."""
        return tuple(dict.fromkeys(p.memory for p in self.placements.values()))

    @property
    def clock(self) -> Clock:
        """What an age of these chips counts: ``"s"`` (seconds) or ``"inferences"``; seconds where nothing ages."""
        return common_clock((m.device for m in self.memories), "chips", APART) or "s"

    @property
    def votes(self) -> tuple[str, ...]:
        """Weights of layers whose outputs are voted on: they alone do not stand for a chip."""
        return tuple(n for n, p in self.placements.items() if p.memory.redundancy and p.memory.redundancy.votes)

    def check_weights(self, who: str) -> None:
        """Raise unless a chip is its weights.

        Args:
            who: asks.

        Raises:
            SpecError: outputs of a layer are voted on.
        """
        if self.votes:
            voting = type(self.placements[self.votes[0]].memory.redundancy).__name__
            raise SpecError(
                f"{who}: memory= has redundancy={voting} for {self.votes[0]}, whose votes are taken on outputs, so "
                "that its errors are no weights to train with; train on the same memory without redundancy="
            )

    @property
    def slips(self) -> bool:
        """Whether bits of any layer slip along tracks."""
        return any(m.device.slips for m in self.memories)

    def to_yaml(self) -> str:
        """What deploys such chips again: the memory, or the rules where there are more; ``--memory`` takes it."""
        import yaml

        if list(self.rules) == ["*"]:
            return self.memories[0].to_yaml()
        said = {pattern: None if m is None else m.to_dict() for pattern, m in self.rules.items()}
        return yaml.safe_dump({"rules": said}, sort_keys=False, allow_unicode=True, default_flow_style=None, width=120)

    @property
    def references(self) -> tuple[str, ...]:
        """BibTeX keys of everything these chips are made of; see :func:`mho.cite`."""
        return (*dict.fromkeys(k for m in self.memories for k in references(m)), "salmon2011random", "boxmuller1958")

    def programmed(
        self, *, sigma: float | None = None, age: float = 0.0, by_cell: bool = False
    ) -> dict[str, Programmed]:
        """Every stored weight ready to be sampled, at ``sigma`` (the device's own if ``None``) and ``age``.

        The two ways of sampling draw different numbers: chips compare number by number only if both deployments are
        sampled ``by_cell``, or neither.

        Raises:
            SpecError: a layer has redundancy, so that no weights programmed once stand for it; see :meth:`samplers`.
        """
        guarded = next((n for n, p in self.placements.items() if p.memory.redundancy is not None), None)
        if guarded:
            measure = type(self.placements[guarded].memory.redundancy).__name__
            raise SpecError(
                f"Chips.programmed: redundancy={measure} decides what cells of {guarded} are read as, so that no "
                "weight is programmed cell by cell; ask Chips.samplers, or leave redundancy= out of its memory"
            )
        return self._programmed(self.placements, sigma, age, by_cell)

    def samplers(self, *, sigma: float | None = None, age: float = 0.0, by_cell: bool = False) -> dict[str, Sampler]:
        """Every stored weight ready to be sampled, as :meth:`programmed`, in the cheapest way there is."""
        out: dict[str, Sampler] = {}
        stuck: dict[str, StuckAt] = {}  # layers in planes of bits whose cells are stuck and nothing else
        varied: dict[str, StuckAt] = {}  # with redundancy, and cells to which more happens
        for name, place in self.placements.items():
            memory = place.memory if sigma is None else place.memory.with_sigma(sigma)
            mapping = memory.mapping
            device = memory.device.written_to(
                cell_bits=mapping.cell_bits, weight_bits=mapping.weight_bits, kappa=mapping.kappa
            )
            found = only_stuck(device)
            cells = by_cell or memory.programming.verifies
            in_planes = isinstance(mapping, BitPlanes) and (memory.redundancy is not None or not cells)
            if in_planes and found is not None:
                stuck[name] = found
            elif memory.redundancy is not None:
                varied[name] = stuck_of(device) or StuckAt(sa0=0.0, sa1=0.0)
        others = {name: place for name, place in self.placements.items() if name not in stuck}
        made = self._programmed(others, sigma, age, by_cell)
        laid = layouts(self.model, {name: place for name, place in self.placements.items() if name in stuck | varied})
        for name, place in self.placements.items():
            if name not in laid:
                out[name] = made[name]
                continue
            weight = self.model.get_parameter(name).detach()
            clean = place.memory.mapping.quantise(weight, place.layer.channel_dim)
            device, memory = (stuck | varied)[name], place.memory
            faulty = Faulty(name, clean, laid[name], device, memory.redundancy, memory.programming)
            out[name] = faulty if name in stuck else Varied(faulty, made[name])
        return out

    def _programmed(
        self, placements: dict[str, Placement], sigma: float | None, age: float, by_cell: bool
    ) -> dict[str, Programmed]:
        age = check_age(age, self.clock)
        out, weights = {}, {}
        for name, placement in placements.items():
            memory = placement.memory if sigma is None else placement.memory.with_sigma(sigma)
            weights[name] = self.stored(name)
            out[name] = program(
                memory.mapping,
                memory.device,
                weights[name],
                layer=name,
                age=age,
                by_cell=by_cell or memory.redundancy is not None,
                channel_dim=placement.layer.channel_dim,
                scheme=memory.programming,
            )
        return choose(out, placements, weights, self.sensitivity, self.seed)

    def stored(self, name: str) -> Tensor:
        """What is written to the cells of a parameter, ``(*shape)``: the weights that the model has at this moment.

        Of a binarised layer that is being trained these are latent, and where one bit holds a weight, that bit is.

        Raises:
            ModelError: one bit shall hold weights that are not binary.
        """
        weight, memory = self.model.get_parameter(name), self.placements[name].memory
        if not memory.mapping.binary:
            return weight.detach()
        found = _bits(name, self.model.get_submodule(name.rpartition(".")[0]), weight, memory)
        return weight.detach() if found is None else found.detach()

    def weights(
        self, chips: Tensor | range | list[int] | int, *, sigma: float | None = None, age: float = 0.0
    ) -> dict[str, Tensor]:
        """Effective weights of some chips: parameter name to ``(chips, *shape)`` float32.

        Of layers that vote they lack the errors that are voted on, which come as buffers ``layer.mho_votes``, ``(chips,
        numbers)`` int32 (see :mod:`mho.kernels.votes`), or floats where cells vary (see :mod:`mho.memory.arrays`).

        Args:
            chips: chip numbers; an integer n means that one chip.
            sigma: the device's severity; its own if ``None``.
            age: what :attr:`clock` counts since programming.
        """
        ids = chip_numbers([chips] if isinstance(chips, int) else chips)
        out: dict[str, Tensor] = {}
        for name, sampler in self.samplers(sigma=sigma, age=age).items():
            out |= sampler.tensors(name, self.seed, ids)
        return out

    def written(self, chips: Tensor | range | list[int] | int, *, sigma: float | None = None) -> dict[str, Written]:
        """What programming does to every cell of some chips: parameter name to levels, write cycles and failures.

        Args:
            chips: chip numbers; an integer n means that one chip.
            sigma: the device's severity; its own if ``None``.
        """
        ids = chip_numbers([chips] if isinstance(chips, int) else chips)
        return {n: p.written(self.seed, ids) for n, p in self.programmed(sigma=sigma, by_cell=True).items()}

    def chip(self, number: int, *, sigma: float | None = None, age: float = 0.0) -> nn.Module:
        """Chip ``number`` as an ordinary module whose parameters are its effective weights."""
        model = copy.deepcopy(self.model)
        with torch.no_grad():
            for name, values in self.weights(number, sigma=sigma, age=age).items():
                if name in self.placements:
                    model.get_parameter(name).copy_(values[0])
                else:
                    # In the state, so that loading it into a network without a vote fails instead of being too good.
                    owner, _, leaf = name.rpartition(".")
                    model.get_submodule(owner).register_buffer(leaf, values[0])
        return model

    def ideal(self) -> nn.Module:
        """The model on noiseless cells: quantised, nothing else."""
        model = copy.deepcopy(self.model)
        with torch.no_grad():
            for name, placement in self.placements.items():
                parameter = model.get_parameter(name)
                mapping = placement.memory.mapping
                parameter.copy_(mapping.quantise(parameter, placement.layer.channel_dim))
        return model


def chip_numbers(chips: Tensor | range | list[int]) -> Tensor:
    """Chip numbers as ``(chips,)`` int64."""
    try:
        ids = torch.as_tensor(list(chips) if isinstance(chips, range) else chips, dtype=torch.int64)
    except ValueError:
        raise SpecError("chip numbers end at 2^63 - 1") from None
    if ids.numel() and int(ids.min()) < 0:
        raise SpecError(f"chip {int(ids.min())} does not exist; chips are numbered from 0")
    return ids


def deploy(model: nn.Module, memory: Rules, *, seed: int = 0, sensitivity: Curvature | None = None) -> Chips:
    """Which chips does this model become? Nothing is sampled yet, and ``model`` is never changed.

    Weights of linear, convolution, attention and recurrent layers go to memory; biases, normalisation and everything
    that is no matrix product stay digital. An embedding is a table look-up and is stored only if a rule names it
    (wildcards such as ``"*"`` alone do not).

    Args:
        model: any module, in evaluation mode; see :func:`mho.memory.validate`.
        memory: one memory for all, or name patterns to memories; the first match wins and ``None`` stays digital:
            ``{"head.*": None, "*": memory}``. A pattern is matched against parameter names and module names.
        seed: decides every chip.
        sensitivity: what :func:`mho.sensitivity` found for this model, where a memory's programming is selective and
            its ranking asks for it.

    Raises:
        ModelError: the model cannot be deployed, one line a reason; or one bit shall hold weights that are not binary.
        UnknownNameError: a rule matches nothing.
        SpecError: the rules store nothing, or devices that count their ages differently.
    """
    if isinstance(seed, bool) or not isinstance(seed, Integral):
        raise SpecError(f"seed={seed!r} must be an integer")
    rules = normalise(memory)
    require_valid(model, lambda name: bool(_kept(model, name, rules)))
    refuse_voting(model)
    check_all_used(rules, model)
    copied = copy.deepcopy(model).eval()
    for parameter in copied.parameters():
        parameter.requires_grad_(False)
    placements: dict[str, Placement] = {}
    digital: list[DigitalTensor] = []
    for prefix, module in copied.named_modules():
        stored = dict(matrices(module))
        for leaf, parameter in module.named_parameters(recurse=False):
            name = full_name(prefix, leaf)
            kind, pattern = type(module).__name__, first_match(rules, name)
            reason = _why_digital(module, leaf, stored.get(leaf), rules, pattern)
            if reason:
                digital.append(DigitalTensor(name=name, kind=kind, shape=tuple(parameter.shape), reason=reason))
                continue
            assert pattern is not None
            chosen = rules[pattern]
            assert chosen is not None
            placements[name] = Placement(name, kind, chosen, stored[leaf])
            with torch.no_grad():
                _store_bits(name, module, parameter, chosen)
            if chosen.redundancy is not None and chosen.redundancy.votes:
                varies = only_stuck(chosen.device) is None
                vote_at(name, copied, module, varies=varies, tile=chosen.redundancy.tile)
    if not placements:
        raise SpecError("these rules keep every weight digital; nothing would be programmed")
    chips = Chips(copied, placements, tuple(digital), int(seed), rules, sensitivity)
    common_clock((m.device for m in chips.memories), "rules", APART)
    check_pools(copied, placements)
    check_curvature(placements, copied, sensitivity)
    return chips


def _store_bits(name: str, module: nn.Module, weight: nn.Parameter, memory: Memory) -> None:
    """Replace the latent weights of a binarised layer by the bits that it computes with: those are stored.

    Raises:
        ModelError: one bit shall hold weights that are not binary.
    """
    found = _bits(name, module, weight, memory)
    if found is not None:
        weight.copy_(found)
    if isinstance(module, BinaryLinear | BinaryConv2d):
        # An array adds up what its cells hold; from tracks come bits.
        module.stored = not memory.mapping.binary


def _bits(name: str, module: nn.Module, weight: Tensor, memory: Memory) -> Tensor | None:
    """The bits that a binarised layer computes with; ``None`` of one that is none.

    Raises:
        ModelError: one bit shall hold weights that are not binary.
    """
    found = signs(weight) if isinstance(module, BinaryLinear | BinaryConv2d) else binarised(module, weight)
    if found is None and memory.mapping.binary:
        raise ModelError(
            f"{name}: no bits +-a were found with which this {type(module).__name__} computes the same, and one bit a "
            "weight holds no more. Train a binarised network (mho.zoo.build('bnn-vgg3')), give Tracks more weight_bits "
            "(--weight-bits 8), keep the layer digital (a rule with None), or store +-a in a layer that takes signs in "
            "a way of its own"
        )
    return found


def _kept(model: nn.Module, name: str, rules: dict[str, Memory | None]) -> str:
    """Why the parameter called ``name`` stays digital; empty where it does not."""
    prefix, _, leaf = name.rpartition(".")
    module = model.get_submodule(prefix)
    return _why_digital(module, leaf, dict(matrices(module)).get(leaf), rules, first_match(rules, name))


def _why_digital(
    module: nn.Module,
    leaf: str,
    layer: LayerRule | None,
    rules: dict[str, Memory | None],
    pattern: str | None,
) -> str:
    if layer is None:
        if leaf.startswith("bias") or leaf.endswith("bias"):
            return "bias"
        if isinstance(module, _NormBase | nn.LayerNorm | nn.GroupNorm) or "Norm" in type(module).__name__:
            return "normalisation"
        return f"no rule for {type(module).__name__}.{leaf} (mho.memory.register adds one)"
    if pattern is None:
        return "no rule names it"
    if rules[pattern] is None:
        return f"rule '{pattern}'"
    if layer.opt_in and not pattern.removesuffix(".weight").strip("*?."):
        return "table look-up; a rule must name it"
    return ""
