"""The form of a kernel that extraction works on: every assignment has its own label, and no `If` on data has loops inside.

    if x[i] > 0:                          p0 = x[i] > 0
        for j in range(n):        ->      for j in range(n):
            a[i, j] = 0                       if p0: a[i, j] = 0

The condition is evaluated once, as the program does; the statements inside are predicated one by one. A condition on data with nothing
inside is evaluated all the same, for its subscripts and floating-point flags, and so is a `Serial` that assigns nothing; a loop with
nothing inside is not there. Labels that are there are kept.
"""

from __future__ import annotations

from dataclasses import replace

import islpy as isl

from setuptools_polyopt.diagnostics import NOWHERE
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import FALSE, Expr, Load, Unary
from setuptools_polyopt.ir.kernel import Array, Kernel, Role
from setuptools_polyopt.ir.statements import Assign, Block, For, If, Serial, Stmt, While, walk
from setuptools_polyopt.ir.visitors import assigns
from setuptools_polyopt.polyhedral.affine import Affine, NotAffine
from setuptools_polyopt.polyhedral.spaces import set_space


def normalise(kernel: Kernel) -> Kernel:
    """The same kernel with labels, and with predicates instead of data conditions around loops."""
    return _Normaliser(kernel).run()


class _Normaliser:
    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.context = isl.Context()
        inputs = frozenset(a.name for a in kernel.arrays if a.role is Role.INPUT and a.dtype.is_integer)
        self.affine = Affine(frozenset(param.name for param in kernel.params), inputs)
        self.added: list[Array] = []
        self.taken = {param.name for param in kernel.params} | {array.name for array in kernel.arrays}
        self.labels: set[str] = set()
        self.known: set[str] = set()

    def run(self) -> Kernel:
        body = self._block(self.kernel.body, (), ())
        self.known = {statement.label for statement in assigns(body)}
        body = self._label(body)
        return replace(self.kernel, arrays=(*self.kernel.arrays, *self.added), body=body)

    def _block(self, body: Block, loops: tuple[str, ...], guards: tuple[Expr, ...]) -> Block:
        return tuple(new for statement in body for new in self._statement(statement, loops, guards))

    def _statement(self, statement: Stmt, loops: tuple[str, ...], guards: tuple[Expr, ...]) -> Block:
        match statement:
            case For():
                body = self._block(statement.body, (*loops, statement.var), guards)
                return (replace(statement, body=body),) if body else ()
            case Serial() if not any(isinstance(inner, Assign) for inner in walk((statement,))):
                return _guarded(replace(statement, body=(self._nothing(), *statement.body)), guards)
            case If(body=(), orelse=()):
                return () if self._is_affine(statement.cond, loops) else _guarded(self._saved(statement), guards)
            case If() if not any(isinstance(inner, Assign) for inner in walk((statement,))):
                then, orelse = self._block(statement.body, loops, ()), self._block(statement.orelse, loops, ())
                return self._statement(replace(statement, body=then, orelse=orelse), loops, guards)
            case If() if not any(isinstance(inner, For) for inner in walk((statement,), serial=False)):
                return _guarded(statement, guards)
            case If() if self._is_affine(statement.cond, loops):
                then, orelse = self._block(statement.body, loops, guards), self._block(statement.orelse, loops, guards)
                return (replace(statement, body=then, orelse=orelse),)
            case If():
                return self._predicated(statement, loops, guards)
            case _:
                return _guarded(statement, guards)

    def _predicated(self, statement: If, loops: tuple[str, ...], guards: tuple[Expr, ...]) -> Block:
        save = self._saved(statement)
        saved = save.target
        then = self._block(statement.body, loops, (*guards, saved))
        orelse = self._block(statement.orelse, loops, (*guards, Unary("not", saved, DType.BOOL)))
        return (*_guarded(save, guards), *then, *orelse)

    def _saved(self, statement: If) -> Assign:
        saved = Load(self._fresh(), (), DType.BOOL)
        self.added.append(Array(saved.array, DType.BOOL, (), Role.TEMPORARY))
        return Assign(saved, statement.cond, statement.span)

    def _nothing(self) -> Assign:
        """An assignment that nobody reads: what is evaluated for its subscripts and flags alone is a statement by it."""
        unread = Load(self._fresh(), (), DType.BOOL)
        self.added.append(Array(unread.array, DType.BOOL, (), Role.TEMPORARY))
        return Assign(unread, FALSE)

    def _fresh(self) -> str:
        number = 0
        while f"p{number}" in self.taken:
            number += 1
        self.taken.add(f"p{number}")
        return f"p{number}"

    def _is_affine(self, cond: Expr, loops: tuple[str, ...]) -> bool:
        self.affine.register(cond)
        try:
            self.affine.condition(cond, set_space(self.context, (*sorted(self.affine.params), *self.affine.opaque), "", loops))
        except NotAffine:
            return False
        return True

    def _label(self, body: Block) -> Block:
        result: list[Stmt] = []
        for statement in body:
            match statement:
                case Assign(label=label):
                    if not label or label in self.labels:
                        number = 0
                        while f"S{number}" in self.known or f"S{number}" in self.labels:
                            number += 1
                        statement = replace(statement, label=f"S{number}")
                    self.labels.add(statement.label)
                    result.append(statement)
                case For() | Serial() | While():
                    result.append(replace(statement, body=self._label(statement.body)))
                case If():
                    then = self._label(statement.body)
                    result.append(replace(statement, body=then, orelse=self._label(statement.orelse)))
                case _:
                    result.append(statement)
        return tuple(result)


def _guarded(statement: Stmt, guards: tuple[Expr, ...]) -> Block:
    """The statement under all guards, the outermost first."""
    span = statement.span if isinstance(statement, Assign | If) else NOWHERE
    for guard in reversed(guards):
        statement = If(guard, (statement,), (), span)
    return (statement,)
