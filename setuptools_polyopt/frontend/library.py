"""Products of floating-point matrices and vectors that NumPy's own library computes: one statement each, whose bits are BLAS's.

    a @ b     ->     serial:
                       for row in 0..n library:
                         for column in 0..m library:
                           t[row, column] = numpy.matmul([a[row, k] for k in 0..p], [b[k, column] for k in 0..p])
    x @ y     ->     t = numpy.matmul([x[k] for k in 0..n], [y[k] for k in 0..n])

The bits depend on how the operands lie in memory, so a local array that NumPy would have made in another order than C is one here, too; one
whose order is not known, or whose extents follow from data, is refused. Stacks of matrices are loops around one product, as in NumPy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from setuptools_polyopt.diagnostics import Span, Unsupported, unsupported
from setuptools_polyopt.frontend import arrays
from setuptools_polyopt.frontend.affine import affine
from setuptools_polyopt.frontend.context import Context
from setuptools_polyopt.frontend.values import C_ORDER, ArrayValue
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import ROW, Expr, Load, Product, Range, Reduce, Sym, integer
from setuptools_polyopt.ir.kernel import Layout, Role
from setuptools_polyopt.ir.statements import Assign, For
from setuptools_polyopt.ir.visitors import symbols
from setuptools_polyopt.operators import build

Row = tuple[ArrayValue, tuple[Expr, ...], tuple[Expr, ...]]
"""An operand, and its subscripts before and behind the axis that is summed."""


def operand(ctx: Context, value: ArrayValue, dtype: DType, span: Span) -> ArrayValue:
    """The operand of a product, as it lies in memory in NumPy. Raises Unsupported where that is not known."""
    state = ctx.state
    if value.dtype is not dtype or value.part:
        raise stays(span, "NumPy converts an operand first")
    if any(state.form(extent) is None or state.is_data(extent) for extent in value.extents):
        raise stays(span, "the extents of an operand follow from data")
    array = state.arrays[value.storage]
    if array.role is Role.ARGUMENT:
        return value
    order = state.orders[value.storage]
    source = state.copies.get(value.storage, "")
    if source is None:
        raise stays(span, "an operand may have gaps between its elements")
    if source:
        state.contiguous[source] = 0
    turned = order is not None and order.axes == tuple(reversed(range(array.rank)))
    if order is None or order.mirrored or (order.axes and (not turned or dtype.is_complex)):
        raise stays(span, "the memory order of an operand is not known")
    if turned:
        state.arrays[value.storage] = replace(array, layout=Layout.FORTRAN)
    state.ordered.update(dict.fromkeys(sorted(order.needs)))
    return value


def stays(span: Span, why: str) -> Unsupported:
    text = f"this product is the BLAS library's, and {why}"
    return unsupported(span, "library-contraction", text, 'set fp to "bounded", copy the operand first, or write the loops out')


def vectors(ctx: Context, function: str, left: ArrayValue, right: ArrayValue, span: Span) -> Load:
    """The scalar variable that holds the product of two vectors."""
    target = ctx.state.scratch(left.dtype)
    value = _product(ctx, function, (left, (), ()), (right, (), ()), span)
    ctx.state.emit(Assign(target, value, span))
    return target


def square(ctx: Context, source: ArrayValue, span: Span) -> Load:
    """The scalar variable that holds the product of an array with itself, as one vector in the order of memory."""
    order = source.order
    if order is None or order.mirrored or source.dtype.kind != "f":
        raise stays(span, "the memory order of the array is not known")
    ctx.state.ordered.update(dict.fromkeys(sorted(order.needs)))
    turned = arrays.transpose(source, order.axes) if order.axes else source
    line = turned if turned.fresh and not order.axes else arrays.materialise(ctx, turned, span, C_ORDER)
    if any(ctx.state.form(extent) is None or ctx.state.is_data(extent) for extent in line.extents) or (line.rank > 1 and not line.fresh):
        raise stays(span, "its extents follow from data")
    target = ctx.state.scratch(source.dtype)
    rows = []
    for _ in range(2):
        names: list[str] = []
        for _ in line.extents:
            names.append(ctx.state.iterator(f"k{len(names)}" if line.rank > 1 else "k"))
        ranges = tuple(Range(name, integer(0), extent) for name, extent in zip(names, line.extents, strict=True))
        rows.append(Reduce(ROW, build.zero(line.dtype), ranges, line.load(tuple(map(Sym, names))), line.dtype))
    ctx.state.emit(Assign(target, Product("numpy.dot", rows[0], rows[1], source.dtype), span))
    return target


def matrices(
    ctx: Context, function: str, left: ArrayValue, right: ArrayValue, target: ArrayValue, stack: Sequence[Expr], span: Span
) -> None:
    """Store the products of matrices into `target`, a new array without gaps, with loops over `stack`, its first axes.

    An operand of rank 1 is a row on the left and a column on the right; it has no axes of the stack.
    """
    state = ctx.state
    if target.rank > 1 and not target.fresh:
        raise stays(span, "the size of the result depends on a loop")
    with arrays.nest(ctx, stack, span, "b") as outer:
        rows = left.extents[-2] if left.rank > 1 else integer(1)
        columns = right.extents[-1] if right.rank > 1 else integer(1)
        names = [state.iterator(base) for base in ("row", "column")]
        loops = [For(name, integer(0), extent, 1, (), "library", span=span) for name, extent in zip(names, (rows, columns), strict=True)]
        row, column = ((Sym(name),) * (value.rank > 1) for name, value in zip(names, (left, right), strict=True))
        state.loops += loops
        with state.serially(span):
            with state.block() as inner:
                first = (left, (*_of_stack(left, outer), *row), ())
                second = (right, _of_stack(right, outer), column)
                value = _product(ctx, function, first, second, span)
                state.emit(Assign(target.load((*outer, *row, *column)), value, span))
            del state.loops[-2:]
            state.emit(replace(loops[0], body=(replace(loops[1], body=tuple(inner)),)))
    state.nests += 1


def _of_stack(value: ArrayValue, outer: Sequence[Expr]) -> tuple[Expr, ...]:
    """The subscripts of an operand's axes before the last two: those of one element are stretched."""
    own = value.extents[:-2]
    places = outer[len(outer) - len(own) :]
    return tuple(integer(0) if extent == integer(1) else place for extent, place in zip(own, places, strict=True))


def _product(ctx: Context, function: str, left: Row, right: Row, span: Span) -> Product:
    """The product of a row and a column."""
    parts = []
    for value, before, behind in (left, right):
        var = ctx.state.iterator("k")
        load = value.load((*before, Sym(var), *behind))
        own = {var, *(index.name for index in (*before, *behind) if isinstance(index, Sym))}
        if any(affine(index) is None and symbols(index) & own for index in load.indices):
            raise stays(span, "where an operand lies follows from data")
        parts.append(Reduce(ROW, build.zero(value.dtype), (Range(var, integer(0), value.extents[len(before)]),), load, value.dtype))
    return Product(function, parts[0], parts[1], left[0].dtype)
