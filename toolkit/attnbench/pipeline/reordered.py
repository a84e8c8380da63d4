"""PyTorch with its sums in other orders: convolutions channels last, means one after the other."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

MAP_RANK = 4


def reordered(module: nn.Module) -> nn.Module:
    """A copy of a module whose weights have their channels last."""
    return cast("nn.Module", channels_last(copy.deepcopy(module)))


def channels_last(one: object) -> object:
    """A module, or a tensor if it is a batch of maps, with its numbers in that order."""
    moves = isinstance(one, nn.Module) or (isinstance(one, Tensor) and one.ndim == MAP_RANK)
    return cast("Any", one).to(memory_format=torch.channels_last) if moves else one


def if_it_can(made: Callable[[], Mapping[str, Tensor]]) -> Mapping[str, Tensor]:
    """What was made in these orders; nothing of a module that asks for a view of its rows."""
    try:
        with OneAfterTheOther():  # type: ignore[no-untyped-call]
            return made()
    except RuntimeError:
        return {}


class OneAfterTheOther(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """
    Lets means in float32 add one term after the other, as LiteRT does; PyTorch adds pairwise.

    Of N equal terms all roundings may go one way, so that the error grows with N, not with log N.
    Source: Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed. 2002, chapter 4.
    """

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """See TorchDispatchMode."""
        kwargs = kwargs or {}
        if func is torch.ops.aten.adaptive_avg_pool2d.default and {*args[1]} == {1}:
            func, args, kwargs = torch.ops.aten.mean.dim, (args[0], (-2, -1)), {"keepdim": True}
        result = func(*args, **kwargs)
        if func not in MEANS or not result.dtype == args[0].dtype == torch.float32:
            return result
        return _mean(args[0], *args[1:2]).reshape(result.shape)


MEANS = (torch.ops.aten.mean.dim, torch.ops.aten.mean.default)


def _mean(x: Tensor, dims: Sequence[int] | None = None) -> Tensor:
    """Over these axes, or over all."""
    summed = sorted(at % x.ndim for at in dims or range(x.ndim))
    kept = [at for at in range(x.ndim) if at not in summed]
    terms = x.permute(*kept, *summed).flatten(len(kept))
    sums = np.cumsum(terms.numpy(), axis=-1, dtype=np.float32)[..., -1:]  # torch's is in float64
    return torch.from_numpy(sums / np.float32(terms.shape[-1]))
