"""Is a kernel well formed? Run after every phase; a problem names the phase, not the user.

Checks: unique names; symbols bound; arrays declared, of the right rank and dtype; operand types agree; inputs never written; step non-zero
(positive in a scheduled kernel); vector loops innermost; labels unique in program order; temporaries allocated before use where the
kernel allocates any; `While` and jumps stand in a `Serial`, jumps in a serial loop of it.
"""

from __future__ import annotations

from setuptools_polyopt.exhaustive import assert_never
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import (
    ROW,
    Binary,
    Call,
    Cast,
    Compare,
    Const,
    Expr,
    Load,
    Product,
    Reduce,
    Select,
    Sym,
    Unary,
    integer,
)
from setuptools_polyopt.ir.kernel import Contiguous, Holds, Kernel, Layout, Role
from setuptools_polyopt.ir.printer import print_assumption, print_expr
from setuptools_polyopt.ir.statements import Alloc, Assign, Block, Break, Continue, For, If, Serial, While, jumps, walk
from setuptools_polyopt.ir.visitors import children, symbols


class IRError(Exception):
    """The kernel is malformed: a defect of polyopt."""


_BOOL_RESULT = ("isnan", "isfinite", "isinf", "signbit", "not")


def verify(kernel: Kernel, scheduled: bool = False) -> None:
    """Raise `IRError` for the first problem found.

    kernel: of any phase; scheduled: whether it came out of the polyhedral stage.
    """
    _Verifier(kernel, scheduled).run()


class _Verifier:
    def __init__(self, kernel: Kernel, scheduled: bool) -> None:
        self.kernel = kernel
        self.scheduled = scheduled
        self.arrays = {array.name: array for array in kernel.arrays}
        self.params = frozenset(param.name for param in kernel.params)
        self.allocates = any(isinstance(statement, Alloc) for statement in walk(kernel.body))
        self.in_serial = self.in_call = False

    def fail(self, message: str) -> IRError:
        return IRError(f"kernel {self.kernel.name}: {message}")

    def run(self) -> None:
        kernel = self.kernel
        if len(self.arrays) != len(kernel.arrays) or len(self.params) != len(kernel.params):
            raise self.fail("two arrays or two parameters share a name")
        if self.params & self.arrays.keys():
            raise self.fail(f"array and parameter share the name {sorted(self.params & self.arrays.keys())[0]}")
        for array in kernel.arrays:
            for extent in array.extents:
                self.expr(extent, self.params, DType.INT64)
            if (array.role is Role.INPUT and array.rank) or (array.role is Role.ARGUMENT and not array.rank):
                raise self.fail(f"{array.name}: a scalar input has rank 0, an argument does not")
        for assumption in kernel.assumptions:
            if isinstance(assumption, Holds):
                self.expr(assumption.condition, self.params, DType.BOOL)
            if isinstance(assumption, Contiguous):
                claimed = self.arrays.get(assumption.array)
                if claimed is None or claimed.role is not Role.ARGUMENT or not 0 <= assumption.axis < claimed.rank:
                    raise self.fail(f"{print_assumption(assumption)} names no axis of an argument")
        live = frozenset(a.name for a in kernel.arrays if not (self.allocates and a.role is Role.TEMPORARY))
        if jumps(kernel.body):
            raise self.fail("a jump is outside of all loops")
        self.block(kernel.body, self.params, live)
        labels = [s.label for s in walk(kernel.body) if isinstance(s, Assign) and s.label]
        if not self.scheduled and len(labels) != len(set(labels)):
            raise self.fail("two statements share a label")

    def block(self, body: Block, scope: frozenset[str], live: frozenset[str]) -> None:
        for statement in body:
            match statement:
                case Alloc(array=name):
                    if name not in self.arrays or self.arrays[name].role is not Role.TEMPORARY:
                        raise self.fail(f"alloc of {name}, which is no temporary")
                    live |= {name}
                case Assign(target=target, value=value):
                    self.load(target, scope, live)
                    if self.arrays[target.array].role is Role.INPUT:
                        raise self.fail(f"{target.array} is an input and is written")
                    self.expr(value, scope, target.dtype, live)
                case If():
                    self.expr(statement.cond, scope, DType.BOOL, live)
                    self.block(statement.body, scope, live)
                    self.block(statement.orelse, scope, live)
                case For():
                    self.loop(statement, scope, live)
                case Serial() if self.in_serial or jumps(statement.body):
                    raise self.fail("a serial block is inside another one, or a jump leaves it")
                case Serial():
                    self.in_serial = True
                    self.block(statement.body, scope, live)
                    self.in_serial = False
                case While() | Break() | Continue() if not self.in_serial:
                    raise self.fail("a while loop or a jump is outside of serial blocks")
                case While():
                    self.expr(statement.cond, scope, DType.BOOL, live)
                    self.block(statement.body, scope, live)
                case Break() | Continue():
                    pass
                case _:
                    assert_never(statement)

    def loop(self, loop: For, scope: frozenset[str], live: frozenset[str]) -> None:
        if loop.step == 0 or (self.scheduled and loop.step < 0 and not self.in_serial):
            raise self.fail(f"loop {loop.var} has step {loop.step}")
        if loop.var in scope or loop.var in self.arrays:
            raise self.fail(f"loop iterator {loop.var} hides another name")
        if jumps(loop.body) and (not self.in_serial or loop.kind != "serial"):
            raise self.fail(f"a jump leaves loop {loop.var}, which is not serial")
        if loop.kind == "vector" and any(isinstance(inner, For | While) for inner in walk(loop.body)):
            raise self.fail(f"vector loop {loop.var} is not innermost")
        if loop.kind == "library" and not (self.in_serial and (is_call(loop) or self.in_call)):
            raise self.fail(f"loop {loop.var} and what is inside is no call of a library in a serial block")
        self.expr(loop.lower, scope, DType.INT64, live)
        self.expr(loop.upper, scope, DType.INT64, live)
        self.in_call = loop.kind == "library"
        self.block(loop.body, scope | {loop.var}, live)
        self.in_call = False

    def load(self, load: Load, scope: frozenset[str], live: frozenset[str] | None) -> None:
        array = self.arrays.get(load.array)
        if array is None:
            raise self.fail(f"unknown array {load.array}")
        if live is not None and load.array not in live:
            raise self.fail(f"{load.array} is used outside its allocation")
        if len(load.indices) != array.rank or load.dtype is not array.dtype:
            raise self.fail(f"{print_expr(load)} does not fit {array.name}: {array.dtype.value}, rank {array.rank}")
        for index in load.indices:
            self.expr(index, scope, DType.INT64, live)

    def expr(self, expr: Expr, scope: frozenset[str], want: DType, live: frozenset[str] | None = None) -> None:
        if expr.dtype is not want:
            raise self.fail(f"{print_expr(expr)} is {expr.dtype.value}, wanted {want.value}")
        match expr:
            case Const():
                pass
            case Sym(name=name):
                if name not in scope:
                    raise self.fail(f"symbol {name} is not bound")
            case Load():
                self.load(expr, scope, live)
            case Unary(op=op, operand=operand):
                self.expr(operand, scope, self.operand_type(op, operand, want), live)
            case Binary(left=left, right=right):
                self.expr(left, scope, want, live)
                self.expr(right, scope, want, live)
            case Compare(left=left, right=right):
                self.expr(left, scope, left.dtype, live)
                self.expr(right, scope, left.dtype, live)
            case Select(cond=cond, then=then, orelse=orelse):
                self.expr(cond, scope, DType.BOOL, live)
                self.expr(then, scope, want, live)
                self.expr(orelse, scope, want, live)
            case Cast() | Call():
                for child in children(expr):
                    self.expr(child, scope, child.dtype, live)
            case Reduce():
                self.reduce(expr, scope, want, live)
            case Product(left=row, right=column):
                for part in (row, column):
                    if part.function != ROW or any(range_.lower != integer(0) for range_ in part.ranges):
                        raise self.fail(f"an operand of {print_expr(expr)} is no row")
                    self.expr(part, scope, want, live)
            case _:
                assert_never(expr)

    def reduce(self, expr: Reduce, scope: frozenset[str], want: DType, live: frozenset[str] | None) -> None:
        names = [part.var for part in expr.ranges]
        if not names or len(set(names)) != len(names) or expr.skip < 0:
            raise self.fail(f"{print_expr(expr)} has no ranges, or two of one name, or skips less than nothing")
        self.expr(expr.init, scope, want, live)
        for part in expr.ranges:
            self.expr(part.lower, scope, DType.INT64, live)
            self.expr(part.upper, scope, DType.INT64, live)
        self.expr(expr.body, scope | set(names), expr.body.dtype, live)
        if len(names) > 1:
            self.flat(expr, names)

    def flat(self, expr: Reduce, names: list[str]) -> None:
        """Several ranges: the last subscripts are their variables, and whoever owns the array says that it is contiguous there."""
        array = self.arrays[expr.body.array]
        first = array.rank - len(names)
        inner = expr.body.indices[first:] if first >= 0 else ()
        mentioned = [symbols(index) & set(names) for index in expr.body.indices[:first]]
        if [symbols(index) & set(names) for index in inner] != [{name} for name in names] or any(mentioned):
            raise self.fail(f"the last subscripts in {print_expr(expr)} are not the ranges in order")
        if array.role is not Role.ARGUMENT:
            if array.layout is not Layout.C:
                raise self.fail(f"{array.name} does not lie in C order")
        elif not any(isinstance(a, Contiguous) and a.array == array.name and a.axis <= first for a in self.kernel.assumptions):
            raise self.fail(f"nothing says that {array.name} is contiguous from axis {first} on")

    def operand_type(self, op: str, operand: Expr, want: DType) -> DType:
        if op in _BOOL_RESULT:
            return DType.BOOL if op == "not" else operand.dtype
        if op in ("real", "imag"):
            if operand.dtype.real is not want or not operand.dtype.is_complex:
                raise self.fail(f"{op} of {operand.dtype.value} is not {want.value}")
            return operand.dtype
        return want


def is_call(loop: For) -> bool:
    """Whether a loop is of the form that the outer one of kind "library" has."""
    match loop.body:
        case (For(kind="library", lower=lower, step=1, body=(Assign(value=Product()),)),):
            return (loop.lower, lower, loop.step) == (integer(0), integer(0), 1)
        case _:
            return False
