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
from setuptools_polyopt.ir.statements import Assign, Block, For, If, Stmt, walk
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
    """Where partial results live: `extent` and `index` are those of the kept ones, and at most `most` terms come together in one."""

    temporaries: Temporaries
    extent: Expr
    index: Expr
    most: int
    span: Span

    def part(self, whole: Load, stem: str = "part", dtype: DType | None = None) -> _Part:
        """A partial result of an element (of its type, if no other is given)."""
        name, kind = f"{whole.array}_{stem}", dtype or whole.dtype
        mine, kept = self.temporaries.fresh(name, kind), self.temporaries.fresh(f"{name}s", kind, (self.extent,))
        return _Part(Load(mine, (), kind), Load(kept, (self.index,), kind))


@dataclass(frozen=True)
class _Parts:
    """The partial results of an accumulator: what they start from, what takes the place of a statement that updates it, what keeps them,
    and what brings them into the accumulator."""

    start: Block
    update: Callable[[Stmt], Block]
    keep: Block
    combine: Block


def with_parts(loop: For, found: Sequence[Accumulator], place: Place) -> tuple[For, For]:
    """The loop on partial results, and the one that combines them."""
    made = [(each, _parts(each, place)) for each in found]
    start = tuple(item for _, parts in made for item in parts.start)
    keep = tuple(item for _, parts in made for item in parts.keep)
    combine = tuple(item for _, parts in made for item in parts.combine)
    return replace(loop, body=(*start, *_rewritten(loop.body, made), *keep)), replace(loop, body=combine)


def _parts(accumulator: Accumulator, place: Place) -> _Parts:
    element, span = accumulator.element, place.span

    def made(start: Mapping[_Part, Const], update: Callable[[Stmt], Block], *combine: Stmt) -> _Parts:
        first = tuple(Assign(part.mine, value, span) for part, value in start.items())
        return _Parts(first, update, tuple(Assign(part.kept, part.mine, span) for part in start), combine)

    match accumulator:
        case Mark(value=value):
            seen = place.part(element, "mark", DType.BOOL)
            update = (Assign(seen.mine, TRUE, span),)
            return made({seen: FALSE}, lambda _: update, If(seen.kept, (Assign(element, value, span),), (), span))
        case Extreme(op=op, others=others):
            table = {whole: place.part(whole) for whole in (element, *others)}
            own = table[element]
            start = {part: _end(element.dtype, op in ("lt", "le")) if part is own else _zero(part.mine.dtype) for part in table.values()}
            inside = {whole: part.mine for whole, part in table.items()}
            taken = tuple(Assign(whole, part.kept, span) for whole, part in table.items())
            return made(start, lambda item: _replaced(item, inside), If(Compare(op, own.kept, element), taken, (), span))
        case Total(checked=True, sign=0):
            more, less = (place.part(element, stem) for stem in ("rise", "fall"))
            lowest = Load(place.temporaries.fresh(f"{element.array}_lowest", element.dtype), (), element.dtype)
            down = Assign(lowest, _checked("add", element, less.kept), span)
            up = Assign(element, _checked("add", _checked("add", element, more.kept), less.kept), span)
            zero = _zero(element.dtype)
            return made({more: zero, less: zero}, lambda item: _halves(item, element, more.mine, less.mine), down, up)
        case Total(op=op, checked=checked):
            own = place.part(element)
            fits = checked and accumulator.largest * place.most <= element.dtype.integer_range()[1]
            combine = Assign(element, Binary(op, element, own.kept, element.dtype, checked), span)
            return made({own: _identity(op, element.dtype)}, lambda item: _replaced(item, {element: own.mine}, unchecked=fits), combine)
        case _:
            assert_never(accumulator)


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
            case For():
                result.append(replace(item, body=_rewritten(item.body, made)))
            case _:
                result.append(item)
    return tuple(result)
