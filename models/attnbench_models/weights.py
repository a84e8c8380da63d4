"""Random weights under which a model computes something that depends on all of its parts."""

from __future__ import annotations

import copy
from contextlib import ExitStack
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils._pytree import tree_leaves

from attnbench_models.errors import ModelError
from attnbench_models.gates import Gate, GateSpreads, GateTuning
from attnbench_models.natural import natural_images

BATCH = 8
OTHERS = 4
GATE_STD = 0.25  # of a gate in (0, 1): far from the constant 0.5, and from a hard switch
HALVINGS = 2  # of that, for deep models with many gates
ROUNDING = 1e-3  # of the outputs' range: what float32 may be off by before no test sees anything
TOLERANCE = 0.02
ROUNDS = 3  # one is enough unless a scaled value is also used outside of its gate


@dataclass(frozen=True, slots=True)
class Calibration:
    """
    What was scaled: one `Gate` per call of a sigmoid or softmax, in the order of the calls.

    `target` is the standard deviation that they were scaled to have.
    """

    gates: tuple[Gate, ...]
    target: float = GATE_STD

    @property
    def missed(self) -> tuple[Gate, ...]:
        """The gates whose spread is not the target: an equality test sees little of those."""
        return tuple(g for g in self.gates if not abs(g.std - self.target) <= TOLERANCE)


def calibrate(model: nn.Module, size: tuple[int, int], seed: int) -> Calibration:
    """
    Set every BatchNorm's statistics, and every gate's spread, on eight images.

    With plain random weights an attention gate is almost constant, so that a wrong gate changes
    the output by 1e-5 and no equality test can see it. Here the BatchNorm statistics are those of
    `natural_images(8, size, seed)`; of vectors, which give it eight values a channel, the channels
    share one variance, that expected of a ninth image. The last linear map before each sigmoid is
    scaled until the gate's standard deviation on them is 0.25, half of the largest there is; and so
    for each softmax. One pass scales; a second takes the statistics again and measures, so that the
    report is about the finished model.

    Gates that react to their input amplify rounding, each a little, all of them together sometimes
    beyond any use. Where float32 is off by more than 1e-3 on four other images, the target is
    halved.

    Changes the model in place and leaves it in evaluation mode. ModelError if it does not take
    (8, 3, height, width).
    """
    images, others = natural_images(BATCH, size, seed), natural_images(OTHERS, size, seed + 1)
    model.eval()
    calibration = _calibrated(model, images, GATE_STD)
    for _ in range(HALVINGS):
        if _rounding(model, others) <= ROUNDING:
            break
        calibration = _calibrated(model, images, calibration.target / 2)
    return calibration


def _calibrated(model: nn.Module, images: Tensor, target: float) -> Calibration:
    calibration = Calibration((), target)
    with ExitStack() as stack, torch.no_grad():
        for module in model.modules():
            if isinstance(module, _BatchNorm):
                stack.callback(module.register_forward_pre_hook(_take_statistics).remove)
        for _ in range(ROUNDS):
            calibration = _round(model, images, before=calibration)
            if not any(gate.parameters for gate in calibration.missed):
                break
    return calibration


def _rounding(model: nn.Module, images: Tensor) -> float:
    """The largest distance of float32 from float64, in parts of an output's range."""
    with torch.no_grad():
        single = tree_leaves(model(images))
        double = tree_leaves(copy.deepcopy(model).double()(images.double()))
    return max(
        (
            float((a.double() - b).abs().max() / (b.max() - b.min()))
            for a, b in zip(single, double, strict=True)
            if isinstance(b, Tensor) and b.is_floating_point() and b.max() > b.min()
        ),
        default=0.0,
    )


def _round(model: nn.Module, images: Tensor, *, before: Calibration) -> Calibration:
    tuning, spreads = GateTuning(model, target=before.target), GateSpreads()
    for mode in (tuning, spreads):
        with mode:
            _run(model, images)
    scales = [gate.scale for gate in before.gates] or [1.0] * len(tuning.gates)
    return Calibration(
        tuple(
            replace(gate, scale=gate.scale * scale, std=std)
            for gate, scale, std in zip(tuning.gates, scales, spreads.stds, strict=True)
        ),
        before.target,
    )


def is_untrained(model: nn.Module) -> bool:
    """Whether it has BatchNorms and none has seen data: then its weights are nobody's work."""
    norms = [m for m in model.modules() if isinstance(m, _BatchNorm) and m.running_mean is not None]
    return bool(norms) and not any(_has_seen_data(norm) for norm in norms)


def _has_seen_data(norm: _BatchNorm) -> bool:
    if norm.running_mean is None or norm.running_var is None:
        return False
    return bool(norm.running_mean.ne(0).any() or norm.running_var.ne(1).any())


def _take_statistics(norm: _BatchNorm, inputs: tuple[Tensor, ...]) -> None:
    if norm.running_mean is None or norm.running_var is None:
        return
    dims = [d for d in range(inputs[0].dim()) if d != 1]
    variance, mean = torch.var_mean(inputs[0], dim=dims, correction=0)
    images = len(inputs[0])
    if inputs[0].numel() == images * len(mean):
        # Among so few values some channels hardly vary, and would blow up in other images.
        variance = variance.mean().expand_as(variance) * (images + 1) / (images - 1)
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(variance)


def _run(model: nn.Module, images: Tensor) -> None:
    try:
        model(images)
    except (RuntimeError, TypeError) as error:
        reason = str(error).partition("\n")[0]
        raise ModelError(
            f"{type(model).__name__} does not take a {tuple(images.shape)} input: {reason}",
            hint="a model takes (N, 3, H, W) in float32, of the size that it is made for, or says "
            "what it takes in a method example_inputs()",
        ) from error
