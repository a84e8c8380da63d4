"""How classifiers end."""

from __future__ import annotations

from torch import Tensor, nn


class Classifier(nn.Module):
    """
    The mean over all pixels, dropout where there is any, and one linear layer.

    Shape   x (N, inputs, H, W) -> logits (N, classes).
    """

    def __init__(self, inputs: int, classes: int, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout) if dropout > 0 else None
        self.linear = nn.Linear(inputs, classes)

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, classes)."""
        pooled = x.mean(dim=(2, 3))
        if self.dropout is not None:
            pooled = self.dropout(pooled)
        logits: Tensor = self.linear(pooled)
        return logits
