"""
Runs in the environment of tflite-runtime, with NumPy 1: `python worker.py MODEL INPUTS OUTPUTS`.

INPUTS are arrays of one input each, by name; OUTPUTS get the first output for each. Prints one JSON
object: the version, and `lacks`, the operator and version that the runtime does not have.
"""

import importlib.metadata
import json
import re
import sys

import numpy as np
from tflite_runtime.interpreter import Interpreter

LACKS = re.compile(r"Didn't find op for builtin opcode '(\w+)' version '(\d+)'")


def main(model, inputs, outputs):
    told = {"version": importlib.metadata.version("tflite-runtime"), "lacks": None}
    try:
        interpreter = Interpreter(model, num_threads=1)
    except ValueError as error:
        found = LACKS.search(str(error))
        if found is None:
            raise
        print(json.dumps({**told, "lacks": f"{found[1]} version {found[2]}"}))
        return
    interpreter.allocate_tensors()
    taken, given = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    made = {}
    for name, array in np.load(inputs).items():
        interpreter.set_tensor(taken["index"], array)
        interpreter.invoke()
        made[name] = interpreter.get_tensor(given["index"])
    np.savez(outputs, **made)
    print(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
