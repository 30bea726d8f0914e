"""The functions of a module that may be compiled, with the reasons of those that are left alone.

Methods and nested functions are included. Left alone: generators and coroutines, functions that are decorated by or handed to another
compiler, and nested functions that rebind names of the function around them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from setuptools_polyopt.diagnostics import Diagnostic
from setuptools_polyopt.frontend.names import FunctionNode, all_arguments, bound, own_nodes
from setuptools_polyopt.frontend.resolution import Module
from setuptools_polyopt.frontend.spans import span_of

_COMPILERS = frozenset(
    {"numba", "jax", "torch", "tensorflow", "cupy", "cupyx", "taichi", "triton", "pythran", "transonic", "cython", "warp"}
)


@dataclass(frozen=True)
class Candidate:
    """One function. name: "Class.method", "outer.<locals>.inner"; enclosing: locals of the functions around it."""

    name: str
    node: ast.FunctionDef
    enclosing: frozenset[str]


def candidates(tree: ast.Module, module: Module, file: str) -> tuple[tuple[Candidate, ...], tuple[Diagnostic, ...]]:
    """Functions to compile in source order, and why others are not."""
    chosen: list[Candidate] = []
    reasons: list[Diagnostic] = []
    handed = handed_over(tree, module)
    for name, node, enclosing in _functions(tree.body, "", frozenset()):
        why = left_alone(node, module, handed)
        if why is not None or not isinstance(node, ast.FunctionDef):
            kind, message = why or ("coroutine", "coroutines stay Python")
            reasons.append(Diagnostic(span_of(file, node), kind, f"`{name}`: {message}"))
        else:
            chosen.append(Candidate(name, node, enclosing))
    return tuple(chosen), tuple(reasons)


def _functions(body: list[ast.stmt], prefix: str, enclosing: frozenset[str]) -> Iterator[tuple[str, FunctionNode, frozenset[str]]]:
    for statement in body:
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield prefix + statement.name, statement, enclosing
                own = frozenset(argument.arg for argument in all_arguments(statement)) | bound(statement.body)
                yield from _functions(statement.body, f"{prefix}{statement.name}.<locals>.", enclosing | own)
            case ast.ClassDef():
                yield from _functions(statement.body, f"{prefix}{statement.name}.", enclosing)
            case _:
                for inner in _blocks(statement):
                    yield from _functions(inner, prefix, enclosing)


def _blocks(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    """The statement lists inside a compound statement."""
    for _, value in ast.iter_fields(statement):
        if isinstance(value, list) and value:
            if isinstance(value[0], ast.stmt):
                yield value
            elif isinstance(value[0], ast.ExceptHandler | ast.match_case):
                yield from (part.body for part in value)


def left_alone(node: FunctionNode, module: Module, handed: frozenset[str]) -> tuple[str, str] | None:
    """Why a function is nothing to compile, as kind and message. handed: names given to other compilers."""
    if isinstance(node, ast.AsyncFunctionDef):
        return "coroutine", "coroutines stay Python"
    parts = list(own_nodes(node.body))
    if any(isinstance(part, ast.Yield | ast.YieldFrom) for part in parts):
        return "generator", "generators stay Python"
    for decorator in node.decorator_list:
        inner = decorator.func if isinstance(decorator, ast.Call) else decorator
        path = module.dotted(inner)
        if path is not None and path.split(".")[0] in _COMPILERS:
            return "other-compiler", f"it is compiled by {path.split('.')[0]}"
    if node.name in handed:
        return "other-compiler", "it is handed to another compiler"
    return None


def handed_over(tree: ast.Module, module: Module) -> frozenset[str]:
    """Names passed to a function of another compiler: `fast = numba.njit(slow)`, `numba.njit(cache=True)(slow)`."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            function = node.func.func if isinstance(node.func, ast.Call) else node.func
            path = module.dotted(function)
            if path is not None and path.split(".")[0] in _COMPILERS:
                found.update(argument.id for argument in node.args if isinstance(argument, ast.Name))
    return frozenset(found)
