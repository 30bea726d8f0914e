"""Which types NumPy gives results and the operands of its loops: asked of NumPy itself at build time.

The ufunc is run once on a sample value per combination of operand kinds (an array, a NumPy scalar or a Python number), so that
every rule, NEP 50 included, is NumPy's own. A wheel is therefore right for the promotion rules of the NumPy that built it, which its
runtime checks at load.
"""

from __future__ import annotations

import functools
import operator
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from setuptools_polyopt.diagnostics import Span, unsupported
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.operators.facts import FACTS
from setuptools_polyopt.operators.values import Operand, constant, from_numpy, numpy_dtype

_SAMPLES = {DType.BOOL: True, DType.INT64: 1, DType.FLOAT64: 1.0, DType.COMPLEX128: 1j}
OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "Add": operator.add, "Sub": operator.sub, "Mult": operator.mul, "Div": operator.truediv, "FloorDiv": operator.floordiv,
    "Mod": operator.mod, "Pow": operator.pow, "BitAnd": operator.and_, "BitOr": operator.or_, "BitXor": operator.xor,
    "LShift": operator.lshift, "RShift": operator.rshift,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Loop:
    """Types of one inner loop: what the operands are converted to, and the result."""

    inputs: tuple[DType, ...]
    result: DType


@dataclass(frozen=True, slots=True)
class _Kind:
    """What of an operand decides types: its box, and the value of a Python literal (which decides whether it fits)."""

    array: bool
    python: bool
    dtype: DType
    value: bool | int | float | complex | None


def common(left: Operand, right: Operand, span: Span) -> DType:
    """NumPy's common type of two operands of which at least one is NumPy's."""
    return from_numpy(_common(_kinds((left, right), span)), span)


def operator_result(op: str, left: Operand, right: Operand, span: Span) -> DType:
    """Type of `left op right`, at least one of them NumPy's; Unsupported where NumPy always raises."""
    found = _operator(op, _kinds((left, right), span))
    if isinstance(found, str):
        raise unsupported(span, "operator-type", f"NumPy does not allow this operation: {found}")
    return from_numpy(found, span)


def ufunc_loop(name: str, operands: tuple[Operand, ...], span: Span) -> Loop:
    """The inner loop that `numpy.NAME(*operands)` runs; Unsupported where NumPy always raises."""
    found = _ufunc(name, _kinds(operands, span))
    if isinstance(found, str):
        raise unsupported(span, "operator-type", f"numpy.{name} does not take these types: {found}")
    inputs, result = found
    return Loop(tuple(from_numpy(dtype, span) for dtype in inputs), from_numpy(result, span))


def _kinds(operands: tuple[Operand, ...], span: Span) -> tuple[_Kind, ...]:
    kinds = tuple(_kind(operand) for operand in operands)
    if _value_based(kinds):
        raise unsupported(span, "value-based-types", "before NumPy 2 the type of this result depends on a value", "build with NumPy 2")
    return kinds


def _kind(operand: Operand) -> _Kind:
    python = not operand.array and operand.type.box == "python"
    value = constant(operand.expr) if python else None
    return _Kind(operand.array, python, operand.dtype, value)


def _sample(kind: _Kind) -> Any:
    if kind.array:
        return np.ones(2, numpy_dtype(kind.dtype))
    if kind.python:
        return _SAMPLES[kind.dtype] if kind.value is None else kind.value
    return numpy_dtype(kind.dtype).type(1)


def _quietly(function: Callable[..., Any], *args: Any) -> Any:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return function(*args)


def _value_based(kinds: tuple[_Kind, ...]) -> bool:
    """Whether the types depend on a value that is not known: before NEP 50, scalars beside other types, some of them narrow."""
    narrow = any(kind.dtype not in (DType.BOOL, DType.INT64, DType.FLOAT64, DType.COMPLEX128) for kind in kinds)
    arrays = all(kind.array for kind in kinds)
    return not FACTS.weak_scalars and narrow and not arrays and len({kind.dtype for kind in kinds}) > 1


@functools.lru_cache(4096)
def _common(kinds: tuple[_Kind, ...]) -> np.dtype[Any]:
    # without their values: a comparison with an integer that does not fit is exact
    return np.result_type(*(_sample(_Kind(k.array, k.python, k.dtype, None)) for k in kinds))


@functools.lru_cache(4096)
def _operator(op: str, kinds: tuple[_Kind, ...]) -> np.dtype[Any] | str:
    try:
        found: np.dtype[Any] = np.asarray(_quietly(OPERATORS[op], *(_sample(kind) for kind in kinds))).dtype
        return found
    except (TypeError, ValueError, OverflowError) as error:
        return str(error)


@functools.lru_cache(4096)
def _ufunc(name: str, kinds: tuple[_Kind, ...]) -> tuple[tuple[np.dtype[Any], ...], np.dtype[Any]] | str:
    ufunc = getattr(np, name)
    samples = [_sample(kind) for kind in kinds]
    try:
        result = np.asarray(_quietly(ufunc, *samples)).dtype
        shared = np.result_type(*samples)
        types = ufunc.resolve_dtypes((*(shared for _ in kinds), None))
    except (TypeError, ValueError, OverflowError) as error:
        return str(error)
    return tuple(types[:-1]), result
