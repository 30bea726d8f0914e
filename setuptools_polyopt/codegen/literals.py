"""Types and constants of the IR in C: exact, and short to read.

    DType.FLOAT32, 0.1     -> 0.1f
    DType.INT64, -2**63    -> INT64_MIN
    DType.COMPLEX128, 1j   -> polyopt_make_c128(0.0, 1.0)
"""

from __future__ import annotations

import math
import struct

from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Const

_C_TYPES = {
    DType.BOOL: "uint8_t",
    DType.FLOAT32: "float",
    DType.FLOAT64: "double",
    DType.COMPLEX64: "polyopt_c64",
    DType.COMPLEX128: "polyopt_c128",
}


def c_type(dtype: DType) -> str:
    """The C type of an element; bool is a byte that holds 0 or 1."""
    return _C_TYPES.get(dtype) or f"{dtype.value}_t"


def suffix(dtype: DType) -> str:
    """The tail of support functions for the type: `f64`, `i32`, `u8`, `c128`, `b8`."""
    return f"{dtype.kind}{8 * dtype.itemsize}"


def zero(dtype: DType) -> str:
    """Zero of the type as an initialiser."""
    return "{0}" if dtype.is_complex else literal(Const(0, dtype))


def literal(const: Const) -> str:
    """The constant as a C expression that binds tightly (negative ones are not parenthesised: see `expr`)."""
    dtype, value = const.dtype, const.value
    if dtype is DType.BOOL:
        return "1" if value else "0"
    if dtype.is_complex:
        number = complex(value)
        parts = (_floating(part, dtype.real) for part in (number.real, number.imag))
        return f"polyopt_make_{suffix(dtype)}({', '.join(parts)})"
    if isinstance(value, complex):
        raise TypeError(f"a {dtype.value} constant cannot hold {value!r}")
    return _floating(float(value), dtype) if dtype.is_float else _integer(int(value), dtype)


def _integer(value: int, dtype: DType) -> str:
    low, high = dtype.integer_range()
    if not low <= value <= high:
        raise TypeError(f"{value} does not fit {dtype.value}")
    if dtype is DType.UINT64:
        return f"UINT64_C({value})"
    if dtype is DType.UINT32:
        return f"{value}u"
    if value == -(2**63):
        return "INT64_MIN"
    if value == -(2**31):
        return "INT32_MIN"
    return str(value) if abs(value) < 2**31 else f"INT64_C({value})" if value >= 0 else f"-INT64_C({-value})"


def _floating(value: float, dtype: DType) -> str:
    ctype = c_type(dtype)
    sign = "-" if math.copysign(1.0, value) < 0 else ""
    if math.isnan(value):
        return f"{sign}({ctype})NAN"
    if dtype is DType.FLOAT32:
        value = _round_float32(value)
    if math.isinf(value):
        return f"{sign}({ctype})INFINITY"
    return _shortest_float32(value) + "f" if dtype is DType.FLOAT32 else repr(value)


def _round_float32(value: float) -> float:
    try:
        (rounded,) = struct.unpack("<f", struct.pack("<f", value))
    except OverflowError:
        return math.copysign(math.inf, value)
    return float(rounded)


def _shortest_float32(value: float) -> str:
    text = next(text for digits in range(1, 18) if _round_float32(float(text := f"{value:.{digits}g}")) == value)
    return text if any(mark in text for mark in ".e") else f"{text}.0"
