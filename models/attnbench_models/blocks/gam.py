"""The global attention mechanism."""

from __future__ import annotations

from torch import Tensor, nn

from attnbench_models.checks import at_least_one, one_of


class GlobalAttention(nn.Module):
    """
    Gate every element by its pixel's channels, then by all channels around it.

    Shape   x (N, C, H, W) -> (N, C, H, W); any H and W.
    Math    u = x * sigmoid(W2 relu(W1 x)), at each pixel by itself;
            y = u * sigmoid(BN(conv7x7(relu(BN(conv7x7(u)))))), to M channels and back.
            All have biases.
    Cost    100 C M + 4 M + 4 C parameters and 100 C M H W multiply-accumulates,
            with M = max(1, C // reduction).
    Source  Liu, Shao, Hoffmann, 2021, arXiv:2112.05561, equations 1 and 2 and Figures 1 to 3, with
            reduction 4. The authors published no code. A popular copy has no sigmoid after the
            perceptron, which Figure 2 has; channel_gate="none" is that copy.
    Export  Two dense 7x7 convolutions: 25 C C weights in one block, more than most backbones have
            in that stage.
    """

    def __init__(self, channels: int, *, reduction: int = 4, channel_gate: str = "sigmoid") -> None:
        super().__init__()
        hidden = max(1, channels // at_least_one("reduction", reduction))
        self.gated = one_of("channel_gate", channel_gate, ("sigmoid", "none")) == "sigmoid"
        self.reduce = nn.Conv2d(channels, hidden, 1)
        self.expand = nn.Conv2d(hidden, channels, 1)
        self.near = nn.Conv2d(channels, hidden, 7, padding=3)
        self.near_norm = nn.BatchNorm2d(hidden)
        self.far = nn.Conv2d(hidden, channels, 7, padding=3)
        self.far_norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        scores = self.expand(self.reduce(x).relu())
        x = x * (scores.sigmoid() if self.gated else scores)
        around = self.far_norm(self.far(self.near_norm(self.near(x)).relu()))
        y: Tensor = x * around.sigmoid()
        return y
