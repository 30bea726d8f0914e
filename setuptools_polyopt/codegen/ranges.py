"""How large the integers of an expression can become, from the ranges of the parameters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Binary, Const, Expr, Sym, Unary
from setuptools_polyopt.ir.kernel import Param
from setuptools_polyopt.ir.visitors import children

_UNKNOWN = 2**40


def fits_int64(expr: Expr, params: Iterable[Param]) -> bool:
    """Whether no int64 term of the expression, however the parameters lie in their ranges, leaves int64 (a safe bound, not exact)."""
    sizes = {param.name: max(abs(param.minimum), abs(param.maximum)) for param in params}
    return _largest(expr, sizes) < 2**63


def _largest(expr: Expr, sizes: Mapping[str, int]) -> int:
    """The largest bound of any integer term inside the expression."""
    return max((_magnitude(expr, sizes), *(_largest(child, sizes) for child in children(expr))), default=0)


def _magnitude(expr: Expr, sizes: Mapping[str, int]) -> int:
    """A bound of the absolute value; zero for what is no integer term."""
    if expr.dtype is not DType.INT64:
        return 0
    match expr:
        case Const(value=int() | bool() as value):
            return abs(int(value))
        case Sym(name=name):
            return sizes.get(name, _UNKNOWN)
        case Unary(operand=operand):
            return _magnitude(operand, sizes)
        case Binary(op=op, left=left, right=right):
            a, b = _magnitude(left, sizes), _magnitude(right, sizes)
            return {"add": a + b, "sub": a + b, "mul": a * b, "floordiv": a, "mod": b}.get(op, max(a, b))
        case _:
            return max((_magnitude(child, sizes) for child in children(expr)), default=0)
