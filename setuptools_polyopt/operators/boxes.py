"""Operations on values whose box is not known: done for both, and one expression only where both have the same bits.

A `"mixed"` operand (`s = 0.0; s += a[i]`: a float until the loop has run once) is a Python number or a NumPy scalar. Each possibility is
worked out; the results must agree up to `checked`, and whatever fails in either is checked. Where the types of the results differ, the
result is mixed, and the operands' tags decide which it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from setuptools_polyopt.diagnostics import Span, unsupported
from setuptools_polyopt.ir.expressions import Expr
from setuptools_polyopt.operators.build import unify
from setuptools_polyopt.operators.values import Operand, ScalarBox, ScalarType, chosen, is_numpy, join

_BOXES: tuple[ScalarBox, ...] = ("python", "numpy")


def each_box(operands: Sequence[Operand], function: Callable[..., Operand], span: Span) -> Operand:
    """`function(*operands)` with every mixed operand taken as Python's and as NumPy's; Unsupported where the meanings differ."""
    for index, operand in enumerate(operands):
        if operand.type.box == "mixed":
            both = (replace(operand, type=ScalarType(box, operand.dtype)) for box in _BOXES)
            first, second = (each_box([*operands[:index], one, *operands[index + 1 :]], function, span) for one in both)
            return merge(first, second, operand.type.tag, span)
    return function(*operands)


def merge(first: Operand, second: Operand, tag: Expr | None, span: Span) -> Operand:
    """One operand for two equal meanings: of Python's and of NumPy's scalar, as the tag says."""
    expr = unify(first.expr, second.expr) if first.dtype is second.dtype else None
    type_ = join(first.type, second.type)
    if expr is None or type_ is None or first.array != second.array:
        raise unsupported(
            span, "mixed-scalar", "the result depends on whether a value is a Python or a NumPy scalar",
            "start the variable with the type that it gets later, for example np.float64(0)",
        )  # fmt: skip
    return Operand(expr, type_ if tag is None else chosen(type_, is_numpy(tag), second.type, first.type), first.array)
