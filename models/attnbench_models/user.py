"""Bring in a block or a model from somebody's own file or package."""

from __future__ import annotations

import hashlib
import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from torch import nn

from attnbench_models.errors import ModelError, UnknownNameError

Factory = Callable[..., object]


def from_file(spec: str) -> Factory:
    """
    Import what `./my_block.py:MyAttention` names; the same text is imported once.

    The file's folder is importable while it is imported, as if Python ran it. ModelError if there
    is no such file, it cannot be imported or has no such name; any other error of the file's own
    code passes through with its traceback.
    """
    file, _, name = spec.rpartition(":")
    path = Path(file).expanduser().resolve()
    if path.suffix != ".py" or not path.is_file():
        raise ModelError(
            f"there is no file {file}", hint="a block is FILE.py:Class, a model FILE.py:FACTORY"
        )
    digest = hashlib.sha256(f"{path}\n".encode() + path.read_bytes()).hexdigest()[:16]
    unique = f"attnbench_user_{digest}"  # an edited file is another module
    if unique not in sys.modules:
        _import_file(path, unique)
    return _attribute(sys.modules[unique], name, where=path.name)


def from_module(spec: str) -> nn.Module:
    """
    Make the model that `package.module:factory` or `./file.py:factory` names, without arguments.

    The working directory is importable meanwhile. ModelError if there is no such module, file or
    name, or what it makes is no torch module.
    """
    where, _, name = spec.rpartition(":")
    if not where or not name or (where.startswith(".") and not where.endswith(".py")):
        raise ModelError(
            f"{spec!r} names no model", hint="a model is PACKAGE.MODULE:FACTORY or FILE.py:FACTORY"
        )
    with _importable(Path.cwd()):
        factory = from_file(spec) if where.endswith(".py") else _imported(where, name)
        try:
            inspect.signature(factory).bind()
        except TypeError as error:
            raise ModelError(f"{spec} cannot be called without arguments: {error}") from error
        return as_module(factory(), source=spec)


def _imported(where: str, name: str) -> Factory:
    try:
        module = import_module(where)
    except (ImportError, SyntaxError) as error:
        raise ModelError(f"cannot import {where}: {error}") from error
    return _attribute(module, name, where=where)


def as_module(made: object, *, source: str) -> nn.Module:
    """`made` if it is a torch module; ModelError that names its source otherwise."""
    if not isinstance(made, nn.Module):
        raise ModelError(f"{source} makes a {type(made).__name__}, not a torch.nn.Module")
    return made


def _import_file(path: Path, unique: str) -> None:
    spec = spec_from_file_location(unique, path)
    if spec is None or spec.loader is None:
        raise ModelError(f"cannot import {path}")
    module = module_from_spec(spec)
    sys.modules[unique] = module
    imported = False
    try:
        with _importable(path.parent):
            spec.loader.exec_module(module)
        imported = True
    except (ImportError, SyntaxError) as error:
        raise ModelError(f"cannot import {path}: {error}") from error
    finally:
        if not imported:
            del sys.modules[unique]


def _attribute(module: ModuleType, name: str, *, where: str) -> Factory:
    found = getattr(module, name, None)
    if found is None:
        names = [n for n, value in vars(module).items() if callable(value) and n[0] != "_"]
        raise UnknownNameError(f"{where} has no {name!r}", name=name, known=names)
    if not callable(found):
        raise ModelError(f"{name} in {where} is a {type(found).__name__}, not a class")
    factory: Factory = found
    return factory


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
