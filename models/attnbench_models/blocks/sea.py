"""Squeeze-enhanced axial attention."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from attnbench_models.backbones.layers import conv_norm
from attnbench_models.checks import at_least_one
from attnbench_models.layout import Layout

POSITIONS = 16  # that are learned; others are interpolated between them

THEIRS: Mapping[str, str] = {
    "query.conv": "to_q.c",
    "query.norm": "to_q.bn",
    "key.conv": "to_k.c",
    "key.norm": "to_k.bn",
    "value.conv": "to_v.c",
    "value.norm": "to_v.bn",
    "rows.query_position": "pos_emb_rowq.pos_embed",
    "rows.key_position": "pos_emb_rowk.pos_embed",
    "rows.mix.conv": "proj_encode_row.1.c",
    "rows.mix.norm": "proj_encode_row.1.bn",
    "columns.query_position": "pos_emb_columnq.pos_embed",
    "columns.key_position": "pos_emb_columnk.pos_embed",
    "columns.mix.conv": "proj_encode_column.1.c",
    "columns.mix.norm": "proj_encode_column.1.bn",
    "gate.conv": "proj.1.c",
    "gate.norm": "proj.1.bn",
    "filter.conv": "dwconv.c",
    "filter.norm": "dwconv.bn",
    "detail.conv": "pwconv.c",
    "detail.norm": "pwconv.bn",
}


class AxisAttention(nn.Module):
    """
    Multi-head attention between the positions of one axis.

    Shape   q, k (N, heads * key_dim, L, 1) and v (N, 2 * heads * key_dim, L, 1), or with L last
            -> the shape of v.
    Math    mix(relu6(o)), o = v softmax((q + p)^T (k + r) / sqrt(key_dim))^T in each head, with
            p and r the learned positions, interpolated linearly to L.
    """

    def __init__(self, heads: int, key_dim: int) -> None:
        super().__init__()
        self.heads = heads
        self.scale = key_dim**-0.5
        self.query_position = nn.Parameter(torch.randn(1, heads * key_dim, POSITIONS))
        self.key_position = nn.Parameter(torch.randn(1, heads * key_dim, POSITIONS))
        self.mix = conv_norm(2 * heads * key_dim, 2 * heads * key_dim, 1, activation=None)

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Two strips of heads * key_dim channels, and one of twice as many -> its shape."""
        queries = self._split(q + interpolated(self.query_position, like=q))
        keys = self._split(k + interpolated(self.key_position, like=k))
        scores = (queries.transpose(1, 2) @ keys * self.scale).softmax(dim=-1)
        seen = self._split(v) @ scores.transpose(1, 2)  # (N * heads, 2 * key_dim, L)
        mixed: Tensor = self.mix(functional.relu6(seen.reshape(v.shape)))
        return mixed

    def _split(self, strip: Tensor) -> Tensor:
        """(N, heads * D, L, 1), or with L last -> (N * heads, D, L)."""
        n, _, height, width = strip.shape
        return strip.reshape(n * self.heads, -1, height * width)


def interpolated(positions: Tensor, *, like: Tensor) -> Tensor:
    """Positions (1, C, 16), linear between their centres, for a strip (N, C, L, 1) or L last."""
    shape = like.shape[1:]
    length = shape[1] * shape[2]
    between = functional.interpolate(positions, size=length, mode="linear", align_corners=False)
    return between.reshape(1, *shape)


class SqueezeAxialAttention(nn.Module):
    """
    Add what attention along rows and columns lets through of the local detail.

    Shape   x (N, C, H, W) -> (N, C, H, W); H and W may differ, and may change between calls.
    Math    y = x + hardsigmoid(gate(relu6(v + a + b))) * detail(relu6(filter([q, k, v]))), with q,
            k, v convolutions of x, a[n,d,h] attention over their means along W, b[n,d,w] over
            those along H, and filter a depthwise 3x3; every convolution has a BatchNorm.
    Cost    10 C M + 8 M M + 124 M + 4 C parameters and
            M (10 C + 36) H W + 4 M M (H + W) + 3 M (H H + W W) multiply-accumulates,
            with M = heads * max(8, C // 8).
            `key_dim` sets M to heads * key_dim. `separate` adds 4 C M + 8 M and 4 C M H W.
    Source  Wan et al., ICLR 2023, arXiv:2301.13156, section 3; as in the authors' code: values
            twice as wide as keys, 16 learned positions an axis, and the detail from the very q, k,
            v of the attention; `separate` gives it projections of its own, as articles about the
            paper have it. The authors' sizes belong to their models; the defaults here fit any C,
            and are theirs at 128 channels of SeaFormer-T. They start three BatchNorms at scale 0,
            under which nothing is attended to; here all start at 1.
    Export  Means along one axis, four matrix products, two softmaxes. The positions are weights:
            for a fixed size their interpolation is a constant.
    """

    LAYOUTS = (Layout("fudan-zvg/SeaFormer", THEIRS),)

    def __init__(
        self,
        channels: int,
        *,
        heads: int = 4,
        key_dim: int | None = None,
        separate: bool = False,
    ) -> None:
        super().__init__()
        depth = max(8, channels // 8) if key_dim is None else at_least_one("key_dim", key_dim)
        keys = at_least_one("heads", heads) * depth
        self.query = conv_norm(channels, keys, 1, activation=None)
        self.key = conv_norm(channels, keys, 1, activation=None)
        self.value = conv_norm(channels, 2 * keys, 1, activation=None)
        self.rows = AxisAttention(heads, depth)
        self.columns = AxisAttention(heads, depth)
        self.gate = conv_norm(2 * keys, channels, 1, activation=None)
        self.local = conv_norm(channels, 4 * keys, 1, activation=None) if separate else None
        self.filter = conv_norm(4 * keys, 4 * keys, 3, groups=4 * keys)
        self.detail = conv_norm(4 * keys, channels, 1, activation=None)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        q, k, v = self.query(x), self.key(x), self.value(x)
        local = torch.cat([q, k, v], dim=1) if self.local is None else self.local(x)
        rows = self.rows(*(t.mean(dim=3, keepdim=True) for t in (q, k, v)))  # (N, 2 M, H, 1)
        columns = self.columns(*(t.mean(dim=2, keepdim=True) for t in (q, k, v)))
        scores = self.gate(functional.relu6(v + (rows + columns)))
        detail: Tensor = self.detail(self.filter(local))
        return x + functional.hardsigmoid(scores) * detail
