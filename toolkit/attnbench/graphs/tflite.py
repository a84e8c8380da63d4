"""TFLite files: tensors are outputs once their subgraph and its signature list them."""

from __future__ import annotations

import copy
import struct
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import flatbuffers
from ai_edge_litert import schema_py_generated as schema

from attnbench.errors import BadArtifact
from attnbench.graphs.base import Content, Editor, Graph, Node, needed, placed
from attnbench.records import Artifact

MAGIC = b"TFL3"
LAST = "~"
"""How the names of further outputs begin in the signature: after all others in any order."""

TYPES = schema.TensorType


class TFLiteEditor:
    """See Editor. The first subgraph is the model; values go by number, since names may repeat."""

    def __init__(self, artifact: Artifact) -> None:
        content = Path(artifact.path).read_bytes()
        try:
            self.model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
        except (struct.error, IndexError, TypeError, ValueError) as error:
            raise BadArtifact(f"{artifact.path}: cannot be read as TFLite") from error
        main = self.model.subgraphs[0]
        paths = {scope.value: scope.path for scope in artifact.scopes}
        self.graph = Graph(
            placed(self._node(one, paths) for one in main.operators),
            _names(main.inputs),
            _names(main.outputs),
            {
                str(at): tuple(map(int, tensor.shape))
                for at, tensor in enumerate(main.tensors)
                if tensor.type in (TYPES.FLOAT32, TYPES.INT8) and tensor.shape is not None
            },
        )

    def _node(self, operator: Any, paths: dict[str, str | None]) -> Node:
        main = self.model.subgraphs[0]
        code = self.model.operatorCodes[operator.opcodeIndex]
        kind = max(code.builtinCode, code.deprecatedBuiltinCode)
        inputs = (at for at in operator.inputs if at >= 0 and not self._is_constant(at))
        name = main.tensors[operator.outputs[0]].name.decode()
        outputs = _names(operator.outputs)
        fused = getattr(operator.builtinOptions, "fusedActivationFunction", 0)
        root = _root(name) if fused else None
        return Node(name, _KINDS[kind], paths.get(name), _names(inputs), outputs, root)

    def _is_constant(self, at: int) -> bool:
        return self.model.buffers[self.model.subgraphs[0].tensors[at].buffer].data is not None

    def observed(self, values: Sequence[str]) -> Content:
        """See Editor."""
        return self._packed(self.graph.inputs, (*self.graph.outputs, *values))

    def cut(self, inputs: Sequence[str], outputs: Sequence[str]) -> Content:
        """See Editor."""
        return self._packed(inputs, outputs, needed(self.graph.nodes, inputs, outputs))

    def _packed(
        self, inputs: Sequence[str], outputs: Sequence[str], kept: Sequence[int] | None = None
    ) -> bytes:
        """The model between these values; with `kept` of these operators alone."""
        model = copy.copy(self.model)
        main = copy.copy(model.subgraphs[0])
        main.tensors, model.operatorCodes = [*main.tensors], [*model.operatorCodes]
        before = [_converted(model, main, int(one), "QUANTIZE") for one in inputs]
        after = [_converted(model, main, int(one), "DEQUANTIZE") for one in outputs]
        main.inputs, main.outputs = [at for at, _ in before], [at for at, _ in after]
        if kept is not None:
            main.operators = [main.operators[at] for at in kept]
            model.buffers = self._buffers(main)
        main.operators = [
            *chain.from_iterable(made for _, made in before),
            *main.operators,
            *chain.from_iterable(made for _, made in after),
        ]
        model.subgraphs = [main, *model.subgraphs[1:]]
        model.signatureDefs = [_signature(main.inputs, main.outputs)]
        builder = flatbuffers.Builder(1 << 20)
        builder.Finish(model.Pack(builder), MAGIC)
        return bytes(builder.Output())

    def _buffers(self, main: Any) -> list[Any]:
        """The buffers in their order, empty where no operator of the subgraph reads them."""
        read = {main.tensors[at].buffer for one in main.operators for at in one.inputs if at >= 0}
        return [
            one if at in read else schema.BufferT() for at, one in enumerate(self.model.buffers)
        ]


def _converted(model: Any, main: Any, at: int, way: str) -> tuple[int, list[Any]]:
    """
    The tensor for one that is at the border, and the operators between the two.

    One in 8 bits gets another in float32, which the model then has besides.
    """
    tensor = main.tensors[at]
    if tensor.type == TYPES.FLOAT32:
        return at, []
    outer = copy.copy(tensor)
    outer.type, outer.quantization, outer.buffer = TYPES.FLOAT32, None, 0
    outer.name = LAST.encode() + tensor.name
    main.tensors.append(outer)
    new = len(main.tensors) - 1
    made = schema.OperatorT()
    made.opcodeIndex = _code(model, way)
    made.inputs, made.outputs = ([new], [at]) if way == "QUANTIZE" else ([at], [new])
    return new, [made]


def _code(model: Any, kind: str) -> int:
    """The number of a kind of operator in the model, which gets it if it has none."""
    wanted = getattr(schema.BuiltinOperator, kind)
    kinds = [max(one.builtinCode, one.deprecatedBuiltinCode) for one in model.operatorCodes]
    if wanted not in kinds:
        code = schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = wanted
        code.version = 2  # the first with 8 bits and a sign
        model.operatorCodes.append(code)
        return len(kinds)
    return kinds.index(wanted)


def _signature(inputs: Sequence[int], outputs: Sequence[int]) -> Any:
    made = schema.SignatureDefT()
    made.signatureKey, made.subgraphIndex = b"serving_default", 0
    made.inputs = [_mapping(f"{LAST}{at:06}", one) for at, one in enumerate(inputs)]
    made.outputs = [_mapping(f"{LAST}{at:06}", one) for at, one in enumerate(outputs)]
    return made


def _mapping(name: str, tensor: int) -> Any:
    made = schema.TensorMapT()
    made.name, made.tensorIndex = name.encode(), tensor
    return made


def _root(name: str) -> str | None:
    """The last module in a tensor's name, which lists what was fused with the last one first."""
    pieces = (piece.strip("/") for piece in name.split(";"))
    modules = [piece for piece in pieces if piece and not piece.isdigit()]
    return modules[-1].replace("/", ".") if modules else None


def _names(tensors: Iterable[int]) -> tuple[str, ...]:
    return tuple(str(int(at)) for at in tensors)


_KINDS = {
    code: name for name, code in vars(schema.BuiltinOperator).items() if not name.startswith("_")
}

EDITOR: type[Editor] = TFLiteEditor
