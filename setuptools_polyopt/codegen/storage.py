"""Where the arrays and scalars of a kernel live in C, and what is known about the kernel as a whole.

    argument     pointer and strides from the struct; the axis of unit stride needs none
    result       pointer from the struct, strides from the extents; a scalar is a local, stored at the end
    input        a value of the struct
    temporary    a local (rank 0), a small array on the stack (constant extents), or memory of the thread's arena
"""

from __future__ import annotations

from dataclasses import dataclass, field

from setuptools_polyopt.codegen import affine
from setuptools_polyopt.codegen.names import Names
from setuptools_polyopt.codegen.source import LoopKey, Options
from setuptools_polyopt.exhaustive import assert_never
from setuptools_polyopt.ir.expressions import Binary, Const, Expr, Load, Unary
from setuptools_polyopt.ir.kernel import Array, Kernel, Layout, NoOverlap, Role
from setuptools_polyopt.ir.statements import Alloc, Assign, Break, Continue, For, If, Serial, Stmt, While, walk
from setuptools_polyopt.ir.visitors import loads, walk_expr

STACK_BYTES = 16 * 1024
"""The largest temporary that goes on the stack."""


PIECE_LOWER, PIECE_UPPER = "<lo>", "<hi>"
"""Symbols for the ends of a piece of a parallel loop."""


def disjoint(kernel: Kernel, first: str, second: str) -> bool:
    """Whether two different arrays certainly share no memory."""
    if first == second:
        return False
    if any(kernel.array(name).role is not Role.ARGUMENT for name in (first, second)):
        return True
    return any({item.first, item.second} == {first, second} for item in kernel.assumptions if isinstance(item, NoOverlap))


@dataclass
class Unit:
    """What the functions of one kernel share while they are written."""

    kernel: Kernel
    options: Options
    symbol: str
    names: Names = field(default_factory=Names)
    loops: set[LoopKey] = field(default_factory=set)
    wrappers: dict[str, str] = field(default_factory=dict)
    libm: set[str] = field(default_factory=set)
    functions: list[str] = field(default_factory=list)
    bodies: int = 0
    chunked: bool = False

    def __post_init__(self) -> None:
        self.arrays = {array.name: array for array in self.kernel.arrays}
        statements = tuple(walk(self.kernel.body))
        self.written = frozenset(item.target.array for item in statements if isinstance(item, Assign))
        self.read = frozenset(load.array for item in statements for load in reads(item))
        self.used = frozenset(load.array for item in statements for load in reads(item) if not _updates(item, load.array))
        self.products = any(_subtracts(item) for item in statements)
        self.allocated = frozenset(item.array for item in statements if isinstance(item, Alloc))
        self.names.define(PIECE_LOWER, "lo")
        self.names.define(PIECE_UPPER, "hi")
        for param in self.kernel.params:
            self.names.of(param.name)
        for array in self.kernel.arrays:
            self.names.of(array.name)
        self._strides = {array.name: self._stride_names(array) for array in self.kernel.arrays}

    def is_unread(self, name: str) -> bool:
        """Whether what is stored into an array is gone for good: nobody but its own updates reads it."""
        return self.arrays[name].role is Role.TEMPORARY and name not in self.used

    def disjoint(self, first: str, second: str) -> bool:
        """Whether two different arrays certainly share no memory."""
        return disjoint(self.kernel, first, second)

    def restrict(self, name: str) -> bool:
        """Whether nothing else of the kernel reaches the memory of an array that somebody writes."""
        others = (array.name for array in self.kernel.arrays if array.rank and array.name != name)
        return all(self.disjoint(name, other) or not {name, other} & self.written for other in others)

    def stride(self, name: str, axis: int) -> Expr | str | None:
        """Elements from one index of the axis to the next: a position over parameters, a name of the struct, or None for one."""
        array = self.arrays[name]
        if axis == self.unit_axis(array):
            return None
        if array.role is Role.ARGUMENT:
            return self._strides[name][axis]
        inner = array.extents[:axis] if array.layout is Layout.FORTRAN else array.extents[axis + 1 :]
        product: Expr = affine.ONE
        for extent in inner:
            product = affine.times(product, extent)
        return product

    def derived(self, name: str, axis: int) -> str:
        """The name of the local that holds a stride computed from extents."""
        return self._strides[name][axis]

    def unit_axis(self, array: Array) -> int | None:
        """The axis whose elements lie side by side."""
        if array.layout is Layout.STRIDED:
            return None
        return 0 if array.layout is Layout.FORTRAN else array.rank - 1

    def stack_length(self, array: Array) -> int | None:
        """Elements of a temporary that is small enough for the stack, else None."""
        length = 1
        for extent in array.extents:
            if not isinstance(extent, Const) or isinstance(extent.value, complex):
                return None
            length *= max(1, int(extent.value))
        return length if length * array.dtype.itemsize <= STACK_BYTES else None

    def _stride_names(self, array: Array) -> list[str]:
        return [self.names.fresh(f"{self.names.of(array.name)}_s{axis}") for axis in range(array.rank)]


def _updates(statement: Stmt, name: str) -> bool:
    """Whether a statement stores into the array."""
    return isinstance(statement, Assign) and statement.target.array == name


def _subtracts(statement: Stmt) -> bool:
    """Whether a statement subtracts or negates floats, beside which a compiler might fuse products."""
    return isinstance(statement, Assign) and any(
        isinstance(node, Binary | Unary) and node.op in ("sub", "neg") and node.dtype.is_float for node in walk_expr(statement.value)
    )


def reads(statement: Stmt) -> tuple[Load, ...]:
    """What a statement itself reads; the statements inside it aside."""
    match statement:
        case Assign(target=target, value=value):
            return loads(value) + tuple(load for index in target.indices for load in loads(index))
        case For(lower=lower, upper=upper):
            return loads(lower) + loads(upper)
        case If(cond=cond) | While(cond=cond):
            return loads(cond)
        case Alloc() | Serial() | Break() | Continue():
            return ()
        case _:
            assert_never(statement)
