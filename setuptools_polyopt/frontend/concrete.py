"""What the lowering writes, as the kernel runs it: variables for symbols that data defines, checks where isl cannot see the bounds.

    t[i] = a[start + i]      ->      t[index!(i, n)] = a[index!(start_variable + i, a_0)]
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, replace

from setuptools_polyopt.frontend.affine import Affine
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Binary, Expr, Load, Range, Reduce, Sym
from setuptools_polyopt.ir.kernel import Array, Role
from setuptools_polyopt.ir.visitors import children, loads, map_expr


@dataclass(frozen=True)
class Local:
    """An integer that is data, but does not change once it is known: the length of what a mask picks. variable: what holds it. high: None
    where its upper bound, `room`, is no affine expression."""

    variable: Load
    low: Affine
    high: Affine | None
    room: Expr


def concrete(expr: Expr, locals_: Mapping[str, Local], irregular: Container[str], arrays: Mapping[str, Array]) -> Expr:
    """An expression with variables in place of the symbols of `locals_`, and a check of every subscript that data decides.

    irregular: iterators of loops whose bounds are data.
    """

    def node_of(node: Expr) -> Expr:
        match node:
            case Sym(name=name) if name in locals_:
                return locals_[name].variable
            case Load(array=array, indices=indices) if indices:
                pairs = zip(indices, arrays[array].extents, strict=True)
                return replace(node, indices=tuple(checked(i, extent) if is_steered(i) else i for i, extent in pairs))
            case Reduce(ranges=ranges, body=body):
                return replace(node, ranges=tuple(_limited(part, body, arrays) for part in ranges))
            case _:
                return node

    def is_steered(index: Expr) -> bool:
        """Whether data decides a subscript, apart from elements that are picked (and checked) already."""
        match index:
            case Binary(op="index", right=right):
                return is_steered(right)  # of a view whose extent is data: not certainly an element of the array
            case Load(array=array):
                return arrays[array].role is not Role.INPUT
            case Sym(name=name):
                return name in irregular
            case _:
                return any(map(is_steered, children(index)))

    return map_expr(expr, node_of)


def checked(index: Expr, extent: Expr) -> Expr:
    """A subscript that fails outside of an axis."""
    return Binary("index", index, extent, DType.INT64, checked=True)


def _limited(part: Range, body: Load, arrays: Mapping[str, Array]) -> Range:
    """A range of a reduction, certainly within its axis."""
    if not loads(part.upper) or (isinstance(part.upper, Binary) and part.upper.op == "min"):
        return part
    axis = body.indices.index(Sym(part.var))  # of a temporary: what is reduced is copied where data decides its extent
    return replace(part, upper=Binary("min", part.upper, arrays[body.array].extents[axis], DType.INT64))
