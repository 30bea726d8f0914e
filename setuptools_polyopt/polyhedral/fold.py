"""Fold temporaries of element-wise expressions into the statement that uses them, before anything is scheduled.

The lowering gives every operator a temporary and a loop nest of its own. Where a temporary is used by one later statement only, at the
very element that was computed, the expression can stand in its place: fewer statements, cheaper scheduling, values in registers.

    for i: for j: t[i, j] = A[i, j] + A[i + 1, j]
    for i: for j: B[i + 1, j] = 0.5 * t[i, j]            ->  for i: for j: B[i + 1, j] = 0.5 * (A[i, j] + A[i + 1, j])

A temporary stays where its expression reads what is written in between, or other elements of what the user itself writes
(`a[1:] = a[:-1] + 1`, but not `a += b`), and around calls
of NumPy's inner loops, which work on blocks, and where the user may not evaluate it although it can fail or set a flag.
Order and operands of every operation stay, so values and flags do.
Non-goals: temporaries that are used at other elements than their own (the schedule shifts and contracts those).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from setuptools_polyopt.ir.expressions import Binary, Call, Cast, Expr, Load, Reduce, Sym, Unary
from setuptools_polyopt.ir.kernel import Kernel, Role
from setuptools_polyopt.ir.statements import Assign, Block, For, If, Stmt, walk
from setuptools_polyopt.ir.visitors import (
    arrays_used,
    certain,
    loads,
    map_expr,
    own_loads,
    substitute,
    symbols,
    walk_expr,
)

_MOST_USES = 3
_MOST_NODES = 120


@dataclass(frozen=True)
class _Nest:
    """Loops around a single assignment, nothing else."""

    loops: tuple[For, ...]
    assign: Assign


def fold(kernel: Kernel) -> Kernel:
    """The kernel with temporaries folded; the same object where there is nothing to fold. kernel: in program order."""
    body = kernel.body
    names = {array.name for array in kernel.arrays if array.role is Role.TEMPORARY and array.rank}
    while True:
        folded = _fold_one(body, body, names)
        if folded is None:
            break
        body = folded
    if body is kernel.body:
        return kernel
    used = arrays_used(body)
    kept = tuple(array for array in kernel.arrays if array.role is not Role.TEMPORARY or array.name in used)
    return replace(kernel, body=body, arrays=kept)


def _fold_one(block: Block, whole: Block, names: set[str]) -> Block | None:
    """The block with one temporary folded, or None. `whole` is the kernel's body."""
    for position, statement in enumerate(block):
        nest = _nest(statement)
        if nest is not None and nest.assign.target.array in names:
            done = _fold_into_user(block, position, nest, whole)
            if done is not None:
                return done
        inner = _fold_inside(statement, whole, names)
        if inner is not None:
            return (*block[:position], inner, *block[position + 1 :])
    return None


def _fold_inside(statement: Stmt, whole: Block, names: set[str]) -> Stmt | None:
    match statement:
        case For():
            body = _fold_one(statement.body, whole, names)
            return None if body is None else replace(statement, body=body)
        case If():
            body = _fold_one(statement.body, whole, names)
            if body is not None:
                return replace(statement, body=body)
            orelse = _fold_one(statement.orelse, whole, names)
            return None if orelse is None else replace(statement, orelse=orelse)
        case _:
            return None


def _nest(statement: Stmt) -> _Nest | None:
    loops: list[For] = []
    while isinstance(statement, For) and len(statement.body) == 1:
        loops.append(statement)
        statement = statement.body[0]
    return _Nest(tuple(loops), statement) if loops and isinstance(statement, Assign) else None


def _fold_into_user(block: Block, position: int, maker: _Nest, whole: Block) -> Block | None:
    name, value = maker.assign.target.array, maker.assign.value
    iterators = tuple(loop.var for loop in maker.loops)
    if maker.assign.target.indices != tuple(Sym(var) for var in iterators) or _is_block_call(value):
        return None
    found = [(k, nest) for k in range(position + 1, len(block)) if (nest := _nest(block[k])) and _reads(nest, name)]
    if len(found) != 1:
        return None
    place, user = found[0]
    uses = sum(load.array == name for statement in walk(whole) for load in own_loads(statement))
    writes = sum(isinstance(s, Assign) and s.target.array == name for s in walk(whole))
    inside = [load for load in loads(user.assign.value) if load.array == name]
    if writes != 1 or len(inside) != uses or not inside or uses > _MOST_USES:
        return None
    renamed = _same_space(maker, user)
    if renamed is None or any(load.indices != tuple(Sym(loop.var) for loop in user.loops) for load in inside):
        return None
    between = _written(block[position + 1 : place])
    if {load.array for load in loads(value)} & between or not _foldable(user.assign.value, name):
        return None
    if not _is_quiet(value) and all(node not in inside for node in certain(user.assign.value)):
        return None
    expression = substitute(value, renamed)
    if _disturbs(user, expression) or _size(value) + _size(user.assign.value) > _MOST_NODES:
        return None
    new_value = map_expr(user.assign.value, lambda node: expression if isinstance(node, Load) and node.array == name else node)
    rebuilt: Stmt = replace(user.assign, value=new_value)
    for loop in reversed(user.loops):
        rebuilt = replace(loop, body=(rebuilt,))
    return (*block[:position], *block[position + 1 : place], rebuilt, *block[place + 1 :])


def _disturbs(user: _Nest, expression: Expr) -> bool:
    """Whether the user writes what the expression reads, other than an element of its own just after it was read."""
    target = user.assign.target
    read = [load for load in loads(expression) if load.array == target.array]
    return bool(read) and (any(load.indices != target.indices for load in read) or not _one_each(target, user.loops))


def _one_each(target: Load, nest: tuple[For, ...]) -> bool:
    """Whether the iterations certainly write different elements: each iterator has a subscript that it alone moves."""
    bound = {loop.var for loop in nest}
    return all(any(_moves_with(index, loop.var, bound) for index in target.indices) for loop in nest)


def _moves_with(index: Expr, var: str, bound: set[str]) -> bool:
    match index:
        case Sym(name=name):
            return name == var
        case Binary(op="add", left=left, right=right):
            one, other = (left, right) if var in symbols(left) else (right, left)
            return not symbols(other) & bound and not loads(other) and _moves_with(one, var, bound)
        case Binary(op="sub", left=left, right=right):
            return not symbols(right) & bound and not loads(right) and _moves_with(left, var, bound)
        case _:
            return False


def _reads(nest: _Nest, name: str) -> bool:
    return any(load.array == name for load in own_loads(nest.assign))


def _is_block_call(expr: Expr) -> bool:
    return any(isinstance(node, Reduce) or (isinstance(node, Call) and node.function.startswith("numpy.")) for node in walk_expr(expr))


def _foldable(expr: Expr, name: str) -> bool:
    """Whether no call of an inner loop takes the temporary: its operands have to be in memory."""
    return not any(
        any(load.array == name for load in loads(node))
        for node in walk_expr(expr)
        if isinstance(node, Reduce) or (isinstance(node, Call) and node.function.startswith("numpy."))
    )


def _is_quiet(expr: Expr) -> bool:
    """Whether evaluation certainly neither fails nor sets a flag, so that it makes no difference whether it happens."""
    return not any(
        getattr(node, "checked", False)
        or (isinstance(node, Unary | Binary) and node.dtype.kind in "fc")
        or (isinstance(node, Cast) and node.operand.dtype.kind in "fc")
        or isinstance(node, Call)
        for node in walk_expr(expr)
    )


def _size(expr: Expr) -> int:
    return sum(1 for _ in walk_expr(expr))


def _written(block: Block) -> set[str]:
    return {statement.target.array for statement in walk(block) if isinstance(statement, Assign)}


def _same_space(maker: _Nest, user: _Nest) -> dict[str, Expr] | None:
    """How the maker's iterators are called in the user's loops, if both run over the same points."""
    if len(maker.loops) != len(user.loops):
        return None
    names: dict[str, Expr] = {}
    for mine, theirs in zip(maker.loops, user.loops, strict=True):
        bounds = (substitute(mine.lower, names), substitute(mine.upper, names), mine.step)
        if bounds != (theirs.lower, theirs.upper, theirs.step) or loads(mine.lower) or loads(mine.upper):
            return None
        names[mine.var] = Sym(theirs.var)
    bound = {loop.var for loop in user.loops}
    free = symbols(maker.assign.value) - {loop.var for loop in maker.loops}
    return None if free & bound else names
