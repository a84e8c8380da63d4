"""
A small net, exported: `python -m tests.runner.export ENGINE FILE`.

In a process of its own, because converters are heavy, print, warn and start threads.
"""

import sys
from pathlib import Path

import torch
from torch import Tensor, nn


class Gated(nn.Module):
    """Two inputs, two outputs, and between them a convolution, pools, a gate and a linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU6()
        )
        self.gate = nn.Conv2d(16, 16, 1)
        self.head = nn.Linear(16, 10)
        nn.init.normal_(self.body[1].running_mean, std=0.1)
        nn.init.uniform_(self.body[1].running_var, 0.5, 1.5)

    def forward(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        features = self.body(x)
        gate = torch.sigmoid(self.gate(nn.functional.adaptive_avg_pool2d(features, 1)))
        features = features * gate + y
        return self.head(features.mean((2, 3))), features


def to_onnxruntime(model: nn.Module, inputs: tuple[Tensor, ...], file: Path) -> None:
    torch.onnx.export(model, inputs, dynamo=True, verbose=False).save(file)


def to_litert(model: nn.Module, inputs: tuple[Tensor, ...], file: Path) -> None:
    import litert_torch

    litert_torch.convert(model, inputs).export(str(file))


def to_executorch(model: nn.Module, inputs: tuple[Tensor, ...], file: Path) -> None:
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.exir import to_edge_transform_and_lower

    program = torch.export.export(model, inputs)
    edge = to_edge_transform_and_lower(program, partitioner=[XnnpackPartitioner()])
    file.write_bytes(edge.to_executorch().buffer)


if __name__ == "__main__":
    torch.manual_seed(0)
    EXPORTERS = {
        "onnxruntime": to_onnxruntime,
        "litert": to_litert,
        "executorch": to_executorch,
    }
    EXPORTERS[sys.argv[1]](
        Gated().eval(),
        (torch.randn(1, 3, 32, 32), torch.randn(1, 16, 16, 16)),
        Path(sys.argv[2]),
    )
