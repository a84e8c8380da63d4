"""Load weights that are named as in the authors' code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from torch import Tensor, nn

from attnbench_models.backbones.mobilenetv2 import InvertedResidual, MobileNetV2
from attnbench_models.blocks.cbam import ConvolutionalAttention
from attnbench_models.blocks.coord import CoordinateAttention
from attnbench_models.blocks.nam import NormalizationAttention
from attnbench_models.blocks.se import SqueezeExcitation
from attnbench_models.checkpoint import load_checkpoint
from attnbench_models.errors import ModelError

__all__ = ["load_checkpoint", "load_official", "load_own"]

Renames = Mapping[str, str]  # our prefix -> theirs, on dot boundaries


@dataclass(frozen=True, slots=True)
class Layout:
    """How somebody's code names what is in a module of ours; what it does not rename is alike."""

    name: str
    renames: Renames = field(default_factory=dict)

    def theirs(self, key: str) -> str:
        """The name that they have for a key of ours."""
        fitting = [p for p in self.renames if key == p or key.startswith(f"{p}.")]
        if not fitting:
            return key
        prefix = max(fitting, key=len)
        return self.renames[prefix] + key[len(prefix) :]


OWN = Layout("attnbench")
HINT = "check the block, its options and the width that they were trained with"

BLOCK_LAYOUTS: Mapping[type[nn.Module], tuple[Layout, ...]] = MappingProxyType(
    {
        CoordinateAttention: (
            Layout("houqb/CoordAttention coordatt.py"),
            Layout("houqb/CoordAttention mbv2_ca.py", {"conv_h": "conv2", "conv_w": "conv3"}),
        ),
        SqueezeExcitation: (
            Layout("moskomule/senet.pytorch", {"reduce": "fc.0", "expand": "fc.2"}),
            Layout(
                "Andrew-Qibin/ssdlite-pytorch-mobilenext", {"reduce": "conv.0", "expand": "conv.2"}
            ),
        ),
        ConvolutionalAttention: (
            Layout(
                "Jongchan/attention-module",
                {
                    "reduce": "ChannelGate.mlp.1",
                    "expand": "ChannelGate.mlp.3",
                    "conv": "SpatialGate.spatial.conv",
                    "norm": "SpatialGate.spatial.bn",
                },
            ),
        ),
        NormalizationAttention: (
            Layout("Christian-lyc/NAM Channel_Att", {"norm": "bn2"}),
            Layout("Christian-lyc/NAM Att", {"norm": "Channel_Att.bn2"}),
        ),
    }
)


def load_official(module: nn.Module, state_dict: Mapping[str, Tensor]) -> str:
    """
    Load weights into `module` by the authors' names, or by ours; returns the layout's name.

    The layout is recognised by its keys. Linear layers of theirs fill 1x1 convolutions of ours.
    Nothing is loaded unless everything fits: one ModelError lists every missing, unexpected and
    mis-shaped key. Only the batch counters of BatchNorm may be absent; they compute nothing.
    """
    layout = _recognised(module, state_dict)
    _load(module, state_dict, layout, hint=HINT)
    return layout.name


def load_own(module: nn.Module, state_dict: Mapping[str, Tensor]) -> str:
    """Load weights into `module` by our own names only; otherwise as `load_official`."""
    layout = _recognised(module, state_dict)
    hint = HINT if layout is OWN else f"these are the names of {layout.name}: layout official"
    _load(module, state_dict, OWN, hint=hint)
    return OWN.name


def _recognised(module: nn.Module, state_dict: Mapping[str, Tensor]) -> Layout:
    """The layout that names most of the keys; ours if none does better."""
    given, ours = set(state_dict), list(module.state_dict())
    layouts = [OWN, *_layouts(module)]
    return max(layouts, key=lambda layout: len(given & {layout.theirs(key) for key in ours}))


def _load(
    module: nn.Module, state_dict: Mapping[str, Tensor], layout: Layout, *, hint: str
) -> None:
    own = module.state_dict()
    names = {layout.theirs(key): key for key in own}
    loaded = {names[k]: _shaped(v, own[names[k]]) for k, v in state_dict.items() if k in names}
    faults = {
        "missing": [t for t, key in names.items() if key not in loaded and not _is_counter(key)],
        "unexpected": [key for key in state_dict if key not in names],
        "wrong shape": [
            f"{t} {tuple(state_dict[t].shape)} is not {tuple(own[key].shape)}"
            for t, key in names.items()
            if key in loaded and loaded[key].shape != own[key].shape
        ],
    }
    if any(faults.values()):
        listed = "; ".join(f"{kind}: {', '.join(keys)}" for kind, keys in faults.items() if keys)
        raise ModelError(
            f"the weights do not fit {type(module).__name__} (layout {layout.name}): {listed}",
            hint=hint,
        )
    module.load_state_dict({**own, **loaded})


def _layouts(module: nn.Module) -> Iterator[Layout]:
    if isinstance(module, MobileNetV2):
        yield from _mobilenetv2(module)
    elif isinstance(module, InvertedResidual):
        for inner in _of_block(module.attention):
            yield Layout("houqb/CoordAttention mbv2_ca.py", _residual(module, inner))
    else:
        yield from _of_block(module)


def _of_block(block: nn.Module | None) -> tuple[Layout, ...]:
    return BLOCK_LAYOUTS.get(type(block), (OWN,)) if block is not None else (OWN,)


def _mobilenetv2(module: MobileNetV2) -> Iterator[Layout]:
    residuals = [r for r in module.features if isinstance(r, InvertedResidual)]
    attention = next((r.attention for r in residuals if r.attention is not None), None)
    ends = {
        "stem.conv": "features.0.0",
        "stem.norm": "features.0.1",
        "head.mix.conv": "conv.0",
        "head.mix.norm": "conv.1",
    }
    for inner in _of_block(attention):
        places = {
            f"features.{i}.{ours}": f"features.{i + 1}.{theirs}"
            for i, residual in enumerate(residuals)
            for ours, theirs in _residual(residual, inner).items()
        }
        body = ends | places
        yield Layout("d-li14/mobilenetv2.pytorch", body | {"head.classifier": "classifier"})
        yield Layout("houqb/CoordAttention mbv2_ca.py", body | {"head.classifier": "classifier.1"})


def _residual(module: InvertedResidual, inner: Layout) -> dict[str, str]:
    """Theirs is one numbered sequence: convolution, norm, activation; attention; projection."""
    renames: dict[str, str] = {}
    at = 0
    for part, layers in (("expand", module.expand), ("depthwise", module.depthwise)):
        if layers is not None:
            renames |= {f"{part}.conv": f"conv.{at}", f"{part}.norm": f"conv.{at + 1}"}
            at += 3
    if module.attention is not None:
        renames["attention"] = f"conv.{at}"
        for ours, theirs in inner.renames.items():
            renames[f"attention.{ours}"] = f"conv.{at}.{theirs}"
        at += 1
    return renames | {"project.conv": f"conv.{at}", "project.norm": f"conv.{at + 1}"}


def _shaped(theirs: Tensor, ours: Tensor) -> Tensor:
    """A linear layer's (out, in) as a 1x1 convolution's (out, in, 1, 1); anything else as it is."""
    if theirs.dim() == 2 and ours.shape[2:] == (1, 1):
        return theirs[:, :, None, None]
    return theirs


def _is_counter(key: str) -> bool:
    return key.endswith("num_batches_tracked")
