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
from attnbench.graphs import Content, open_graph, put
from attnbench.graphs.coreml import CoreMLEditor
from attnbench.graphs.executorch import ExecuTorchEditor
from attnbench.graphs.tflite import MAGIC
from attnbench.mlprogram.blobs import ENTRY
from attnbench.mlprogram.values import MODEL_PATH, constant
from attnbench.records import Artifact

Change = Callable[[np.ndarray], np.ndarray]

TFLITE = {
    schema.TensorType.FLOAT32: np.float32,
    schema.TensorType.FLOAT16: np.float16,
    schema.TensorType.INT8: np.int8,
}
XNNPACK = {
    "xnn_datatype_fp32": np.float32,
    "xnn_datatype_fp16": np.float16,
    "xnn_datatype_qcint8": np.int8,
    "xnn_datatype_qint8": np.int8,
}
"""How the numbers of weights are stored, by what the formats call it."""


def doubled(weights: np.ndarray) -> np.ndarray:
    """What it is changed to where the change does not matter."""
    return 2 * weights


def damaged(artifact: Artifact, module: str, folder: Path, change: Change = doubled) -> Artifact:
    """A copy whose first convolution or product with weights in exactly that module is changed."""
    makes = {"onnx": _onnx, "tflite": _tflite, "executorch": _executorch, "coreml": _coreml}
    path = folder / Path(artifact.path).name
    put(path, makes[artifact.backend](artifact, module, change))
    weights = Path(artifact.path).with_name(artifact.reference.file)
    if not (folder / weights.name).exists():
        (folder / weights.name).write_bytes(weights.read_bytes())
    spoilt = replace(artifact, path=str(path), sha256=digest(path))
    save_manifest(spoilt)
    return spoilt


def _first(artifact: Artifact, module: str) -> int:
    """The position of the operator: its module has its weights, and maybe an activation of it."""
    kinds = ("Conv", "Gemm", "CONV", "DEPTHWISE", "FULLY", "Depthwise", "FullyConnected")
    kinds += ("conv", "linear")
    owners = (module, module.removesuffix(".conv") + ".act")
    return next(
        at
        for at, node in enumerate(open_graph(artifact).graph.nodes)
        if node.path in owners and node.operator.startswith(kinds) and node.operator != "Convert"
    )


def _onnx(artifact: Artifact, module: str, change: Change) -> bytes:
    model = onnx.load(artifact.path)
    makers = {name: node for node in model.graph.node for name in node.output}
    name = model.graph.node[_first(artifact, module)].input[1]
    if name in makers:
        name = makers[name].input[0]
    weights = next(one for one in model.graph.initializer if one.name == name)
    new = _stored(change, numpy_helper.to_array(weights))
    weights.CopyFrom(numpy_helper.from_array(new, name))
    return model.SerializeToString()


def _tflite(artifact: Artifact, module: str, change: Change) -> bytes:
    content = Path(artifact.path).read_bytes()
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    main = model.subgraphs[0]
    makers = {int(one.outputs[0]): one for one in main.operators}
    at = int(main.operators[_first(artifact, module)].inputs[1])
    tensor = main.tensors[makers[at].inputs[0] if at in makers else at]
    buffer = model.buffers[tensor.buffer]
    weights = np.frombuffer(bytes(buffer.data), TFLITE[tensor.type]).reshape(tensor.shape)
    buffer.data = np.frombuffer(_stored(change, weights).tobytes(), np.uint8)
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), MAGIC)
    return bytes(builder.Output())


def _executorch(artifact: Artifact, module: str, change: Change) -> bytes:
    editor = ExecuTorchEditor(artifact)
    at, steps = _first(artifact, module), iter(editor.steps)
    step = next(steps)
    while at >= len(step.nodes):
        at, step = at - len(step.nodes), next(steps)
    graph = step.delegate.graph
    value = step.delegate.values[graph["xnodes"][at]["xnode_union"]["filter_id"]]
    key = graph["constant_data"][value["constant_buffer_idx"]]["named_key"]
    from executorch.exir._serialize._program import serialize_pte_binary

    file = editor.program.file
    at = file.named_data.pte_data[key].buffer_index
    data = bytes(file.named_data.buffers[at])
    weights = np.frombuffer(data, XNNPACK[value["datatype"]]).reshape(value["dims"])
    file.named_data.buffers[at] = _stored(change, weights).tobytes()
    return bytes(serialize_pte_binary(file, extract_delegate_segments=True))


def _coreml(artifact: Artifact, module: str, change: Change) -> Content:
    editor = CoreMLEditor(artifact)
    name = editor.graph.nodes[_first(artifact, module)].name
    function = editor.model.mlProgram.functions["main"]
    made = {
        one.outputs[0].name: one
        for one in function.block_specializations[function.opset].operations
    }
    stored = made[made[name].inputs["weight"].arguments[0].name]
    value = stored.attributes["val" if stored.type == "const" else "quantized_data"]
    weights = constant(value, Path(artifact.path, editor.file).parent)
    held = value.blobFileValue
    file = (Path(editor.file).parent / held.fileName.removeprefix(MODEL_PATH)).as_posix()
    data = bytearray(editor.files[file])
    *_, size, start = ENTRY.unpack_from(data, held.offset)
    data[start : start + size] = _stored(change, weights.numpy()).tobytes()
    return editor.files | {file: bytes(data)}


def _stored(change: Change, weights: np.ndarray) -> np.ndarray:
    """The changed weights in the type that they had."""
    new = change(weights.astype(np.float32))
    if np.issubdtype(weights.dtype, np.integer):
        new = np.clip(new, -127, 127)
    return np.ascontiguousarray(new, weights.dtype)
