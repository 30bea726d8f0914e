"""The rank of an array argument, as far as the body of the function shows it.

    n, m = a.shape        ->   2
    a[i, j], a[i][j]      ->   at least 2
    a.shape[1]            ->   at least 2
"""

from __future__ import annotations

import ast

from setuptools_polyopt.frontend.names import FunctionNode


def inferred_rank(node: FunctionNode, name: str) -> int | None:
    """The rank that the uses of the argument `name` suggest, None where they suggest nothing."""
    least = 0
    for part in ast.walk(node):
        match part:
            case ast.Assign(targets=[ast.Tuple(elts=elts)], value=ast.Attribute(value=ast.Name(id=used), attr="shape")) if used == name:
                return len(elts)
            case ast.Subscript(value=ast.Attribute(value=ast.Name(id=used), attr="shape"), slice=ast.Constant(value=int() as axis)):
                if used == name and axis >= 0:
                    least = max(least, axis + 1)
            case ast.Subscript():
                least = max(least, _indices(part, name))
            case _:
                pass
    return least or None


def _indices(node: ast.Subscript, name: str) -> int:
    """How many axes a subscript of the name speaks of; 0 for subscripts of something else."""
    count = 0
    current: ast.expr = node
    while isinstance(current, ast.Subscript):
        items = current.slice.elts if isinstance(current.slice, ast.Tuple) else [current.slice]
        count += sum(not (isinstance(item, ast.Constant) and item.value in (None, ...)) and not _newaxis(item) for item in items)
        current = current.value
    return count if isinstance(current, ast.Name) and current.id == name else 0


def _newaxis(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "newaxis"
