"""
Exact changes to the exported graph: a runtime accepts, delegates, computes it right, or faster.

They work on the ATen graph of `torch.export`, by structure, so a user's own model profits from
them as much as ours. Order matters: a rewrite may rely on what an earlier one has simplified.
"""

from __future__ import annotations

from attnbench.rewrites.activations import (
    HARD_SIGMOID_TO_CLAMP,
    HARD_SWISH_INTO_PRODUCTS,
    LAYER_NORM_APART,
    SOFTMAX_OVER_LAST,
)
from attnbench.rewrites.base import Rewrite, rewrite
from attnbench.rewrites.constants import FOLD_BATCHNORM, FOLD_CONSTANTS
from attnbench.rewrites.convolutions import ROWS_THEN_COLUMNS
from attnbench.rewrites.elementwise import (
    DROP_EXPAND,
    SPLIT_TO_SLICES,
    SQUEEZE_TO_RESHAPE,
    SUB_FROM_CONSTANT,
    UNBIND_TO_SLICES,
    WHOLE_NUMBER_TO_FLOAT,
)
from attnbench.rewrites.gates import (
    GATE_BEHIND_PROJECTION,
    GATE_INTO_PROJECTION,
    GATES_BY_MATMUL,
)
from attnbench.rewrites.lines import CONV1D_TO_CONV2D
from attnbench.rewrites.pooling import (
    ADAPTIVE_AVG_TO_MEAN,
    ADAPTIVE_MAX_TO_AMAX,
    AVG_POOL_PADS_ZERO,
    AXIS_MEAN_TO_AVG_POOL,
    MAX_DIM_TO_AMAX,
    MAX_POOL_PADS_ZERO,
    MEAN_KEEPS_DIM,
    POOL_ROUNDS_NOTHING,
)
from attnbench.rewrites.products import COLUMN_PRODUCT_TO_SUM, MATMUL_TO_BMM, SHARED_LAYER_ONCE
from attnbench.rewrites.reductions import (
    CHANNEL_MAX_IN_STEPS,
    CHANNEL_MEAN_TO_CONVOLUTION,
    CHANNELS_TO_POOLS,
    COLUMN_MEAN_TO_CONVOLUTION,
    JOINED_BEFORE_TURNED,
    MAP_MAX_TO_POOL,
    STRIP_MEAN_OF_ROWS,
    STRIP_MEANS_TO_CONVOLUTIONS,
)
from attnbench.rewrites.strips import STRIPS_APART, TURNS_UNDONE

REWRITES: tuple[Rewrite, ...] = (
    FOLD_CONSTANTS,
    FOLD_BATCHNORM,
    CONV1D_TO_CONV2D,
    ADAPTIVE_AVG_TO_MEAN,
    ADAPTIVE_MAX_TO_AMAX,
    MAX_DIM_TO_AMAX,
    MAX_POOL_PADS_ZERO,
    AVG_POOL_PADS_ZERO,
    POOL_ROUNDS_NOTHING,
    LAYER_NORM_APART,
    MEAN_KEEPS_DIM,
    STRIP_MEAN_OF_ROWS,
    AXIS_MEAN_TO_AVG_POOL,
    CHANNEL_MEAN_TO_CONVOLUTION,
    CHANNEL_MAX_IN_STEPS,
    CHANNELS_TO_POOLS,
    JOINED_BEFORE_TURNED,
    MAP_MAX_TO_POOL,
    COLUMN_MEAN_TO_CONVOLUTION,
    STRIP_MEANS_TO_CONVOLUTIONS,
    STRIPS_APART,
    TURNS_UNDONE,
    HARD_SWISH_INTO_PRODUCTS,
    SPLIT_TO_SLICES,
    UNBIND_TO_SLICES,
    SQUEEZE_TO_RESHAPE,
    SOFTMAX_OVER_LAST,
    DROP_EXPAND,
    SHARED_LAYER_ONCE,
    GATES_BY_MATMUL,
    GATE_BEHIND_PROJECTION,
    GATE_INTO_PROJECTION,
    ROWS_THEN_COLUMNS,
    SUB_FROM_CONSTANT,
    HARD_SIGMOID_TO_CLAMP,
    WHOLE_NUMBER_TO_FLOAT,
    MATMUL_TO_BMM,
    COLUMN_PRODUCT_TO_SUM,
)

__all__ = ["REWRITES", "Rewrite", "rewrite"]
