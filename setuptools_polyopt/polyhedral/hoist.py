"""Calls whose operands do not change with every loop around them: evaluated once, kept in a table.

    for d in 0..k:                                        for f in 0..m: for t in 0..n:
      for f in 0..m:                                        table[f, t] = cos(rates[f] * t)
        for t in 0..n - d:                          ->    for d in 0..k: for f in 0..m: for t in 0..n - d:
          acc[f] = acc[f] + x[t] * cos(rates[f] * t)        acc[f] = acc[f] + x[t] * table[f, t]

The table is filled for exactly the iterations that some statement instance asks for, so that nothing fails or sets a flag that would not
have; under a condition on data the functions that have a value everywhere are computed all the same. It lies inside the outer loops that
the call does depend on. What is hoisted reads arrays that nothing writes. Kernel in, kernel out; both are in program order.
Non-goals: cheap operations (the C compiler moves those), calls inside `Serial` blocks, tables of iterations with holes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from math import prod

import islpy as isl

from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import (
    TRUE,
    Binary,
    Call,
    Cast,
    Compare,
    Const,
    Expr,
    Load,
    Reduce,
    Sym,
    Unary,
    integer,
)
from setuptools_polyopt.ir.kernel import Array, Holds, Kernel
from setuptools_polyopt.ir.statements import Assign, Block, For, If, Stmt
from setuptools_polyopt.ir.visitors import assigns, certain, certain_operands, loads, map_expr, symbols, walk_expr
from setuptools_polyopt.polyhedral.affine import function_to_expr, set_to_condition
from setuptools_polyopt.polyhedral.partials import Temporaries
from setuptools_polyopt.polyhedral.privatise import iterator_range
from setuptools_polyopt.polyhedral.scop import Scop, Statement, extract
from setuptools_polyopt.polyhedral.simplify import simplify
from setuptools_polyopt.polyhedral.spaces import parametric, project_set_onto
from setuptools_polyopt.runtime import costs

DEAR = 2e-9
"""Seconds of a call (of an element, for NumPy's loops) that is worth a table."""
LARGEST_TABLE = 2**23
"""Elements of a table; a call that would need a larger one evaluates as the program does."""
_LARGEST = Const(float(LARGEST_TABLE), DType.FLOAT64)
_MOST = 8
_TOTAL = frozenset(f"libm.{name}" for name in ("asinh", "atan", "atan2", "cbrt", "cos", "erf", "erfc", "sin", "tanh"))
"""What has a value for all finite operands: computed where the program might not."""


def hoist(kernel: Kernel) -> Kernel:
    """The kernel with tables; the same object where there are none. An assumption limits their size."""
    hoisted, tried = kernel, set[Expr]()
    while len(tried) < _MOST:
        written = frozenset(item.target.array for item in assigns(hoisted.body))
        candidate = next((each for each in _candidates(hoisted.body, (), written) if each.value not in tried), None)
        if candidate is None:
            break
        tried.add(candidate.value)
        hoisted = _hoisted(hoisted, candidate)
    tables = hoisted.arrays[len(kernel.arrays) :]
    sizes = dict.fromkeys(_elements(table) for table in tables)
    limits = (Holds(Compare("le", size, _LARGEST), "the tables of repeated calls are small", kernel.span) for size in sizes)
    return kernel if hoisted is kernel else replace(hoisted, assumptions=(*kernel.assumptions, *_not_known(limits)))


def _elements(table: Array) -> Expr:
    """In floating point, which does not overflow and which isl does not look at."""
    known = prod(extent.value for extent in table.extents if isinstance(extent, Const))
    size: Expr = Const(float(known.real), DType.FLOAT64)
    for extent in table.extents:
        if not isinstance(extent, Const):
            size = Binary("mul", size, Cast(extent, DType.FLOAT64), DType.FLOAT64)
    return size


def _not_known(limits: Iterable[Holds]) -> tuple[Holds, ...]:
    """Those that depend on the call."""
    return tuple(item for item in limits if symbols(item.condition))


@dataclass(frozen=True)
class _Candidate:
    """value: to be hoisted. label: of the statement that evaluates it. loops: around that, outer first. used: those it depends on. sums:
    those that the statement adds up over."""

    value: Expr
    label: str
    loops: tuple[str, ...]
    used: frozenset[str]
    sums: frozenset[str]

    @property
    def around(self) -> tuple[str, ...]:
        """The outer loops that the table lies in."""
        first = next(k for k, var in enumerate(self.loops) if var not in self.used)
        return self.loops[:first]

    @property
    def own(self) -> tuple[str, ...]:
        """The loops that fill the table, and its axes. Those of a sum come first: the others can run as vectors, along the last axis."""
        inside = [var for var in self.loops[len(self.around) :] if var in self.used]
        return tuple(sorted(inside, key=lambda var: var not in self.sums))


def _candidates(body: Block, loops: tuple[For, ...], written: frozenset[str]) -> Iterator[_Candidate]:
    names = tuple(loop.var for loop in loops)
    for statement in body:
        match statement:
            case For():
                yield from _candidates(statement.body, (*loops, statement), written)
            case If():
                yield from _candidates(statement.body, loops, written)
                yield from _candidates(statement.orelse, loops, written)
            case Assign(value=value, label=label):
                sums = frozenset(loop.var for loop in loops if _sums_up(statement, loop))
                for found in _repeated(value, frozenset(names), written):
                    yield _Candidate(found, label, names, symbols(found) & {*names}, sums)
            case _:
                pass


def _sums_up(statement: Assign, loop: For) -> bool:
    """Whether each iteration of the loop goes on with the element that the last one has left."""
    target = statement.target
    moves = any(loop.var in symbols(index) for index in target.indices)
    return not moves and target in loads(statement.value) and sum(item.target.array == target.array for item in assigns(loop.body)) == 1


def _repeated(expr: Expr, loops: frozenset[str], written: frozenset[str]) -> Iterator[Expr]:
    """The largest dear sub-expressions that are certainly evaluated and do not depend on all loops."""
    constant = all(load.array not in written for load in loads(expr))
    if constant and symbols(expr) & loops < loops and _outermost(expr, loops):
        yield expr
        return
    for operand in () if isinstance(expr, Reduce | Load) else certain_operands(expr):
        yield from _repeated(operand, loops, written)


def _outermost(expr: Expr, loops: frozenset[str]) -> bool:
    """Whether some dear call in it needs all the loops that the expression needs, so that the table has no more elements than that."""
    return any(_is_dear(node) and symbols(node) & loops == symbols(expr) & loops for node in certain(expr))


def _is_dear(node: Expr) -> bool:
    return isinstance(node, Call) and costs.SECONDS.get(_cost(node), 0.0) > DEAR


def _cost(call: Call) -> str:
    return f"{call.function}.{call.args[0].dtype.value}" if call.function.startswith("numpy.") and call.args else call.function


@dataclass(frozen=True)
class _Table:
    """How a table is filled: where it has to be at all (a condition on parameters and the loops around), the loops, the subscripts of the
    element of an iteration, and the extents."""

    condition: Expr
    headers: tuple[For, ...]
    indices: tuple[Expr, ...]
    extents: tuple[Expr, ...]


def _hoisted(kernel: Kernel, candidate: _Candidate) -> Kernel:
    """The kernel with the table of a candidate; the same object where it has none."""
    scop = extract(kernel)
    statement = next((s for s in scop.statements if candidate.label in {item.label for item in assigns(s.body)}), None)
    if statement is None or not (isinstance(statement.body[0], Assign) or _is_harmless(candidate)):
        return kernel
    table = _table(candidate, statement, scop)
    if table is None:
        return kernel
    made = Temporaries(kernel)
    element = Load(made.fresh("table", candidate.value.dtype, table.extents), table.indices, candidate.value.dtype)
    size = _elements(made.added[0])
    if isinstance(size, Const) and size.value.real > LARGEST_TABLE:
        return kernel
    fill: Stmt = Assign(element, candidate.value, statement.span, _fresh_label(kernel))
    for header in reversed(table.headers):
        fill = replace(header, body=(fill,))
    if table.condition != TRUE:
        fill = If(table.condition, (fill,))
    body = _with_table(kernel.body, candidate, element, fill, len(candidate.around))
    return replace(kernel, arrays=(*kernel.arrays, *made.added), body=body)


def _is_harmless(candidate: _Candidate) -> bool:
    """Whether a value may be computed though nobody may ask for it: it needs no array and hardly fails."""
    for node in walk_expr(candidate.value):
        match node:
            case Load(indices=indices) if indices:
                return False
            case Call(function=function) if function not in _TOTAL:
                return False
            case Binary(op="div", right=right, checked=True) if not symbols(right) & {*candidate.loops}:
                pass
            case Unary(checked=True) | Binary(checked=True) | Cast(checked=True):
                return False
            case _:
                pass
    return True


def _fresh_label(kernel: Kernel) -> str:
    taken = {item.label for item in assigns(kernel.body)}
    return next(text for number in range(len(taken) + 1) if (text := f"S{len(taken) + number}") not in taken)


def _table(candidate: _Candidate, statement: Statement, scop: Scop) -> _Table | None:
    """None where the iterations that ask for an element are not just those of a nest of loops."""
    around, own = candidate.around, candidate.own
    asked = project_set_onto(statement.domain, (*around, *own))
    condition = parametric(project_set_onto(asked, around), around).params().gist(scop.context)
    headers: list[For] = []
    for k, var in enumerate(own):
        outer = (*around, *own[:k])
        points = parametric(project_set_onto(asked, (*outer, var)), outer).coalesce()
        if points.n_basic_set() != 1 or any(part.dim(isl.dim_type.div) for part in points.get_basic_sets()):
            return None
        inside = points.params()
        first, last = (function_to_expr(end, inside, scop.names) for end in (points.dim_min(0), points.dim_max(0)))
        end = simplify(Binary("add", last, integer(1), DType.INT64))
        headers.append(For(var, simplify(first), end, 1, (), span=statement.span))
    ranges = [iterator_range(statement.iterators.index(var), [statement], scop) for var in own]
    if None in ranges:
        return None
    known = [each for each in ranges if each is not None]
    indices = (simplify(Binary("sub", Sym(var), each.lower, DType.INT64)) for var, each in zip(own, known, strict=True))
    words = simplify(set_to_condition(condition, scop.names))
    return _Table(words, tuple(headers), tuple(indices), tuple(each.extent for each in known))


def _with_table(body: Block, candidate: _Candidate, element: Load, fill: Stmt, depth: int) -> Block:
    """The block with the table filled `depth` loops further in, in front of what asks for it."""
    result: list[Stmt] = []
    for statement in body:
        if candidate.label not in {item.label for item in assigns((statement,))}:
            result.append(statement)
        elif depth and isinstance(statement, For):
            result.append(replace(statement, body=_with_table(statement.body, candidate, element, fill, depth - 1)))
        elif depth and isinstance(statement, If):
            then, orelse = (_with_table(part, candidate, element, fill, depth) for part in (statement.body, statement.orelse))
            result.append(replace(statement, body=then, orelse=orelse))
        else:
            result += [fill, *_reading((statement,), candidate, element)]
    return tuple(result)


def _reading(body: Block, candidate: _Candidate, element: Load) -> Block:
    """The block in which the candidate's statement, and its neighbours that evaluate the same, read the table."""
    here = any(isinstance(item, Assign) and item.label == candidate.label for item in body)
    result: list[Stmt] = []
    for item in body:
        match item:
            case Assign(value=value) if here:
                result.append(replace(item, value=map_expr(value, lambda node: element if node == candidate.value else node)))
            case For():
                result.append(replace(item, body=_reading(item.body, candidate, element)))
            case If():
                then, orelse = (_reading(part, candidate, element) for part in (item.body, item.orelse))
                result.append(replace(item, body=then, orelse=orelse))
            case _:
                result.append(item)
    return tuple(result)
