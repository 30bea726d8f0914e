"""Operations on values whose box is not known: done for both, and one expression only where both have the same bits.

A `"mixed"` operand (`s = 0.0; s += a[i]`: a float until the loop has run once) is a Python number or a NumPy scalar. Each possibility is
worked out; the results must agree up to `checked`, and whatever fails in either is checked.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace

from setuptools_polyopt.diagnostics import Span, unsupported
from setuptools_polyopt.operators.build import unify
from setuptools_polyopt.operators.values import Operand, ScalarBox, join


def each_box(operands: Sequence[Operand], function: Callable[..., Operand], span: Span) -> Operand:
    """`function(*operands)` with every mixed operand taken as Python's and as NumPy's; Unsupported where the meanings differ."""
    boxes: tuple[ScalarBox, ...] = ("python", "numpy")
    choices = [
        [replace(operand, type=replace(operand.type, box=box)) for box in boxes] if operand.type.box == "mixed" else [operand]
        for operand in operands
    ]
    results = [function(*choice) for choice in itertools.product(*choices)]
    merged = results[0]
    for result in results[1:]:
        merged = merge(merged, result, span)
    return merged


def merge(first: Operand, second: Operand, span: Span) -> Operand:
    """One operand for two equal meanings."""
    expr = unify(first.expr, second.expr) if first.dtype is second.dtype else None
    type_ = join(first.type, second.type)
    if expr is None or type_ is None or first.array != second.array:
        raise unsupported(
            span, "mixed-scalar", "the result depends on whether a value is a Python or a NumPy scalar",
            "start the variable with the type that it gets later, for example np.float64(0)",
        )  # fmt: skip
    return Operand(expr, type_, first.array)
