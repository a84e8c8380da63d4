"""Find every gate of a running model, and the parameters that its input is a linear image of."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.weak import WeakTensorKeyDictionary

aten = torch.ops.aten

SIGMOIDS = {aten.sigmoid, aten.sigmoid_, aten.hardsigmoid, aten.hardsigmoid_}
GATES = {*SIGMOIDS, aten._softmax}

# Linear in the parameters at these argument positions, when they are scaled together.
LINEAR: Mapping[Any, tuple[int, ...]] = {
    aten.convolution: (1, 2),
    aten.addmm: (0, 2),
    aten.mm: (1,),
    aten.native_batch_norm: (1, 2),
    aten.native_group_norm: (1, 2),
    aten.native_layer_norm: (2, 3),
}

# f(s a, s b, ...) = s f(a, b, ...) in the tensors among the arguments, all of them.
HOMOGENEOUS = {
    *(aten.view, aten._unsafe_view, aten.reshape, aten.unsqueeze, aten.squeeze, aten.alias),
    *(aten.permute, aten.transpose, aten.t, aten.expand, aten.clone, aten.detach),
    *(aten.slice, aten.select, aten.split, aten.split_with_sizes, aten.cat, aten.stack),
    *(aten.mean, aten.sum, aten.neg, aten.avg_pool2d, aten._adaptive_avg_pool2d),
    *(aten.upsample_nearest2d, aten.upsample_bilinear2d),
}
SUMS = {aten.add, aten.add_, aten.sub, aten.sub_}  # homogeneous unless a plain number is added
PRODUCTS = {aten.mul, aten.mul_, aten.div, aten.div_}  # homogeneous if the other is a plain number
BILINEAR = {aten.mul, aten.mul_, aten.bmm}  # f(s a, b) = f(a, s b) = s f(a, b)

SAMPLE = 1 << 14  # values of a gate's input that the scale is searched on
ROWS = 64  # at least so many of a softmax's rows among them, however long
NONE: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Gate:
    """
    One call of a gate: the parameters scaled for it, by what, and the spread of its output.

    A gate is a sigmoid or a softmax. `parameters` is empty, and `scale` 1, where its input is no
    linear image of parameters, or of some that an earlier gate has already scaled. `std` is in
    terms of a sigmoid, where it is at most 1/2: see `spread`.
    """

    parameters: tuple[str, ...]
    scale: float
    std: float


@dataclass(frozen=True, slots=True)
class Image:
    """
    How a tensor depends on parameters, by their names.

    Scaled by s together, those in `linear` scale the tensor by s; those in `before` act on it in
    some other way. A name in both would scale it by more than s.
    """

    linear: frozenset[str] = NONE
    before: frozenset[str] = NONE

    @property
    def everything(self) -> frozenset[str]:
        """All the parameters that the tensor depends on."""
        return self.linear | self.before


CONSTANT = Image()


class GateTuning(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """
    Scale the last linear map before every gate until the gate's spread is `target`.

    While active it notes of which parameters each tensor is a linear image; operations that are
    not linear end that. Of two factors that could both be scaled the first is. A parameter is
    scaled at most once.
    """

    def __init__(self, model: nn.Module, *, target: float) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.gates: list[Gate] = []
        self._target = target
        self._parameters = dict(model.named_parameters())
        self._owners = {_place(value): name for name, value in self._parameters.items()}
        self._images = WeakTensorKeyDictionary()
        self._scaled: set[str] = set()

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        packet = func.overloadpacket
        if packet in GATES:
            scale = self._tune(func, args)
            # The parameters have changed since this input was computed from them.
            in_place = packet.__name__.endswith("_")
            args = (args[0].mul_(scale) if in_place else args[0] * scale, *args[1:])
        result = func(*args, **(kwargs or {}))
        image = self._image_after(packet, args)
        for tensor in _tensors([result]):
            self._images[tensor] = image
        return result

    def _tune(self, func: Any, args: tuple[Any, ...]) -> float:
        scores = args[0]
        names = self._image(scores).linear
        scale = 1.0
        if names and not names & self._scaled:
            dim = _softmax_dim(func, args)
            if dim is None:
                scale = scale_for(scores, func, target=self._target)
            else:
                scale = softmax_scale_for(scores, dim, target=self._target)
            self._scaled |= names
            for name in names:
                self._parameters[name].mul_(scale)
        else:
            names = NONE
        self.gates.append(Gate(tuple(sorted(names)), scale, math.nan))
        return scale

    def _image_after(self, packet: Any, args: tuple[Any, ...]) -> Image:
        tensors = list(_tensors(args))
        if packet in LINEAR:
            operands = [args[i] for i in LINEAR[packet] if args[i] is not None]
            tensors = [t for t in tensors if not any(t is operand for operand in operands)]
            linear = [self._owners.get(_place(operand)) for operand in operands]
            if None in linear:  # a weight that is itself computed
                tensors, linear = [*tensors, *operands], []
            names = frozenset(name for name in linear if name is not None)
            before = NONE.union(*(self._image(t).everything for t in tensors))
        elif packet in BILINEAR and len(tensors) == 2:
            return _product(*(self._image(tensor) for tensor in tensors))
        else:
            images = [self._image(tensor) for tensor in tensors]
            scales = _is_homogeneous(packet, args) and all(image.linear for image in images)
            names = NONE.union(*(image.linear for image in images if scales))
            before = NONE.union(*(i.before if scales else i.everything for i in images))
        return Image(NONE, names | before) if names & before else Image(names, before)

    def _image(self, tensor: Tensor) -> Image:
        if (owner := self._owners.get(_place(tensor))) is not None:
            return Image(before=frozenset([owner]))
        image: Image = self._images.get(tensor, CONSTANT)  # type: ignore[no-untyped-call]
        return image


class GateSpreads(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Measure the spread of every gate's output, in the order of the calls."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.stds: list[float] = []

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if func.overloadpacket in GATES:
            self.stds.append(spread(result, _softmax_dim(func, args)))
        return result


def spread(values: Tensor, dim: int | None = None) -> float:
    """
    Standard deviation of a gate's output, in terms of a sigmoid's.

    A sigmoid's is at most 1/2. A softmax over n numbers, along `dim`, has at most sqrt(n - 1) / n,
    which counts as 1/2 here: at n = 2, where it is a sigmoid, nothing changes.
    """
    std = float(values.std(correction=0))
    if dim is None:
        return std
    count = values.shape[dim]
    return std * count / (2 * math.sqrt(count - 1)) if count > 1 else 0.0


def scale_for(scores: Tensor, gate: Callable[[Tensor], Tensor], *, target: float) -> float:
    """
    Find s > 0 with std(gate(s * scores)) = target, by bisection.

    Where no s reaches it (scores of one sign, or all zero) the s that comes nearest; 1 if all are
    equally far.
    """
    sample = _spread_out(scores.detach().flatten(), SAMPLE).double()
    return _search(lambda scale: spread(gate(sample * scale)), target)


def softmax_scale_for(scores: Tensor, dim: int, *, target: float) -> float:
    """Find s > 0 with spread(softmax(s * scores)) = target, otherwise as `scale_for`."""
    rows = scores.detach().movedim(dim, -1).flatten(0, -2)
    chosen = _spread_out(torch.arange(len(rows)), max(ROWS, SAMPLE // rows.shape[1]))
    sample = rows[chosen].double()
    return _search(lambda scale: spread((sample * scale).softmax(1), 1), target)


def _search(spread_at: Callable[[float], float], target: float) -> float:
    """The smallest scale on a grid of powers of two that reaches the target, then bisected."""

    def at(log_scale: float) -> float:
        return spread_at(2**log_scale)

    grid = range(-16, 21)
    spreads = [at(k) for k in grid]
    reached = [k for k, value in zip(grid, spreads, strict=True) if value >= target]
    if not reached:
        best = max(zip(spreads, grid, strict=True))
        return float(2 ** best[1]) if best[0] > min(spreads) else 1.0
    above = float(reached[0])
    below = above - 1
    for _ in range(24):
        middle = (below + above) / 2
        below, above = (middle, above) if at(middle) < target else (below, middle)
    return float(2**above)


def _spread_out(flat: Tensor, size: int) -> Tensor:
    """At most `size` of the values, evenly spread and in step with no dimension of the tensor."""
    if flat.numel() <= size:
        return flat
    golden = (math.sqrt(5) - 1) / 2
    turns = torch.arange(size, dtype=torch.float64) * golden
    return flat[(turns.frac() * flat.numel()).long()]


def _softmax_dim(func: Any, args: tuple[Any, ...]) -> int | None:
    """The dimension that a softmax is over; None for a sigmoid."""
    return None if func.overloadpacket in SIGMOIDS else int(args[1])


def _product(left: Image, right: Image) -> Image:
    """Of a factor's own parameters it is a linear image, unless the other factor has them too."""
    for one, other in ((left, right), (right, left)):
        if one.linear and not one.linear & other.everything:
            return Image(one.linear, one.before | other.everything)
    return Image(before=left.everything | right.everything)


def _is_homogeneous(packet: Any, args: tuple[Any, ...]) -> bool:
    tensors = list(_tensors(args))
    if packet in SUMS:
        return len(tensors) == 2
    if packet in PRODUCTS:
        return len(tensors) == 1 and args[0] is tensors[0]
    return packet in HOMOGENEOUS


def _tensors(values: Sequence[Any]) -> Iterator[Tensor]:
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from _tensors(value)


def _place(tensor: Tensor) -> tuple[int, int]:
    """The same for a parameter and its transposes; views of a part have fewer elements."""
    return tensor.data_ptr(), tensor.numel()
