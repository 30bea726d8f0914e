"""From a code object that runs to the function in the source: its key, its hash, and the attributes that it uses.

MonkeyType finds function objects by searching namespaces, which fails for nested functions and for decorators without
`__wrapped__`. The source is exact: a code object knows its file and first line, and the syntax tree knows what begins there.

    frame of code ("radar/stap.py", line 12, "weights")  ->  Function("radar.stap:Filter.weights", hash, (("self", "n"),))
"""

from __future__ import annotations

import ast
import warnings
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Any

from polyopt_profiler.project import Project
from setuptools_polyopt.profile.canonical import FunctionNode, definitions, function_hash

REWRITTEN = "= _polyopt_bind(__name__"
"""What the build writes into a module that it rewrote."""


@dataclass(frozen=True)
class Function:
    """A function of the project: the profile's `key`, the `hash` of its syntax, and `uses`, the pairs of a parameter and an
    attribute of it that the code reads or writes."""

    key: str
    hash: str
    uses: tuple[tuple[str, str], ...] = ()


class Sources:
    """Looks functions up; reads every file once."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._files: dict[Path, dict[tuple[int, str], tuple[str, FunctionNode]]] = {}

    def function(self, code: CodeType, namespace: dict[str, Any]) -> Function | None:
        """The function that `code` is the body of, or None for a lambda, a comprehension, a class body or a module."""
        found = self._definitions(Path(code.co_filename)).get((code.co_firstlineno, code.co_name))
        if found is None:
            return None
        name, node = found
        module = self._module(code, namespace)
        if not self._project.wants_module(module):
            return None
        node = self._original(code, module, name, node)
        return Function(f"{module}:{name}", function_hash(node), attribute_uses(node))

    def _module(self, code: CodeType, namespace: dict[str, Any]) -> str:
        name = namespace.get("__name__")
        if isinstance(name, str) and name != "__main__":
            return name
        specification = namespace.get("__spec__")  # set by `python -m`
        found = getattr(specification, "name", None)
        return found if isinstance(found, str) else self._project.module_at(code.co_filename)

    def _definitions(self, path: Path) -> dict[tuple[int, str], tuple[str, FunctionNode]]:
        if path not in self._files:
            self._files[path] = {}  # also where reading fails: not tried again
            self._files[path] = _by_position(path.read_bytes())
        return self._files[path]

    def _original(self, code: CodeType, module: str, name: str, node: FunctionNode) -> FunctionNode:
        """The function as its author wrote it, where a module that was rewritten by the build is running."""
        source = self._project.source_of(module)
        path = Path(code.co_filename)
        if source is None or REWRITTEN.encode() not in path.read_bytes():
            return node
        return next((other for found, other in self._definitions(source).values() if found == name), node)


def _by_position(text: bytes) -> dict[tuple[int, str], tuple[str, FunctionNode]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the program has been told about its escape sequences already
        tree = ast.parse(text)
    return {(_first_line(node), node.name): (name, node) for name, node in definitions(tree)}


def _first_line(node: FunctionNode) -> int:
    """The line that the code object begins at: that of the first decorator."""
    return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])


def attribute_uses(node: FunctionNode) -> tuple[tuple[str, str], ...]:
    """The (parameter, attribute) pairs in the body, sorted; attributes with double underscores are Python's own."""
    arguments = node.args
    names = {each.arg for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}
    found = set()
    for statement in node.body:
        for inner in ast.walk(statement):
            match inner:
                case ast.Attribute(value=ast.Name(id=name), attr=attribute) if name in names:
                    if not attribute.startswith("__"):
                        found.add((name, attribute))
    return tuple(sorted(found))
