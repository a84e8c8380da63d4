"""Load weights that are named as in the authors' code."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from attnbench_models.checkpoint import load_checkpoint
from attnbench_models.errors import ModelError
from attnbench_models.layout import OWN, Layout, layouts_of

__all__ = ["load_checkpoint", "load_official", "load_own"]

HINT = "check the block, its options and the width that they were trained with"


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
    layouts = [OWN, *layouts_of(module)]
    return max(layouts, key=lambda layout: len(given & {layout.theirs(key) for key in ours}))


def _load(
    module: nn.Module, state_dict: Mapping[str, Tensor], layout: Layout, *, hint: str
) -> None:
    own = module.state_dict()
    names = {layout.theirs(key): key for key in own}
    loaded = {names[k]: _shaped(v, own[names[k]]) for k, v in state_dict.items() if k in names}
    faults = {
        "missing": [t for t, key in names.items() if key not in loaded and not _is_counter(key)],
        "unexpected": [k for k in state_dict if k not in names and not layout.leaves_out(k)],
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


def _shaped(theirs: Tensor, ours: Tensor) -> Tensor:
    """A linear layer's (out, in) as a 1x1 convolution's (out, in, 1, 1); anything else as it is."""
    if theirs.dim() == 2 and ours.shape[2:] == (1, 1):
        return theirs[:, :, None, None]
    return theirs


def _is_counter(key: str) -> bool:
    return key.endswith("num_batches_tracked")
