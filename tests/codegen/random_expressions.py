"""Random typed expressions of the IR and adversarial values, from a seeded generator."""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np

from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Binary, Call, Cast, Compare, Const, Expr, Load, Select, Sym, Unary

INTEGERS = [dtype for dtype in DType if dtype.is_integer]
FLOATS = [DType.FLOAT32, DType.FLOAT64]
COMPLEX = [DType.COMPLEX64, DType.COMPLEX128]

_FLOAT_VALUES = [0.0, -0.0, 1.0, -1.0, 0.5, 1.5, -2.5, 3.0, 1e-310, -5e-324, 1e300, -1e300, math.inf, -math.inf, math.nan, 2.0**31,
                 -(2.0**31), 2.0**63, 1e10, 0.1, -7.25, 123456.789, 4.0, 255.5, 127.9, -128.9]  # fmt: skip


def values(dtype: DType, count: int, rng: random.Random) -> Any:
    """An array of adversarial and random values."""
    result = np.empty(count, dtype=dtype.value)
    with np.errstate(all="ignore"):
        for k in range(count):
            result[k] = one(dtype, rng)
    return result


def one(dtype: DType, rng: random.Random) -> Any:
    """One value as a Python object."""
    if dtype is DType.BOOL:
        return rng.random() < 0.5
    if dtype.is_integer:
        low, high = dtype.integer_range()
        near = [low, low + 1, high, high - 1, 0, 1, 2, 3, 5, 7, 31, 32, 63, 64, 100, max(low, -1), max(low, -2), max(low, -7)]
        return rng.choice(near) if rng.random() < 0.7 else rng.randint(low, high)
    if dtype.is_float:
        if rng.random() < 0.6:
            value = rng.choice(_FLOAT_VALUES)
        else:
            value = rng.uniform(-4, 4) * 10.0 ** rng.randint(-3, 3)
        with np.errstate(all="ignore"):
            return float(np.dtype(dtype.value).type(value))
    return complex(one(dtype.real, rng), one(dtype.real, rng))


class Generator:
    """Expressions over arrays `a_DTYPE` and `b_DTYPE` at the iterator `i`, and scalars `c_DTYPE`."""

    def __init__(self, rng: random.Random, *, calls: bool = True, checked: bool = True) -> None:
        self.rng = rng
        self.calls = calls
        self.checked = checked

    def check(self) -> bool:
        return self.checked and self.rng.random() < 0.3

    def expr(self, dtype: DType, depth: int) -> Expr:
        if depth <= 0 or self.rng.random() < 0.1:
            return self.leaf(dtype)
        roll = self.rng.random()
        if roll < 0.1:
            return Select(self.expr(DType.BOOL, depth - 1), self.expr(dtype, depth - 1), self.expr(dtype, depth - 1), dtype)
        if roll < 0.22:
            return self.cast(dtype, depth)
        if roll < 0.32 and self.calls:
            call = self.call(dtype, depth)
            if call is not None:
                return call
        if dtype is DType.BOOL:
            return self.boolean(depth)
        if roll < 0.5:
            return self.unary(dtype, depth)
        return self.binary(dtype, depth)

    def leaf(self, dtype: DType) -> Expr:
        roll = self.rng.random()
        if roll < 0.2:
            return Const(one(dtype, self.rng), dtype)
        if roll < 0.3 and dtype is DType.INT64:
            return Sym("i")
        if roll < 0.4:
            return Load(f"c_{dtype.value}", (), dtype)
        return Load(f"{self.rng.choice('ab')}_{dtype.value}", (Sym("i"),), dtype)

    def cast(self, dtype: DType, depth: int) -> Expr:
        source = self.rng.choice([other for other in DType if other is not dtype])
        checked = self.check() and dtype.is_integer and not source.is_complex
        return Cast(self.expr(source, depth - 1), dtype, checked)

    def call(self, dtype: DType, depth: int) -> Expr | None:
        pick = self.rng.choice
        if dtype.is_complex and self.rng.random() < 0.4:
            return Call("complex", (self.expr(dtype.real, depth - 1), self.expr(dtype.real, depth - 1)), dtype)
        if dtype is DType.FLOAT64 and self.rng.random() < 0.4:
            name, count = pick([("sin", 1), ("exp", 1), ("log", 1), ("log1p", 1), ("atan2", 2), ("pow", 2), ("tan", 1), ("cosh", 1)])
            return Call(f"libm.{name}", tuple(self.expr(dtype, depth - 1) for _ in range(count)), dtype, self.check())
        if dtype.is_float:
            name, count = pick([("exp", 1), ("sin", 1), ("power", 2), ("arctan2", 2), ("sign", 1), ("log1p", 1), ("add", 2)])
            return Call(f"numpy.{name}", tuple(self.expr(dtype, depth - 1) for _ in range(count)), dtype)
        if dtype.is_complex:
            name, count = pick([("multiply", 2), ("divide", 2), ("square", 1)])
            return Call(f"numpy.{name}", tuple(self.expr(dtype, depth - 1) for _ in range(count)), dtype)
        if dtype in (DType.INT32, DType.INT64):
            return Call("numpy.gcd", (self.expr(dtype, depth - 1), self.expr(dtype, depth - 1)), dtype)
        return None

    def boolean(self, depth: int) -> Expr:
        roll = self.rng.random()
        if roll < 0.5:
            dtype = self.rng.choice(list(DType))
            ops = ["eq", "ne"] if dtype.is_complex else ["lt", "le", "gt", "ge", "eq", "ne"]
            return Compare(self.rng.choice(ops), self.expr(dtype, depth - 1), self.expr(dtype, depth - 1))
        if roll < 0.65:
            dtype = self.rng.choice(FLOATS + COMPLEX)
            return Unary(self.rng.choice(["isnan", "isinf", "isfinite"]), self.expr(dtype, depth - 1), DType.BOOL)
        if roll < 0.7:
            return Unary("signbit", self.expr(self.rng.choice(FLOATS), depth - 1), DType.BOOL)
        if roll < 0.8:
            return Unary(self.rng.choice(["not", "invert"]), self.expr(DType.BOOL, depth - 1), DType.BOOL)
        ops = ["and", "or", "bitand", "bitor", "bitxor", "maximum", "minimum", "add", "mul"]
        return Binary(self.rng.choice(ops), self.expr(DType.BOOL, depth - 1), self.expr(DType.BOOL, depth - 1), DType.BOOL)

    def unary(self, dtype: DType, depth: int) -> Expr:
        if dtype.is_float and self.rng.random() < 0.25:
            source = DType.COMPLEX64 if dtype is DType.FLOAT32 else DType.COMPLEX128
            return Unary(self.rng.choice(["real", "imag"]), self.expr(source, depth - 1), dtype)
        table = {"i": ["neg", "abs", "invert"], "u": ["neg", "abs", "invert"], "c": ["neg", "conj"],
                 "f": ["neg", "abs", "sqrt", "floor", "ceil", "trunc", "rint"]}  # fmt: skip
        op = self.rng.choice(table[dtype.kind])
        checked = self.check() and ((op in ("neg", "abs") and dtype.is_integer) or op == "sqrt")
        return Unary(op, self.expr(dtype, depth - 1), dtype, checked)

    def binary(self, dtype: DType, depth: int) -> Expr:
        integers = ["add", "sub", "mul", "floordiv", "mod", "pow", "maximum", "minimum", "bitand", "bitor", "bitxor", "shl", "shr"]
        table = {"i": integers, "u": integers, "c": ["add", "sub", "mul", "div"],
                 "f": ["add", "sub", "mul", "div", "floordiv", "mod", "maximum", "minimum"]}  # fmt: skip
        op = self.rng.choice(table[dtype.kind])
        checkable: list[str] = [*integers[:6], "shl", "shr"] if dtype.is_integer else ["div", "floordiv", "mod"]
        checked = self.check() and op in checkable and dtype is not DType.COMPLEX128
        return Binary(op, self.expr(dtype, depth - 1), self.expr(dtype, depth - 1), dtype, checked)
