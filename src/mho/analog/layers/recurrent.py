"""Recurrent layers on arrays: two of a layer and direction, for inputs and for the state, and one for a projection."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout
from torch.nn.utils.rnn import PackedSequence

from mho.analog.layers.base import AnalogLayer, register
from mho.errors import ModelError

State = tuple[Tensor, ...]
"""Hidden state, and of an LSTM the cell state: ``(N, size)`` each."""


class _AnalogRecurrent(AnalogLayer, nn.RNNBase):
    """Abstract recurrent layer, unrolled while it is trained.

    All steps' inputs go through their array at once, one vector a step and sample; the state goes step by step. An
    update takes these vectors step by step, the samples of a step in order.
    """

    def advance(self, gates: Tensor, state: State, hidden: Callable[[Tensor], Tensor]) -> State:
        """The state after one step.

        Args:
            gates: what the input brings ``(N, gates)``, with its bias.
            state: before it.
            hidden: ``(N, size)`` state to what it brings ``(N, gates)``, with its bias.
        """
        raise NotImplementedError

    def forward(self, input: Any, hx: Any = None) -> Any:
        """As the layer that this one extends; of packed sequences only where nothing is kept for the arrays."""
        if self.as_usual:
            return self.plain.forward(self, input, hx)
        if isinstance(input, PackedSequence):
            raise ModelError(
                f"{type(self).__name__} learns from no packed sequences; pad_packed_sequence(...) unpacks them, and to "
                "evaluate, use model.eval() with torch.no_grad()"
            )
        if input.dim() not in (2, 3):
            raise ModelError(f"{type(self).__name__} takes 2 or 3 dimensions, not {input.dim()}")
        alone = input.dim() == 2
        x = input.unsqueeze(1) if alone else input.transpose(0, 1) if self.batch_first else input
        output, states = self._unrolled(x, self._start(x, hx, alone))
        output = output.squeeze(1) if alone else output.transpose(0, 1) if self.batch_first else output
        states = tuple(s.squeeze(1) if alone else s for s in states)
        return output, (states if len(states) > 1 else states[0])

    def _start(self, x: Tensor, hx: Any, alone: bool) -> State:
        """The first states, ``(layers * directions, N, size)``."""
        lstm = isinstance(self, nn.LSTM)
        count, batch = self.num_layers * (2 if self.bidirectional else 1), x.shape[1]
        sizes = (self.proj_size or self.hidden_size, self.hidden_size) if lstm else (self.hidden_size,)
        if hx is None:
            return tuple(x.new_zeros(count, batch, size) for size in sizes)
        given = tuple(hx) if lstm else (hx,)
        states = tuple(s.unsqueeze(1) if alone else s for s in given)
        for state, size in zip(states, sizes, strict=True):
            if tuple(state.shape) != (count, batch, size):
                want = (count, batch, size)
                raise ModelError(f"{type(self).__name__}: a state has shape {tuple(state.shape)}; it must have {want}")
        return states

    def _unrolled(self, x: Tensor, start: State) -> tuple[Tensor, State]:
        """``(T, N, inputs)`` and first states to ``(T, N, directions * size)`` and last states."""
        ends: list[State] = []
        directions = 2 if self.bidirectional else 1
        for layer in range(self.num_layers):
            outs = []
            for direction in range(directions):
                number = layer * directions + direction
                suffix = f"_l{layer}" + ("_reverse" if direction else "")
                out, end = self._one(x, tuple(s[number] for s in start), suffix, backwards=bool(direction))
                outs.append(out)
                ends.append(end)
            x = torch.cat(outs, dim=-1) if directions > 1 else outs[0]
            if self.dropout and layer < self.num_layers - 1:
                x = dropout(x, self.dropout, self.training)
        return x, tuple(torch.stack(parts) for parts in zip(*ends, strict=True))

    def _one(self, x: Tensor, state: State, suffix: str, *, backwards: bool) -> tuple[Tensor, State]:
        """One layer in one direction."""
        gates = self._with_bias(self.product(f"weight_ih{suffix}", x), f"bias_ih{suffix}")

        def hidden(h: Tensor) -> Tensor:
            return self._with_bias(self.product(f"weight_hh{suffix}", h), f"bias_hh{suffix}")

        outs: list[Tensor] = []
        order: Sequence[int] = range(len(x))
        for t in reversed(order) if backwards else order:
            state = self.advance(gates[t], state, hidden)
            if self.proj_size:
                state = (self.product(f"weight_hr{suffix}", state[0]), *state[1:])
            outs.append(state[0])
        return torch.stack(outs[::-1] if backwards else outs), state

    def _with_bias(self, x: Tensor, name: str) -> Tensor:
        return x + getattr(self, name) if self.bias else x


@register(nn.RNN)
class AnalogRNN(_AnalogRecurrent, nn.RNN):
    """``h = tanh(W_ih x + b_ih + W_hh h + b_hh)``, or with ReLU."""

    def advance(self, gates: Tensor, state: State, hidden: Callable[[Tensor], Tensor]) -> State:
        total = gates + hidden(state[0])
        return (torch.tanh(total) if self.nonlinearity == "tanh" else torch.relu(total),)


@register(nn.LSTM)
class AnalogLSTM(_AnalogRecurrent, nn.LSTM):
    """Long short-term memory: the matrices of its four gates are one array for inputs and one for the state."""

    def advance(self, gates: Tensor, state: State, hidden: Callable[[Tensor], Tensor]) -> State:
        into, forget, new, out = (gates + hidden(state[0])).chunk(4, dim=-1)
        cell = torch.sigmoid(forget) * state[1] + torch.sigmoid(into) * torch.tanh(new)
        return torch.sigmoid(out) * torch.tanh(cell), cell


@register(nn.GRU)
class AnalogGRU(_AnalogRecurrent, nn.GRU):
    """Gated recurrent unit: the matrices of its three gates are one array for inputs and one for the state."""

    def advance(self, gates: Tensor, state: State, hidden: Callable[[Tensor], Tensor]) -> State:
        (reset, update, new), (h_reset, h_update, h_new) = gates.chunk(3, dim=-1), hidden(state[0]).chunk(3, dim=-1)
        keep = torch.sigmoid(update + h_update)
        candidate = torch.tanh(new + torch.sigmoid(reset + h_reset) * h_new)
        return (candidate + keep * (state[0] - candidate),)
