"""Partial results of an accumulation: a scalar while one iteration of a loop runs, kept in an array, and combined in the loop's order.

    if x[i] > best: best = x[i]      ->      best_part = -inf                                         start
                                             if x[i] > best_part: best_part = x[i]                    update
                                             best_parts[k] = best_part                                keep
                                             if best_parts[k] > best: best = best_parts[k]            combine

Overflow: a partial sum that does not fit where the program's own would have is a failure like any other, and the original runs. A sum
that fits although one on the program's way would not have: Python does not mind, but NumPy's scalars warn. Where all terms have one sign
that cannot be. Else there are two partial results, of the terms that add and of those that take away: if the accumulator takes
either of them alone, no order of the terms overflows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from setuptools_polyopt.diagnostics import Span
from setuptools_polyopt.exhaustive import assert_never
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import FALSE, TRUE, Binary, BinaryOp, Compare, Const, Expr, Load
from setuptools_polyopt.ir.kernel import Array, Kernel, Role
from setuptools_polyopt.ir.statements import Assign, Block, For, If, Serial, Stmt, While, walk
from setuptools_polyopt.ir.visitors import loads, map_block_exprs, map_expr
from setuptools_polyopt.polyhedral.accumulators import IDENTITY, Accumulator, Extreme, Mark, Total, elements, term_of


@dataclass(frozen=True)
class _Part:
    """A partial result while its iteration runs, and where it is kept afterwards."""

    mine: Load
    kept: Load


@dataclass
class Temporaries:
    """The arrays of a kernel, and those that it gains."""

    kernel: Kernel
    added: list[Array] = field(default_factory=list)

    def fresh(self, stem: str, dtype: DType, extents: tuple[Expr, ...] = ()) -> str:
        """The name of a new one."""
        name = self.unused(stem)
        self.added.append(Array(name, dtype, extents, Role.TEMPORARY))
        return name

    def unused(self, stem: str) -> str:
        """A name that nothing in the kernel has."""
        taken = {array.name for array in (*self.kernel.arrays, *self.added)} | {param.name for param in self.kernel.params}
        taken |= {item.var for item in walk(self.kernel.body) if isinstance(item, For)}
        return next(text for number in range(len(taken) + 1) if (text := f"{stem}{number or ''}") not in taken)


@dataclass(frozen=True)
class Place:
    """Where partial results live. At most `most` terms come together in one. extent, index: of the array that keeps them, where they are
    not combined at once."""

    temporaries: Temporaries
    most: int
    span: Span
    extent: Expr | None = None
    index: Expr | None = None

    def part(self, whole: Load, stem: str = "part", dtype: DType | None = None) -> _Part:
        """A partial result of an element (of its type, if no other is given)."""
        name, kind = f"{whole.array.removesuffix(f'_{stem}')}_{stem}", dtype or whole.dtype
        mine = Load(self.temporaries.fresh(name, kind), (), kind)
        if self.extent is None or self.index is None:
            return _Part(mine, mine)
        return _Part(mine, Load(self.temporaries.fresh(f"{name}s", kind, (self.extent,)), (self.index,), kind))


@dataclass(frozen=True)
class Parted:
    """A block on partial results, with what goes before it and after it, what brings them into the accumulators, and the partial results
    as accumulators of the block."""

    start: Block
    body: Block
    keep: Block
    combine: Block
    inside: tuple[Accumulator, ...]


def with_parts(body: Block, found: Sequence[Accumulator], place: Place) -> Parted:
    """A block in which accumulators have partial results."""
    made = [(each, _parts(each, place)) for each in found]
    start = tuple(item for _, parts in made for item in parts.start)
    keep = tuple(item for _, parts in made for item in parts.keep)
    combine = tuple(item for _, parts in made for item in parts.combine)
    inside = tuple(item for _, parts in made for item in parts.inside)
    return Parted(start, _rewritten(body, made), keep, combine, inside)


@dataclass(frozen=True)
class _Parts:
    """The partial results of an accumulator: what they start from, what takes the place of a statement that updates it, what keeps them,
    what brings them into the accumulator, and the accumulators that they are."""

    start: Block
    update: Callable[[Stmt], Block]
    keep: Block
    combine: Block
    inside: tuple[Accumulator, ...]


def _parts(accumulator: Accumulator, place: Place) -> _Parts:
    match accumulator:
        case Mark():
            return _marked(accumulator, place)
        case Extreme():
            return _extreme(accumulator, place)
        case Total(checked=True, sign=0):
            return _rise_and_fall(accumulator, place)
        case Total():
            return _summed(accumulator, place)
        case _:
            assert_never(accumulator)


def _made(
    start: Mapping[_Part, Const], update: Callable[[Stmt], Block], combine: Block, place: Place, *inside: Accumulator
) -> _Parts:
    first = tuple(Assign(part.mine, value, place.span) for part, value in start.items())
    keep = tuple(Assign(part.kept, part.mine, place.span) for part in start if part.kept != part.mine)
    return _Parts(first, update, keep, combine, inside)


def _marked(mark: Mark, place: Place) -> _Parts:
    seen = place.part(mark.element, "mark", DType.BOOL)
    update = (Assign(seen.mine, TRUE, place.span),)
    combine = (If(seen.kept, (Assign(mark.element, mark.value, place.span),), (), place.span),)
    return _made({seen: FALSE}, lambda _: update, combine, place, Mark(seen.mine, TRUE))


def _extreme(extreme: Extreme, place: Place) -> _Parts:
    element, op = extreme.element, extreme.op
    own, others = place.part(element), {other: place.part(other) for other in extreme.others}
    start = {own: _end(element.dtype, op in ("lt", "le")), **{part: _zero(part.mine.dtype) for part in others.values()}}
    table = {element: own, **others}
    inside = {whole: part.mine for whole, part in table.items()}
    taken = tuple(Assign(whole, part.kept, place.span) for whole, part in table.items())
    combine = (If(Compare(op, own.kept, element), taken, (), place.span),)
    mine = Extreme(own.mine, op, tuple(part.mine for part in others.values()))
    return _made(start, lambda item: _replaced(item, inside), combine, place, mine)


def _rise_and_fall(total: Total, place: Place) -> _Parts:
    """Terms of both signs. The accumulator takes what falls alone, too, so that no order of the terms overflows."""
    element, span = total.element, place.span
    rise, fall = (place.part(element, stem) for stem in ("rise", "fall"))
    lowest = Load(place.temporaries.fresh(f"{element.array}_lowest", element.dtype), (), element.dtype)
    down = Assign(lowest, _checked("add", element, fall.kept), span)
    up = Assign(element, _checked("add", _checked("add", element, rise.kept), fall.kept), span)
    zero = _zero(element.dtype)
    inside = (Total(part.mine, "add", True, sign, total.largest) for part, sign in ((rise, 1), (fall, -1)))
    return _made({rise: zero, fall: zero}, lambda item: _halves(item, element, rise.mine, fall.mine), (down, up), place, *inside)


def fits(total: Total, most: int) -> bool:
    """Whether so many terms can certainly be summed up without overflow."""
    return total.largest * most <= total.element.dtype.integer_range()[1]


def _summed(total: Total, place: Place) -> _Parts:
    element, op, checked = total.element, total.op, total.checked
    own = place.part(element)
    free = checked and fits(total, place.most)
    combine = (Assign(element, Binary(op, element, own.kept, element.dtype, checked), place.span),)
    inside = Total(own.mine, op, checked and not free, total.sign, total.largest)
    start = {own: _identity(op, element.dtype)}
    return _made(start, lambda item: _replaced(item, {element: own.mine}, unchecked=free), combine, place, inside)


def _halves(item: Stmt, element: Load, more: Load, less: Load) -> Block:
    """A sum of terms of both signs: what adds goes to one partial result, what takes away to the other."""
    term = term_of(item, element)
    if not isinstance(item, Assign) or not isinstance(item.value, Binary) or term is None:
        raise TypeError("an accumulator is updated by its sums only")
    op = item.value.op
    cuts: tuple[BinaryOp, BinaryOp] = ("maximum", "minimum") if op == "add" else ("minimum", "maximum")
    halves = zip((more, less), cuts, strict=True)
    return tuple(Assign(half, _checked(op, half, Binary(cut, term, _zero(term.dtype), term.dtype)), item.span) for half, cut in halves)


def _zero(dtype: DType) -> Const:
    return Const(False if dtype is DType.BOOL else 0.0 if dtype.is_float else 0, dtype)


def _checked(op: BinaryOp, left: Expr, right: Expr) -> Binary:
    return Binary(op, left, right, left.dtype, checked=True)


def _identity(op: BinaryOp, dtype: DType) -> Const:
    """What leaves every other operand as it is."""
    if op in ("maximum", "minimum"):
        return _end(dtype, op == "minimum")
    if dtype is DType.BOOL:
        return TRUE if IDENTITY[op] else FALSE
    return _end(dtype, True) if IDENTITY[op] < 0 and dtype.kind == "u" else Const(IDENTITY[op], dtype)


def _end(dtype: DType, upper: bool) -> Const:
    """The largest or the smallest value of a type."""
    if dtype.is_float:
        return Const(float("inf") if upper else float("-inf"), dtype)
    if dtype is DType.BOOL:
        return TRUE if upper else FALSE
    return Const(dtype.integer_range()[int(upper)], dtype)


def _replaced(item: Stmt, table: Mapping[Load, Load], unchecked: bool = False) -> Block:
    """A statement on partial results; unchecked: its sum cannot overflow."""
    done = map_block_exprs((item,), lambda expr: map_expr(expr, lambda node: table.get(node, node) if isinstance(node, Load) else node))
    match done:
        case (Assign(value=Binary() as value) as update,) if unchecked:
            return (replace(update, value=replace(value, checked=False)),)
        case _:
            return done


def _rewritten(body: Block, made: Sequence[tuple[Accumulator, _Parts]]) -> Block:
    """A block that updates partial results."""
    owners = {load: parts for accumulator, parts in made for load in elements(accumulator)}
    result: list[Stmt] = []
    for item in body:
        match item:
            case Assign(target=target) if target in owners:
                result += owners[target].update(item)
            case If(cond=cond):
                own = next((owners[load] for load in loads(cond) if load in owners), None)
                inner = replace(item, body=_rewritten(item.body, made), orelse=_rewritten(item.orelse, made))
                result += own.update(item) if own is not None else (inner,)
            case For() | Serial() | While():
                result.append(replace(item, body=_rewritten(item.body, made)))
            case _:
                result.append(item)
    return tuple(result)
