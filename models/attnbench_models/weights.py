"""Random weights under which a model computes something that depends on all of its parts."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from attnbench_models.errors import ModelError
from attnbench_models.gates import Gate, GateSpreads, GateTuning
from attnbench_models.natural import natural_images

BATCH = 8
GATE_STD = 0.25  # of a gate in (0, 1): far from the constant 0.5, and from a hard switch
TOLERANCE = 0.02
ROUNDS = 3  # one is enough unless a scaled value is also used outside of its gate


@dataclass(frozen=True, slots=True)
class Calibration:
    """What was scaled: one `Gate` per call of a sigmoid or softmax, in the order of the calls."""

    gates: tuple[Gate, ...]

    @property
    def missed(self) -> tuple[Gate, ...]:
        """The gates whose spread is not the target: an equality test sees little of those."""
        return tuple(g for g in self.gates if not abs(g.std - GATE_STD) <= TOLERANCE)


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

    Changes the model in place and leaves it in evaluation mode. ModelError if it does not take
    (8, 3, height, width).
    """
    images = natural_images(BATCH, size, seed)
    model.eval()
    calibration = Calibration(())
    with ExitStack() as stack, torch.no_grad():
        for module in model.modules():
            if isinstance(module, _BatchNorm):
                stack.callback(module.register_forward_pre_hook(_take_statistics).remove)
        for _ in range(ROUNDS):
            calibration = _round(model, images, before=calibration)
            if not any(gate.parameters for gate in calibration.missed):
                break
    return calibration


def _round(model: nn.Module, images: Tensor, *, before: Calibration) -> Calibration:
    tuning, spreads = GateTuning(model, target=GATE_STD), GateSpreads()
    for mode in (tuning, spreads):
        with mode:
            _run(model, images)
    scales = [gate.scale for gate in before.gates] or [1.0] * len(tuning.gates)
    return Calibration(
        tuple(
            replace(gate, scale=gate.scale * scale, std=std)
            for gate, scale, std in zip(tuning.gates, scales, spreads.stds, strict=True)
        )
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
    except RuntimeError as error:
        reason = str(error).partition("\n")[0]
        raise ModelError(
            f"{type(model).__name__} does not take a {tuple(images.shape)} input: {reason}",
            hint="a model takes (N, 3, H, W); use the size that it is made for",
        ) from error
