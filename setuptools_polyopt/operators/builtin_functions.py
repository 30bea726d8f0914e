"""Builtins on scalars: abs, min, max, pow, round, int, float, bool, complex."""

from __future__ import annotations

from collections.abc import Sequence

from setuptools_polyopt.diagnostics import Span, unsupported
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Cast, Unary
from setuptools_polyopt.operators import build, conversions, numpy_scalars, python_scalars
from setuptools_polyopt.operators.intervals import to_integer
from setuptools_polyopt.operators.scalars import binary, compare, select
from setuptools_polyopt.operators.values import Operand, cast, python, scalar

FUNCTIONS = frozenset({"abs", "min", "max", "pow", "round", "int", "float", "bool", "complex"})


def call(name: str, args: Sequence[Operand], span: Span) -> Operand:
    """`NAME(*args)` on scalars; Unsupported for arrays, iterables and argument counts that are left out."""
    if name not in FUNCTIONS:
        raise unsupported(span, "function", f"the builtin {name} is not supported")
    if any(arg.array for arg in args):
        raise unsupported(span, "array-argument", f"the builtin {name} of an array is not supported")
    match name, len(args):
        case ("min" | "max"), count if count >= 2:
            best = args[0]
            for arg in args[1:]:
                best = select(compare("lt" if name == "min" else "gt", arg, best, span).expr, arg, best, span)
            return best
        case "pow", 2:
            return binary("Pow", args[0], args[1], span)
        case "complex", 2:
            return python(build.pack(conversions.to_float(args[0], span), conversions.to_float(args[1], span)))
        case ("abs" | "round" | "int" | "float" | "bool" | "complex"), 1:
            return _one(name, args[0], span)
        case _:
            raise unsupported(span, "arguments", f"{name} with {len(args)} arguments is not supported")


def _one(name: str, arg: Operand, span: Span) -> Operand:
    match name:
        case "abs" if arg.type.box == "python":
            return python(python_scalars.absolute(arg.expr))
        case "abs":
            return scalar(numpy_scalars.absolute(arg))
        case "int":
            return python(conversions.to_int(arg, span))
        case "float":
            return python(conversions.to_float(arg, span))
        case "bool":
            return python(conversions.truth(arg, span))
        case "complex":
            return python(cast(arg.expr, DType.COMPLEX128))
        case _:
            return _round(arg, span)


def _round(arg: Operand, span: Span) -> Operand:
    """`round(x)`: a Python int, half to even."""
    dtype = arg.dtype
    if dtype.is_complex or (dtype is DType.BOOL and arg.type.box != "python"):
        raise unsupported(span, "operator-type", f"round() of {dtype.value} is not supported")
    if dtype.is_float:
        return python(Cast(Unary("rint", arg.expr, dtype), DType.INT64, checked=True))
    return python(to_integer(arg.expr, DType.INT64))


