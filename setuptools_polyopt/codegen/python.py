"""Expressions over parameters as Python text: what the plans in a wheel are written in.

    min(n - 1, i_tile + 31) + 1      ->  min(n - 1, i_tile + 31) + 1
    select(a > b, a, b)              ->  a if a > b else b
    cost.libm.sin()                  ->  cost["libm.sin"]

Integers stand for subscripts, bounds and conditions, of which somebody has proved that they stay far inside int64, so Python's own
arithmetic is theirs (`//` and `%` round towards minus infinity in both). Floats are estimates of work. Nothing here reads elements of
arrays; a scalar input is a name.
"""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Iterable

from setuptools_polyopt.codegen.names import sanitize
from setuptools_polyopt.exhaustive import assert_never
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import (
    Binary,
    Call,
    Cast,
    Compare,
    Const,
    Expr,
    Load,
    Product,
    Reduce,
    Select,
    Sym,
    Unary,
)

_INFIX = {
    "or": ("or", 1), "and": ("and", 2), "bitor": ("|", 5), "bitxor": ("^", 6), "bitand": ("&", 7), "shl": ("<<", 8), "shr": (">>", 8),
    "add": ("+", 9), "sub": ("-", 9), "mul": ("*", 10), "div": ("/", 10), "floordiv": ("//", 10), "mod": ("%", 10), "pow": ("**", 12),
}  # fmt: skip
_COMPARE = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!="}
_NOT, _TEST, _SIGN, _ATOM = 3, 4, 11, 13
_CALLS = {"min": "min", "max": "max", "minimum": "min", "maximum": "max"}


_OWN = {"<lo>": "lo", "<hi>": "hi"}
"""The ends of a chunk."""
COSTS = "cost"
"""Units of work by the name of a cost: the last parameter of estimates."""


def python_name(name: str) -> str:
    """The Python name of a parameter, iterator or scalar input: never a keyword, a builtin or a name of ours; different for different
    names."""
    stem = name.rstrip("_")
    taken = keyword.iskeyword(stem) or hasattr(builtins, stem) or stem in (*_OWN.values(), COSTS)
    return _OWN.get(name) or sanitize(f"{name}_" if taken else name)


def python_expression(expr: Expr, binds: int = 0) -> str:
    """The text of an expression, in parentheses where its surroundings bind as tightly as `binds`.

    Raises TypeError for one that reads array elements, fails or calls anything.
    """
    text, own = _text(expr)
    return f"({text})" if own < binds else text


def python_tuple(parts: Iterable[str]) -> str:
    """The texts as a tuple."""
    found = list(parts)
    return f"({found[0]},)" if len(found) == 1 else f"({', '.join(found)})"


def _text(expr: Expr) -> tuple[str, int]:
    """The text, and how tightly it binds."""
    match expr:
        case Const(value=value):
            if isinstance(value, complex):
                raise TypeError("a plan has no complex numbers")
            return repr(value), _ATOM if value >= 0 else _SIGN
        case Sym(name=name):
            return python_name(name), _ATOM
        case Load(array=array, indices=()):
            return python_name(array), _ATOM
        case Binary():
            return _binary(expr)
        case Compare(op=op, left=left, right=right):
            return f"{python_expression(left, _TEST + 1)} {_COMPARE[op]} {python_expression(right, _TEST + 1)}", _TEST
        case Select(cond=cond, then=then, orelse=orelse):
            return f"{python_expression(then, 1)} if {python_expression(cond, 1)} else {python_expression(orelse, 1)}", 0
        case Unary(op="neg", operand=operand, checked=False):
            return f"-{python_expression(operand, _SIGN)}", _SIGN
        case Unary(op="not", operand=operand):
            return f"not {python_expression(operand, _NOT)}", _NOT
        case Unary(op="abs", operand=operand, checked=False):
            return f"abs({python_expression(operand)})", _ATOM
        case Cast(operand=operand, dtype=dtype, checked=False) if not dtype.is_complex:
            kind = "bool" if dtype is DType.BOOL else "float" if dtype.is_float else "int"
            return f"{kind}({python_expression(operand)})", _ATOM
        case Call(function=function, args=()) if function.startswith("cost."):
            return f'{COSTS}["{function.removeprefix("cost.")}"]', _ATOM
        case Load() | Unary() | Cast() | Call() | Reduce() | Product():
            raise TypeError("a plan neither reads elements nor fails nor calls")
        case _:
            assert_never(expr)


def _binary(expr: Binary) -> tuple[str, int]:
    if expr.checked:
        raise TypeError("a plan does not fail")
    if expr.op in _CALLS:
        return f"{_CALLS[expr.op]}({', '.join(map(python_expression, _operands(expr, expr.op)))})", _ATOM
    sign, own = _INFIX[expr.op]
    if expr.op == "pow":
        return f"{python_expression(expr.left, own + 1)} ** {python_expression(expr.right, own)}", own
    associative = expr.op in ("and", "or")
    return f"{python_expression(expr.left, own)} {sign} {python_expression(expr.right, own if associative else own + 1)}", own


def _operands(expr: Expr, op: str) -> list[Expr]:
    """The operands of nested minima (or maxima)."""
    if isinstance(expr, Binary) and expr.op == op and not expr.checked:
        return [*_operands(expr.left, op), *_operands(expr.right, op)]
    return [expr]
