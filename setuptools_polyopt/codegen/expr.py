"""Expressions of the IR as C text.

Two readings of one language. *Values* are data: integers wrap or are checked. *Positions* (subscripts, loop bounds, extents, guard
conditions over parameters) are integers of which somebody has proved that they stay far inside int64, and print as plain arithmetic.

    position   A[(i + 1)*A_s0 + j - 1]
    value      polyopt_add_i64(count, 1)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from setuptools_polyopt.codegen.keep import compiled, decidable
from setuptools_polyopt.codegen.literals import literal, suffix
from setuptools_polyopt.codegen.operations import (
    LOOSE,
    PREFIX,
    PRIMARY,
    PRODUCT,
    SUM,
    Style,
    Text,
    apart,
    binary,
    call,
    cast,
    compare,
    infix,
    unary,
)
from setuptools_polyopt.codegen.ranges import fits_int64
from setuptools_polyopt.codegen.source import LoopKey
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
    Range,
    Reduce,
    Select,
    Sym,
    Unary,
)
from setuptools_polyopt.ir.kernel import Param
from setuptools_polyopt.ir.visitors import loads, substitute, walk_expr
from setuptools_polyopt.runtime import costs


class Scope(Protocol):
    """What a printed expression needs to know about the function that it stands in."""

    def symbol(self, name: str) -> str:
        """The C name of a parameter or iterator."""

    def element(self, load: Load) -> str:
        """The C text of an element, as a value or to be assigned to."""

    def helper(self, name: str) -> str:
        """The function for `min`, `max`, `floordiv` or `mod` of positions."""

    def style(self) -> Style:
        """How operations are spelt here."""

    def loop(self, key: LoopKey) -> str:
        """The constant that is the index of one of NumPy's inner loops."""

    def wrapper(self, key: LoopKey, reduce: bool) -> str:
        """The function that applies an inner loop to scalars, or reduces with it."""

    def libm(self, name: str) -> str:
        """A pointer to a function of libm."""

    def stride_bytes(self, load: Load, var: str) -> str:
        """The step in bytes between the elements that `load` reads when `var` grows by one."""


_POSITION_OPS = {"add": ("+", SUM), "sub": ("-", SUM), "mul": ("*", PRODUCT)}


def position(expr: Expr, scope: Scope) -> Text:
    """An integer that is known to be small enough for plain arithmetic, unless it depends on data."""
    match expr:
        case Const(dtype=DType.INT64):
            return _literal(expr)
        case Sym(name=name):
            return Text(scope.symbol(name))
        case Binary(dtype=DType.INT64, checked=False) if not loads(expr):
            return _position_binary(expr, scope)
        case Unary(op="neg", dtype=DType.INT64, checked=False, operand=operand) if not loads(expr):
            return Text(f"-{position(operand, scope).at(PRIMARY)}", PREFIX)
        case _:
            return value(expr, scope)


def _position_binary(expr: Binary, scope: Scope) -> Text:
    left, right = position(expr.left, scope), position(expr.right, scope)
    if expr.op in _POSITION_OPS:
        sign, binds = _POSITION_OPS[expr.op]
        if isinstance(expr.right, Const) and expr.op == "add" and int_value(expr.right) < 0 and int_value(expr.right) > -(2**31):
            return infix("-", left, Text(str(-int_value(expr.right))), SUM)  # i + -1 reads i - 1
        return infix(sign, left, right, binds)
    if expr.op in ("min", "max", "minimum", "maximum"):
        return call(scope.helper(expr.op[:3]), left.text, right.text)
    if expr.op in ("floordiv", "mod") and isinstance(expr.right, Const) and int_value(expr.right) > 0:
        return call(scope.helper(expr.op), left.text, right.text)
    return binary(expr.op, DType.INT64, left, right, False, scope.style())


def int_value(const: Const) -> int:
    """The value of an integer constant."""
    if isinstance(const.value, complex):
        raise TypeError("a complex constant is no integer")
    return int(const.value)


def value(expr: Expr, scope: Scope) -> Text:
    """Data of any type. Operands are evaluated only where the IR says that they are."""
    match expr:
        case Const():
            return _literal(expr)
        case Sym(name=name):
            return Text(scope.symbol(name))
        case Load():
            return Text(scope.element(expr))
        case _ if decidable(expr):
            return test(expr, scope)
        case Unary(op=op, operand=operand, dtype=dtype, checked=checked):
            return unary(op, value(operand, scope), operand.dtype, dtype, checked, scope.style())
        case Binary(op="and" | "or"):
            return _logical(expr, scope)
        case Binary(op="bitand" | "bitor" | "bitxor", dtype=DType.BOOL):
            return test(expr, scope)
        case Binary(op=op, left=left, right=right, dtype=dtype, checked=checked):
            return binary(op, dtype, value(left, scope), value(right, scope), checked, scope.style())
        case Compare(op=op, left=left, right=right):
            read = {DType.INT64: position, DType.BOOL: test}.get(left.dtype, value)
            return compare(op, left.dtype, read(left, scope), read(right, scope), scope.style())
        case Select(cond=cond, then=then, orelse=orelse):
            read = test if expr.dtype is DType.BOOL else value
            branches = (apart(read(branch, scope), scope.style()).at(PREFIX) for branch in (then, orelse))
            return Text(f"{test(cond, scope).at(PREFIX)} ? {' : '.join(branches)}", LOOSE)
        case Cast(operand=operand, dtype=dtype, checked=checked):
            read = test if operand.dtype is DType.BOOL else value
            return cast(read(operand, scope), operand.dtype, dtype, checked, scope.style())
        case Call():
            return _call(expr, scope)
        case Reduce():
            return _reduce(expr, scope)
        case Product():
            return _inner_product(expr, scope)
        case _:
            assert_never(expr)


def _literal(const: Const) -> Text:
    text = literal(const)
    return Text(text, PREFIX if text.startswith(("-", "(")) else PRIMARY)


def _logical(expr: Binary, scope: Scope) -> Text:
    """`and` and `or`; without a branch where evaluating the right operand anyway changes nothing."""
    eager = harmless(expr.right, frozenset(loads(expr.left)))
    sign = {"and": "&", "or": "|"}[expr.op] * (1 if eager else 2)
    return Text(f"{test(expr.left, scope).at(PREFIX)} {sign} {test(expr.right, scope).at(PREFIX)}", LOOSE)


def test(expr: Expr, scope: Scope) -> Text:
    """A truth value that may turn out not to matter (`x / y < 1 and i == n` where i never is n, two branches that are the same,
    `(x / y < 1) & False`): the flags of what it compares count all the same."""
    match expr:
        case Compare(op=op, left=left, right=right) if left.dtype.kind in "fc":
            return compare(op, left.dtype, _kept(left, scope), _kept(right, scope), scope.style())
        case Unary(op="isnan" | "isinf" | "isfinite" | "signbit" as op, operand=operand):
            return unary(op, _kept(operand, scope), operand.dtype, DType.BOOL, False, scope.style())
        case Unary(op="not" | "invert" as op, operand=operand) if operand.dtype is DType.BOOL:
            return unary(op, test(operand, scope), DType.BOOL, DType.BOOL, False, scope.style())
        case Binary(op="bitand" | "bitor" | "bitxor" as op, left=left, right=right, dtype=DType.BOOL):
            return binary(op, DType.BOOL, test(left, scope), test(right, scope), False, scope.style())
        case _:
            return value(expr, scope)


def _kept(expr: Expr, scope: Scope) -> Text:
    text = value(expr, scope)
    return call(f"POLYOPT_KEEP_IN_{suffix(expr.dtype)}", text.text) if scope.style().keeps and compiled(expr) else text


def harmless(expr: Expr, seen: frozenset[Load]) -> bool:
    """Whether evaluation reads only what `seen` or scalars hold, cannot fail and sets no flag."""
    return all(
        isinstance(node, Const | Sym | Compare)
        or (isinstance(node, Load) and (not node.indices or node in seen))
        or (isinstance(node, Unary) and not node.checked and node.op != "sqrt")
        or (isinstance(node, Binary) and not node.checked and (node.dtype is DType.BOOL or (node.op in ("add", "sub", "mul", "min", "max")
            and node.dtype.is_integer)))
        for node in walk_expr(expr)
    )  # fmt: skip


def loop_key(function: str, *dtypes: DType) -> LoopKey:
    """The inner loop of `numpy.NAME` for operand and result types."""
    return LoopKey(function.removeprefix("numpy."), tuple(dtype.value for dtype in dtypes))


def call_key(expr: Call) -> LoopKey:
    """The inner loop that a `Call` of a ufunc runs."""
    return loop_key(expr.function, *(arg.dtype for arg in expr.args), expr.dtype)


def _call(expr: Call, scope: Scope) -> Text:
    args = [value(arg, scope).text for arg in expr.args]
    if expr.function == "complex":
        return call(f"polyopt_make_{suffix(expr.dtype)}", *args)
    room, _, name = expr.function.partition(".")
    if room == "cost":
        return Text(f"polyopt_cost[{costs.NAMES.index(name)}] /* {name} */", PRIMARY)
    if room == "device":  # see codegen/device.py
        return call(f"polyopt_{name}_{suffix(expr.dtype)}", *args)
    if room == "numpy":
        return call(scope.wrapper(call_key(expr), False), "ctx", *args)
    if expr.function in ("libm.pow", "libm.hypot") and expr.dtype is DType.FLOAT32 and not expr.checked:
        return call(scope.libm(f"{name}f"), *args)
    if room != "libm" or expr.dtype is not DType.FLOAT64:
        raise TypeError(f"{expr.function} of {expr.dtype.value} has no C form")
    function = scope.libm(name)
    if not expr.checked:
        return call(function, *args)
    if name in ("log", "log2", "log10"):
        return call("polyopt_py_math_log", "ctx", function, *args)
    if name == "pow":
        return call("polyopt_py_math_pow", "ctx", *args)
    if name == "atan2":
        return call(function, *args)
    return call(f"polyopt_try_libm{len(args)}", "ctx", function, *args)


def _reduce(expr: Reduce, scope: Scope) -> Text:
    """One call of the inner loop, in the order init, first element, step in bytes, count."""
    count = _count(expr, scope)
    address = f"&{scope.element(substitute_position(expr.body, {part.var: part.lower for part in expr.ranges}))}"
    step = scope.stride_bytes(expr.body, expr.ranges[0].var) if len(expr.ranges) == 1 else str(expr.body.dtype.itemsize)
    if expr.skip:
        count = infix("-", count, Text(str(expr.skip)), SUM)
        address = f"(const char *){address} + {step}" if expr.skip == 1 else f"(const char *){address} + {expr.skip}*({step})"
    key = loop_key(expr.function, expr.dtype, expr.body.dtype, expr.dtype)
    return call(scope.wrapper(key, True), "ctx", value(expr.init, scope).text, address, step, count.text)


def _inner_product(expr: Product, scope: Scope) -> Text:
    """The product of two vectors: for each its first element and its step in bytes, then how many elements they have."""
    operands = [part for row in (expr.left, expr.right) for part in row_text(row, scope)]
    name = f"polyopt_{expr.function.removeprefix('numpy.')}_{suffix(expr.dtype)}"
    return call(name, "ctx", scope.loop(product_key(expr)), *operands, _count(expr.left, scope).text)


def _count(expr: Reduce, scope: Scope) -> Text:
    count = _length(expr.ranges[0], scope)
    for part in expr.ranges[1:]:
        count = infix("*", count, _length(part, scope), PRODUCT)
    return count


def product_key(expr: Product) -> LoopKey:
    """The inner loop of `numpy.matmul` that computes a product."""
    return loop_key("numpy.matmul", expr.left.dtype, expr.right.dtype, expr.dtype)


def row_text(row: Reduce, scope: Scope) -> tuple[str, str]:
    """The address of the first element of a row, and the step to the next one in bytes."""
    address = f"&{scope.element(substitute_position(row.body, {part.var: part.lower for part in row.ranges}))}"
    return address, scope.stride_bytes(row.body, row.ranges[0].var) if len(row.ranges) == 1 else str(row.dtype.itemsize)


def length(part: Range, scope: Scope) -> str:
    """How many values a range has."""
    return _length(part, scope).text


def _length(part: Range, scope: Scope) -> Text:
    lower, upper = position(part.lower, scope), position(part.upper, scope)
    return upper if lower.text == "0" else infix("-", upper, lower, SUM)


def substitute_position(load: Load, values: Mapping[str, Expr]) -> Load:
    """The element at a given iteration."""
    result = substitute(load, values)
    if not isinstance(result, Load):
        raise TypeError("an element stays an element")
    return result


def guard_expression(expr: Expr, params: Sequence[Param] = (), names: Mapping[str, str] | None = None) -> str:
    """A condition (or a number, such as the estimate of work) over parameters and scalar inputs as C text.

    params: their ranges; a parameter that is not among them is taken to lie within 2**40. Where a term could leave int64 the text
    computes in `polyopt_wide`. names: C text of parameters and scalar inputs, where it is not their name.
    Needs `polyopt_ops.h`. Raises TypeError for an expression that reads arrays, fails or calls anything.
    """
    for node in walk_expr(expr):
        calls = isinstance(node, Reduce) or (isinstance(node, Call) and not node.function.startswith("cost."))
        if calls or (isinstance(node, Unary | Binary | Cast) and node.checked):
            raise TypeError("a guard neither fails nor calls")
    return value(expr, _GuardScope(names or {}, not fits_int64(expr, params))).text


class _GuardScope:
    """Names stand for themselves, or for what the caller maps them to."""

    def __init__(self, names: Mapping[str, str], wide: bool) -> None:
        self._names = names
        self._wide = wide

    def symbol(self, name: str) -> str:
        text = self._names.get(name, name)
        return f"((polyopt_wide){text})" if self._wide else text

    def element(self, load: Load) -> str:
        if load.indices:
            raise TypeError("a guard reads no array elements")
        return self._names.get(load.array, load.array)

    def helper(self, name: str) -> str:
        return f"polyopt_wide_{name}" if self._wide else f"polyopt_{name}"

    def style(self) -> Style:
        return Style("NULL", keeps=False)

    def loop(self, key: LoopKey) -> str:
        raise TypeError(f"a guard cannot call {key.ufunc}")

    def wrapper(self, key: LoopKey, reduce: bool) -> str:
        raise TypeError(f"a guard cannot call {key.ufunc}")

    def libm(self, name: str) -> str:
        raise TypeError(f"a guard cannot call {name}")

    def stride_bytes(self, load: Load, var: str) -> str:
        raise TypeError("a guard reads no array elements")
