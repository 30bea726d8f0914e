"""The reference evaluator: what a kernel means, in plain Python and NumPy scalars.

Slow and simple on purpose: it is the oracle between CPython and the generated code. It runs program-order and scheduled kernels alike
(parallel loops in a random or given order, so that a wrong mark shows).

A checked operation that fails raises `KernelFailed`. Floating-point flags are collected in `Outcome.flags`.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import itertools
import math
import random
import sys
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from setuptools_polyopt.exhaustive import assert_never
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import (
    Binary,
    Call,
    Cast,
    Compare,
    Const,
    Expr,
    Load,
    Product,
    Range,
    Reduce,
    Select,
    Sym,
    Unary,
)
from setuptools_polyopt.ir.kernel import Kernel, Layout, Role
from setuptools_polyopt.ir.printer import print_expr
from setuptools_polyopt.ir.statements import Alloc, Assign, Block, Break, Continue, For, If, Serial, While

POISON = 0x5A
"""Byte that fills memory whose contents are undefined, so that a read before a write shows."""


class KernelFailed(Exception):
    """A checked operation failed: the caller must discard or undo what the kernel has written."""


@dataclass
class Outcome:
    """What a run left besides its arrays: which floating-point flags were set ("divide", "over", "under", "invalid")."""

    flags: set[str] = field(default_factory=set)


def run(kernel: Kernel, arrays: MutableMapping[str, Any], params: Mapping[str, int], seed: int | None = None) -> Outcome:
    """Execute a kernel.

    arrays: argument arrays by name (written in place), input scalars by value; results are added as new arrays (rank >= 1) or NumPy
    scalars (rank 0), of the declared dtype. params: every parameter. seed: shuffles the iterations of parallel loops.
    Raises KernelFailed when a checked operation fails, IndexError when an index is out of bounds or negative.
    """
    outcome = Outcome()
    machine = _Machine(kernel, params, seed)
    for array in kernel.arrays:
        if array.role is Role.ARGUMENT:
            machine.memory[array.name] = arrays[array.name]
        elif array.role is Role.INPUT:
            machine.memory[array.name] = np.array(arrays[array.name], dtype=array.dtype.value)
        else:
            machine.allocate(array.name)
    with collecting(outcome.flags):
        machine.block(kernel.body)
    for array in kernel.arrays:
        if array.role is Role.RESULT:
            value = machine.memory[array.name]
            arrays[array.name] = value if array.rank else value[()]
    return outcome


def evaluate(expr: Expr, values: Mapping[str, Any]) -> Any:
    """The value of an expression as a NumPy scalar; `values` gives symbols (int) and arrays or rank-0 arrays (NumPy arrays or scalars)."""
    machine = _Machine(None, {k: v for k, v in values.items() if isinstance(v, int) and not isinstance(v, bool)}, None)
    machine.memory = {k: np.asarray(v) for k, v in values.items() if k not in machine.symbols or isinstance(v, np.generic)}
    return machine.eval(expr)


class collecting:
    """Context: floating-point flags that NumPy operations set inside are added to the given set, without warnings."""

    def __init__(self, flags: set[str]) -> None:
        self.flags = flags

    def __enter__(self) -> None:
        names = {"divide": "divide", "overflow": "over", "underflow": "under", "invalid": "invalid"}

        def note(kind: str, _bits: int) -> None:
            self.flags.add(next(short for long, short in names.items() if long in kind))

        self.state = np.errstate(all="call", call=note)
        self.state.__enter__()

    def __exit__(self, *exc: object) -> None:
        self.state.__exit__(None, None, None)


class _Jump(Exception):
    """Control goes to the innermost loop: out of it, or on to its next iteration."""

    def __init__(self, leaves: bool) -> None:
        self.leaves = leaves


class _Machine:
    def __init__(self, kernel: Kernel | None, params: Mapping[str, int], seed: int | None) -> None:
        self.kernel = kernel
        self.symbols: dict[str, int] = {name: int(value) for name, value in params.items()}
        self.memory: dict[str, Any] = {}
        self.random = random.Random(seed) if seed is not None else None

    def allocate(self, name: str) -> None:
        assert self.kernel is not None
        array = self.kernel.array(name)
        shape = tuple(max(0, int(self.eval(extent))) for extent in array.extents)
        order: Literal["C", "F"] = "F" if array.layout is Layout.FORTRAN else "C"
        fresh: Any = np.empty(shape, dtype=array.dtype.value, order=order)
        fresh.reshape(-1, order="A").view(np.uint8).fill(1 if array.dtype is DType.BOOL else POISON)
        self.memory[name] = fresh

    # statements

    def block(self, body: Block) -> None:
        for statement in body:
            match statement:
                case Assign(target=target, value=value):
                    result = self.eval(value)
                    self.element(target)[...] = result
                case Alloc(array=name):
                    self.allocate(name)
                case If():
                    self.block(statement.body if self.eval(statement.cond) else statement.orelse)
                case For(kind="library"):
                    self.library(statement)
                case For():
                    for iteration in self.iterations(statement):
                        self.symbols[statement.var] = iteration
                        if self.leaves(statement.body):
                            break
                    self.symbols.pop(statement.var, None)
                case While():
                    while self.eval(statement.cond):
                        if self.leaves(statement.body):
                            break
                case Serial():
                    self.block(statement.body)
                case Break():
                    raise _Jump(True)
                case Continue():
                    raise _Jump(False)
                case _:
                    assert_never(statement)

    def library(self, rows: For) -> None:
        """Two loops around a product of matrices: the whole product first."""
        (columns,) = rows.body
        if not isinstance(columns, For) or not isinstance(inside := columns.body[0], Assign) or not isinstance(inside.value, Product):
            raise TypeError("the loops are no call of a library")
        result = self.product(inside.value, (rows,), (columns,))
        for i, j in np.ndindex(result.shape):
            self.symbols.update({rows.var: i, columns.var: j})
            self.element(inside.target)[...] = result[i, j]
        for loop in (rows, columns):
            self.symbols.pop(loop.var, None)

    def product(self, expr: Product, rows: Sequence[For] = (), columns: Sequence[For] = ()) -> Any:
        """NumPy's product of its own views of the operands."""
        left = self.view(expr.left.body, (*rows, *expr.left.ranges))
        right = self.view(expr.right.body, (*expr.right.ranges, *columns))
        function = getattr(np, expr.function.removeprefix("numpy."))
        return function(left, right) if rows else function(left.reshape(-1), right.reshape(-1))

    def view(self, load: Load, axes: Sequence[For | Range]) -> Any:
        """The elements for all values of some variables, in place."""
        shape = [max(0, int(self.eval(axis.upper))) for axis in axes]
        if 0 in shape:
            return np.empty(shape, load.dtype.value)

        def at(values: Mapping[str, int]) -> Any:
            self.symbols.update({axis.var: values.get(axis.var, 0) for axis in axes})
            return self.element(load)

        first = at({})
        at({axis.var: extent - 1 for axis, extent in zip(axes, shape, strict=True)})
        steps = [_address(at({axis.var: min(1, n - 1)})) - _address(first) for axis, n in zip(axes, shape, strict=True)]
        for axis in axes:
            self.symbols.pop(axis.var, None)
        return np.lib.stride_tricks.as_strided(first, shape, steps)

    def leaves(self, body: Block) -> bool:
        """Run one iteration of a loop; whether it left the loop."""
        try:
            self.block(body)
        except _Jump as jump:
            return jump.leaves
        return False

    def iterations(self, loop: For) -> Iterator[int]:
        values = list(range(int(self.eval(loop.lower)), int(self.eval(loop.upper)), loop.step))
        if loop.kind != "serial" and self.random is not None:
            self.random.shuffle(values)
        return iter(values)

    def element(self, load: Load) -> Any:
        array = self.memory[load.array]
        indices = tuple(int(self.eval(index)) for index in load.indices)
        if any(not 0 <= index < extent for index, extent in zip(indices, array.shape, strict=True)):
            raise IndexError(f"{load.array}{list(indices)} is outside {array.shape}")
        return array[(*indices, ...)]

    # expressions

    def eval(self, expr: Expr) -> Any:
        match expr:
            case Const(value=value, dtype=dtype):
                return np.dtype(dtype.value).type(value)
            case Sym(name=name):
                return np.int64(self.symbols[name])
            case Load():
                return self.element(expr)[()]
            case Select():
                return self.eval(expr.then if self.eval(expr.cond) else expr.orelse)
            case Binary(op="and"):
                return np.bool_(bool(self.eval(expr.left)) and bool(self.eval(expr.right)))
            case Binary(op="or"):
                return np.bool_(bool(self.eval(expr.left)) or bool(self.eval(expr.right)))
            case Binary():
                return _binary(expr, self.eval(expr.left), self.eval(expr.right))
            case Compare(op=op):
                return _COMPARE[op](self.eval(expr.left), self.eval(expr.right))
            case Unary():
                return _unary(expr, self.eval(expr.operand))
            case Cast():
                return _cast(expr, self.eval(expr.operand))
            case Call():
                return _call(expr, [self.eval(arg) for arg in expr.args])
            case Reduce():
                return self.reduce(expr)
            case Product():
                return self.product(expr)
            case _:
                assert_never(expr)

    def reduce(self, expr: Reduce) -> Any:
        spans = [range(int(self.eval(part.lower)), int(self.eval(part.upper))) for part in expr.ranges]
        names = [part.var for part in expr.ranges]
        extents = self.memory[expr.body.array].shape
        if any(span != range(extent) for span, extent in zip(spans[:0:-1], extents[::-1], strict=False)):
            raise IndexError(f"{print_expr(expr)}: the elements do not lie one behind the other in {extents}")
        items = []
        for values in itertools.product(*spans):
            self.symbols.update(zip(names, values, strict=True))
            items.append(self.eval(expr.body))
        for name in names:
            self.symbols.pop(name, None)
        row = np.array(items[expr.skip :], dtype=expr.body.dtype.value)
        ufunc = getattr(np, expr.function.removeprefix("numpy."))
        init = self.eval(expr.init)
        if not len(row):
            return init
        # the inner loop computes init op (the block's own result), as ufunc.reduce does with `initial`
        return ufunc.reduce(row, initial=init, dtype=expr.dtype.value)


def _address(view: Any) -> int:
    address: int = view.__array_interface__["data"][0]
    return address


_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
}


def _exact_integer(expr: Binary, a: int, b: int) -> int:
    match expr.op:
        case "add":
            return a + b
        case "sub":
            return a - b
        case "mul":
            return a * b
        case "floordiv" | "mod":
            if b == 0:
                if expr.checked:
                    raise KernelFailed(expr.op)
                return 0
            return a // b if expr.op == "floordiv" else a % b
        case "pow":
            if b < 0 or (expr.checked and b * max(1, abs(a).bit_length() - 1) > 64 and abs(a) > 1):
                raise KernelFailed(expr.op)
            return int(a**b) if expr.checked else pow(a, b, 2**64)
        case "index":
            if not -b <= a < b:
                raise KernelFailed(expr.op)
            return a + b if a < 0 else a
        case "min" | "minimum":
            return min(a, b)
        case "max" | "maximum":
            return max(a, b)
        case "bitand":
            return a & b
        case "bitor":
            return a | b
        case "bitxor":
            return a ^ b
        case "shl":
            if expr.checked and not 0 <= b < 64:
                raise KernelFailed(expr.op)
            return a << b if 0 <= b < 64 else 0
        case "shr":
            if expr.checked and b < 0:
                raise KernelFailed(expr.op)
            return a >> b if 0 <= b < 64 else (-1 if a < 0 else 0)
        case _:
            raise TypeError(f"{expr.op} of integers")


def _wrap(value: int, dtype: DType, checked: bool) -> Any:
    low, high = dtype.integer_range()
    if not low <= value <= high:
        if checked:
            raise KernelFailed("overflow")
        value = (value - low) % (high - low + 1) + low
    return np.dtype(dtype.value).type(value)


def _binary(expr: Binary, a: Any, b: Any) -> Any:
    dtype = expr.dtype
    if dtype.is_integer:
        width = 8 * dtype.itemsize
        if expr.op in ("shl", "shr") and not expr.checked and not 0 <= int(b) < width:
            return _wrap(-1 if expr.op == "shr" and int(a) < 0 else 0, dtype, False)
        return _wrap(_exact_integer(expr, int(a), int(b)), dtype, expr.checked)
    if dtype is DType.BOOL:
        table: dict[str, bool] = {
            "bitand": bool(a and b), "bitor": bool(a or b), "bitxor": bool(a) != bool(b), "maximum": bool(a or b),
            "minimum": bool(a and b), "add": bool(a or b), "mul": bool(a and b),
        }  # fmt: skip
        return np.bool_(table[expr.op])
    if expr.checked and expr.op in ("div", "floordiv", "mod") and b == 0:
        raise KernelFailed("division by zero")
    if dtype.is_complex and expr.op in ("mul", "div"):
        return _complex(expr.op, a, b)
    operations: dict[str, Callable[[Any, Any], Any]] = {
        "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "floordiv": np.floor_divide,
        "mod": np.remainder, "maximum": np.maximum, "minimum": np.minimum,
    }  # fmt: skip
    return operations[expr.op](a, b)


def _complex(op: str, a: Any, b: Any) -> Any:
    """Python's and NumPy's scalar formulas: the product without FMA; the quotient by Smith's method."""
    kind = type(a)
    real = a.real.dtype.type
    if op == "mul":
        return kind(complex(a.real * b.real - a.imag * b.imag, a.real * b.imag + a.imag * b.real))
    if abs(b.real) >= abs(b.imag):
        if b.real == 0 and b.imag == 0:
            return kind(complex(a.real / abs(b.real), a.imag / abs(b.real)))
        ratio = b.imag / b.real
        scale = real(1) / (b.real + b.imag * ratio)
        return kind(complex((a.real + a.imag * ratio) * scale, (a.imag - a.real * ratio) * scale))
    ratio = b.real / b.imag
    scale = real(1) / (b.imag + b.real * ratio)
    return kind(complex((a.real * ratio + a.imag) * scale, (a.imag * ratio - a.real) * scale))


def _unary(expr: Unary, a: Any) -> Any:
    dtype = expr.dtype
    match expr.op:
        case "not":
            return np.bool_(not a)
        case "neg":
            return _wrap(-int(a), dtype, expr.checked) if dtype.is_integer else -a
        case "abs":
            return _wrap(abs(int(a)), dtype, expr.checked) if dtype.is_integer else abs(a)
        case "invert":
            return np.bool_(not a) if dtype is DType.BOOL else _wrap(~int(a), dtype, False)
        case "sqrt":
            if expr.checked and a < 0:
                raise KernelFailed("square root of a negative number")
            return np.sqrt(a)
        case "real":
            return a.real
        case "imag":
            return a.imag
        case "conj":
            return a.conjugate()
        case "floor" | "ceil" | "trunc" | "rint" | "isnan" | "isfinite" | "isinf" | "signbit":
            return getattr(np, expr.op)(a)
        case _:
            assert_never(expr.op)


def _cast(expr: Cast, a: Any) -> Any:
    if expr.checked and expr.dtype.is_integer:
        if isinstance(a, np.floating):
            if not math.isfinite(a):
                raise KernelFailed("conversion")
            return _wrap(int(a), expr.dtype, True)
        return _wrap(int(a), expr.dtype, True)
    if isinstance(a, np.complexfloating) and not expr.dtype.is_complex and expr.dtype is not DType.BOOL:
        a = a.real
    if expr.dtype.is_complex and not isinstance(a, np.complexfloating):
        return np.dtype(expr.dtype.value).type(complex(np.asarray(a).astype(expr.dtype.real.value)))
    return np.asarray(a).astype(expr.dtype.value)[()]


def _call(expr: Call, args: list[Any]) -> Any:
    if expr.function == "complex":
        return np.dtype(expr.dtype.value).type(complex(args[0], args[1]))
    room, name = expr.function.split(".", 1)
    if room == "numpy":
        return getattr(np, name)(*(np.array([arg]) for arg in args))[0]
    if expr.checked:
        try:
            return np.dtype(expr.dtype.value).type(_python_function(name)(*(float(arg) for arg in args)))
        except (ValueError, OverflowError, ZeroDivisionError, TypeError) as error:
            raise KernelFailed(str(error)) from error
    return np.dtype(expr.dtype.value).type(_libm(name, len(args), expr.dtype)(*args))


def _python_function(name: str) -> Callable[..., Any]:
    if name == "pow":
        return lambda a, b: a**b if not (a < 0 and b != math.floor(b)) else complex("nan").real / 0
    return {"fabs": math.fabs}.get(name) or getattr(math, name)


_LIBM: list[ctypes.CDLL] = []


def _sum_error(total: float, item: float) -> float:
    """What Python's `sum` keeps beside the rounded sum."""
    rounded = total + item
    if sys.hexversion < 0x030C0000:
        return 0.0
    return (total - rounded) + item if abs(total) >= abs(item) else (item - rounded) + total


def _libm(name: str, count: int, dtype: DType) -> Callable[..., Any]:
    if name == "sum_error":
        return _sum_error
    if not _LIBM:
        _LIBM.append(ctypes.CDLL(ctypes.util.find_library("m")))
    single = dtype is DType.FLOAT32
    function = _LIBM[0][name + ("f" if single else "")]
    ctype = ctypes.c_float if single else ctypes.c_double
    function.argtypes = [ctype] * count
    function.restype = ctype
    return lambda *args: function(*(float(arg) for arg in args))
