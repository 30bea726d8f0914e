"""Short ways to write kernels in tests."""

from __future__ import annotations

from setuptools_polyopt.diagnostics import Span
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Binary, BinaryOp, Const, Expr, Load, Sym, integer
from setuptools_polyopt.ir.kernel import Array, Assumption, Kernel, Layout, NoOverlap, Param, Role
from setuptools_polyopt.ir.statements import Assign, Block, For, LoopKind, Stmt
from setuptools_polyopt.ir.verifier import verify

F64, I64 = DType.FLOAT64, DType.INT64


def index(value: str | int | Expr) -> Expr:
    """A position: a name, a number, or an expression."""
    return Sym(value) if isinstance(value, str) else integer(value) if isinstance(value, int) else value


def plus(a: str | int | Expr, b: str | int | Expr) -> Expr:
    """a + b of positions."""
    return Binary("add", index(a), index(b), I64)


def least(a: str | int | Expr, b: str | int | Expr) -> Expr:
    """min(a, b) of positions."""
    return Binary("min", index(a), index(b), I64)


def at(array: str, *indices: str | int | Expr, dtype: DType = F64) -> Load:
    """An element."""
    return Load(array, tuple(index(item) for item in indices), dtype)


def op(name: BinaryOp, a: Expr | float, b: Expr | float, dtype: DType = F64, checked: bool = False) -> Binary:
    """A binary operation; numbers become constants."""
    left, right = (Const(item, dtype) if isinstance(item, int | float) else item for item in (a, b))
    return Binary(name, left, right, dtype, checked)


def put(target: Load, value: Expr | float, line: int = 0) -> Assign:
    """An assignment from the given line."""
    return Assign(target, value if not isinstance(value, int | float) else Const(value, target.dtype), Span("pkg/mod.py", line))


def loop(
    var: str, lower: str | int | Expr, upper: str | int | Expr, *body: Stmt, step: int = 1, kind: LoopKind = "serial", note: str = ""
) -> For:
    """A loop."""
    return For(var, index(lower), index(upper), step, tuple(body), kind, note)


def argument(name: str, *extents: str | int, dtype: DType = F64, layout: Layout = Layout.C) -> Array:
    """A caller's array."""
    return Array(name, dtype, tuple(index(extent) for extent in extents), Role.ARGUMENT, layout)


def array(name: str, role: Role, *extents: str | int | Expr, dtype: DType = F64) -> Array:
    """An array of another role."""
    return Array(name, dtype, tuple(index(extent) for extent in extents), role)


def kernel(name: str, params: str, arrays: list[Array], body: Block, apart: str = "") -> Kernel:
    """A verified kernel; `apart` lists pairs of arguments that do not overlap ("A-B A-C")."""
    assumptions: list[Assumption] = [NoOverlap(*pair.split("-")) for pair in apart.split()]
    declared = tuple(Param(item) for item in params.split())
    result = Kernel(name, declared, tuple(arrays), body, tuple(assumptions), Span("pkg/mod.py", 1, 0, 9))
    verify(result)
    return result
