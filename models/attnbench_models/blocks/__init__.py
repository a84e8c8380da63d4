"""The attention blocks by name. Importing this table does not import torch."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from attnbench_models.catalogue import BlockEntry

BLOCKS: Mapping[str, BlockEntry] = MappingProxyType(
    {
        "none": BlockEntry(
            "attnbench_models.blocks.none:NoAttention",
            "no attention at all: the backbone leaves the place empty",
        ),
        "se": BlockEntry(
            "attnbench_models.blocks.se:SqueezeExcitation",
            "squeeze-and-excitation: one gate per channel, from its mean",
        ),
        "cbam": BlockEntry(
            "attnbench_models.blocks.cbam:ConvolutionalAttention",
            "convolutional block attention: a gate per channel, then a gate per pixel",
        ),
        "coord": BlockEntry(
            "attnbench_models.blocks.coord:CoordinateAttention",
            "coordinate attention: a gate per channel and row, and one per channel and column",
        ),
        "nam": BlockEntry(
            "attnbench_models.blocks.nam:NormalizationAttention",
            "normalization-based attention: a gate per element, weighted by BatchNorm's own scale",
        ),
        "nam-spatial": BlockEntry(
            "attnbench_models.blocks.nam_spatial:SpatialNormalizationAttention",
            "its spatial half: a BatchNorm over the pixels, for one input size",
            sized=True,
        ),
        "nam-both": BlockEntry(
            "attnbench_models.blocks.nam_both:FullNormalizationAttention",
            "nam, then nam-spatial",
            sized=True,
        ),
        "coord-x": BlockEntry(
            "attnbench_models.blocks.coord_axis:CoordinateAttentionX",
            "coordinate attention along x alone: a gate per channel and column",
        ),
        "coord-y": BlockEntry(
            "attnbench_models.blocks.coord_axis:CoordinateAttentionY",
            "coordinate attention along y alone: a gate per channel and row",
        ),
        "bam": BlockEntry(
            "attnbench_models.blocks.bam:BottleneckAttention",
            "bottleneck attention: a gate per element from channels times pixels, between stages",
        ),
        "triplet": BlockEntry(
            "attnbench_models.blocks.triplet:TripletAttention",
            "triplet attention (TAM): the mean of three gates, over rows, columns and channels",
        ),
        "ms-cam": BlockEntry(
            "attnbench_models.blocks.ms_cam:MultiScaleChannelAttention",
            "multi-scale channel attention: a gate per element from its pixel and from the means",
        ),
        "eca": BlockEntry(
            "attnbench_models.blocks.eca:EfficientChannelAttention",
            "efficient channel attention: a gate per channel from its neighbours' means",
        ),
        "ge": BlockEntry(
            "attnbench_models.blocks.ge:GatherExcite",
            "gather-excite: a gate from what surrounds an element, without parameters by default",
            sized=True,
        ),
        "gc": BlockEntry(
            "attnbench_models.blocks.gc:GlobalContext",
            "global context: one attention map sums up all pixels, for a gate or to be added",
            kind="residual",
        ),
        "sk": BlockEntry(
            "attnbench_models.blocks.sk:SelectiveKernel",
            "selective kernel: two convolutions, and per channel a choice between them",
        ),
        "nl": BlockEntry(
            "attnbench_models.blocks.nl:NonLocal",
            "non-local: every pixel adds what all others hold",
            kind="residual",
        ),
        "lska": BlockEntry(
            "attnbench_models.blocks.lska:LargeSeparableKernelAttention",
            "large separable kernel attention: a product with a large convolution, no sigmoid",
        ),
        "cpca": BlockEntry(
            "attnbench_models.blocks.cpca:ChannelPriorAttention",
            "channel prior convolutional attention: channel gates, then strips of several lengths",
        ),
        "gam": BlockEntry(
            "attnbench_models.blocks.gam:GlobalAttention",
            "global attention: a perceptron at every pixel, then two dense 7x7 convolutions",
        ),
        "sea": BlockEntry(
            "attnbench_models.blocks.sea:SqueezeAxialAttention",
            "squeeze-enhanced axial attention: rows and columns attend, and gate local detail",
            kind="residual",
        ),
        "aff": BlockEntry(
            "attnbench_models.blocks.aff:AttentionalFusion",
            "attentional feature fusion: a weighted sum of two maps, in place of a plain one",
            kind="fusion",
        ),
        "iaff": BlockEntry(
            "attnbench_models.blocks.iaff:IterativeFusion",
            "iterative attentional feature fusion: weights drawn from a first weighted mean",
            kind="fusion",
        ),
    }
)
