"""A scheduled kernel as a sequence of stages: what a target runs that cannot run the whole kernel in one go.

Before: a scheduled kernel, whose body may be several parallel loops, with serial statements around and between. After: a kernel for each
of its top-level statements, in order, and the temporaries that live from one to another.

    alloc mean                                       mean: a temporary of the plan, a result array of both stages
    for j in 0..m parallel: mean[j] = ...      ->    stage s0: for j in 0..m parallel: ...
    for i in 0..n parallel: ... mean[j] ...          stage s1: for i in 0..n parallel: ...

A serial loop around parallel ones is a `Repeat`, whose variable is a parameter of the stages inside. A condition on parameters goes
around each of its statements. A scalar that depends on inputs and parameters only is computed again in each stage; other scalars that
more than one stage knows are arrays of one element. Statements without any parallel loop are a stage that runs as a whole.

Not done here: whether iterations may be spread (that they are independent is what `parallel` means), and where they go.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Expr, Load, Unary, integer
from setuptools_polyopt.ir.kernel import Array, Contiguous, Holds, Kernel, NoOverlap, OrderedStrides, Param, Role
from setuptools_polyopt.ir.statements import Alloc, Assign, Block, For, If, Stmt, walk
from setuptools_polyopt.ir.visitors import arrays_used, assigns, loads, map_block_exprs, map_expr

_LARGEST = 2**40


@dataclass(frozen=True)
class Stage:
    """A part of a kernel as a kernel of its own, with the same parameters and inputs. `whole`: it is the kernel itself.
    `loop`: its one outermost parallel loop, whose iterations may run anywhere; None where the stage is to run in one piece."""

    kernel: Kernel
    loop: For | None
    whole: bool = False


@dataclass(frozen=True)
class Repeat:
    """`for var in range(lower, upper, step)` around steps."""

    loop: For
    steps: tuple[Step, ...]


Step: TypeAlias = Stage | Repeat


@dataclass(frozen=True)
class Stages:
    """temporaries: what has to be allocated for the stages, as arrays of role RESULT. scalars: the kernel's scalar results that the
    stages know as arrays of one element (of the same name)."""

    steps: tuple[Step, ...]
    temporaries: tuple[Array, ...] = ()
    scalars: tuple[Array, ...] = ()

    def each(self) -> Iterator[Stage]:
        """All stages in order."""
        yield from _each(self.steps)


def _each(steps: Sequence[Step]) -> Iterator[Stage]:
    for step in steps:
        if isinstance(step, Stage):
            yield step
        else:
            yield from _each(step.steps)


@dataclass(frozen=True)
class _Piece:
    """A statement that becomes a stage, and the parameters that repeats around it add."""

    body: Block
    loop: For | None
    params: tuple[Param, ...]


@dataclass(frozen=True)
class _Loop:
    loop: For
    pieces: tuple[_Piece | _Loop, ...]


def stages(kernel: Kernel, repeats: bool = True) -> Stages:
    """The stages of a scheduled kernel. repeats: serial loops around parallel ones are taken apart too."""
    fixed, rest = _hoisted(kernel)
    known = _Known(kernel, repeats)
    pieces = _joined(_pieces(rest, known, ()))
    single = pieces[0] if len(pieces) == 1 else None
    results = [array for array in kernel.arrays if array.role is Role.RESULT and not array.rank]
    if isinstance(single, _Piece) and single.loop is not None and not results:
        return Stages((Stage(kernel, single.loop, whole=True),))
    return _Builder(known, fixed, _flat(pieces)).run(pieces)


def _flat(pieces: Sequence[_Piece | _Loop]) -> list[_Piece]:
    found: list[_Piece] = []
    for piece in pieces:
        found += [piece] if isinstance(piece, _Piece) else _flat(piece.pieces)
    return found


def _hoisted(kernel: Kernel) -> tuple[dict[str, Assign], Block]:
    """The scalars that each stage may compute for itself, in order, and the other statements."""
    written = [item.target.array for item in assigns(kernel.body)]
    fixed: dict[str, Assign] = {}
    rest = []
    for statement in kernel.body:
        match statement:
            case Assign(target=Load(array=name, indices=())) if written.count(name) == 1 and _is_fixed(statement, kernel, fixed):
                fixed[name] = statement
            case _:
                rest.append(statement)
    used = arrays_used(tuple(rest))
    needed: set[str] = set()
    for name in reversed(fixed):
        if name in used | needed:
            needed |= {name, *(load.array for load in loads(fixed[name].value))}
    unused = [item for name, item in fixed.items() if name not in needed]  # computed all the same: they may fail
    return {name: item for name, item in fixed.items() if name in needed}, (*unused, *rest)


def _is_fixed(statement: Assign, kernel: Kernel, fixed: dict[str, Assign]) -> bool:
    if kernel.array(statement.target.array).role is not Role.TEMPORARY:
        return False
    return all(load.array in fixed or kernel.array(load.array).role is Role.INPUT for load in loads(statement.value))


@dataclass(frozen=True)
class _Known:
    """What is known of names while statements are taken apart."""

    kernel: Kernel
    repeats: bool

    def fixed(self, expr: Expr) -> bool:
        """Whether an expression depends on parameters, repeats' variables and inputs only."""
        return all(self.kernel.array(load.array).role is Role.INPUT for load in loads(expr))

    def repeated(self, loop: For) -> bool:
        """Whether a serial loop is to be taken apart."""
        return self.repeats and self.fixed(loop.lower) and self.fixed(loop.upper)


def _pieces(body: Block, known: _Known, params: tuple[Param, ...]) -> list[_Piece | _Loop]:
    found: list[_Piece | _Loop] = []
    for statement in body:
        match statement:
            case Alloc():
                pass
            case For(kind="parallel"):
                found.append(_Piece((statement,), statement, params))
            case For() if _is_parallel(statement.body) and known.repeated(statement):
                inside = _joined(_pieces(statement.body, known, (*params, Param(statement.var, -_LARGEST, _LARGEST))))
                found.append(_Loop(statement, tuple(inside)))
            case If(cond=cond) if _is_parallel((statement,)) and known.fixed(cond):
                found += _under(cond, _pieces(statement.body, known, params))
                found += _under(Unary("not", cond, DType.BOOL), _pieces(statement.orelse, known, params))
            case _:
                found.append(_Piece((statement,), None, params))
    return found


def _is_parallel(body: Block) -> bool:
    return any(isinstance(inner, For) and inner.kind == "parallel" for inner in walk(body))


def _under(cond: Expr, pieces: Sequence[_Piece | _Loop]) -> list[_Piece | _Loop]:
    """The pieces, each under a condition of its own (a repeat's go inside)."""
    found: list[_Piece | _Loop] = []
    for piece in pieces:
        if isinstance(piece, _Piece):
            found.append(replace(piece, body=(If(cond, piece.body),)))
        else:
            found.append(replace(piece, pieces=tuple(_under(cond, piece.pieces))))
    return found


def _joined(pieces: Sequence[_Piece | _Loop]) -> list[_Piece | _Loop]:
    """Statements side by side that run in one piece are one."""
    found: list[_Piece | _Loop] = []
    for piece in pieces:
        last = found[-1] if found else None
        if isinstance(piece, _Piece) and piece.loop is None and isinstance(last, _Piece) and last.loop is None:
            found[-1] = replace(last, body=(*last.body, *piece.body))
        else:
            found.append(piece)
    return found


class _Builder:
    """Makes the stages' kernels once it is known what crosses from one to another."""

    def __init__(self, known: _Known, fixed: dict[str, Assign], pieces: Sequence[_Piece]) -> None:
        kernel = self.kernel = known.kernel
        self.fixed = fixed
        self.number = 0
        self.outer = {name: depth for name, depth in _outer_allocations(kernel.body, known, 0).items() if name not in fixed}
        self.shared = {array.name for array in kernel.arrays if self._is_shared(array, pieces)}

    def _is_shared(self, array: Array, pieces: Sequence[_Piece]) -> bool:
        """Whether an array outlives a stage without being an argument: it is used by several, or again when a repeat comes round."""
        if array.role is Role.RESULT:
            return not array.rank
        users = [piece for piece in pieces if array.name in self.outer and array.name in arrays_used(piece.body)]
        return len(users) > 1 or any(len(piece.params) > self.outer[array.name] for piece in users)

    def run(self, pieces: Sequence[_Piece | _Loop]) -> Stages:
        steps = self._steps(pieces)
        arrays = [self._array(array) for array in self.kernel.arrays if array.name in self.shared]
        results = {array.name for array in self.kernel.arrays if array.role is Role.RESULT}
        return Stages(
            steps,
            tuple(array for array in arrays if array.name not in results),
            tuple(array for array in arrays if array.name in results),
        )

    def _steps(self, pieces: Sequence[_Piece | _Loop]) -> tuple[Step, ...]:
        return tuple(
            self._stage(piece) if isinstance(piece, _Piece) else Repeat(piece.loop, self._steps(piece.pieces)) for piece in pieces
        )

    def _stage(self, piece: _Piece) -> Stage:
        body = self._with_scalars(piece.body)
        used = arrays_used(body)
        local = tuple(Alloc(name) for name in (*self.outer, *self.fixed) if name in used and name not in self.shared)
        body = map_block_exprs((*local, *body), lambda expr: map_expr(expr, self._indexed))
        names = {array.name for array in self.kernel.arrays if array.name in used or array.role is Role.INPUT}
        kernel = replace(
            self.kernel,
            name=f"{self.kernel.name}_s{self.number}",
            params=(*self.kernel.params, *piece.params),
            arrays=tuple(self._array(array) for array in self.kernel.arrays if array.name in names),
            body=body,
            assumptions=tuple(item for item in self.kernel.assumptions if _about(item) <= names),
        )
        self.number += 1
        loop = piece.loop and next(item for item in walk(body) if isinstance(item, For) and item.kind == "parallel")
        return Stage(kernel, loop)

    def _with_scalars(self, body: Block) -> Block:
        """The statements behind those that compute the scalars that they use."""
        used = set(arrays_used(body))
        needed: list[Stmt] = []
        for name in reversed(self.fixed):
            if name in used:
                needed.insert(0, self.fixed[name])
                used |= {load.array for load in loads(self.fixed[name].value)}
        return (*needed, *body)

    def _array(self, array: Array) -> Array:
        if array.name not in self.shared:
            return array
        return replace(array, role=Role.RESULT, extents=array.extents or (integer(1),))

    def _indexed(self, expr: Expr) -> Expr:
        """A scalar that is an array of one element now."""
        if isinstance(expr, Load) and expr.array in self.shared and not self.kernel.array(expr.array).rank:
            return replace(expr, indices=(integer(0),))
        return expr


def _outer_allocations(body: Block, known: _Known, depth: int) -> dict[str, int]:
    """The temporaries that are allocated outside of the parallel loops, in order, with the number of repeats around."""
    found: dict[str, int] = {}
    for statement in body:
        match statement:
            case Alloc(array=name):
                found[name] = depth
            case For(kind="serial") if _is_parallel(statement.body) and known.repeated(statement):
                found |= _outer_allocations(statement.body, known, depth + 1)
            case If(cond=cond) if _is_parallel((statement,)) and known.fixed(cond):
                found |= _outer_allocations((*statement.body, *statement.orelse), known, depth)
            case _:
                pass
    return found


def _about(item: Holds | NoOverlap | OrderedStrides | Contiguous) -> frozenset[str]:
    """The arrays that an assumption is about."""
    match item:
        case NoOverlap(first=first, second=second):
            return frozenset((first, second))
        case OrderedStrides(array=array) | Contiguous(array=array):
            return frozenset((array,))
        case Holds():
            return frozenset()
