"""The order of evaluation where part of an expression has an effect: a call of the project's own code may write what was read before it.

A scalar is an expression that the kernel evaluates where a statement stores it. That is as good as evaluating it where it stands, unless
the parts that Python evaluates later have emitted statements that write what it reads: then it is stored before these.

    a[0] + bump(a)     ->     S0: t = a[0]
                              ... the statements of bump ...
                              (t + return)
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import replace

from setuptools_polyopt.diagnostics import Span
from setuptools_polyopt.frontend.context import Context
from setuptools_polyopt.frontend.shapes import Group
from setuptools_polyopt.frontend.values import ScalarValue, Value
from setuptools_polyopt.ir.expressions import Expr, Load
from setuptools_polyopt.ir.statements import Assign, walk
from setuptools_polyopt.ir.visitors import walk_expr


def evaluated(ctx: Context, nodes: Sequence[ast.expr]) -> tuple[Value, ...]:
    """The values of expressions that Python evaluates one after the other."""
    found = []
    for node in nodes:
        value = ctx.expr(node)
        found.append((value, here(ctx)))
    kept = [keep(ctx, value, place, ctx.span(node)) for node, (value, place) in reversed([*zip(nodes, found, strict=True)])]
    return tuple(reversed(kept))


def here(ctx: Context) -> int:
    """The place behind the statements so far."""
    return len(ctx.state.blocks[-1])


def keep(ctx: Context, value: Value, place: int, span: Span) -> Value:
    """A value that was evaluated at `place`: stored there if what was emitted since writes what it reads."""
    if place == here(ctx):
        return value
    if isinstance(value, Group):
        return replace(value, items=tuple(keep(ctx, item, place, span) for item in value.items))
    if not isinstance(value, ScalarValue):
        return value
    since = walk(tuple(ctx.state.blocks[-1][place:]))
    written = {statement.target.array for statement in since if isinstance(statement, Assign)}
    tag = value.type.tag
    if not (written & _read(value.expr) or (tag is not None and written & _read(tag))):
        return value
    kind = value.type
    if tag is not None:
        copy = ctx.state.scratch(tag.dtype)
        ctx.state.tags[copy.array] = None
        kind = replace(kind, tag=_stored(ctx, copy, tag, place, span))
    return ScalarValue(kind, _stored(ctx, ctx.state.scratch(kind.dtype), value.expr, place, span), None, value.narrow)


def _stored(ctx: Context, target: Load, value: Expr, place: int, span: Span) -> Load:
    ctx.state.blocks[-1].insert(place, Assign(target, value, span))
    return target


def _read(expr: Expr) -> set[str]:
    return {node.array for node in walk_expr(expr) if isinstance(node, Load)}
