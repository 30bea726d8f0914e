"""Random loop nests: triangles, tiles, conditions, scalars, temporaries, and parallel and vector loops that are independent by
construction (they write only the row or element of their own iteration, and what they allocate themselves)."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from setuptools_polyopt.diagnostics import Span
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import (
    Binary,
    Call,
    Compare,
    Const,
    Expr,
    Load,
    Range,
    Reduce,
    Select,
    Sym,
    Unary,
    integer,
)
from setuptools_polyopt.ir.kernel import Array, Kernel, Layout, NoOverlap, Param, Role
from setuptools_polyopt.ir.statements import Alloc, Assign, Block, For, If, Stmt
from setuptools_polyopt.ir.verifier import verify

F, INT = DType.FLOAT64, DType.INT64


def iadd(a: Expr, b: Expr | int) -> Expr:
    return Binary("add", a, integer(b) if isinstance(b, int) else b, INT)


def imin(a: Expr, b: Expr) -> Expr:
    return Binary("min", a, b, INT)


def imax(a: Expr, b: Expr) -> Expr:
    return Binary("max", a, b, INT)


@dataclass
class Scope:
    """Iterators in scope, scalars that may be read and written, the row that writes are confined to (inside a parallel loop)."""

    iterators: tuple[str, ...] = ()
    scalars: tuple[str, ...] = ("r",)
    writable: tuple[str, ...] = ("r",)
    vectors: tuple[str, ...] = ()
    row: str | None = None


@dataclass
class Nests:
    """One kernel's generator."""

    rng: random.Random
    count: int = 0
    temporaries: list[Array] = field(default_factory=list)

    def fresh(self, stem: str) -> str:
        self.count += 1
        return f"{stem}{self.count}"

    def index(self, scope: Scope, size: str) -> Expr:
        """A subscript in [0, size); sizes are at least one."""
        base: Expr = integer(self.rng.randint(0, 3))
        if scope.iterators and self.rng.random() < 0.8:
            base = Sym(self.rng.choice(scope.iterators))
        if self.rng.random() < 0.4:
            base = iadd(base, self.rng.randint(-2, 2))
        if self.rng.random() < 0.15:
            base = Binary(self.rng.choice(["floordiv", "mod"]), base, integer(self.rng.randint(2, 4)), INT)
        return imax(integer(0), imin(base, iadd(Sym(size), -1)))

    def value(self, scope: Scope, depth: int) -> Expr:
        roll = self.rng.random()
        if depth <= 0 or roll < 0.3:
            return self.read(scope)
        if roll < 0.4:
            return Select(self.condition(scope), self.value(scope, depth - 1), self.value(scope, depth - 1), F)
        if roll < 0.5:
            return Unary(self.rng.choice(["neg", "abs", "floor"]), self.value(scope, depth - 1), F)
        if roll < 0.55:
            return Call("numpy.exp", (self.value(scope, depth - 1),), F)
        if roll < 0.6 and scope.row is None:
            var = self.fresh("q")
            row = self.index(scope, "n")
            span = Range(var, integer(0), Sym("m"))
            return Reduce("numpy.add", self.value(scope, 0), (span,), Load("A", (row, Sym(var)), F), F)
        op = self.rng.choice(["add", "sub", "mul", "add", "sub", "mul", "div", "maximum", "minimum"])
        return Binary(op, self.value(scope, depth - 1), self.value(scope, depth - 1), F, op == "div" and self.rng.random() < 0.1)

    def read(self, scope: Scope) -> Expr:
        roll = self.rng.random()
        if roll < 0.2:
            return Const(self.rng.choice([0.5, -1.0, 2.0, 3.25]), F)
        if roll < 0.35:
            return Load(self.rng.choice((*scope.scalars, "c")), (), F)
        if roll < 0.45 and scope.vectors:
            return Load(self.rng.choice(scope.vectors), (self.index(scope, "m"),), F)
        if roll < 0.65:
            row = Sym(scope.row) if scope.row else self.index(scope, "n")
            return Load("W", (row, self.index(scope, "m")), F)
        return Load(self.rng.choice("AB"), (self.index(scope, "n"), self.index(scope, "m")), F)

    def condition(self, scope: Scope) -> Expr:
        if self.rng.random() < 0.5 and scope.iterators:
            left: Expr = Sym(self.rng.choice(scope.iterators))
            return Compare(self.rng.choice(["lt", "ge", "eq", "ne"]), left, iadd(Sym(self.rng.choice("nm")), self.rng.randint(-3, 1)))
        test = Compare(self.rng.choice(["lt", "le", "gt", "ge"]), self.value(scope, 0), self.value(scope, 0))
        if self.rng.random() < 0.3:
            return Binary(self.rng.choice(["and", "or"]), test, Compare("gt", self.value(scope, 1), self.value(scope, 0)), DType.BOOL)
        return test

    def block(self, scope: Scope, depth: int) -> Block:
        body: list[Stmt] = []
        for _ in range(self.rng.randint(1, 3)):
            roll = self.rng.random()
            if roll < 0.2:
                scope = self.allocate(scope, body)
            elif roll < 0.35 and depth > 0:
                orelse = self.block(scope, depth - 1) if self.rng.random() < 0.5 else ()
                body.append(If(self.condition(scope), self.block(scope, depth - 1), orelse))
            elif roll < 0.8 and depth > 0:
                body += self.loop(scope, depth)
            else:
                body.append(self.assign(scope))
        return tuple(body)

    def allocate(self, scope: Scope, body: list[Stmt]) -> Scope:
        """A temporary, with contents."""
        if self.rng.random() < 0.6:
            name = self.fresh("t")
            self.temporaries.append(Array(name, F, (), Role.TEMPORARY))
            body += [Alloc(name), Assign(Load(name, (), F), self.value(scope, 1), self.span())]
            return Scope(scope.iterators, (*scope.scalars, name), (*scope.writable, name), scope.vectors, scope.row)
        name, var = self.fresh("T"), self.fresh("f")
        extent: Expr = Sym("m") if self.rng.random() < 0.5 else integer(8)  # the stack or the arena; m is less than 8
        self.temporaries.append(Array(name, F, (extent,), Role.TEMPORARY))
        fill = Assign(Load(name, (Sym(var),), F), self.value(scope, 0), self.span())
        body += [Alloc(name), For(var, integer(0), extent, 1, (fill,), self.rng.choice(["serial", "vector"]))]
        return Scope(scope.iterators, scope.scalars, scope.writable, (*scope.vectors, name), scope.row)

    def assign(self, scope: Scope) -> Assign:
        roll = self.rng.random()
        if roll < 0.4 and scope.writable:
            target = Load(self.rng.choice(scope.writable), (), F)
        elif roll < 0.5 and scope.vectors:
            target = Load(self.rng.choice(scope.vectors), (self.index(scope, "m"),), F)
        else:
            row = Sym(scope.row) if scope.row else self.index(scope, "n")
            target = Load("W", (row, self.index(scope, "m")), F)
        value = self.value(scope, 2)
        if self.rng.random() < 0.3:
            value = Binary(self.rng.choice(["add", "sub"]), target, value, F)
        return Assign(target, value, self.span())

    def span(self) -> Span:
        return Span("pkg/random.py", self.rng.randint(1, 99))

    def loop(self, scope: Scope, depth: int) -> list[Stmt]:
        var, roll = self.fresh("i"), self.rng.random()
        inner = Scope((*scope.iterators, var), scope.scalars, scope.writable, scope.vectors, scope.row)
        if roll < 0.2 and scope.row is None:
            private = Scope(inner.iterators, scope.scalars, (), (), var)
            return [For(var, integer(0), Sym("n"), 1, self.block(private, depth - 1), "parallel")]
        if roll < 0.35 and scope.row is not None:
            target = Load("W", (Sym(scope.row), Sym(var)), F)
            value = self.elementwise(scope, var, 2)
            return [For(var, integer(0), Sym("m"), 1, (Assign(target, value, self.span()),), "vector")]
        if roll < 0.5:
            tile, width = self.fresh("ii"), self.rng.randint(2, 4)
            upper = imin(iadd(Sym(tile), width), Sym("n"))
            body = self.block(Scope((tile, *inner.iterators), *_rest(inner)), depth - 1)
            return [For(tile, integer(0), Sym("n"), width, (For(var, Sym(tile), upper, 1, body),), "serial", "tile")]
        lower, upper, step = self.bounds(scope)
        return [For(var, lower, upper, step, self.block(inner, depth - 1))]

    def bounds(self, scope: Scope) -> tuple[Expr, Expr, int]:
        size = Sym(self.rng.choice("nm"))
        outer = Sym(self.rng.choice(scope.iterators)) if scope.iterators else integer(1)
        return self.rng.choice([
            (integer(0), size, 1), (outer, size, 1), (integer(0), outer, 1), (integer(0), size, 2), (iadd(size, -1), integer(-1), -1),
            (imax(integer(0), iadd(outer, -1)), imin(size, iadd(outer, 2)), 1), (iadd(size, 2), integer(0), -3),
        ])  # fmt: skip

    def elementwise(self, scope: Scope, var: str, depth: int) -> Expr:
        """A value that reads nothing of W but the element itself."""
        if depth == 0:
            row = Sym(scope.row or "")
            name = self.rng.choice("ABW")
            return Load(name, (row, Sym(var)), F)
        if self.rng.random() < 0.3:
            return Call("numpy.exp", (self.elementwise(scope, var, depth - 1),), F)
        op = self.rng.choice(["add", "mul", "sub", "maximum"])
        return Binary(op, self.elementwise(scope, var, depth - 1), self.elementwise(scope, var, depth - 1), F)


def _rest(scope: Scope) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], str | None]:
    return scope.scalars, scope.writable, scope.vectors, scope.row


def random_kernel(name: str, seed: int) -> Kernel:
    """A verified kernel over parameters n and m (at least one, at most seven)."""
    rng = random.Random(seed)
    nests = Nests(rng)
    head = (Assign(Load("r", (), F), Const(0.0, F)),)
    body = head + nests.block(Scope(), 3)
    layouts = [rng.choice([Layout.C, Layout.FORTRAN, Layout.STRIDED]) for _ in range(3)]
    arrays = [Array(array, F, (Sym("n"), Sym("m")), Role.ARGUMENT, layout) for array, layout in zip("ABW", layouts, strict=True)]
    arrays += [Array("c", F, (), Role.INPUT), Array("r", F, (), Role.RESULT)]
    apart = (NoOverlap("A", "W"), NoOverlap("B", "W"))
    kernel = Kernel(name, (Param("n", 1), Param("m", 1)), (*arrays, *nests.temporaries), body, apart)
    verify(kernel)
    return kernel

