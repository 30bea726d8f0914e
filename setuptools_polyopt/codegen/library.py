"""Products of matrices as calls of NumPy's own loop for `numpy.matmul`.

    for row in 0..n library:
      for column in 0..m library:                      polyopt_matmul(ctx, LOOP_matmul_..., n, p, m, &a[0], 8*p, 8, &b[0], 8*m, 8,
        t[row, column] = numpy.matmul(...)      ->                    &t[0], 8*m, 8);

Each operand is the address of its first element and the steps in bytes along both of its axes.
"""

from __future__ import annotations

from dataclasses import dataclass

from setuptools_polyopt.codegen import affine
from setuptools_polyopt.codegen.expr import length, product_key, substitute_position
from setuptools_polyopt.codegen.function import Function, comment
from setuptools_polyopt.diagnostics import Span
from setuptools_polyopt.ir.expressions import Load, Product, Range
from setuptools_polyopt.ir.statements import Assign, For


@dataclass(frozen=True, slots=True)
class ProductAssign:
    """An element of the result, and the product that it comes from."""

    target: Load
    value: Product
    span: Span


def emit_product(f: Function, rows: For) -> None:
    """Two loops around a product of matrices: one call of NumPy's own loop (`polyopt_matmul`)."""
    columns, statement = product_parts(rows)
    product = statement.value
    left, right, target = product.left.body, product.right.body, statement.target
    (across,), (down,) = product.left.ranges, product.right.ranges
    first = dict.fromkeys((rows.var, columns.var, across.var, down.var), affine.ZERO)
    extents = [length(Range(item.var, item.lower, item.upper), f) for item in (rows, across, columns)]
    operands = [
        f"&{f.target(substitute_position(load, first))}, {', '.join(f.stride_bytes(load, axis.var) for axis in axes)}"
        for load, axes in ((left, (rows, across)), (right, (down, columns)), (target, (rows, columns)))
    ]
    name = f"polyopt_{product.function.removeprefix('numpy.')}"
    size = f"{product.dtype.itemsize}, " if product.checked else ""
    call = f"{name}(ctx, {f.loop(product_key(product))}, {size}{', '.join((*extents, *operands))})"
    f.line(f"if ({call}) goto stop;{comment(statement.span)}" if product.checked else f"{call};{comment(statement.span)}")


def product_parts(rows: For) -> tuple[For, ProductAssign]:
    """The inner one of two loops of kind "library", and what it computes."""
    match rows.body:
        case (For(body=(Assign(value=Product() as product) as statement,)) as columns,):
            return columns, ProductAssign(statement.target, product, statement.span)
        case _:
            raise TypeError("two loops of a library are around one product")
