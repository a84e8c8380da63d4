"""
What the runtime's own Python package computes: `python -m tests.runner.official ENGINE MODEL NPZ`.

`NPZ` holds arrays `set/input`; beside them this writes `<NPZ>.out.npz` with `set/output`.
"""

import os
import sys
from collections.abc import Callable, Sequence

import numpy as np

Predict = Callable[[Sequence[np.ndarray]], Sequence[np.ndarray]]


def onnxruntime(model: str) -> Predict:
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    names = [tensor.name for tensor in session.get_inputs()]
    return lambda arrays: session.run(None, dict(zip(names, arrays, strict=True)))


def litert(model: str) -> Predict:
    from ai_edge_litert.interpreter import Interpreter

    run = Interpreter(model, num_threads=1).get_signature_runner()

    def predict(arrays: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        outputs = run(**{f"args_{number}": array for number, array in enumerate(arrays)})
        return [outputs[f"output_{number}"].copy() for number in range(len(outputs))]

    return predict


def executorch(model: str) -> Predict:
    import torch
    from executorch.extension.pybindings import portable_lib
    from executorch.runtime import Runtime

    portable_lib._unsafe_reset_threadpool(1)
    method = Runtime.get().load_program(model).load_method("forward")

    def predict(arrays: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        outputs = method.execute([torch.from_numpy(array) for array in arrays])
        return [output.numpy().copy() for output in outputs]

    return predict


OPEN = {"onnxruntime": onnxruntime, "litert": litert, "executorch": executorch}

if __name__ == "__main__":
    predict = OPEN[sys.argv[1]](sys.argv[2])
    with np.load(sys.argv[3]) as stored:
        sets: dict[str, list[np.ndarray]] = {}
        for key in sorted(stored):
            sets.setdefault(key.split("/")[0], []).append(stored[key])
    outputs = {
        f"{name}/{number}": output
        for name, arrays in sets.items()
        for number, output in enumerate(predict(arrays))
    }
    np.savez(sys.argv[3] + ".out.npz", **outputs)
