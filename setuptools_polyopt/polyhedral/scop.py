"""From a kernel in program order to its polyhedral description.

Every assignment becomes a *statement* with an iteration domain, access relations and a program-order date. An `If` on affine conditions
restricts the domains of what is inside. An `If` on data around plain assignments is one compound statement, whose writes are may-writes
(`normalise` has made sure that there are no loops inside), and so is a `Serial` with all that it holds.

Not done here: subscripts that are not affine read or may-write the whole axis; bounds of loops outside of `Serial` must be affine.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import lcm
from typing import Literal

import islpy as isl

from setuptools_polyopt.diagnostics import Span, unsupported
from setuptools_polyopt.exhaustive import assert_never
from setuptools_polyopt.ir.expressions import Binary, Const, Expr
from setuptools_polyopt.ir.kernel import Holds, Kernel, Role
from setuptools_polyopt.ir.statements import Alloc, Assign, Block, Break, Continue, For, If, Serial, While, walk
from setuptools_polyopt.ir.visitors import walk_expr
from setuptools_polyopt.polyhedral import accesses
from setuptools_polyopt.polyhedral.accesses import Access
from setuptools_polyopt.polyhedral.affine import Affine, NotAffine
from setuptools_polyopt.polyhedral.normalise import normalise
from setuptools_polyopt.polyhedral.spaces import (
    constant,
    function_map,
    param_space,
    set_space,
    statement_pairs,
    variable,
)

_LONGEST_PERIOD = 2**16
_HUGE = 2**31
"""A parameter's maximum from here on says nothing about the program, only about the machine; it is left out of isl's sets."""


@dataclass(frozen=True, eq=False)
class Statement:
    """What is executed together for one point of `domain`.

    name: the label of its first assignment and the tuple name of its spaces. iterators: names of the enclosing loops' variables, outer
    first, which are its dimensions. loops: numbers of these loops, in the order of the program's text. date: its place in program
    order: position, sign of a loop, position, ... , position. body: the IR that one instance runs.
    """

    name: str
    iterators: tuple[str, ...]
    loops: tuple[int, ...]
    signs: tuple[int, ...]
    positions: tuple[int, ...]
    domain: isl.Set
    accesses: tuple[Access, ...]
    body: Block
    span: Span

    @property
    def space(self) -> isl.Space:
        return self.domain.get_space()


@dataclass(frozen=True, eq=False)
class Scop:
    """A kernel as isl sees it.

    kernel: the kernel, normalised. context: what is known of the parameters. names: what the
    opaque parameters stand for. schedule: program order as `{ S[i] -> [dates] }`, all of one length.
    """

    kernel: Kernel
    context: isl.Set
    names: dict[str, Expr]
    affine: Affine
    statements: tuple[Statement, ...]
    domain: isl.UnionSet
    reads: isl.UnionMap
    must_writes: isl.UnionMap
    may_writes: isl.UnionMap
    schedule: isl.UnionMap

    @cached_property
    def seen(self) -> isl.UnionMap:
        """Flow by value, with the element that it goes through: `{ [S[i] -> array[k]] -> T[j] }`.

        A may-write is seen but hides no earlier write. (isl's own `compute_flow` crashes on some domains with integer divisions.)
        """
        element = self.must_writes.union(self.may_writes).range_map()
        seen = self.in_order(element.apply_range(self.reads.reverse()))
        again = self.in_order(element.apply_range(self.must_writes.reverse()))
        hiding = self.in_order(self.must_writes.apply_range(self.reads.reverse()))
        return seen.subtract(again.apply_range(hiding)).coalesce()

    def in_order(self, pairs: isl.UnionMap) -> isl.UnionMap:
        """The pairs `{ S[i] -> T[j] }` (or `{ [S[i] -> array[k]] -> T[j] }`) whose first instance comes before the second in program order.

        What two statements have in common decides level by level; isl's own order of dates would be one of all instances with all others.
        """
        result = isl.UnionMap.empty(pairs.get_space())
        for first, second, relation in statement_pairs(pairs):
            for part in _in_order(self.statement(first), self.statement(second), relation):
                result = result.union(isl.UnionMap.from_map(part))
        return result

    def statement(self, name: str) -> Statement:
        """The statement of that name; KeyError if there is none."""
        for statement in self.statements:
            if statement.name == name:
                return statement
        raise KeyError(name)


@dataclass(frozen=True)
class _Loop:
    loop: For
    number: int


@dataclass(frozen=True)
class _Test:
    cond: Expr
    holds: bool


_Frame = _Loop | _Test


def extract(kernel: Kernel) -> Scop:
    """The scop of a kernel in program order (or of a scheduled one: marks and `Alloc` are ignored).

    Raises Unsupported for loop bounds that are not affine.
    """
    return _Extractor(normalise(kernel)).run()


class _Extractor:
    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.arrays = {array.name: array for array in kernel.arrays}
        inputs = frozenset(a.name for a in kernel.arrays if a.role is Role.INPUT and a.dtype.is_integer)
        self.affine = Affine(frozenset(param.name for param in kernel.params), inputs)
        self.context = isl.Context()
        self.statements: list[Statement] = []
        self.loops = 0

    def run(self) -> Scop:
        expressions = self._integer_exprs()
        _check_periods(self.kernel, expressions)
        for expr in expressions:
            self.affine.register(expr)
        self.params = (*(param.name for param in self.kernel.params), *self.affine.opaque)
        known = self._known()
        self._block(self.kernel.body, (), (), 0)
        statements = tuple(
            replace(s, domain=s.domain.intersect_params(known).coalesce().gist_params(known).intersect_params(known))
            for s in self.statements
            if not s.domain.intersect_params(known).is_empty()
        )
        reads, must, may = accesses.unions(self.context, [(s.domain, s.accesses) for s in statements])
        domain = isl.UnionSet.empty_ctx(self.context)
        for s in statements:
            domain = domain.union(isl.UnionSet.from_set(s.domain))
        schedule = _program_order(self.context, statements)
        names = dict(self.affine.opaque)
        return Scop(self.kernel, known, names, self.affine, statements, domain, reads, must, may, schedule)

    def _integer_exprs(self) -> list[Expr]:
        found: list[Expr] = [extent for array in self.kernel.arrays for extent in array.extents]
        found += [a.condition for a in self.kernel.assumptions if isinstance(a, Holds)]
        for statement in walk(self.kernel.body):
            match statement:
                case For(lower=lower, upper=upper):
                    found += [lower, upper]
                case If(cond=cond) | While(cond=cond):
                    found += [cond, *accesses.subscripts(cond)]
                case Assign(target=target, value=value):
                    found += [*accesses.subscripts(target), *accesses.subscripts(value)]
                case Alloc() | Serial() | Break() | Continue():
                    pass
                case _:
                    assert_never(statement)
        return found

    def _known(self) -> isl.Set:
        space = param_space(self.context, self.params)
        known = isl.Set.universe(space)
        for param in self.kernel.params:
            value = variable(space, param.name)
            known = known.intersect(value.ge_set(constant(space, param.minimum)))
            if param.maximum < _HUGE:
                known = known.intersect(value.le_set(constant(space, param.maximum)))
        for assumption in self.kernel.assumptions:
            if isinstance(assumption, Holds):
                try:
                    known = known.intersect(self.affine.condition(assumption.condition, space))
                except NotAffine:
                    continue
        return known.coalesce()

    # statements

    def _block(self, body: Block, frames: tuple[_Frame, ...], prefix: tuple[int, ...], place: int) -> int:
        """Extract a block whose first statement has position `place` below `prefix`; returns the next free position."""
        for statement in body:
            match statement:
                case Alloc():
                    pass
                case Assign():
                    self._statement((statement,), frames, (*prefix, place))
                    place += 1
                case For():
                    self.loops += 1
                    self._block(statement.body, (*frames, _Loop(statement, self.loops)), (*prefix, place), 0)
                    place += 1
                case If():
                    place = self._if(statement, frames, prefix, place)
                case Serial():
                    self._statement((statement,), frames, (*prefix, place))
                    place += 1
                case While() | Break() | Continue():
                    raise TypeError(f"{type(statement).__name__} outside of a serial block")
                case _:
                    assert_never(statement)
        return place

    def _if(self, statement: If, frames: tuple[_Frame, ...], prefix: tuple[int, ...], place: int) -> int:
        if self._is_affine(statement.cond, frames):
            place = self._block(statement.body, (*frames, _Test(statement.cond, True)), prefix, place)
            return self._block(statement.orelse, (*frames, _Test(statement.cond, False)), prefix, place)
        if not any(isinstance(inner, For) for inner in walk((statement,), serial=False)):
            if any(isinstance(inner, Assign) for inner in walk((statement,))):
                self._statement((statement,), frames, (*prefix, place))
            return place + 1
        raise TypeError("a data condition around loops: the kernel is not normalised")

    def _is_affine(self, cond: Expr, frames: tuple[_Frame, ...]) -> bool:
        try:
            self.affine.condition(cond, self._space("", frames))
        except NotAffine:
            return False
        return True

    def _space(self, name: str, frames: tuple[_Frame, ...]) -> isl.Space:
        return set_space(self.context, self.params, name, [f.loop.var for f in frames if isinstance(f, _Loop)])

    def _statement(self, body: Block, frames: tuple[_Frame, ...], positions: tuple[int, ...]) -> None:
        first = next(s for s in walk(body) if isinstance(s, Assign))
        name = first.label
        space = self._space(name, frames)
        found = accesses.of_block(body, accesses.Scene(self.affine, self.arrays, self.context, self.params, space))
        loops = [f for f in frames if isinstance(f, _Loop)]
        self.statements.append(
            Statement(
                name,
                tuple(f.loop.var for f in loops),
                tuple(f.number for f in loops),
                tuple(1 if f.loop.step > 0 else -1 for f in loops),
                positions,
                self._domain(space, frames),
                found,
                body,
                first.span,
            )
        )

    def _domain(self, space: isl.Space, frames: tuple[_Frame, ...]) -> isl.Set:
        domain = isl.Set.universe(space)
        for frame in frames:
            match frame:
                case _Test(cond=cond, holds=holds):
                    inside = self.affine.condition(cond, space)
                    domain = domain.intersect(inside if holds else inside.complement())
                case _Loop(loop=loop):
                    domain = domain.intersect(self._iterations(loop, space))
                case _:
                    assert_never(frame)
        return domain.coalesce()

    def _iterations(self, loop: For, space: isl.Space) -> isl.Set:
        iterator = variable(space, loop.var)
        try:
            lower, upper = self.affine.function(loop.lower, space), self.affine.function(loop.upper, space)
        except NotAffine as error:
            raise unsupported(
                loop.span,
                "loop-bound",
                f"the range of the loop over `{loop.var}` is not affine: `{error}`",
                "use sums and constant multiples of integers and outer loop variables",
            ) from None
        if loop.step > 0:
            inside = iterator.ge_set(lower).intersect(iterator.lt_set(upper))
        else:
            inside = iterator.le_set(lower).intersect(iterator.gt_set(upper))
        if abs(loop.step) > 1:
            distance = iterator.sub(lower).mod_val(isl.Val(abs(loop.step), self.context))
            inside = inside.intersect(distance.zero_set())
        return inside


def _check_periods(kernel: Kernel, expressions: Sequence[Expr]) -> None:
    """Refuses steps and divisors that repeat together only after very long: isl then takes minutes for an operation or two."""
    steps = {abs(item.step) for item in walk(kernel.body, serial=False) if isinstance(item, For)}
    nodes = (node for expr in expressions for node in walk_expr(expr) if isinstance(node, Binary) and node.op in ("floordiv", "mod"))
    divisors = {abs(int(node.right.value.real)) for node in nodes if isinstance(node.right, Const)}
    found = (steps | divisors) - {0}
    if found and lcm(*found) > max(_LONGEST_PERIOD, *found):
        numbers = ", ".join(map(str, sorted(found)))
        text = f"the steps and divisors {numbers} are too intricate together: they repeat only after {lcm(*found)}"
        raise unsupported(kernel.span, "loop-bound", text, "take the loops apart, one step or divisor in each function")


def _in_order(first: Statement, second: Statement, relation: isl.Map) -> Iterator[isl.Map]:
    """The parts of a relation where one statement's instances come before the other's: by a common loop, or by their places in it."""
    into, out = isl.dim_type.in_, isl.dim_type.out
    for level, (mine, theirs) in enumerate(zip(first.positions, second.positions, strict=False)):
        if mine != theirs:
            if mine < theirs:
                yield relation
            return
        if level == len(first.iterators) or level == len(second.iterators):
            return
        less = relation.order_lt if first.signs[level] > 0 else relation.order_gt
        yield less(into, level, out, level)
        relation = relation.equate(into, level, out, level)


def _program_order(context: isl.Context, statements: tuple[Statement, ...]) -> isl.UnionMap:
    """`{ S[i, j] -> [position, i, position, j, position, 0...] }`."""
    depth = max((len(s.iterators) for s in statements), default=0)
    union = isl.UnionMap.empty_ctx(context)
    for s in statements:
        dates = program_dates(s, depth)
        union = union.union(isl.UnionMap.from_map(function_map(s.space, None, dates).intersect_domain(s.domain)))
    return union


def program_dates(statement: Statement, depth: int) -> list[isl.PwAff]:
    """The program-order date of a statement, padded with zeros to `2 * depth + 1` dimensions."""
    space = statement.space
    dates = [constant(space, statement.positions[0])]
    for name, sign, position in zip(statement.iterators, statement.signs, statement.positions[1:], strict=True):
        value = variable(space, name)
        dates += [value if sign > 0 else value.neg(), constant(space, position)]
    dates += [constant(space, 0)] * (2 * depth + 1 - len(dates))
    return dates


def has_calls(statement: Statement, kinds: tuple[type, ...], matches: Literal["numpy", "any"] = "any") -> bool:
    """Does the statement evaluate a node of one of these kinds (`Call`: with matches="numpy" only NumPy's inner loops)?"""
    for inner in walk(statement.body):
        roots = (inner.value,) if isinstance(inner, Assign) else (inner.cond,) if isinstance(inner, If) else ()
        for root in roots:
            for node in walk_expr(root):
                if isinstance(node, kinds) and (matches == "any" or getattr(node, "function", "").startswith("numpy.")):
                    return True
    return False
