"""Operands and adversarial values for the tests of the operators, and the comparison with CPython and NumPy."""

from __future__ import annotations

import itertools
import math
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from setuptools_polyopt.diagnostics import Span, Unsupported
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Call, Const, Load
from setuptools_polyopt.ir.interpreter import KernelFailed, collecting, evaluate
from setuptools_polyopt.ir.visitors import walk_expr
from setuptools_polyopt.operators.values import Operand, element, python, scalar

SPAN = Span("test.py", 1)
_FLOATS = (0.0, -0.0, 1.0, -1.0, 0.5, 2.0, -3.7, 1e300, -1e300, 5e-324, 2.5, math.inf, -math.inf, math.nan, 1.2345678901234567, 2.0**53)
_INTS = (
    0, 1, -1, 2, 3, -7, 7, 8, 63, 64, 100, 127, -128, 200, 255, 2**15, 2**16 - 1, 2**31 - 1, 2**32 - 1, 2**63, 2**64 - 1, -(2**31),
    2**53 + 1, 2**63 - 1, -(2**63), 2**61 + 2**37 + 1,
)  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """A kind of operand: how Python holds the value, and its values."""

    box: str  # "python", "numpy", "array"
    dtype: DType

    def values(self) -> list[Any]:
        match self.dtype.kind:
            case "b":
                raw: list[Any] = [False, True]
            case "i" | "u":
                low, high = self.dtype.integer_range()
                raw = [v for v in _INTS if low <= v <= high]
            case "f":
                raw = list(_FLOATS)
            case _:
                raw = [complex(a, b) for a, b in itertools.product((0.0, -0.0, 1.5, -2.25, math.inf, math.nan, 1e200), repeat=2)]
                raw += [complex(0.1, 0.7), complex(-3.3, 1e-3)]
        if self.box == "python":
            return raw
        with np.errstate(all="ignore"):
            return [np.dtype(self.dtype.value).type(value) for value in raw]

    def operand(self, name: str) -> Operand:
        index = (Const(0, DType.INT64),) if self.box == "array" else ()
        make: Callable[[Any], Operand] = {"python": python, "numpy": scalar, "array": element}[self.box]
        return make(Load(name, index, self.dtype))

    def hold(self, value: Any) -> Any:
        """The object that Python sees."""
        return np.array([value]) if self.box == "array" else value

    def __str__(self) -> str:
        return f"{self.box}-{self.dtype.value}"


PYTHON_KINDS = [Kind("python", d) for d in (DType.BOOL, DType.INT64, DType.FLOAT64, DType.COMPLEX128)]
NUMPY_TYPES = tuple(DType)
NUMPY_KINDS = [Kind("numpy", d) for d in NUMPY_TYPES]
ARRAY_KINDS = [Kind("array", d) for d in NUMPY_TYPES]
KINDS = PYTHON_KINDS + NUMPY_KINDS + ARRAY_KINDS


@dataclass(frozen=True)
class Outcome:
    """How often both computed (and agreed), both failed, and only the expression failed."""

    computed: int
    refused: int
    spurious: int


class Refused(Exception):
    """CPython or NumPy raised, or warned in a way that no floating-point flag shows."""


def reference(function: Callable[..., Any], args: list[Any]) -> tuple[Any, set[str]]:
    """What Python computes and the floating-point warnings it gives; Refused where a kernel has to fail."""
    integers = all(np.asarray(arg).dtype.kind in "iub" for arg in args)
    with warnings.catch_warnings(record=True) as seen, np.errstate(all="warn", under="ignore"):
        warnings.simplefilter("always")
        try:
            result = function(*args)
        except Exception as error:
            raise Refused(repr(error)) from error
    messages = {str(warning.message) for warning in seen}
    words = {"divide": "divide by zero", "over": "overflow", "invalid": "invalid value"}
    kinds = {short for short, text in words.items() for message in messages if text in message}
    if any(not issubclass(warning.category, RuntimeWarning) for warning in seen):
        raise Refused(str(messages))
    if messages and integers and np.asarray(result).dtype.kind in "iub":
        raise Refused(str(messages))
    return result, kinds


def same_bits(ours: Any, theirs: Any) -> bool:
    """Equal bits; NaNs are equal whatever their payload and sign (which C compilers do not promise)."""
    a, b = np.asarray(ours), np.asarray(theirs)
    if a.dtype != b.dtype:
        return False
    if a.dtype.kind == "c":
        return same_bits(a.real, b.real) and same_bits(a.imag, b.imag)
    if a.dtype.kind == "f" and np.isnan(a) and np.isnan(b):
        return True
    return a.tobytes() == b.tobytes()


def type_of(result: Any) -> tuple[str, str]:
    """Box and dtype name of a Python result."""
    if isinstance(result, np.ndarray):
        return "array", result.dtype.name
    if isinstance(result, np.generic):
        return "numpy", result.dtype.name
    return "python", {bool: "bool", int: "int64", float: "float64", complex: "complex128"}[type(result)]


def combinations(kinds: tuple[Kind, ...], limit: int = 40) -> list[tuple[Any, ...]]:
    """All combinations of the kinds' values, or `limit` of them spread evenly, other ones for other kinds (`-m slow` takes more)."""
    cases = list(itertools.product(*(kind.values() for kind in kinds)))
    if len(cases) <= limit:
        return cases
    step = next(step for step in range(len(cases) * 3 // 8, len(cases)) if math.gcd(step, len(cases)) == 1)
    start = zlib.crc32(" ".join(map(str, kinds)).encode()) % len(cases)
    return [cases[(start + i * step) % len(cases)] for i in range(limit)]


def check(build: Callable[..., Operand], function: Callable[..., Any], kinds: tuple[Kind, ...], limit: int = 40) -> Outcome | None:
    """Compare the element-level meaning with Python for values of the kinds. Returns the counts, None where it is unsupported.

    Raises AssertionError with the first difference.
    """
    try:
        operand = build(*(kind.operand(f"x{i}") for i, kind in enumerate(kinds)))
    except Unsupported:
        return None
    functions = {node.function for node in walk_expr(operand.expr) if isinstance(node, Call)}
    # the interpreter does not see the libm's flags; NumPy's flags for a complex NaN vary with the strides
    untold = any(name.startswith("libm.") or (name.startswith("numpy.") and operand.dtype.is_complex) for name in functions)
    cases = combinations(kinds, limit)
    computed = refused = spurious = 0
    for case in cases:
        held = [kind.hold(value) for kind, value in zip(kinds, case, strict=True)]
        memory = {f"x{i}": value if kind.box == "array" else np.dtype(kind.dtype.value).type(value)
                  for i, (kind, value) in enumerate(zip(kinds, held, strict=True))}  # fmt: skip
        flags: set[str] = set()
        try:
            with collecting(flags):
                ours = evaluate(operand.expr, memory)
        except KernelFailed:
            ours = None
        try:
            theirs, warned = reference(function, held)
        except Refused:
            refused += 1
            assert ours is None, f"{held!r}: Python refuses, the expression gives {ours!r}"
            continue
        if ours is None:
            spurious += 1
            continue
        computed += 1
        box, name = type_of(theirs)
        ours_box = "array" if operand.array else operand.type.box
        types = f"{held!r}: {(ours_box, operand.dtype.value)} is not {(box, name)}"
        assert operand.dtype.value == name, types
        assert ours_box in (box, "mixed"), types
        value = theirs.ravel()[0] if isinstance(theirs, np.ndarray) else np.dtype(name).type(theirs)
        assert same_bits(ours, value), f"{held!r}: {ours!r} is not {value!r} ({operand.expr})"
        assert warned <= flags or ours_box == "python" or untold, f"{held!r}: warns {warned}, flags {flags}"
    return Outcome(computed, refused, spurious)
