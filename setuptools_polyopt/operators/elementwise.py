"""The room's front desk for elementwise operations: operators and functions on typed operands (see the package's docstring).

Arrays go to `ufuncs`, NumPy scalars to `numpy_scalars`, Python numbers to `python_scalars`; mixed boxes are worked out both ways.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from setuptools_polyopt.diagnostics import Span, unsupported
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Call, CompareOp, Expr
from setuptools_polyopt.ir.visitors import walk_expr
from setuptools_polyopt.operators import boxes, build, builtin_functions, mathematics, numpy_functions, scalars, ufuncs
from setuptools_polyopt.operators.conversions import convert, convert_in_place, same_scalar, truth
from setuptools_polyopt.operators.values import Operand, python

__all__ = [
    "binary", "boolean", "call", "compare", "conditional", "convert", "convert_in_place", "needs_unit_stride", "same_scalar", "truth",
    "unary", "unit_stride_arguments",
]  # fmt: skip

_COMPARE: dict[str, CompareOp] = {"Lt": "lt", "LtE": "le", "Gt": "gt", "GtE": "ge", "Eq": "eq", "NotEq": "ne"}


def binary(op: str, left: Operand, right: Operand, fp: str, span: Span) -> Operand:
    """`left op right`; op: class name of the `ast` operator. Raises Unsupported."""
    if op not in ufuncs.OPERATOR_UFUNCS:
        raise unsupported(span, "operator", f"the operator {op} is not supported")

    def one(a: Operand, b: Operand) -> Operand:
        if a.array or b.array:
            return ufuncs.ufunc(ufuncs.OPERATOR_UFUNCS[op], (a, b), fp, span, operator=True)
        return scalars.binary(op, a, b, span)

    return boxes.each_box((left, right), one, span)


def unary(op: str, operand: Operand, span: Span) -> Operand:
    """`op operand`; op: "UAdd", "USub", "Invert", "Not" (a Python bool; Unsupported for arrays)."""
    if op == "Not":
        return python(build.negation(truth(operand, span)))

    def one(value: Operand) -> Operand:
        if value.array:
            return ufuncs.ufunc(ufuncs.OPERATOR_UFUNCS[op], (value,), "strict", span)
        return scalars.unary(op, value, span)

    return boxes.each_box((operand,), one, span)


def compare(op: str, left: Operand, right: Operand, span: Span) -> Operand:
    """One comparison; op: class name of the `ast` operator (`in`, `is` are Unsupported)."""
    if op not in _COMPARE:
        raise unsupported(span, "operator", f"the comparison {op} is not supported")

    def one(a: Operand, b: Operand) -> Operand:
        if a.array or b.array:
            name = {"lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal", "eq": "equal", "ne": "not_equal"}
            return ufuncs.ufunc(name[_COMPARE[op]], (a, b), "strict", span)
        return scalars.compare(_COMPARE[op], a, b, span)

    return boxes.each_box((left, right), one, span)


def boolean(op: str, left: Operand, right: Operand, span: Span) -> Operand:
    """`left and right`, `left or right` with Python's value: one of the operands, which must have one dtype."""
    if left.array or right.array:
        raise unsupported(span, "array-truth", "the truth of an array is ambiguous")
    first = truth(left, span)
    if left.dtype is DType.BOOL and left.type == right.type and left.type.box != "mixed":
        form = build.both if op == "And" else build.either
        return Operand(form(left.expr, right.expr), left.type)
    then, orelse = (right, left) if op == "And" else (left, right)
    return scalars.select(first, then, orelse, span)


def conditional(test: Operand, then: Operand, orelse: Operand, span: Span) -> Operand:
    """`then if test else orelse` of scalars."""
    if then.array or orelse.array:
        raise unsupported(span, "array-conditional", "a conditional expression of arrays is not supported")
    return scalars.select(truth(test, span), then, orelse, span)


def call(path: str, args: Sequence[Operand], kwargs: Mapping[str, Operand], fp: str, span: Span) -> Operand:
    """An elementwise function; path: canonical dotted path. Raises Unsupported for keyword arguments and unknown functions."""
    if kwargs:
        raise unsupported(span, "keyword-argument", f"{path} with the argument {sorted(kwargs)[0]}= is not supported")
    room, _, name = path.partition(".")

    def one(*values: Operand) -> Operand:
        match room:
            case "math":
                return mathematics.call(name, values, span)
            case "builtins":
                return builtin_functions.call(name, values, span)
            case "numpy" if name in numpy_functions.FUNCTIONS:
                return numpy_functions.call(name, values, span)
            case "numpy":
                return ufuncs.ufunc(name, values, fp, span)
            case _:
                raise unsupported(span, "function", f"{path} is not supported")

    return boxes.each_box(args, one, span)


def unit_stride_arguments(expr: Expr) -> tuple[Expr, ...]:
    """Operands of complex products, squares and sizes in the expression: NumPy's bits are promised only where these (arrays) advance by
    one element in NumPy's innermost loop, so views with another stride there must stay NumPy's."""
    calls = (node for node in walk_expr(expr) if isinstance(node, Call))
    return tuple(arg for call in calls for arg in call.args if needs_unit_stride(call.function, arg.dtype))


def needs_unit_stride(function: str, dtype: DType) -> bool:
    """Whether kernels give that loop of NumPy ("numpy.square") operands of that type without gaps only."""
    return function in ufuncs.UNIT_STRIDE_LOOPS and dtype.is_complex
