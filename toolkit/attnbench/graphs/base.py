"""What is known of a graph, whatever its format, and what can be done to the file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from attnbench.records import Artifact

Content = bytes | Mapping[str, bytes]
"""What is in a file, or in the files of a folder by their paths in it."""


@dataclass(frozen=True, slots=True)
class Node:
    """
    One operator: what it is called, its kind, the module that called it, and its values.

    `path` is None where nobody knows. Constants are no inputs. `root` is the module of the operator
    itself where one of another module may have been fused behind it.
    """

    name: str
    operator: str
    path: str | None
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    root: str | None = None


@dataclass(frozen=True, slots=True)
class Graph:
    """
    The operators in execution order, and the names of what goes in and comes out.

    `shapes` has the values of numbers whose shape the file tells. `channels_last` says that feature
    maps in it may be (N, H, W, C).
    """

    nodes: tuple[Node, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    shapes: Mapping[str, tuple[int, ...]]
    channels_last: bool = True

    def fixed(self) -> frozenset[str]:
        """The values that are made of constants alone, as weights of fewer bits are."""
        found: set[str] = set()
        for node in self.nodes:
            if found.issuperset(node.inputs):
                found.update(node.outputs)
        return frozenset(found)


class Editor(Protocol):
    """
    An artifact's file, read once. An edit is the content of a new file.

    What enters and leaves an edited file is float32 as in the artifact: values of fewer bits are
    converted by operators of the format's own.
    """

    graph: Graph

    def __init__(self, artifact: Artifact) -> None: ...

    def observed(self, values: Sequence[str]) -> Content:
        """The same file with values as further outputs, after its own and in their order."""

    def cut(self, inputs: Sequence[str], outputs: Sequence[str]) -> Content:
        """The part that makes `outputs` of `inputs`, with the file's own weights."""


def put(path: Path, content: Content) -> None:
    """Write what is in a file, or in a folder."""
    if isinstance(content, bytes):
        path.write_bytes(content)
        return
    for name, part in content.items():
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(part)


def needed(nodes: Sequence[Node], inputs: Sequence[str], outputs: Sequence[str]) -> list[int]:
    """Which nodes make `outputs` of `inputs`, in their order."""
    wanted, kept = set(outputs), []
    for at in reversed(range(len(nodes))):
        if wanted & (set(nodes[at].outputs) - set(inputs)):
            kept.append(at)
            wanted |= set(nodes[at].inputs)
    return kept[::-1]


def placed(nodes: Iterable[Node]) -> tuple[Node, ...]:
    """
    The nodes, those of unknown origin in the module of what reads them first.

    Such nodes were put in by somebody who is not the exporter.
    """
    done: list[Node] = []
    readers: dict[str, str | None] = {}
    for node in reversed(list(nodes)):
        if node.path is None:
            path = next((readers[one] for one in node.outputs if one in readers), None)
            node = replace(node, path=path)
        readers |= dict.fromkeys(node.inputs, node.path)
        done.append(node)
    return tuple(done[::-1])
