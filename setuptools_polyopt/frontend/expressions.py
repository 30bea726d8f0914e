"""Expressions: from Python syntax to values.

Scalars stay expression trees; index arithmetic of Python ints on symbols is kept in linear form; array operators go to `arrays`, calls to
`calls`, subscripts to `subscripts`. The meaning of every operator at element level is `operators`'.

    0.5 * (a[i] + n)      ->   0.5 * (a[i] + float64(n))       (exact types decided by the operators)
"""

from __future__ import annotations

import ast

from setuptools_polyopt.diagnostics import Span, Unsupported, unsupported
from setuptools_polyopt.frontend import arrays, calls, comprehensions, contraction, elision, lists, order, records
from setuptools_polyopt.frontend.affine import Affine, affine
from setuptools_polyopt.frontend.attributes import attribute
from setuptools_polyopt.frontend.context import Context, constant_value
from setuptools_polyopt.frontend.joins import join_branches, join_heaps
from setuptools_polyopt.frontend.pytypes import NoneType, UnknownType
from setuptools_polyopt.frontend.shapes import Group, alike
from setuptools_polyopt.frontend.subscripts import subscript
from setuptools_polyopt.frontend.values import (
    ArrayValue,
    ListValue,
    NoneValue,
    ScalarValue,
    StringValue,
    TupleValue,
    Value,
)
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import FALSE, TRUE, Binary, Compare, Const, Expr, Select, Unary, integer
from setuptools_polyopt.ir.statements import If, Stmt
from setuptools_polyopt.operators import elementwise
from setuptools_polyopt.operators.values import Operand, ScalarType

PYTHON_INT = ScalarType("python", DType.INT64)
_INDEX_OPERATIONS = {"Add": "add", "Sub": "sub", "Mult": "mul", "FloorDiv": "floordiv", "Mod": "mod"}


def evaluate(ctx: Context, node: ast.expr) -> Value:
    """The value of an expression; raises Unsupported with the reason."""
    span = ctx.span(node)
    match node:
        case ast.Constant(value=bool() | int() | float() | complex() | str() | None as value):
            return constant_value(value, span)
        case ast.Name(id=name):
            return ctx.read(name, span)
        case ast.Tuple(elts=elts):
            if any(isinstance(item, ast.Starred) for item in elts):
                raise unsupported(span, "starred", "`*` in a tuple is not supported")
            return TupleValue(order.evaluated(ctx, elts))
        case ast.Attribute():
            return attribute(ctx, node)
        case ast.Subscript():
            return subscript(ctx, node)
        case ast.List():
            return lists.literal(ctx, node)
        case ast.ListComp():
            return comprehensions.comprehension(ctx, node)
        case ast.BinOp(left=ast.List()) | ast.BinOp(right=ast.List()):
            return lists.repeated(ctx, node)
        case ast.BinOp():
            left, right = order.evaluated(ctx, (node.left, node.right))
            elision.keep_order(ctx, node, left, right, span)
            return binary(ctx, type(node.op).__name__, left, right, span)
        case ast.UnaryOp():
            return _unary(ctx, type(node.op).__name__, ctx.expr(node.operand), span)
        case ast.Compare():
            return _compare(ctx, node)
        case ast.BoolOp():
            return _boolean(ctx, node)
        case ast.IfExp():
            return _conditional(ctx, node)
        case ast.Call():
            return calls.call(ctx, node)
        case _:
            return _refuse(node, span)


def _refuse(node: ast.expr, span: Span) -> Value:
    words = {
        ast.Dict: "dictionaries",
        ast.Set: "sets",
        ast.DictComp: "dictionary comprehensions",
        ast.SetComp: "set comprehensions",
        ast.GeneratorExp: "generator expressions",
        ast.Lambda: "lambda expressions",
        ast.JoinedStr: "f-strings",
        ast.NamedExpr: "assignment expressions",
        ast.Await: "await",
        ast.Yield: "yield",
    }
    what = words.get(type(node), f"`{type(node).__name__}` expressions")
    raise unsupported(span, "expression", f"{what} are not supported", "move it out of the loop")


def binary(ctx: Context, op: str, left: Value, right: Value, span: Span) -> Value:
    """`left op right` of scalars and arrays."""
    if isinstance(left, ListValue) or isinstance(right, ListValue):
        raise Unsupported(lists.operator_refused(span))
    made = records.operator(ctx, op, left, right, span)
    if made is not None:
        return made
    if op == "MatMult":
        return contraction.product(ctx, left, right, span)
    index = _index_arithmetic(ctx, op, left, right)
    if index is not None:
        return index
    left, right = _widened(op, left, right)
    fp = ctx.function.fp
    return arrays.apply(ctx, (left, right), lambda o: elementwise.binary(op, o[0], o[1], fp, span), span)


def _widened(op: str, left: Value, right: Value) -> tuple[Value, Value]:
    """A name that starts as a narrower constant is as good as its later type beside an operand of the full type."""
    if op in ("Add", "Sub", "Mult", "Div", "Lt", "LtE", "Gt", "GtE", "Eq", "NotEq"):
        for first, second in ((left, right), (right, left)):
            if not (isinstance(first, ScalarValue) and isinstance(second, ScalarValue)):
                continue
            if first.narrow and not second.narrow and second.type.dtype is first.type.dtype:
                wide = ScalarValue(second.type if second.type.box == "numpy" else first.type, first.expr)
                return (wide, second) if first is left else (second, wide)
    return left, right


def _index_arithmetic(ctx: Context, op: str, left: Value, right: Value) -> ScalarValue | None:
    """Python ints on symbols: exact, in linear form. None where the result is no such form."""
    name = _INDEX_OPERATIONS.get(op)
    if name is None or not isinstance(left, ScalarValue) or not isinstance(right, ScalarValue):
        return None
    if left.type != PYTHON_INT or right.type != PYTHON_INT or left.narrow or right.narrow:
        return None
    first, second = ctx.state.form(left.expr), ctx.state.form(right.expr)
    if first is None or second is None:
        return None
    if name == "mod" and second.value is None:
        return _wrapped(ctx, first, second)
    form = affine(Binary(name, first.expr(), second.expr(), DType.INT64))  # type: ignore[arg-type]
    return None if form is None else ScalarValue(PYTHON_INT, form.expr())


def _wrapped(ctx: Context, form: Affine, size: Affine) -> ScalarValue | None:
    """`(i + 1) % n` where it is certain that at most one n has to be added or taken away."""
    if ctx.state.certain(form) and ctx.state.certain(size - form - 1):
        return ScalarValue(PYTHON_INT, form.expr())
    if ctx.state.certain(form) and ctx.state.certain(size * 2 - form - 1):
        test = Compare("ge", form.expr(), size.expr())
        return ScalarValue(PYTHON_INT, Select(test, (form - size).expr(), form.expr(), DType.INT64))
    if ctx.state.certain(form + size) and ctx.state.certain(size - form - 1):
        test = Compare("lt", form.expr(), integer(0))
        return ScalarValue(PYTHON_INT, Select(test, (form + size).expr(), form.expr(), DType.INT64))
    return None


def _unary(ctx: Context, op: str, value: Value, span: Span) -> Value:
    if op == "Not":
        return ScalarValue(ScalarType("python", DType.BOOL), inverse(truth(ctx, value, span)))
    if isinstance(value, ScalarValue) and value.type == PYTHON_INT and op in ("USub", "UAdd") and not value.narrow:
        form = ctx.state.form(value.expr)
        if form is not None:
            return ScalarValue(PYTHON_INT, (form * (-1 if op == "USub" else 1)).expr())
    return arrays.apply(ctx, (value,), lambda o: elementwise.unary(op, o[0], span), span)


def inverse(test: Expr) -> Expr:
    """The opposite of a condition."""
    if isinstance(test, Const):
        return FALSE if test.value else TRUE
    return Unary("not", test, DType.BOOL)


def _compare(ctx: Context, node: ast.Compare) -> Value:
    """A chain `a < b < c` is `a < b and b < c`, each operand evaluated once (what has no effects may be evaluated twice)."""
    operands = [node.left, *node.comparators]
    inlined = ctx.state.inlined
    result: Value | None = None
    for op, left, right in zip(node.ops, operands, operands[1:], strict=False):
        one = _comparison(ctx, op, left, right, ctx.span(node))
        if result is None:
            result = one
        elif isinstance(result, ArrayValue) or isinstance(one, ArrayValue):
            raise unsupported(ctx.span(node), "comparison-chain", "a chained comparison of arrays always raises")
        else:
            result = _and(ctx, result, one, ctx.span(node))
    if len(operands) > 2 and ctx.state.inlined != inlined:
        raise unsupported(ctx.span(node), "short-circuit", "calls in a chain of comparisons are not supported", "use two comparisons")
    assert result is not None  # the syntax has at least one comparison
    return result


def _comparison(ctx: Context, op: ast.cmpop, left: ast.expr, right: ast.expr, span: Span) -> Value:
    if isinstance(op, ast.Is | ast.IsNot):
        return _identity(ctx, isinstance(op, ast.Is), left, right, span)
    if isinstance(op, ast.In | ast.NotIn):
        return _member(ctx, isinstance(op, ast.In), left, right, span)
    first, second = order.evaluated(ctx, (left, right))
    if isinstance(first, StringValue) and isinstance(second, StringValue) and isinstance(op, ast.Eq | ast.NotEq):
        return _known((first.text == second.text) == isinstance(op, ast.Eq))
    if isinstance(first, ListValue) or isinstance(second, ListValue):
        raise Unsupported(lists.operator_refused(span))
    name = type(op).__name__
    known = _index_comparison(ctx, name, first, second)
    if known is not None:
        return _known(known)
    first, second = _widened(name, first, second)
    return arrays.apply(ctx, (first, second), lambda o: elementwise.compare(name, o[0], o[1], span), span)


def _member(ctx: Context, inside: bool, left: ast.expr, right: ast.expr, span: Span) -> Value:
    """`x in (a, b)`: a number (or text) that is equal to one of a few."""
    right = ast.copy_location(ast.Tuple(right.elts, ast.Load()), right) if isinstance(right, ast.List) else right
    first, second = order.evaluated(ctx, (left, right))
    if not isinstance(second, TupleValue) or not second.items:
        raise unsupported(span, "membership", "`in` is supported for tuples only", "compare with == or write a loop")
    result: Value = _known(False)
    for item in second.items:
        if isinstance(first, StringValue) and isinstance(item, StringValue):
            equal: Value = _known(first.text == item.text)
        elif isinstance(first, ScalarValue) and isinstance(item, ScalarValue) and _not_nan(first) and _not_nan(item):
            one, other = _widened("Eq", first, item)
            equal = arrays.apply(ctx, (one, other), lambda o: elementwise.compare("Eq", o[0], o[1], span), span)
        else:
            raise unsupported(span, "membership", "`in` is supported for integers and texts only", "compare with == or write a loop")
        result = _pair(ctx, "Or", result, equal, span)
    test = truth(ctx, result, span)
    return ScalarValue(ScalarType("python", DType.BOOL), test if inside else inverse(test))


def _not_nan(value: ScalarValue) -> bool:
    """Whether identity, which `in` asks for first, decides nothing."""
    return not value.type.dtype.is_float and not value.type.dtype.is_complex


def _index_comparison(ctx: Context, op: str, left: Value, right: Value) -> bool | None:
    """The answer where both sides are index expressions whose difference is a number."""
    if not isinstance(left, ScalarValue) or not isinstance(right, ScalarValue):
        return None
    first, second = ctx.state.form(left.expr), ctx.state.form(right.expr)
    if first is None or second is None or left.narrow or right.narrow:
        return None
    difference = (first - second).value
    if difference is None:
        return None
    answers = {"Lt": difference < 0, "LtE": difference <= 0, "Gt": difference > 0, "GtE": difference >= 0, "Eq": difference == 0}
    return answers.get(op, difference != 0)


def _known(value: bool) -> ScalarValue:
    return ScalarValue(ScalarType("python", DType.BOOL), TRUE if value else FALSE)


def _identity(ctx: Context, same: bool, left: ast.expr, right: ast.expr, span: Span) -> Value:
    """`x is None` is known from the type."""
    if not (isinstance(right, ast.Constant) and right.value is None):
        raise unsupported(span, "identity", "`is` is only understood with None")
    if isinstance(left, ast.Name) and left.id in ctx.function.names.locals and left.id not in ctx.state.env:
        binding = ctx.entry.get(left.id)
        if binding is not None and binding.definite and isinstance(binding.type, NoneType):
            raise unsupported(span, "none", f"`{left.id}` is None here")
        if binding is None or isinstance(binding.type, UnknownType):
            ctx.read(left.id, span)
    return _known(isinstance(ctx.expr(left), NoneValue) == same)


def _boolean(ctx: Context, node: ast.BoolOp) -> Value:
    op = type(node.op).__name__
    span = ctx.span(node)
    result = ctx.expr(node.values[0])
    for item in node.values[1:]:
        if isinstance(result, ScalarValue) and isinstance(result.expr, Const) and result.type.dtype is DType.BOOL:
            if bool(result.expr.value) == (op == "Or"):
                return result
            result = ctx.expr(item)
            continue
        heap = dict(ctx.state.heap)
        with ctx.state.block() as block:
            other = ctx.expr(item)
            emitted = list(block)
        if emitted:  # they run only where Python evaluates the operand
            test = truth(ctx, result, span)
            second: tuple[Value, list[Stmt]] = (other, emitted)
            first: tuple[Value, list[Stmt]] = (result, [])
            both = (second, first) if op == "And" else (first, second)
            heaps = (ctx.state.heap, heap) if op == "And" else (heap, ctx.state.heap)
            join_heaps(ctx, heaps, (both[0][1], both[1][1]), span)
            result = _chosen(ctx, test, second, first, span) if op == "And" else _chosen(ctx, test, first, second, span)
        else:
            result = _pair(ctx, op, result, other, span)
    return result


def _chosen(ctx: Context, test: Expr, then: tuple[Value, list[Stmt]], orelse: tuple[Value, list[Stmt]], span: Span) -> Value:
    """One of two values by a condition, each with the statements that evaluate it."""
    if not (isinstance(then[0], ScalarValue | Group) and alike(then[0], orelse[0])):
        raise unsupported(span, "short-circuit", "one of two arrays, by a condition, is not supported", "use an if statement")
    if isinstance(orelse[0], ArrayValue | ListValue):
        raise unsupported(span, "short-circuit", "a number or an array, by a condition, is not supported", "use an if statement")
    chosen = join_branches(ctx, ctx.state.fresh("choice"), then[0], orelse[0], (then[1], orelse[1]), span)
    ctx.state.emit(If(test, tuple(then[1]), tuple(orelse[1]), span))
    return ctx.settle(chosen, span)


def _and(ctx: Context, left: Value, right: Value, span: Span) -> Value:
    return _pair(ctx, "And", left, right, span)


def _pair(ctx: Context, op: str, left: Value, right: Value, span: Span) -> Value:
    first, second = arrays.operand_of(left, span), arrays.operand_of(right, span)
    joined = elementwise.boolean(op, first, second, span)
    return ScalarValue(joined.type, joined.expr)


def _conditional(ctx: Context, node: ast.IfExp) -> Value:
    span = ctx.span(node)
    test = truth(ctx, ctx.expr(node.test), span)
    if isinstance(test, Const):
        return ctx.expr(node.body if test.value else node.orelse)
    heap = dict(ctx.state.heap)
    with ctx.state.block() as block:
        then = ctx.expr(node.body)
        before = list(block)
    heap_then, ctx.state.heap = ctx.state.heap, heap
    with ctx.state.block() as block:
        orelse = ctx.expr(node.orelse)
        emitted = list(block)
    join_heaps(ctx, (heap_then, ctx.state.heap), (before, emitted), span)
    if before or emitted or isinstance(then, Group):
        return _chosen(ctx, test, (then, before), (orelse, emitted), span)
    first, second = arrays.operand_of(then, span), arrays.operand_of(orelse, span)
    result = elementwise.conditional(Operand(test, ScalarType("python", DType.BOOL)), first, second, span)
    return ScalarValue(result.type, result.expr)


def truth(ctx: Context, value: Value, span: Span) -> Expr:
    """`bool(value)` as a condition."""
    if isinstance(value, ArrayValue):
        raise unsupported(span, "array-truth", "an array is used as a condition", "use .any() or .all()")
    if isinstance(value, NoneValue):
        return FALSE
    if isinstance(value, ListValue):
        return lists.is_filled(ctx, value, span)
    return elementwise.truth(arrays.operand_of(value, span), span)
