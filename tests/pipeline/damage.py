"""Artifacts, spoilt in a block that is known: in the very file, and the manifest agrees with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import flatbuffers
import numpy as np
import onnx
from ai_edge_litert import schema_py_generated as schema
from onnx import numpy_helper

from attnbench.artifacts import save_manifest
from attnbench.files import digest
from attnbench.graphs import open_graph
from attnbench.graphs.executorch import ExecuTorchEditor
from attnbench.graphs.tflite import MAGIC
from attnbench.records import Artifact

Change = Callable[[np.ndarray], np.ndarray]


def doubled(weights: np.ndarray) -> np.ndarray:
    """What it is changed to where the change does not matter."""
    return 2 * weights


def damaged(artifact: Artifact, module: str, folder: Path, change: Change = doubled) -> Artifact:
    """A copy whose first convolution or product with weights in exactly that module is changed."""
    make = {"onnx": _onnx, "tflite": _tflite, "executorch": _executorch}[artifact.backend]
    path = folder / Path(artifact.path).name
    path.write_bytes(make(artifact, module, change))
    weights = Path(artifact.path).with_name(artifact.reference.file)
    if not (folder / weights.name).exists():
        (folder / weights.name).write_bytes(weights.read_bytes())
    spoilt = replace(artifact, path=str(path), sha256=digest(path))
    save_manifest(spoilt)
    return spoilt


def _first(artifact: Artifact, module: str) -> int:
    """The position of the operator: its module has its weights, and maybe an activation of it."""
    kinds = ("Conv", "Gemm", "CONV", "DEPTHWISE", "FULLY", "Depthwise", "FullyConnected")
    owners = (module, module.removesuffix(".conv") + ".act")
    return next(
        at
        for at, node in enumerate(open_graph(artifact).graph.nodes)
        if node.path in owners and node.operator.startswith(kinds)
    )


def _onnx(artifact: Artifact, module: str, change: Change) -> bytes:
    model = onnx.load(artifact.path)
    name = model.graph.node[_first(artifact, module)].input[1]
    weights = next(one for one in model.graph.initializer if one.name == name)
    new = change(numpy_helper.to_array(weights)).astype(np.float32)
    weights.CopyFrom(numpy_helper.from_array(new, name))
    return model.SerializeToString()


def _tflite(artifact: Artifact, module: str, change: Change) -> bytes:
    content = Path(artifact.path).read_bytes()
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    main = model.subgraphs[0]
    operator = main.operators[_first(artifact, module)]
    tensor = main.tensors[operator.inputs[1]]
    buffer = model.buffers[tensor.buffer]
    weights = np.frombuffer(bytes(buffer.data), np.float32).reshape(tensor.shape)
    buffer.data = np.frombuffer(change(weights).astype(np.float32).tobytes(), np.uint8)
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), MAGIC)
    return bytes(builder.Output())


def _executorch(artifact: Artifact, module: str, change: Change) -> bytes:
    editor = ExecuTorchEditor(artifact)
    node = editor.delegate["xnodes"][_first(artifact, module)]["xnode_union"]
    value = editor.values[node["filter_id"]]
    key = editor.delegate["constant_data"][value["constant_buffer_idx"]]["named_key"]
    from executorch.exir._serialize._program import serialize_pte_binary

    file = editor.program.file
    at = file.named_data.pte_data[key].buffer_index
    weights = np.frombuffer(bytes(file.named_data.buffers[at]), np.float32).reshape(value["dims"])
    file.named_data.buffers[at] = change(weights).astype(np.float32).tobytes()
    return bytes(serialize_pte_binary(file, extract_delegate_segments=True))
