"""Between IR expressions and isl functions.

`Affine` turns integer expressions over iterators and parameters into piecewise affine functions, and conditions into sets. An integer
expression that is not affine but depends on parameters and scalar inputs only (`n * m`, `n // m`) becomes a parameter of its own
(an *opaque* parameter); `Affine.opaque` holds what it stands for, and `ast_to_expr` puts it back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import islpy as isl

from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import (
    FALSE,
    TRUE,
    Binary,
    Cast,
    Compare,
    Const,
    Expr,
    Load,
    Reduce,
    Select,
    Sym,
    Unary,
    integer,
)
from setuptools_polyopt.ir.printer import print_expr
from setuptools_polyopt.ir.visitors import children
from setuptools_polyopt.polyhedral.spaces import ISL, Quotient, constant, variable


class NotAffine(Exception):
    """The expression is no affine function of iterators and parameters; the text is the printed expression."""


def _name(expr: Expr) -> str:
    """An opaque parameter's name; isl refuses those that look like numbers."""
    text = print_expr(expr)
    return f"({text})" if text[0] in "+-0123456789" else text


@dataclass
class Affine:
    """Conversions within one kernel.

    params: names of its parameters. inputs: its integer scalar inputs of rank 0. opaque: name -> expression, filled by `register`.
    """

    params: frozenset[str]
    inputs: frozenset[str]
    opaque: dict[str, Expr] = field(default_factory=dict)

    def register(self, expr: Expr) -> None:
        """Make every maximal opaque part of an integer or boolean expression a parameter."""
        for part in self._opaque_parts(expr):
            self.opaque.setdefault(_name(part), part)

    def _opaque_parts(self, expr: Expr) -> Iterator[Expr]:
        match expr:
            case Const() | Sym():
                return
            case Binary(op="add" | "sub" | "min" | "max" | "minimum" | "maximum") | Unary(op="neg") | Compare():
                pass
            case Binary(op="mul", left=left, right=right) if _literal(left) is not None or _literal(right) is not None:
                pass
            case Binary(op="floordiv" | "mod", right=right) if _literal(right):
                pass
            case Binary(op="and" | "or") | Unary(op="not") | Select():
                pass
            case Cast(dtype=DType.INT64, operand=operand) if operand.dtype is DType.INT64:
                pass
            case _ if expr.dtype is DType.INT64 and self._fixed(expr):
                yield expr
                return
            case _:
                return
        for child in children(expr):
            yield from self._opaque_parts(child)

    def _fixed(self, expr: Expr) -> bool:
        """Does the expression depend on parameters and integer inputs only?"""
        match expr:
            case Const():
                return True
            case Sym(name=name):
                return name in self.params
            case Load(array=array):
                return array in self.inputs
            case Reduce() | Binary(op="index"):
                return False
            case _:
                return expr.dtype.is_integer and all(self._fixed(child) for child in children(expr))

    def function(self, expr: Expr, space: isl.Space) -> isl.PwAff:
        """An integer expression as a function on a set space whose dimensions are named like the iterators. Raises NotAffine."""
        name = _name(expr)
        if name in self.opaque:
            return variable(space, name)
        match expr:
            case Const(value=value):
                return constant(space, int(value.real))
            case Sym(name=name):
                try:
                    return variable(space, name)
                except KeyError:
                    raise NotAffine(name) from None
            case Unary(op="neg", operand=operand):
                return self.function(operand, space).neg()
            case Cast(dtype=DType.INT64, operand=operand) if operand.dtype is DType.INT64:
                return self.function(operand, space)
            case Binary():
                return self._binary(expr, space)
            case Select(cond=cond, then=then, orelse=orelse):
                where = self.condition(cond, space)
                chosen = self.function(then, space).intersect_domain(where)
                return chosen.union_add(self.function(orelse, space).subtract_domain(where))
            case _:
                raise NotAffine(name)

    def _binary(self, expr: Binary, space: isl.Space) -> isl.PwAff:
        left = self.function(expr.left, space)
        right = self.function(expr.right, space)
        match expr.op:
            case "add":
                return left.add(right)
            case "sub":
                return left.sub(right)
            case "min" | "minimum":
                return left.min(right)
            case "max" | "maximum":
                return left.max(right)
            case "mul" if left.is_cst() or right.is_cst():
                return left.mul(right)
            case "floordiv" | "mod":
                divisor = _literal(expr.right)
                if divisor:
                    value = isl.Val(divisor, space.get_ctx())
                    quotient = (left if divisor > 0 else left.neg()).scale_down_val(value.abs()).floor()
                    return quotient if expr.op == "floordiv" else left.sub(quotient.scale_val(value))
        raise NotAffine(print_expr(expr))

    def condition(self, expr: Expr, space: isl.Space) -> isl.Set:
        """The points of a set space where a boolean expression holds. Raises NotAffine."""
        match expr:
            case Const(value=value):
                return isl.Set.universe(space) if value else isl.Set.empty(space)
            case Unary(op="not", operand=operand):
                return self.condition(operand, space).complement()
            case Binary(op="and" | "bitand", left=left, right=right):
                return self.condition(left, space).intersect(self.condition(right, space))
            case Binary(op="or" | "bitor", left=left, right=right):
                return self.condition(left, space).union(self.condition(right, space))
            case Compare(op=op, left=left, right=right) if left.dtype is DType.INT64:
                a, b = self.function(left, space), self.function(right, space)
                return getattr(a, f"{op}_set")(b)
            case _:
                raise NotAffine(print_expr(expr))


def _literal(expr: Expr) -> int | None:
    """The value of an integer literal (or its negation)."""
    match expr:
        case Const(value=value, dtype=dtype) if dtype.is_integer:
            return int(value.real)
        case Unary(op="neg", operand=operand):
            inner = _literal(operand)
            return None if inner is None else -inner
        case _:
            return None


_OPS = ISL.ast_expr_op_type
_ARITHMETIC = {
    _OPS.add: "add",
    _OPS.sub: "sub",
    _OPS.mul: "mul",
    _OPS.fdiv_q: "floordiv",
    _OPS.pdiv_q: "floordiv",
    _OPS.div: "floordiv",
    _OPS.pdiv_r: "mod",
    _OPS.zdiv_r: "mod",
    _OPS.min: "min",
    _OPS.max: "max",
}
_COMPARISONS = {_OPS.eq: "eq", _OPS.le: "le", _OPS.lt: "lt", _OPS.ge: "ge", _OPS.gt: "gt"}
_LOGIC = {_OPS.and_: "and", _OPS.and_then: "and", _OPS.or_: "or", _OPS.or_else: "or"}


def ast_to_expr(expr: isl.AstExpr, names: Mapping[str, Expr]) -> Expr:
    """An isl AST expression as IR; `names` replaces identifiers (opaque parameters). Conditions come out boolean, the rest int64."""
    kind = expr.get_type()
    if kind == ISL.ast_expr_type.int:
        return integer(int(expr.get_val().to_python()))
    if kind == ISL.ast_expr_type.id:
        name = expr.get_id().get_name()
        return names.get(name, Sym(name))
    operation = expr.get_op_type()
    args = [ast_to_expr(expr.get_op_arg(k), names) for k in range(expr.get_op_n_arg())]
    return _operation(operation, args)


def _operation(operation: Any, args: list[Expr]) -> Expr:
    if operation == _OPS.minus:
        return Unary("neg", args[0], DType.INT64)
    if operation in _COMPARISONS:
        return Compare(_COMPARISONS[operation], _as_int(args[0]), _as_int(args[1]))  # type: ignore[arg-type]
    if operation in _LOGIC:
        result = as_condition(args[0])
        for arg in args[1:]:
            result = Binary(_LOGIC[operation], result, as_condition(arg), DType.BOOL)  # type: ignore[arg-type]
        return result
    if operation in (_OPS.cond, _OPS.select):
        return Select(as_condition(args[0]), _as_int(args[1]), _as_int(args[2]), DType.INT64)
    if operation in _ARITHMETIC:
        result = _as_int(args[0])
        for arg in args[1:]:
            result = Binary(_ARITHMETIC[operation], result, _as_int(arg), DType.INT64)  # type: ignore[arg-type]
        return result
    raise TypeError(f"isl AST operation {operation}")


def as_condition(expr: Expr) -> Expr:
    """An int64 expression as a condition (not zero); a boolean one as it is."""
    if expr.dtype is DType.BOOL:
        return expr
    if isinstance(expr, Const):
        return TRUE if expr.value else FALSE
    return Compare("ne", expr, integer(0))


def _as_int(expr: Expr) -> Expr:
    return Cast(expr, DType.INT64) if expr.dtype is DType.BOOL else expr


def set_to_condition(domain: isl.Set, names: Mapping[str, Expr]) -> Expr:
    """A parameter set as a boolean expression."""
    build = isl.AstBuild.from_context(isl.Set.universe(domain.get_space()))
    return as_condition(ast_to_expr(build.expr_from_set(domain), names))


def function_to_expr(function: isl.PwAff, context: isl.Set, names: Mapping[str, Expr]) -> Expr:
    """A function of the parameters as an integer expression, right wherever `context` holds."""
    build = isl.AstBuild.from_context(context)
    return ast_to_expr(build.expr_from_pw_aff(function.gist(context)), names)


def quotient_to_expr(value: Quotient, names: Mapping[str, Expr]) -> Expr:
    """A function as read by `spaces.quotient`, with names replaced where `names` has them."""
    total: Expr = integer(value.constant)
    for factor, term in value.terms:
        part = names.get(term, Sym(term)) if isinstance(term, str) else quotient_to_expr(term, names)
        total = Binary("add", total, Binary("mul", integer(factor), part, DType.INT64), DType.INT64)
    return total if value.divisor == 1 else Binary("floordiv", total, integer(value.divisor), DType.INT64)
