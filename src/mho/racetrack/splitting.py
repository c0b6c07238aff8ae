"""Cut a model in front of a layer: what comes before is computed once, whatever happens to the layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor, fx, nn

from mho.data.dataset import Dataset, Inputs
from mho.evaluation.forward import call
from mho.racetrack.bits import packed, unpacked

PLAIN_BYTES = 2**28
"""Activations of plus and minus ones that would take more than so many bytes are kept as bits."""


class Tracer(fx.Tracer):
    """Follows a forward pass into modules that have modules of their own; all others stay one step."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        # A layer of the user's may do anything inside (a sign with a gradient of its own); it need not be looked into.
        return super().is_leaf_module(m, module_qualified_name) or not any(True for _ in m.children())


def traced(model: nn.Module) -> fx.Graph | None:
    """The steps of one forward pass in their order, ``None`` where symbols cannot follow it."""
    try:
        graph = Tracer().trace(model)
    except Exception:  # the user's own forward runs here, on symbols: it may raise anything
        return None
    # An optional argument is never None on symbols, so the trace may have taken the wrong branch.
    return None if any(n.op == "placeholder" and n.args for n in graph.nodes) else graph


@dataclass(frozen=True)
class Halves:
    """A model as two: ``after(**before(inputs))`` is what the model returns.

    Attributes:
        before: returns the tensors that cross the cut.
        after: takes them by name; its parameters are those of the model, under their names.
        crossing: their names.
    """

    before: fx.GraphModule
    after: fx.GraphModule
    crossing: tuple[str, ...]


def split(model: nn.Module, graph: fx.Graph, parameter: str) -> Halves | None:
    """``model`` cut in front of the first step that uses ``parameter``.

    Several tensors may cross (the shortcut of a residual block); the modules are shared with ``model``, not copied.

    Args:
        model: what ``graph`` was traced from.
        graph: see :func:`traced`.
        parameter: name of a parameter.

    Returns:
        ``None`` where no step uses it.
    """
    nodes = list(graph.nodes)
    at = next((i for i, n in enumerate(nodes) if _uses(n, parameter)), None)
    if at is None:
        return None
    late = set(nodes[at:])
    # Parameters are looked up again, not carried over.
    cross = [n for n in nodes[:at] if n.op != "get_attr" and any(user in late for user in n.users)]
    names = tuple(f"input_{i}" for i in range(len(cross)))
    before, after = fx.Graph(), fx.Graph()
    early: dict[fx.Node, fx.Node] = {}
    for node in nodes[:at]:
        early[node] = before.node_copy(node, lambda n: early[n])
    before.output(tuple(early[n] for n in cross))
    known = {n: after.placeholder(name) for n, name in zip(cross, names, strict=True)}
    for node in nodes[:at]:
        if node.op == "get_attr" and any(user in late for user in node.users):
            known[node] = after.node_copy(node)
    for node in nodes[at:]:
        known[node] = after.node_copy(node, lambda n: known[n])
    return Halves(fx.GraphModule(model, before), fx.GraphModule(model, after), names)


def _uses(node: fx.Node, parameter: str) -> bool:
    if node.op == "get_attr":
        return str(node.target) == parameter
    return node.op == "call_module" and parameter.startswith(f"{node.target}.")


@dataclass(frozen=True)
class Tail:
    """The rest of a model from a layer on, with its inputs for a whole data set.

    Attributes:
        model: takes ``data``; the layer's parameter has its name in the whole model.
        data: activations in front of the layer, or the data set where the model could not be cut.
        cut: whether it was.
    """

    model: nn.Module
    data: Dataset
    cut: bool


def tail(model: nn.Module, graph: fx.Graph | None, parameter: str, data: Dataset, batch: int) -> Tail:
    """``model`` from the first use of ``parameter`` on, and what reaches it; the whole where it cannot be cut.

    Args:
        model: in evaluation mode.
        graph: :func:`traced` of it.
        parameter: the layer's.
        data: where the model is.
        batch: samples per forward pass.
    """
    whole = Tail(model, data, cut=False)
    halves = None if graph is None else split(model, graph, parameter)
    if halves is None or not _equivalent(model, halves, next(iter(data.batches(2)))[0]):
        return whole
    parts: list[tuple[Tensor, ...]] = []
    with torch.inference_mode():
        for inputs, _ in data.batches(batch):
            parts.append(_run(halves.before, inputs))
    joined = {name: torch.cat(column) for name, column in zip(halves.crossing, zip(*parts, strict=True), strict=True)}
    shapes: dict[str, tuple[int, ...]] = {}
    for name, tensor in joined.items():
        if tensor.numel() * tensor.element_size() > PLAIN_BYTES and bool((tensor.abs() == 1).all()):
            shapes[name] = tuple(tensor.shape[1:])
            joined[name] = packed(tensor)
    after = _unpacking(halves.after, shapes) if shapes else halves.after
    return Tail(after, replace(data, inputs=joined), cut=True)


def _unpacking(after: fx.GraphModule, shapes: Mapping[str, tuple[int, ...]]) -> fx.GraphModule:
    """``after`` with those of its inputs that ``shapes`` names coming as bits."""
    graph = after.graph
    for node in list(graph.nodes):
        if node.op == "placeholder" and node.target in shapes:
            with graph.inserting_after(node):
                plain = graph.call_function(unpacked, (node, shapes[node.target]))
            node.replace_all_uses_with(plain, delete_user_cb=lambda user, plain=plain: user is not plain)
    return fx.GraphModule(after, graph)


def _run(before: nn.Module, inputs: Inputs) -> tuple[Tensor, ...]:
    found: tuple[Tensor, ...] = before(inputs) if isinstance(inputs, Tensor) else before(**inputs)
    return found


def _equivalent(model: nn.Module, halves: Halves, sample: Inputs) -> bool:
    """Whether both compute the same on ``sample``: symbols can lead a forward pass astray without an error."""
    rows = len(sample) if isinstance(sample, Tensor) else len(next(iter(sample.values())))
    with torch.inference_mode():
        whole = call(model, sample)
        try:
            found = _run(halves.before, sample)
            # What crosses must be cut into samples: no sizes, no tensors without a row a sample.
            if not all(isinstance(t, Tensor) and t.dim() and len(t) == rows for t in found):
                return False
            again = call(halves.after, dict(zip(halves.crossing, found, strict=True)))
        except Exception:  # whatever the user's code raises on the way
            return False
    return whole.shape == again.shape and bool(torch.allclose(whole, again, rtol=1e-5, atol=1e-5, equal_nan=True))
