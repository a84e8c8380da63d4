"""The protobuf messages of Core ML's model format, as coremltools brings them."""

from __future__ import annotations

import importlib
import sys
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from attnbench.errors import BadArtifact, MissingTool

ALIAS = "attnbench_coremltools_proto"
"""What their package is called here: under its own name it would import all of coremltools."""


def parse(path: Path) -> Any:
    """
    The `Model` message in a file.

    Raises MissingTool without coremltools, and BadArtifact for a file that holds none.
    """
    model = _module("Model_pb2").Model()
    damaged = importlib.import_module("google.protobuf.message").DecodeError
    try:
        model.ParseFromString(path.read_bytes())
    except OSError as error:
        raise BadArtifact(f"{path}: {error.strerror}") from error
    except damaged as error:
        raise BadArtifact(f"{path} is no Core ML model, or damaged: {error}") from error
    return model


def type_name(number: int) -> str:
    """A MIL data type as the format calls it: "FLOAT32"."""
    return str(_module("MIL_pb2").DataType.Name(number))


def _module(name: str) -> Any:
    """
    One of coremltools' generated modules, without the rest of it.

    Importing coremltools takes seconds and prints warnings about packages that are not used here.
    """
    if ALIAS not in sys.modules:
        found = find_spec("coremltools")
        if found is None or found.origin is None:
            raise MissingTool(
                "coremltools is not installed", hint="pip install 'attnbench[coreml]'"
            )
        folder = Path(found.origin).with_name("proto")
        spec = spec_from_file_location(
            ALIAS, folder / "__init__.py", submodule_search_locations=[str(folder)]
        )
        assert spec is not None  # the file's name ends in .py
        sys.modules[ALIAS] = module_from_spec(spec)
    return importlib.import_module(f"{ALIAS}.{name}")
