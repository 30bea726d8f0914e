"""Values that must be computed although nobody may read them.

NumPy warns about an overflow in an element that `where` then throws away; compilers drop or move such a computation, and the
floating-point flag with it. A scalar whose value may go unread is therefore kept: its bits run into a local that the end of the
function consumes, which costs one instruction and hinders no vectorisation.

    t = a[i] / b[i]                          double t = a[i] / b[i];
    out[i] = t if a[i] > 0.0 else 0.0        POLYOPT_KEEP_f64(t); ...

A store to an array is dead where a later one certainly overwrites it, or where nobody reads the array. gcc sees the former for stores of
one iteration (or of consecutive ones), and for a store that stays in place while its loop runs; such values are kept as well.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from setuptools_polyopt.codegen import affine
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
    Unary,
)
from setuptools_polyopt.ir.statements import Alloc, Assign, Block, Break, Continue, For, If, Stmt, While, walk
from setuptools_polyopt.ir.visitors import children, loads, symbols, walk_expr

_QUIET = frozenset((
    "neg", "abs", "not", "invert", "conj", "real", "imag", "isnan", "isfinite", "isinf", "signbit", "maximum", "minimum", "floor",
    "ceil", "trunc", "rint",
))  # fmt: skip


def sets_flags(expr: Expr) -> bool:
    """Whether evaluation may raise a floating-point flag (a safe answer)."""
    return any(_raises(node) for node in walk_expr(expr))


def _raises(node: Expr) -> bool:
    match node:
        case Unary(op=op) | Binary(op=op):
            return op not in _QUIET and node.dtype.kind in "fc"
        case Cast(operand=operand):
            return operand.dtype.kind in "fc"
        case Call(function=function):
            return function != "complex"
        case Reduce(function=function, dtype=dtype):
            return function != ROW and dtype.kind in "fc"
        case Product():
            return True
        case _:
            return False


def compiled(expr: Expr) -> bool:
    """Whether a flag may come from an instruction that the compiler sees (calls of NumPy and libm are opaque and stay)."""
    return any(_raises(node) and not isinstance(node, Call | Reduce | Product) for node in walk_expr(expr))


def decidable(expr: Expr) -> bool:
    """Whether a compiler might know what the expression is from the range of a floating-point operand alone (`abs(x / y) < 0`)."""
    match expr:
        case Compare(left=left, right=right):
            return left.dtype.kind in "fc" and (isinstance(left, Const) or isinstance(right, Const))
        case Unary(op="signbit", operand=operand):
            return operand.dtype.kind in "fc"
        case _:
            return False


@dataclass(frozen=True, slots=True)
class Place:
    """A statement in its block; `loop` says that the block is the body of a loop."""

    block: Block
    position: int
    loop: bool


Path: TypeAlias = tuple[Place, ...]
"""A statement and those around it in the same function, outermost first."""


def must_keep(path: Path, leaves: Callable[[str], bool], unread: Callable[[str], bool]) -> bool:
    """Whether the assignment at the end of the path computes a value that may raise flags and may go unread.

    leaves: whether a scalar's last value leaves the function. unread: whether nobody ever reads an array.
    """
    statement = path[-1].block[path[-1].position]
    if not isinstance(statement, Assign):
        return False
    if statement.target.indices:
        return _carries(statement.value) and (unread(statement.target.array) or _overwritten(path, statement))
    return compiled(statement.value) and not _runs_on(path, statement.target.array, leaves)


_UNROLLED = 32
"""Loops of up to so many iterations, if it is a constant, may be unrolled; what they store is then seen one by one."""


def _carries(value: Expr) -> bool:
    """Whether flags depend on a value being computed: its own, or those of scalars that run into it."""
    return compiled(value) or any(isinstance(node, Load) and not node.indices for node in walk_expr(value))


def _overwritten(path: Path, statement: Assign) -> bool:
    """Whether a compiler might see that a store to an element is overwritten before anybody reads it."""
    place = path[-1]
    if _runs_into_next(place, statement):
        return False
    for depth in reversed(range(len(path))):
        loop = path[depth - 1].block[path[depth - 1].position] if depth else None
        turns = isinstance(loop, For) and not any(loop.var in symbols(index) for index in statement.target.indices)
        if turns or isinstance(loop, While):
            return statement.target not in loads(statement.value)
        if not isinstance(loop, If) and not (isinstance(loop, For) and _is_short(loop)):
            moving = _iterators(path[max(0, depth - 1) :])
            rivals = [item for item in _together(path[depth].block) if item.target.array == statement.target.array]
            return sum(not _never_meet(item.target, statement.target, moving) for item in rivals) > 1
    return False


def _iterators(path: Path) -> frozenset[str]:
    """The iterators of the loops of a path, and of those inside them."""
    return frozenset(item.var for place in path for item in walk(place.block[place.position : place.position + 1]) if isinstance(item, For))


def _never_meet(first: Load, second: Load, moving: Collection[str]) -> bool:
    """Whether two elements differ in a subscript that stays as it is while the iterators move."""
    pairs = zip(first.indices, second.indices, strict=True)
    return any(affine.distance(a, b) not in (None, 0) and not symbols(a) & {*moving} for a, b in pairs)


def _runs_into_next(place: Place, statement: Assign) -> bool:
    """Whether the next statement about the array updates the element, so that the value runs on."""
    name = statement.target.array
    for user in place.block[place.position + 1 :]:
        if isinstance(user, Assign) and user.target == statement.target:
            return compiled(user.value) and user.target in _elements(user.value)
        if any(isinstance(item, Assign) and item.target.array == name for item in walk((user,))):
            return False
    return False


def _is_short(loop: For) -> bool:
    match loop.lower, loop.upper:
        case Const(value=int() as lower), Const(value=int() as upper):
            return abs(upper - lower) <= _UNROLLED * abs(loop.step)
        case _:
            return False


def _together(block: Block) -> Iterator[Assign]:
    """The assignments that one pass over a block runs, as far as they are not in loops of their own."""
    for item in block:
        match item:
            case Assign():
                yield item
            case If(body=body, orelse=orelse):
                yield from _together(body)
                yield from _together(orelse)
            case For(body=body) if _is_short(item):
                yield from _together(body)
            case _:
                pass


def _runs_on(path: Path, name: str, leaves: Callable[[str], bool]) -> bool:
    """Whether the value that a scalar has after the statement certainly runs into an element of an array, a test, or a kept value."""
    if not path:
        return leaves(name)
    *outer, place = path
    found = _scan(tuple(outer), place, place.position + 1, name, leaves)
    if found is None and place.loop:  # the next iteration may come first
        found = False if _scan(tuple(outer), place, 0, name, leaves) is False else None
    return _runs_on(tuple(outer), name, leaves) if found is None else found


def _scan(outer: Path, place: Place, start: int, name: str, leaves: Callable[[str], bool]) -> bool | None:
    """Whether the statements of a block from a position on use the value (True), may overwrite it (False), or let it pass (None)."""
    for number in range(start, len(place.block)):
        user = place.block[number]
        if any(isinstance(item, Break | Continue) for item in walk((user,))):
            return False
        if name in _reads(user):
            if not isinstance(user, Assign) or user.target.indices or compiled(user.value):
                return True
            if number > place.position and _runs_on((*outer, Place(place.block, number, place.loop)), user.target.array, leaves):
                return True
        if any(_overwrites(item, name) for item in walk((user,))):
            return False
    return None


def _overwrites(statement: Stmt, name: str) -> bool:
    if isinstance(statement, Alloc):
        return statement.array == name
    return (
        isinstance(statement, Assign)
        and statement.target.array == name
        and not statement.target.indices
        and name not in _certain(statement.value)
    )


def _reads(statement: Stmt) -> frozenset[str]:
    """Scalars that a statement certainly reads, whichever way it goes."""
    match statement:
        case Assign(target=target, value=value):
            return _certain(value).union(*(_certain(index) for index in target.indices))
        case If(cond=cond):
            return _certain(cond)
        case For(lower=lower, upper=upper):
            return _certain(lower) | _certain(upper)
        case _:
            return frozenset()


def _elements(expr: Expr) -> frozenset[Load]:
    """Elements that an expression certainly reads."""
    match expr:
        case Load():
            return frozenset((expr,))
        case Select(cond=cond):
            return _elements(cond)
        case Binary(op="and" | "or", left=left):
            return _elements(left)
        case _:
            return frozenset().union(*(_elements(child) for child in children(expr)))


def _certain(expr: Expr) -> frozenset[str]:
    match expr:
        case Load(array=array, indices=()):
            return frozenset((array,))
        case _ if decidable(expr):
            return frozenset()
        case Select(cond=cond):
            return _certain(cond)
        case Binary(op="and" | "or", left=left):
            return _certain(left)
        case _:
            return frozenset().union(*(_certain(child) for child in children(expr)))
