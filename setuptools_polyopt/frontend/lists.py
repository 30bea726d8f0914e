"""Lists of numbers: rows and elements, lists that the region makes, and what may be done with them.

    a[i][j] += x                      an element, a Python number: the list's copy is an array
    row = a[i]                        another name of the row
    c = [[0.0] * m for _ in range(n)] a local array c: float64[n, m], which becomes a list only if it leaves the region
    np.array(c), min(c[0]), len(c)    loops over the elements

A list of floats holds floats only: what is stored must be of exactly the type of the elements. Rows stay the objects that they are, so
nothing is understood that would put another row in the place of one. Not here: how an argument becomes an array (`context`, and
`codegen/support/polyopt_list.h`), loops over lists (`loops`), `comprehensions`.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

from setuptools_polyopt.diagnostics import Diagnostic, Span, Unsupported, unsupported
from setuptools_polyopt.frontend import arrays, order
from setuptools_polyopt.frontend.affine import Affine, number
from setuptools_polyopt.frontend.context import Context
from setuptools_polyopt.frontend.creation import dtype_of
from setuptools_polyopt.frontend.values import (
    ArrayValue,
    EmptyValue,
    ListValue,
    NoneValue,
    ScalarValue,
    TupleValue,
    Value,
)
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import FALSE, TRUE, Compare, Const, Expr, Sym, integer
from setuptools_polyopt.ir.statements import For, If
from setuptools_polyopt.operators import elementwise
from setuptools_polyopt.operators.values import PYTHON_TAGS, TAG, Operand, ScalarType, cast, tag_of

PYTHON_INT = ScalarType("python", DType.INT64)
_PYTHON = {"b": DType.BOOL, "i": DType.INT64, "u": DType.INT64, "f": DType.FLOAT64, "c": DType.COMPLEX128}
_EXACT = 2**53
_NAMES = {DType.BOOL: "bool", DType.INT64: "int", DType.FLOAT64: "float", DType.COMPLEX128: "complex"}


# ---- elements and rows --------------------------------------------------------------------------------------------------------------


def item(base: ListValue, index: Expr) -> Value:
    """The number or the row at an index that is in bounds."""
    if base.rank > 1:
        return base.row(arrays.drop_axis(base.view, 0, index))
    return base.read(base.view, (index,))


class Wider(Exception):
    """A list of integer constants gets numbers of another type: the region has to be lowered again with a list that holds both."""

    def __init__(self, origin: int, dtype: DType) -> None:
        self.origin, self.dtype = origin, dtype


def store(ctx: Context, base: ListValue, view: ArrayValue, indices: tuple[Expr, ...], value: Value, span: Span) -> None:
    """`base[...] = value`: the element of `view`, the list or a row of it. Raises Unsupported, or Wider."""
    if base.frozen:
        raise unsupported(span, "assigned-value", "a tuple cannot be assigned to")
    if not isinstance(value, ScalarValue):
        raise unsupported(span, "list-store", "only a number can become an element of this list", "store it element by element")
    value = _certain(ctx, value)
    if base.floats:
        whole = value.type == PYTHON_INT and isinstance(value.expr, Const)
        tag = tag_of(value.type)
        if (whole or value.type == base.element) and tag is not None:
            is_float = Compare("eq", tag, Const(PYTHON_TAGS[view.dtype], TAG)) if value.narrow else FALSE if whole else TRUE
            arrays.store(ctx, base.flags(view).load(indices), is_float, span)
            arrays.store(ctx, view.load(indices), cast(value.expr, view.dtype), span)
            return
    elif base.origin and value.type == ScalarType("python", DType.FLOAT64) and (not value.narrow or value.type.tag is not None):
        raise Wider(base.origin, DType.FLOAT64)
    arrays.store(ctx, view.load(indices), _checked(base.element, value, span), span)


def _certain(ctx: Context, value: ScalarValue) -> ScalarValue:
    """A number that is of a narrower type only if some loop has not run: with the guard that it has."""
    if not value.narrow or value.pending is None:
        return value
    try:
        after = ctx.require(value.pending)
    except Unsupported:
        return value
    return after if isinstance(after, ScalarValue) else value


def _checked(kind: ScalarType, value: ScalarValue, span: Span) -> Expr:
    """A number that may become an element of a list with elements of that type."""
    if value.type != kind or value.narrow:
        own, other = _spoken(kind), "a value of another type" if value.narrow else _spoken(value.type)
        raise unsupported(span, "list-store", f"the elements of the list are {own}, and this is {other}", f"store {own}")
    return value.expr


def _spoken(kind: ScalarType) -> str:
    name = _NAMES.get(kind.dtype, kind.dtype.value)
    return name if kind.box == "python" else f"np.{kind.dtype.value}" if kind.box == "numpy" else f"{name} or np.{kind.dtype.value}"


def unpacked(ctx: Context, value: ListValue, count: int, span: Span) -> TupleValue:
    """`x, y = p`: the items, with the guard that there are so many."""
    ctx.state.assume_equal(value.view.extents[0], integer(count), "the lengths of both sides", span)
    return TupleValue(tuple(item(value, integer(k)) for k in range(count)))


def as_tuple(ctx: Context, value: ListValue) -> ListValue | TupleValue:
    """A tuple of numbers, item by item where its length is known."""
    form = ctx.state.form(value.view.extents[0])
    if not value.frozen or value.rank > 1 or form is None or form.value is None:
        return value
    return TupleValue(tuple(item(value, integer(k)) for k in range(form.value)))


def is_filled(ctx: Context, value: ListValue, span: Span) -> Expr:
    """`bool(value)`: whether there is anything in the list."""
    form = ctx.state.form(value.view.extents[0])
    if form is None:
        raise unsupported(span, "shape", "the length of this list is no affine expression")
    if form.value is not None:
        return Const(form.value > 0, DType.BOOL)
    return Compare("gt", form.expr(), integer(0))


# ---- new lists -----------------------------------------------------------------------------------------------------------------------


def literal(ctx: Context, node: ast.List) -> ListValue | EmptyValue:
    """`[a, b, c]` of numbers of one type, or of new lists of one length."""
    span = ctx.span(node)
    if not node.elts:
        ctx.state.empty += 1
        return EmptyValue(ctx.state.empty, ctx.state.places[-1])
    if any(isinstance(part, ast.Starred) for part in node.elts):
        raise unsupported(span, "expression", "lists with `*` are not supported", "make the list with its length")
    known = set(ctx.state.arrays)
    return of_items(ctx, order.evaluated(ctx, node.elts), known, span, node)


def of_items(ctx: Context, values: Sequence[Value], known: set[str], span: Span, node: ast.AST | None = None) -> ListValue | EmptyValue:
    """A new list of some values; known: the arrays before they were evaluated."""
    if not values:
        ctx.state.empty += 1
        return EmptyValue(ctx.state.empty, ctx.state.places[-1])
    alone(values, known, span)
    first = values[0]
    target = new(ctx, first, number(len(values)), span, node)
    for k, value in enumerate(values):
        if isinstance(first, ListValue) != isinstance(value, ListValue):
            raise unsupported(span, "list-elements", "the list holds numbers and lists")
        put(ctx, target, integer(k), value, span)
    return target


def repeated(ctx: Context, node: ast.BinOp) -> ListValue:
    """`[x] * n` and `n * [x]` of a number; raises Unsupported for anything else."""
    found, times = (node.left, node.right) if isinstance(node.left, ast.List) else (node.right, node.left)
    span = ctx.span(node)
    if not isinstance(node.op, ast.Mult) or not isinstance(found, ast.List):
        raise Unsupported(operator_refused(span))
    if len(found.elts) != 1 or isinstance(found.elts[0], ast.Starred):
        raise unsupported(span, "list-repeat", "only a list of one number can be repeated", "write a list comprehension")
    value = ctx.expr(found.elts[0])
    if not isinstance(value, ScalarValue):
        raise unsupported(span, "list-alias", "the rows of this list are one object", "make a row for each: [[0.0] * m for _ in range(n)]")
    count = _count(ctx, times)
    steady = arrays.settle_scalar(ctx, value, span)
    target = new(ctx, steady, count, span, node)
    arrays.fill(ctx, target.view, cast(steady.expr, target.view.dtype), span)
    if target.floats:
        arrays.fill(ctx, target.flags(target.view), FALSE, span)
    return target


def _count(ctx: Context, node: ast.expr) -> Affine:
    value = ctx.expr(node)
    form = ctx.state.form(value.expr) if isinstance(value, ScalarValue) and value.type == PYTHON_INT else None
    if form is None:
        raise unsupported(ctx.span(node), "shape", "the length of a list has to be made of sizes, integer arguments and constants")
    return form


def new(ctx: Context, first: Value, count: Affine, span: Span, node: ast.AST | None = None) -> ListValue:
    """A list with room for `count` values like `first`; node: what makes it, where its elements are constants."""
    state = ctx.state
    state.assume(count, "the length of the new list is not negative", span)
    if isinstance(first, ListValue):
        kind, inner, origin = first.element, first.view.extents, first.origin
    elif isinstance(first, ScalarValue):
        kind, inner = arrays.operand_of(first, span).type, ()
        whole = kind == PYTHON_INT and isinstance(first.expr, Const) and abs(first.expr.value) <= _EXACT
        origin = id(node) if whole and node is not None else 0
        kind = ScalarType("python", ctx.outermost.wider[origin]) if origin in ctx.outermost.wider else kind
    else:
        raise unsupported(span, "list-elements", "the elements of the list are neither numbers nor lists of numbers")
    if kind.box == "mixed" or (kind.box == "python" and kind.dtype not in _NAMES):
        raise unsupported(span, "mixed-scalar", "the elements of the list are Python numbers or NumPy scalars, as a test decides")
    if 1 + len(inner) > arrays.RANK_LIMIT:
        raise unsupported(span, "rank", f"lists nested {1 + len(inner)} deep are not supported")
    extents = (count.expr(), *inner)
    view = state.temporary("t", kind.dtype, extents)
    floats = state.temporary("t", DType.BOOL, extents).storage if origin in ctx.outermost.wider else ""
    return ListValue(view, "numpy" if kind.box == "numpy" else "python", False, origin, floats)


def put(ctx: Context, target: ListValue, index: Expr, value: Value, span: Span) -> None:
    """`target[index] = value` of a new list."""
    if not isinstance(value, ListValue):
        store(ctx, target, target.view, (index,), value, span)
        return
    row = arrays.drop_axis(target.view, 0, index)
    if value.element != target.element or value.rank != row.rank or bool(value.floats) != bool(target.floats):
        raise unsupported(span, "list-elements", "the rows of the list hold numbers of several types")
    for extent, other in zip(row.extents, value.view.extents, strict=True):
        ctx.state.assume_equal(extent, other, "the lengths of the rows", span)
    with arrays.nest(ctx, row.extents, span) as indices:
        arrays.store(ctx, row.load(indices), value.view.read(indices), span)
        if target.floats:
            arrays.store(ctx, target.flags(row).load(indices), value.flags(value.view).read(indices), span)
    ctx.state.nests -= 1


def alone(values: Sequence[Value], known: set[str], span: Span) -> None:
    """Rows must be new objects that nothing else knows."""
    rows = [value.view.storage for value in values if isinstance(value, ListValue)]
    if len(set(rows)) < len(rows) or known & set(rows):
        raise unsupported(span, "list-alias", "a list is put into another one, so that two names reach it", "copy it: row[:]")


def copied(ctx: Context, view: ArrayValue, box: ScalarType, span: Span) -> ListValue:
    """A new list of the numbers of a view of rank one, converted to Python's numbers where they are an array's."""
    target = new(ctx, ScalarValue(box, view.read((integer(0),))), length_of(ctx, view, span), span)
    with arrays.nest(ctx, view.extents, span) as indices:
        arrays.store(ctx, target.view.load(indices), view.read(indices), span)
    ctx.state.nests -= 1
    return target


def length_of(ctx: Context, view: ArrayValue, span: Span) -> Affine:
    form = ctx.state.form(view.extents[0])
    if form is None:
        raise unsupported(span, "shape", "the length of this is no affine expression")
    return form


def sliced(ctx: Context, base: ListValue, view: ArrayValue, span: Span) -> ListValue:
    """`x[i:j]`: a new list. view: the elements that the slice takes."""
    if base.rank > 1:
        raise unsupported(span, "list-alias", "a slice of a list of lists shares its rows", "copy the rows that are needed")
    if base.frozen or base.floats:
        what = "a tuple" if base.frozen else "a list of integers and floats"
        raise unsupported(span, "slice", f"a slice of {what} is not supported")
    return copied(ctx, view, base.element, span)


# ---- functions -----------------------------------------------------------------------------------------------------------------------


def method(ctx: Context, receiver: ListValue, name: str, node: ast.Call) -> Value:
    """`x.copy()`; everything else that a list can do changes its length or its order."""
    span = ctx.span(node)
    if name == "copy" and receiver.rank == 1 and not receiver.floats and not node.args and not node.keywords:
        return copied(ctx, receiver.view, receiver.element, span)
    raise unsupported(span, "method", f"the method `.{name}()` of a list is not supported", "make the list with its length")


def tolist(ctx: Context, array: ArrayValue, span: Span) -> ListValue:
    """`a.tolist()`: Python's numbers."""
    dtype = _PYTHON[array.dtype.kind]
    if array.dtype is DType.UINT64:
        raise unsupported(span, "integer-width", "integers of 64 bits without a sign may not fit")
    target = ListValue(ctx.state.temporary("t", dtype, array.extents))
    with arrays.nest(ctx, array.extents, span) as indices:
        arrays.store(ctx, target.view.load(indices), cast(array.read(indices), dtype), span)
    return target


def call(ctx: Context, path: str, positional: Sequence[Value], keywords: Mapping[str, Value], span: Span) -> Value:
    """A function of a list; raises Unsupported for those that are not understood."""
    value = positional[0] if positional else None
    if isinstance(value, ListValue) and len(positional) == 1 and (not value.floats or path == "builtins.len"):
        match path:
            case "builtins.len" if not keywords:
                return ScalarValue(PYTHON_INT, length_of(ctx, value.view, span).expr())
            case "builtins.min" | "builtins.max" if not keywords and value.rank == 1:
                return _extreme(ctx, value, "Lt" if path == "builtins.min" else "Gt", span)
            case "numpy.array" | "numpy.asarray":
                return _array(ctx, value, keywords, span)
    short = path.removeprefix("builtins.")
    remedy = "make an array of it first: np.array(x)" if path.startswith("numpy.") else "write a loop"
    raise unsupported(span, "list-argument", f"`{short}` of a list is not supported", remedy)


def _extreme(ctx: Context, value: ListValue, op: str, span: Span) -> ScalarValue:
    """`min(x)` and `max(x)`: the first element that no later one is smaller (larger) than."""
    state, view, kind = ctx.state, value.view, value.element
    count = length_of(ctx, view, span)
    state.assume(count - 1, "the list is not empty", span)
    best = state.scratch(kind.dtype)
    arrays.store(ctx, best, view.read((integer(0),)), span)
    name = state.iterator("k")
    element = view.read((Sym(name),))
    test = elementwise.truth(elementwise.compare(op, Operand(element, kind), Operand(best, kind), span), span)
    with state.block() as body:
        arrays.store(ctx, best, element, span)
        inner = tuple(body)
    state.emit(For(name, integer(1), count.expr(), 1, (If(test, inner, (), span),), span=span))
    state.nests += 1
    return ScalarValue(kind, best)


def _array(ctx: Context, value: ListValue, keywords: Mapping[str, Value], span: Span) -> ArrayValue:
    """`np.array(x)`: empty lists have no element type, so there has to be something in them."""
    for name in keywords:
        if name != "dtype":
            raise unsupported(span, "keyword-argument", f"`numpy.array` of a list with the argument `{name}=` is not supported")
    given = keywords.get("dtype", NoneValue())
    dtype = value.view.dtype if isinstance(given, NoneValue) else dtype_of(given)
    if dtype is None:
        raise unsupported(span, "dtype", "this dtype is not supported", "use np.float64, np.int64, ...")
    for extent in value.view.extents:
        form = ctx.state.form(extent)
        if form is None:
            raise unsupported(span, "shape", "the length of this is no affine expression")
        ctx.state.assume(form - 1, "the list is not empty", span)
    if dtype is not value.view.dtype and (value.view.dtype, dtype) != (DType.INT64, DType.FLOAT64):
        raise unsupported(span, "cast", f"an array of {dtype.value} of a list of {value.view.dtype.value} stays NumPy's")
    target = ctx.state.temporary("t", dtype, value.view.extents)
    with arrays.nest(ctx, value.view.extents, span) as indices:
        arrays.store(ctx, target.load(indices), cast(value.view.read(indices), dtype), span)
    return target


def operator_refused(span: Span) -> Diagnostic:
    """The reason for `+`, `*`, `==`, ... of lists."""
    return Diagnostic(span, "list-operator", "operators on lists are not supported", "write a loop over the elements, or use arrays")
