"""Reductions: `numpy.sum prod mean min max any all` (and the methods) as loops with NumPy's bits.

A `Reduction` says what happens to one element; a `Plan` in which order the elements of an array are taken. With `acc` one variable per
result element:

    for every kept index k (in any order):
        acc = init                                  -- `init is None`: the first element, the loops then start at the second
        for every sequential index s (C order):     -- the other reduced axes
            acc = Reduce(function, acc, inner axis, prepare(element))    -- plan.inner: the trailing reduced axes, in NumPy's own loop
            acc = combine(acc, prepare(element))                         -- or, without inner axes, element by element
        result = finish(acc, count)

Where `reduction.free` holds (integers, bools) the order does not matter and plain loops over all axes with `combine` are right.

What was established by experiment (NumPy 2.4.6 and 1.26.4, float32, float64, complex64, complex128; extents 1 to 20,003; 2.2.6 by the
tests):
 - Before 2.3 an inner loop takes at most 8192 elements at a time (of a row, or of flat axes); the native code finds that out and does the
   same (`polyopt_reduce_block`). Not followed: `np.setbufsize`, which changes that number.
 - A reduction over the last axis is one call of the inner loop a row (sum: pairwise in blocks of 128; the accumulator starts at 0.0, so
   that the sum of -0.0 is 0.0), for rows of any extent and stride, padded rows included; elements are taken in index order in the 1-D
   case for any stride, otherwise for positive, not increasing strides (`kernel.OrderedStrides`).
 - A reduction over other axes adds rows in C order, if the kept axes between the last of these and the trailing reduced axes (or the
   end) have more than one element together (`Plan.separators`); otherwise NumPy merges the axes into one inner loop.
 - Several trailing reduced axes are one flat inner loop if they are contiguous (`Plan.contiguous`); the axes that are kept may have any
   positive, not increasing strides. Over rows that are not
   contiguous to each other NumPy 2 chains one inner loop a row, 1.26 buffers of 8192: such arrays must stay NumPy's.
 - max and min of floats (a NaN wins, the sign of a zero depends on the order) follow the same orders from the first element on.
 - prod of floats is sequential; through `Reduce("numpy.multiply")` or `combine` alike.
 - mean divides in float64 (complex128) and rounds to the result: also for float32. Integers are added as float64: exact while sums stay
   below 2**53, which `prepare` (elements of 32 bits) and `Reduction.max_count` ensure.
 - The sum of an empty array is 0, its mean warns and its min and max raise: `Reduction.min_count`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from setuptools_polyopt.diagnostics import Span, unsupported
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Binary, Call, Cast, Expr
from setuptools_polyopt.operators import build
from setuptools_polyopt.operators.elementwise import binary
from setuptools_polyopt.operators.facts import FACTS
from setuptools_polyopt.operators.values import Operand, cast, element, from_numpy, numpy_dtype, scalar

_ALIASES = {"amin": "min", "amax": "max"}
FUNCTIONS = frozenset({"sum", "prod", "mean", "min", "max", "any", "all", *_ALIASES})
_BUFFER = 8192
"""So many elements at a time NumPy converts, unless `np.setbufsize` has been called."""
_LOOPS = {"sum": "numpy.add", "mean": "numpy.add", "prod": "numpy.multiply", "max": "numpy.maximum", "min": "numpy.minimum"}


@dataclass(frozen=True, slots=True)
class Reduction:
    """One reduction of elements of type `source`.

    accumulator: type of `acc`; result: type of the result; init: None where the first element starts; function: the ufunc whose
    inner loop keeps NumPy's bits, None where `free` (then only `combine` is meant); min_count/max_count: how many elements a result
    may be made of (conditions for the guard). converted: NumPy converts elements to another floating-point type on the way, in blocks.
    """

    name: str
    source: DType
    accumulator: DType
    result: DType
    init: Expr | None
    function: str | None
    free: bool
    min_count: int = 0
    max_count: int | None = None
    converted: bool = False

    def starting(self, init: Expr) -> Reduction:
        """The same reduction from a start value (`initial=`) of the accumulator's type."""
        return replace(self, init=init, min_count=0)

    def prepare(self, value: Expr) -> Expr:
        """An element as the accumulation takes it: of the accumulator's type."""
        if self.name in ("any", "all"):
            return build.nonzero(value)
        if self.result.is_float and self.source.is_integer and self.source.itemsize == 8:
            value = Cast(value, DType.INT32, checked=True)
        return cast(value, self.accumulator)

    def combine(self, acc: Expr, value: Expr) -> Expr:
        """The accumulator after one prepared element."""
        dtype = self.accumulator
        match self.name:
            case "any":
                return Binary("bitor", acc, value, dtype)
            case "all":
                return Binary("bitand", acc, value, dtype)
            case "sum" | "mean":
                return Binary("add", acc, value, dtype)
            case "prod":
                return Binary("mul", acc, value, dtype)
            case _ if dtype.is_float:
                return Call(f"numpy.{'maximum' if self.name == 'max' else 'minimum'}", (acc, value), dtype)
            case _:
                return Binary("maximum" if self.name == "max" else "minimum", acc, value, dtype)

    def finish(self, acc: Expr, count: Expr, array: bool, span: Span) -> Operand:
        """The result from the accumulator; count: INT64, the elements of one result; array: whether the result is an ndarray (some axis
        is kept) rather than a NumPy scalar."""
        make = element if array else scalar
        if self.name != "mean":
            return make(cast(acc, self.result))
        wide = DType.COMPLEX128 if self.result.is_complex else DType.FLOAT64
        quotient = binary("Div", make(cast(acc, wide)), scalar(cast(count, wide)), "strict", span)
        return make(cast(quotient.expr, self.result))


@dataclass(frozen=True, slots=True)
class Plan:
    """The order of a reduction over some axes of a C-ordered array. All fields are axis numbers in increasing order.

    sequential: reduced axes that are outer loops in C order; inner: trailing reduced axes, one call of NumPy's loop over their
    flattening; contiguous: whether that needs these axes to be contiguous (more than one of them); separators: kept axes of which at
    least one must have an extent above 1 (nothing to ask where empty).
    """

    kept: tuple[int, ...]
    sequential: tuple[int, ...]
    inner: tuple[int, ...]
    contiguous: bool
    separators: tuple[int, ...]


def reduction(path: str, operand: Operand, fp: str, span: Span, dtype: DType | None = None) -> Reduction:
    """The reduction `path` ("numpy.sum", ...) of arrays with the operand's element type; dtype: the one asked for, if any (sums, products
    and means). Raises Unsupported."""
    name = path.removeprefix("numpy.")
    name = _ALIASES.get(name, name)
    if not path.startswith("numpy.") or name not in FUNCTIONS:
        raise unsupported(span, "reduction", f"{path} has no loop form")
    if not operand.array:
        raise unsupported(span, "reduction-scalar", f"{path} of a scalar is not supported")
    source = operand.dtype
    if name in ("any", "all"):
        init = build.number(0 if name == "any" else 1, DType.BOOL)
        return Reduction(name, source, DType.BOOL, DType.BOOL, init, None, free=True)
    if name in ("min", "max"):
        return _extreme(name, source, span)
    result = dtype or from_numpy(getattr(np, name)(np.ones(1, numpy_dtype(source))).dtype, span)
    real = not (source.is_float or source.is_complex)
    if (real or source.is_complex) and dtype is not None and (result.kind not in "iuf" if real else result is not source):
        raise unsupported(span, "reduction-type", f"numpy.{name} of {source.value} as {result.value} is not supported")
    if source.is_float and result is not source and (result is not DType.FLOAT64 or name == "prod"):
        raise unsupported(span, "reduction-type", f"numpy.{name} of {source.value} as {result.value} is not supported")
    if real and result.is_float and (name == "prod" or result is not DType.FLOAT64):
        raise unsupported(span, "reduction-type", f"numpy.{name} of {source.value} as {result.value} is not supported")
    if real and result.is_float:  # exact as integers
        bits = 1 if source is DType.BOOL else 31 if source.itemsize == 8 else 8 * source.itemsize - (source.kind == "i")
        limit = 2 ** (53 - bits)
        return Reduction(name, source, DType.INT64, result, build.zero(DType.INT64), None, True, int(name == "mean"), limit)
    if name == "prod" and result.is_complex:
        raise unsupported(span, "complex-product", "the product of complex numbers is not supported")
    if name == "mean" and result is DType.COMPLEX64 and not FACTS.weak_scalars:
        raise unsupported(span, "complex-mean", "the mean of complex64 before NumPy 2 is not supported")
    init = build.number(1 if name == "prod" else 0, result)
    free = result.is_integer or fp == "fast"
    converted = source.is_float and result is not source and not free
    limit = _BUFFER if converted else None
    return Reduction(name, source, result, result, init, None if free else _LOOPS[name], free, int(name == "mean"), limit, converted)


def _extreme(name: str, source: DType, span: Span) -> Reduction:
    if source.is_complex:
        raise unsupported(span, "complex-order", f"numpy.{name} of complex numbers is not supported")
    free = not source.is_float
    return Reduction(name, source, source, source, None, None if free else _LOOPS[name], free, min_count=1)


def plan(rank: int, axes: tuple[int, ...] | None) -> Plan:
    """The order for a C-ordered array of the rank; axes: normalised, distinct (None: all). Raises ValueError for anything else."""
    reduced = tuple(range(rank)) if axes is None else tuple(sorted(axes))
    if len(set(reduced)) != len(reduced) or any(not 0 <= axis < rank for axis in reduced):
        raise ValueError(f"axes {axes} do not fit rank {rank}")
    start = rank
    while start - 1 in reduced:
        start -= 1
    sequential = tuple(axis for axis in reduced if axis < start)
    kept = tuple(axis for axis in range(rank) if axis not in reduced)
    separators = tuple(axis for axis in kept if sequential and axis > sequential[-1])
    return Plan(kept, sequential, tuple(range(start, rank)), rank - start > 1, separators)
