"""Loop nests inside a `Serial`: kernels of their own.

    while err > tol:                                while err > tol:
        for i: for j: v[i, j] = f(u)         ->         for i parallel: for j vector: v[i, j] = f(u)
        err = 0.0                                       err = 0.0
        for i: for j: err = max(err, ...)               ...

A maximal run of statements that data does not steer is scheduled as if it were all there is: iterators of the loops around it and scalars
that it only reads are parameters, what lives on behind it is written for good, and a temporary that nobody else uses is its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

from setuptools_polyopt.exhaustive import assert_never
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Binary, Compare, Expr, Sym, integer
from setuptools_polyopt.ir.kernel import Array, Holds, Kernel, Param, Role
from setuptools_polyopt.ir.statements import Alloc, Assign, Block, Break, Continue, For, If, Serial, Stmt, While, walk
from setuptools_polyopt.ir.visitors import arrays_used, assigns, loads, own_loads, symbols
from setuptools_polyopt.polyhedral.dependences import unwritten
from setuptools_polyopt.polyhedral.fold import fold
from setuptools_polyopt.polyhedral.forward import forward
from setuptools_polyopt.polyhedral.limits import TooIntricate, bounded
from setuptools_polyopt.polyhedral.operands import separate_operands
from setuptools_polyopt.polyhedral.scop import extract

_FAR = 2**40

Optimise: TypeAlias = Callable[[Kernel, bool], Kernel]
"""Schedules a kernel in program order; the second argument says whether its loops may be parallel."""

LIMIT = 4_000_000


def optimise_inside(kernel: Kernel, optimise: Optimise) -> Kernel:
    """A scheduled kernel with the loop nests of its `Serial` blocks scheduled too; the same object where there are none."""
    if not any(isinstance(statement, Serial) for statement in walk(kernel.body)):
        return kernel
    nests = _Nests(kernel, optimise)
    body = nests.around(kernel.body, _Place())
    arrays = [nests.arrays.pop(array.name, array) for array in kernel.arrays]
    arrays += nests.arrays.values()
    used = arrays_used(body)
    kept = tuple(array for array in arrays if array.role is not Role.TEMPORARY or array.name in used)
    return replace(kernel, arrays=kept, body=_unallocated(body, nests.inner, used))


@dataclass(frozen=True)
class _Place:
    """The loops around a block: their iterators, what holds of them, and whether one of them is parallel."""

    iterators: tuple[str, ...] = ()
    facts: tuple[Expr, ...] = ()
    parallel: bool = False

    def inside(self, loop: For) -> _Place:
        facts: list[Expr] = []
        if not loads(loop.lower) and not loads(loop.upper):
            i = Sym(loop.var)
            first, last = (loop.lower, loop.upper) if loop.step > 0 else (Binary("add", loop.upper, integer(1), DType.INT64), loop.lower)
            facts = [Compare("ge", i, first), Compare("lt" if loop.step > 0 else "le", i, last)]
        return _Place((*self.iterators, loop.var), (*self.facts, *facts), self.parallel or loop.kind == "parallel")


class _Nests:
    """arrays: those that scheduling has made or changed, by name. inner: those that are allocated inside now."""

    def __init__(self, kernel: Kernel, optimise: Optimise) -> None:
        self.kernel = kernel
        self.optimise = optimise
        self.arrays: dict[str, Array] = {}
        self.inner: set[str] = set()
        self.uses = _uses(kernel.body)

    def around(self, body: Block, place: _Place) -> Block:
        """A block outside of all `Serial`."""
        return tuple(self.outer(statement, place) for statement in body)

    def outer(self, statement: Stmt, place: _Place) -> Stmt:
        match statement:
            case For():
                return replace(statement, body=self.around(statement.body, place.inside(statement)))
            case If():
                return replace(statement, body=self.around(statement.body, place), orelse=self.around(statement.orelse, place))
            case Serial():
                return replace(statement, body=self.block(statement.body, place))
            case Assign() | Alloc() | While() | Break() | Continue():
                return statement
            case _:
                assert_never(statement)

    def block(self, body: Block, place: _Place) -> Block:
        """A block of a `Serial`: its runs are scheduled, the rest is searched."""
        result: list[Stmt] = []
        run: list[Stmt] = []
        for statement in body:
            if _is_regular(statement):
                run.append(statement)
                continue
            result += self.scheduled(tuple(run), place)
            run = []
            result.append(self.steered(statement, place))
        return (*result, *self.scheduled(tuple(run), place))

    def steered(self, statement: Stmt, place: _Place) -> Stmt:
        match statement:
            case For(kind="library"):
                return statement
            case For():
                return replace(statement, body=self.block(statement.body, place.inside(statement)))
            case While():
                return replace(statement, body=self.block(statement.body, place))
            case If():
                return replace(statement, body=self.block(statement.body, place), orelse=self.block(statement.orelse, place))
            case _:
                return statement

    def scheduled(self, run: Block, place: _Place) -> Block:
        """A run, scheduled where it has loops."""
        if not any(isinstance(statement, For) for statement in walk(run)):
            return run
        sub = separate_operands(forward(fold(self.alone(run, place))))
        done = self.optimise(sub, not place.parallel)
        if any(symbols(extent) & {*place.iterators} for array in done.arrays for extent in array.extents):
            return run  # a temporary has grown with a loop around, which is no size that the kernel could allocate
        self.inner |= {item.array for item in walk(done.body) if isinstance(item, Alloc)}
        known = {array.name: array for array in self.kernel.arrays}
        for array in done.arrays:
            if array.role is Role.TEMPORARY and known.get(array.name) != array:
                self.arrays[array.name] = array
        return done.body

    def alone(self, run: Block, place: _Place) -> Kernel:
        """The run as a kernel in program order. It has all arrays of the whole, so that no name is taken twice."""
        free = tuple(Param(name, -_FAR, _FAR) for name in place.iterators)
        holds = tuple(Holds(fact, "") for fact in place.facts)
        here, written = _uses(run), {item.target.array for item in assigns(run)}
        arrays = []
        for array in (*self.kernel.arrays, *(a for a in self.arrays.values() if a.name not in {b.name for b in self.kernel.arrays})):
            own = array.role is Role.TEMPORARY and array.name in written and here[array.name] == self.uses[array.name]
            role = Role.TEMPORARY if own else Role.ARGUMENT if array.rank else Role.RESULT if array.name in written else Role.INPUT
            arrays.append(replace(array, role=role))
        kernel = replace(
            self.kernel,
            params=(*self.kernel.params, *free),
            arrays=tuple(arrays),
            body=run,
            assumptions=(*self.kernel.assumptions, *holds),
        )
        exposed = _read_before(kernel)
        shared = {Role.TEMPORARY: Role.ARGUMENT}
        final = (replace(a, role=shared.get(a.role, a.role) if a.rank else Role.RESULT) if a.name in exposed else a for a in arrays)
        return replace(kernel, arrays=tuple(final))


def _is_regular(statement: Stmt) -> bool:
    """Whether nothing in the statement is steered by data."""
    for item in walk((statement,)):
        match item:
            case While() | Break() | Continue() | Serial() | Alloc() | For(kind="library"):
                return False
            case For() if loads(item.lower) or loads(item.upper):
                return False
            case _:
                pass
    return True


def _uses(body: Block) -> Counter[str]:
    """How many statements touch each array."""
    found: Counter[str] = Counter()
    for statement in walk(body):
        found.update({load.array for load in own_loads(statement)})
        if isinstance(statement, Assign):
            found[statement.target.array] += 1
    return found


def _read_before(kernel: Kernel) -> frozenset[str]:
    """The temporaries of which some element is read before the kernel writes it: they come from an earlier iteration around."""
    names = frozenset(array.name for array in kernel.arrays if array.role is Role.TEMPORARY)
    scop = extract(kernel)
    try:
        with bounded(scop.context.get_ctx(), LIMIT):
            left = unwritten(scop).range().get_set_list()
            return names & {left.get_at(k).get_tuple_name() for k in range(left.n_set()) if not left.get_at(k).is_empty()}
    except TooIntricate:
        return names


def _unallocated(body: Block, names: set[str], used: frozenset[str]) -> Block:
    """The block without allocations, outside of every `Serial`, of what is allocated inside now or not used any more."""
    result: list[Stmt] = []
    for statement in body:
        match statement:
            case Alloc(array=name) if name in names or name not in used:
                pass
            case For():
                result.append(replace(statement, body=_unallocated(statement.body, names, used)))
            case If():
                then, orelse = _unallocated(statement.body, names, used), _unallocated(statement.orelse, names, used)
                result.append(replace(statement, body=then, orelse=orelse))
            case _:
                result.append(statement)
    return tuple(result)
