"""Integer linear forms: the arithmetic of subscripts, bounds and extents.

An `Affine` is `constant + sum(coefficient * atom)`. An atom is a symbol of the kernel or an integer expression that isl can still
describe (`n // 2`, `min(i, n)`); equal forms are equal objects, so `n - 1 + 1` and `n` are seen to be the same extent.

    i + 1 + n - i      ->   Affine({n: 1}, 1)
    i * n              ->   None: not affine

Non-goals: proofs about forms are `prover`'s, wrapped or checked arithmetic the operators'.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Binary, Compare, CompareOp, Const, Expr, Select, Sym, Unary, integer
from setuptools_polyopt.ir.visitors import children

COEFFICIENT_LIMIT = 2**12
"""Larger coefficients leave the affine world, so that no form overflows 64 bits under the bounds of the symbols."""

CONSTANT_LIMIT = 2**40


@dataclass(frozen=True, slots=True)
class Affine:
    """terms: (atom, non-zero coefficient) in order of first appearance."""

    terms: tuple[tuple[Expr, int], ...]
    constant: int

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Affine) and self.constant == other.constant and dict(self.terms) == dict(other.terms)

    def __hash__(self) -> int:
        return hash((frozenset(self.terms), self.constant))

    def __add__(self, other: Affine | int) -> Affine:
        if isinstance(other, int):
            return Affine(self.terms, self.constant + other)
        sums = dict(self.terms)
        for atom, coefficient in other.terms:
            sums[atom] = sums.get(atom, 0) + coefficient
        return Affine(tuple((atom, c) for atom, c in sums.items() if c), self.constant + other.constant)

    def __sub__(self, other: Affine | int) -> Affine:
        return self + (-other if isinstance(other, int) else other * -1)

    def __mul__(self, factor: int) -> Affine:
        if not factor:
            return Affine((), 0)
        return Affine(tuple((atom, c * factor) for atom, c in self.terms), self.constant * factor)

    @property
    def value(self) -> int | None:
        """The number, if it is one."""
        return None if self.terms else self.constant

    def coefficient(self, name: str) -> int:
        """Of the symbol `name`."""
        return dict(self.terms).get(Sym(name), 0)

    @property
    def small(self) -> bool:
        """Whether the machine's arithmetic is exact for it."""
        return abs(self.constant) <= CONSTANT_LIMIT and all(abs(c) <= COEFFICIENT_LIMIT for _, c in self.terms)

    def expr(self) -> Expr:
        """As an int64 expression: positive terms first, then negative ones, then the constant."""
        ordered = [t for t in self.terms if t[1] > 0] + [t for t in self.terms if t[1] < 0]
        result: Expr | None = None
        if ordered and ordered[0][1] < 0:
            result = integer(self.constant)
        for atom, coefficient in ordered:
            term = atom if abs(coefficient) == 1 else Binary("mul", integer(abs(coefficient)), atom, DType.INT64)
            if result is None:
                result = term
            else:
                result = Binary("add" if coefficient > 0 else "sub", result, term, DType.INT64)
        if result is None:
            return integer(self.constant)
        if not self.constant or ordered[0][1] < 0:
            return result
        return Binary("add" if self.constant > 0 else "sub", result, integer(abs(self.constant)), DType.INT64)


def affine(expr: Expr, values: Mapping[str, Expr] | None = None) -> Affine | None:
    """The linear form of an int64 expression, None where it has none; `values` replaces symbols on the way."""
    if expr.dtype is not DType.INT64:
        return None
    form = _form(expr, values or {})
    return form if form is not None and form.small else None


def _form(expr: Expr, values: Mapping[str, Expr]) -> Affine | None:
    match expr:
        case Const(value=int() as value):
            return Affine((), int(value))
        case Sym(name=name):
            return _form(values[name], values) if name in values else Affine(((expr, 1),), 0)
        case Unary(op="neg", operand=operand):
            form = _form(operand, values)
            return None if form is None else form * -1
        case Binary(op="add" | "sub" | "mul" | "floordiv" | "mod" | "min" | "max"):
            return _binary(expr, values)
        case Select():
            return _select(expr, values)
        case _:
            return None


def _binary(expr: Binary, values: Mapping[str, Expr]) -> Affine | None:
    left, right = _form(expr.left, values), _form(expr.right, values)
    if left is None or right is None:
        return None
    match expr.op:
        case "add":
            return left + right
        case "sub":
            return left - right
        case "mul":
            if right.value is not None:
                return left * right.value
            return None if left.value is None else right * left.value
        case "floordiv" | "mod":
            return _divide(expr.op == "mod", left, right.value)
        case _:
            return _extreme(expr.op == "max", left, right)


def _divide(modulo: bool, left: Affine, divisor: int | None) -> Affine | None:
    """By a positive constant only."""
    if divisor is None or divisor <= 0:
        return None
    if left.value is not None:
        return Affine((), left.value % divisor if modulo else left.value // divisor)
    if divisor == 1:
        return Affine((), 0) if modulo else left
    if not modulo and all(c % divisor == 0 for _, c in left.terms):
        return Affine(tuple((atom, c // divisor) for atom, c in left.terms), left.constant // divisor)
    return Affine(((Binary("mod" if modulo else "floordiv", left.expr(), integer(divisor), DType.INT64), 1),), 0)


def _extreme(largest: bool, left: Affine, right: Affine) -> Affine:
    difference = (left - right).value
    if difference is not None:
        return left if (difference >= 0) == largest else right
    return Affine(((Binary("max" if largest else "min", left.expr(), right.expr(), DType.INT64), 1),), 0)


def _select(expr: Select, values: Mapping[str, Expr]) -> Affine | None:
    """A wrapped index (`i - 1 + n if i - 1 < 0 else i - 1`) is an atom of its own."""
    if not isinstance(expr.cond, Compare):
        return None
    parts = [_form(part, values) for part in (expr.cond.left, expr.cond.right, expr.then, expr.orelse)]
    forms = [part.expr() for part in parts if part is not None]
    if len(forms) < 4:
        return None
    return Affine(((Select(Compare(expr.cond.op, forms[0], forms[1]), forms[2], forms[3], DType.INT64), 1),), 0)


def number(value: int) -> Affine:
    """A constant form."""
    return Affine((), value)


def symbol(name: str) -> Affine:
    """The form of one symbol."""
    return Affine(((Sym(name), 1),), 0)


def conditions(expr: Expr, values: Mapping[str, Expr] | None = None) -> tuple[Affine, ...] | None:
    """Forms that are all >= 0 exactly where the boolean expression holds; None where it is no conjunction of affine comparisons."""
    match expr:
        case Const(value=True):
            return ()
        case Binary(op="and", left=left, right=right):
            first, second = conditions(left, values), conditions(right, values)
            return None if first is None or second is None else first + second
        case Compare(op=op, left=left, right=right):
            a, b = affine(left, values), affine(right, values)
            return None if a is None or b is None else _comparison(op, a, b)
        case _:
            return None


def _comparison(op: CompareOp, a: Affine, b: Affine) -> tuple[Affine, ...] | None:
    match op:
        case "lt":
            return (b - a - 1,)
        case "le":
            return (b - a,)
        case "gt":
            return (a - b - 1,)
        case "ge":
            return (a - b,)
        case "eq":
            return (a - b, b - a)
        case _:
            return None


def negated(expr: Expr, values: Mapping[str, Expr] | None = None) -> tuple[Affine, ...] | None:
    """As `conditions`, for the opposite of a single comparison."""
    if isinstance(expr, Compare):
        opposite: dict[CompareOp, CompareOp] = {"lt": "ge", "le": "gt", "gt": "le", "ge": "lt", "ne": "eq"}
        if expr.op in opposite:
            return conditions(Compare(opposite[expr.op], expr.left, expr.right), values)
    return None


def free_symbols(form: Affine) -> frozenset[str]:
    """Names of all symbols, those inside atoms too."""
    found: set[str] = set()
    pending = [atom for atom, _ in form.terms]
    while pending:
        atom = pending.pop()
        if isinstance(atom, Sym):
            found.add(atom.name)
        pending.extend(children(atom))
    return frozenset(found)
