"""Activation functions."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def relu(*, x: Tensor) -> Tensor:
    """relu: max(x, 0)."""
    return x.relu()


def relu6(*, x: Tensor) -> Tensor:
    """relu6: min(max(x, 0), 6)."""
    return x.clamp(0, 6)


def leaky_relu(*, x: Tensor, alpha: float) -> Tensor:
    """leaky_relu: x, or alpha * x below 0."""
    return F.leaky_relu(x, alpha)


def prelu(*, x: Tensor, alpha: Tensor) -> Tensor:
    """prelu: x, or below 0 alpha * x, with one alpha for each channel."""
    return F.prelu(x, alpha)


def clamped_relu(*, x: Tensor, alpha: float, beta: float) -> Tensor:
    """clamped_relu: leaky_relu, but no more than beta."""
    return F.leaky_relu(x, alpha).clamp(max=beta)


def thresholded_relu(*, x: Tensor, alpha: float) -> Tensor:
    """thresholded_relu: x, or 0 below alpha."""
    return torch.where(x >= alpha, x, 0.0)


def elu(*, x: Tensor, alpha: float) -> Tensor:
    """elu: x, or alpha * (exp(x) - 1) below 0."""
    return F.elu(x, alpha)


def gelu(*, x: Tensor, mode: str = "EXACT") -> Tensor:
    """gelu: x times the normal distribution's share below x, or one of two approximations."""
    if mode == "SIGMOID_APPROXIMATION":
        return x * torch.sigmoid(1.702 * x)
    return F.gelu(x, approximate={"EXACT": "none", "TANH_APPROXIMATION": "tanh"}[mode])


def linear_activation(*, x: Tensor, alpha: float, beta: float) -> Tensor:
    """linear_activation: alpha * x + beta."""
    return alpha * x + beta


def scaled_tanh(*, x: Tensor, alpha: float, beta: float) -> Tensor:
    """scaled_tanh: alpha * tanh(beta * x)."""
    return alpha * torch.tanh(beta * x)


def sigmoid(*, x: Tensor) -> Tensor:
    """sigmoid: 1 / (1 + exp(-x))."""
    return x.sigmoid()


def sigmoid_hard(*, x: Tensor, alpha: float, beta: float) -> Tensor:
    """sigmoid_hard: alpha * x + beta, but no less than 0 and no more than 1."""
    return (alpha * x + beta).clamp(0, 1)


def silu(*, x: Tensor) -> Tensor:
    """silu: x * sigmoid(x)."""
    return F.silu(x)


def softmax(*, x: Tensor, axis: int = -1) -> Tensor:
    """softmax: exp(x), divided by its sum along one axis."""
    return x.softmax(axis)


def softplus(*, x: Tensor) -> Tensor:
    """softplus: log(1 + exp(x))."""
    return torch.logaddexp(x, torch.zeros_like(x))


def softsign(*, x: Tensor) -> Tensor:
    """softsign: x / (1 + |x|)."""
    return F.softsign(x)
