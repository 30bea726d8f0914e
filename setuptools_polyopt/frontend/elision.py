"""Products whose operands NumPy swaps: complex arrays times a large temporary.

NumPy reuses a temporary of 256 KiB or more for the result of an operation. Where that is the right operand, `a * t` is computed as
`t *= a`, and a fused complex product rounds its imaginary part by the order of its operands. Whether it happens depends on how that
NumPy was built, so larger products are the original statements'.

    a * (b + c)     ->     as any product, and the guard `float64(n) * float64(m) < 16384` (complex128)
"""

from __future__ import annotations

import ast

from setuptools_polyopt.diagnostics import Span, unsupported
from setuptools_polyopt.frontend.affine import free_symbols
from setuptools_polyopt.frontend.context import Context
from setuptools_polyopt.frontend.values import ArrayValue, ScalarValue, Value
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Binary, Cast, Compare, Const, Expr, integer

_ELIDED_BYTES = 256 * 1024
_ITEM_BYTES = {DType.COMPLEX64: 8, DType.COMPLEX128: 16}
_HELD = (ast.Name, ast.Attribute, ast.Subscript)


def keep_order(ctx: Context, node: ast.BinOp, left: Value, right: Value, span: Span) -> None:
    """Make sure that NumPy multiplies in the order of the source; raises Unsupported where the size of the temporary cannot be told."""
    if not isinstance(node.op, ast.Mult) or ctx.function.fp == "fast" or not _temporary(node.right, right):
        return
    assert isinstance(right, ArrayValue)
    if (_temporary(node.left, left) and not _called(ctx, node.left) and _alike(left, right)) or _is_exact(left):
        return
    elements: Expr = Const(1.0, DType.FLOAT64)
    for extent in map(ctx.state.largest, right.extents):
        form = ctx.state.form(extent)
        if form is None or free_symbols(form) & {loop.var for loop in ctx.state.loops}:
            raise unsupported(span, "complex-product", "the size of a complex temporary is not known before its loop", "name the temporary")
        factor = Cast(extent, DType.FLOAT64)
        elements = factor if isinstance(elements, Const) else Binary("mul", elements, factor, DType.FLOAT64)
    limit = Const(float(_ELIDED_BYTES // _ITEM_BYTES[right.dtype]), DType.FLOAT64)
    ctx.state.hold(Compare("lt", elements, limit), "NumPy would multiply a larger complex temporary in place, operands swapped", span)


def _temporary(node: ast.expr, value: Value) -> bool:
    """Whether nothing but the expression itself holds the (complex) array."""
    return isinstance(value, ArrayValue) and value.dtype in _ITEM_BYTES and not isinstance(node, _HELD)


def _called(ctx: Context, node: ast.expr) -> bool:
    """Whether a value comes out of a function that may hold it: one of the project's."""
    return isinstance(node, ast.Call) and not (ctx.function.module.dotted(node.func) or "").startswith("numpy.")


def _alike(left: Value, right: ArrayValue) -> bool:
    """Whether NumPy would reuse the left operand first: one of the result's shape and type."""
    if not isinstance(left, ArrayValue) or left.dtype is not right.dtype or left.rank != right.rank:
        return False
    pairs = zip(left.extents, right.extents, strict=True)
    return all((a == integer(1)) == (b == integer(1)) for a, b in pairs)


def _is_exact(left: Value) -> bool:
    """A real constant that no product with it underflows: the order makes no difference then."""
    if not isinstance(left, ScalarValue) or not isinstance(left.expr, Const) or isinstance(left.expr.value, complex):
        return False
    return abs(left.expr.value) >= 1
