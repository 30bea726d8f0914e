"""Products of matrices and vectors: `a @ b`, `np.dot(a, b)`.

Integers become loops. Floating-point products are NumPy's own (BLAS) in strict mode, which the operators say with the reason.

    a @ b     ->     for i0, i1: t[i0, i1] = 0
                     for i0, i1, i2: t[i0, i1] = t[i0, i1] + a[i0, i2] * b[i2, i1]
"""

from __future__ import annotations

from setuptools_polyopt.diagnostics import Span, unsupported
from setuptools_polyopt.frontend import arrays
from setuptools_polyopt.frontend.context import Context
from setuptools_polyopt.frontend.values import ArrayValue, ScalarValue, Value
from setuptools_polyopt.ir.expressions import Expr, Load, integer
from setuptools_polyopt.ir.statements import Assign
from setuptools_polyopt.operators.contractions import contraction
from setuptools_polyopt.operators.values import Operand, ScalarType, element


def product(ctx: Context, left: Value, right: Value, span: Span, path: str = "operator.matmul") -> Value:
    """The value of a product: of two vectors a scalar, else an array; raises Unsupported."""
    if not isinstance(left, ArrayValue) or not isinstance(right, ArrayValue):
        raise unsupported(span, "contraction", "a matrix product needs two arrays")
    rule = contraction(path, _probe(left), _probe(right), ctx.function.fp, span)
    vectors_only = path.endswith(("inner", "vdot"))
    if max(left.rank, right.rank) > (1 if vectors_only else 2):
        raise unsupported(span, "contraction", "products of arrays of this rank are not supported")
    depth = left.extents[-1]
    ctx.state.assume_equal(depth, right.extents[0], "the extents that are summed over", span)
    rows, columns = left.extents[:-1], right.extents[1:]
    extents = (*rows, *columns)
    target: ArrayValue | Load = ctx.state.temporary("t", rule.dtype, extents) if extents else ctx.state.scratch(rule.dtype)
    with arrays.nest(ctx, extents, span) as indices:
        arrays.store(ctx, _place(target, indices), rule.init, span)
    with arrays.nest(ctx, (*extents, depth), span) as indices:
        k, outer = indices[-1], indices[:-1]
        a = left.read((*outer[: len(rows)], k))
        b = right.read((k, *outer[len(rows) :]))
        place = _place(target, outer)
        ctx.state.emit(Assign(place, rule.combine(place, a, b), span, free=rule.dtype.kind in "fc"))
    return ScalarValue(ScalarType("numpy", target.dtype), target) if isinstance(target, Load) else target


def _probe(value: ArrayValue) -> Operand:
    return element(value.read(tuple(integer(0) for _ in value.extents)))


def _place(target: ArrayValue | Load, indices: tuple[Expr, ...]) -> Load:
    return target if isinstance(target, Load) else target.load(indices)
