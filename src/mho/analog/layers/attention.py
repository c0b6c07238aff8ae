"""Multi-head attention with its projections on arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import multi_head_attention_forward

from mho.analog.layers.base import AnalogLayer, register


@register(nn.MultiheadAttention)
class AnalogMultiheadAttention(AnalogLayer, nn.MultiheadAttention):
    """Attention: projections of queries, keys and values on three arrays, the last one on a fourth; the rest digital.

    The products of queries with keys, and of scores with values, change with every input and hold no weights.
    """

    def blocks(self, name: str) -> int:
        # Queries, keys and values may be three inputs, so that each part of the common matrix is an array.
        return 3 if name == "in_proj_weight" else 1

    def forward(self, query: Tensor, key: Tensor, value: Tensor, *args: Any, **kwargs: Any) -> Any:
        """As :class:`torch.nn.MultiheadAttention`."""
        last = self.out_proj
        if self.as_usual and (not isinstance(last, AnalogLayer) or last.as_usual):
            return nn.MultiheadAttention.forward(self, query, key, value, *args, **kwargs)
        return self._projected(query, key, value, *args, **kwargs)

    def _projected(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        key_padding_mask: Tensor | None = None,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        turned = self.batch_first and query.dim() == 3
        inputs = [x.transpose(0, 1) if turned else x for x in (query, key, value)]
        q, k, v = (self._projection(x, i) for i, x in enumerate(inputs))
        # Torch's function does all between the projections; it multiplies by what it is given as theirs, exactly.
        one = torch.eye(self.embed_dim, dtype=q.dtype, device=q.device)
        out, weights = multi_head_attention_forward(
            q,
            k,
            v,
            self.embed_dim,
            self.num_heads,
            None,
            None,
            self.bias_k,
            self.bias_v,
            self.add_zero_attn,
            self.dropout,
            one,
            None,
            training=self.training,
            key_padding_mask=key_padding_mask,
            need_weights=need_weights,
            attn_mask=attn_mask,
            use_separate_proj_weight=True,
            q_proj_weight=one,
            k_proj_weight=one,
            v_proj_weight=one,
            average_attn_weights=average_attn_weights,
            is_causal=is_causal,
        )
        last: Callable[[Tensor], Tensor] = self.out_proj
        out = last(out)
        return (out.transpose(0, 1) if turned else out), weights

    def _projection(self, x: Tensor, number: int) -> Tensor:
        """Queries, keys or values ``(..., embed_dim)``."""
        if self._qkv_same_embed_dim:
            out = self.product("in_proj_weight", x, number)
        else:
            out = self.product(("q_proj_weight", "k_proj_weight", "v_proj_weight")[number], x)
        return out if self.in_proj_bias is None else out + self.in_proj_bias.chunk(3)[number]
