"""Runs of statements: how far the lowering gets from a statement on, and closing a run into a region's kernel.

A statement that is not understood ends the run and leaves no trace in it.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from setuptools_polyopt.diagnostics import Diagnostic, Span, Unsupported, unsupported
from setuptools_polyopt.frontend import outputs
from setuptools_polyopt.frontend.context import Context, Function
from setuptools_polyopt.frontend.expressions import evaluate
from setuptools_polyopt.frontend.finish import Lowered, finish
from setuptools_polyopt.frontend.lists import Wider
from setuptools_polyopt.frontend.names import bound, function_names
from setuptools_polyopt.frontend.pytypes import ArrayType, Binding, Env, ListType, NoneType, PyType, UnknownType
from setuptools_polyopt.frontend.single_exit import single_exit
from setuptools_polyopt.frontend.spans import span_of
from setuptools_polyopt.frontend.statements import lower, lower_block
from setuptools_polyopt.frontend.values import (
    ArrayValue,
    ConflictValue,
    ListValue,
    NoneValue,
    ObjectValue,
    PendingValue,
    ScalarValue,
    TupleValue,
    Value,
)
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import integer
from setuptools_polyopt.ir.kernel import GlobalGuard
from setuptools_polyopt.operators.values import ScalarType

_T = TypeVar("_T")


@dataclass(frozen=True)
class Step:
    """One understood statement: loops, array operations and, outside of these, accesses to elements that it holds, and the types
    behind it."""

    explicit: int
    nests: int
    elements: int
    after: Env


@dataclass(frozen=True)
class Run:
    """The understood statements from a place on; `stopped` says why it ends, None at the end of the list."""

    steps: tuple[Step, ...]
    stopped: Diagnostic | None


@dataclass(frozen=True)
class Closed:
    """A run as a region's content, for one type signature."""

    statements: tuple[ast.stmt, ...]
    span: Span
    lowered: Lowered
    globals: tuple[GlobalGuard, ...]
    steady: frozenset[str]
    returns: bool
    returns_tuple: bool
    form: str = ""


def longest_run(function: Function, env: Env, body: Sequence[ast.stmt]) -> Run:
    """Lower statements until one is not understood."""
    return _with_wider_lists(lambda ctx: _longest_run(ctx, env, body), function, env)


def _with_wider_lists(lower_all: Callable[[Context], _T], function: Function, env: Env) -> _T:
    """Lower again where a list of integers turns out to get floats, too."""
    wider: dict[int, DType] = {}
    while True:
        try:
            return lower_all(Context(function, env, evaluate, lower_block, wider=wider))
        except Wider as found:
            wider[found.origin] = found.dtype


def _longest_run(ctx: Context, env: Env, body: Sequence[ast.stmt]) -> Run:
    steps: list[Step] = []
    types = dict(env)
    for node in body:
        restore = ctx.state.checkpoint()
        explicit, nests = ctx.state.explicit, ctx.state.nests
        try:
            if isinstance(node, ast.Return):
                outputs.returned(ctx, node)
            else:
                lower(ctx, node)
            if ctx.state.ended:
                raise unsupported(ctx.span(node), "raise", "a statement that always raises stays Python")
        except Unsupported as error:
            restore()
            return Run(tuple(steps), error.diagnostic)
        types = types_after(ctx, node, types)
        explicit, nests = ctx.state.explicit - explicit, ctx.state.nests - nests
        steps.append(Step(explicit, nests, 0 if explicit or nests else _elements(node), types))
        if isinstance(node, ast.Return):
            break
    return Run(tuple(steps), None)


def close(function: Function, env: Env, statements: Sequence[ast.stmt]) -> Closed:
    """Lower exactly these statements and their outputs; raises Unsupported."""
    return _with_wider_lists(lambda ctx: _close(ctx, function, statements), function, env)


def close_tail(function: Function, node: ast.FunctionDef, env: Env, statements: Sequence[ast.stmt]) -> Closed:
    """Lower statements up to the end of the function `node`, which may return anywhere in them; raises Unsupported."""
    span = _span(function.file, statements[0], statements[-1])
    whole = copy.copy(node)
    whole.body = [*statements]
    plain = single_exit(whole)
    if plain is None:
        raise unsupported(span, "return", "it returns in too many places")
    if function.names.live[id(statements[-1])] & bound(statements):  # of what lives on when the function has returned
        raise unsupported(span, "closure", "a function that is defined here sees names that these statements bind")
    names = function_names(plain)
    within = replace(names, locals=names.locals | function.names.locals, shared=function.names.shared)
    return replace(close(replace(function, names=within), env, plain.body), statements=tuple(statements), span=span)


def _close(ctx: Context, function: Function, statements: Sequence[ast.stmt]) -> Closed:
    first, last = statements[0], statements[-1]
    returns = isinstance(last, ast.Return)
    span = _span(function.file, first, last)
    for node in statements[:-1] if returns else statements:
        lower(ctx, node)
    if isinstance(last, ast.Return):
        results = outputs.returned(ctx, last)
    else:
        results = outputs.collect(ctx, function.names.live[id(last)], span)
    lowered = finish(ctx.state, results.outputs, "kernel", span)
    steady = frozenset(ctx.state.steady)
    return Closed(tuple(statements), span, lowered, tuple(ctx.state.globals), steady, returns, results.as_tuple, results.form)


def _span(file: str, first: ast.stmt, last: ast.stmt) -> Span:
    start, end = span_of(file, first), span_of(file, last)
    return Span(file, start.line, start.column, end.end_line, end.end_column)


def _elements(node: ast.stmt) -> int:
    """How many elements a plain statement reads and writes, at about fifty nanoseconds each in Python."""
    if not isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign | ast.Return):
        return 0
    return sum(isinstance(part, ast.Subscript) for part in ast.walk(node))


def types_after(ctx: Context, node: ast.stmt, types: Env) -> dict[str, Binding]:
    """The expected types of names behind an understood statement."""
    result = dict(types)
    for name in definitely_bound([node]) | frozenset(ctx.state.bound):
        if name in ctx.state.env and name in ctx.state.bound:
            old = result.get(name)
            definite = name in definitely_bound([node]) or (old is not None and old.definite)
            result[name] = Binding(type_of(ctx.state.env[name]), definite)
    return result


def expression_type(function: Function, env: Env, node: ast.expr) -> PyType:
    """The type of an understood expression; raises Unsupported."""
    return _with_wider_lists(lambda ctx: type_of(ctx.expr(node)), function, env)


def type_of(value: Value) -> PyType:
    """The type that a lowered value would have outside."""
    match value:
        case PendingValue(after=after):
            return type_of(after)
        case ScalarValue(type=kind):
            return ScalarType("numpy", kind.dtype) if kind.box == "mixed" else kind
        case ArrayValue(dtype=dtype, extents=extents):
            return ArrayType(dtype, len(extents), tuple(axis for axis, extent in enumerate(extents) if extent == integer(1)))
        case ListValue(view=view, box=box, frozen=frozen):
            return ListType(view.dtype, view.rank, box, "tuple" if frozen else "list")
        case TupleValue(items=items):
            return _type_of_tuple(items)
        case NoneValue():
            return NoneType()
        case ConflictValue(reason=reason):
            return UnknownType(reason.message)
        case ObjectValue():
            return UnknownType("it is another name of an object")
        case _:
            return UnknownType()


def _type_of_tuple(items: Sequence[Value]) -> PyType:
    found = {type_of(item) for item in items}
    inner = found.pop() if len(found) == 1 else None
    if isinstance(inner, ScalarType) and inner.box == "python":
        return ListType(inner.dtype, 1, "python", "tuple", (len(items),))
    return UnknownType("a tuple of anything but numbers of one type is not supported")


def definitely_bound(body: Sequence[ast.stmt]) -> frozenset[str]:
    """Names that have a value whenever control comes out of the statements at their end."""
    found: frozenset[str] = frozenset()
    for node in body:
        match node:
            case ast.If():
                if leaves(node.body):
                    found |= definitely_bound(node.orelse)
                elif leaves(node.orelse):
                    found |= definitely_bound(node.body)
                else:
                    found |= definitely_bound(node.body) & definitely_bound(node.orelse)
            case ast.With() | ast.AsyncWith():
                pass  # a context manager may swallow an exception
            case ast.Delete():
                found -= bound([node])
            case ast.AnnAssign(value=None):
                pass
            case ast.Assign() | ast.AnnAssign() | ast.AugAssign() | ast.Import() | ast.ImportFrom() | ast.FunctionDef() | ast.ClassDef():
                found |= bound([node])
            case _:
                pass
    return found


def leaves(body: Sequence[ast.stmt]) -> bool:
    """Whether control never comes out of the statements at their end."""
    for node in body:
        match node:
            case ast.Return() | ast.Raise() | ast.Break() | ast.Continue():
                return True
            case ast.If() if leaves(node.body) and leaves(node.orelse):
                return True
            case _:
                pass
    return False
