"""Forward substitution of scalars, before anything is scheduled.

A scalar that is computed in one statement and used by its neighbours ties them together more tightly than any schedule knows: apart, they
need an array to carry its values. Here its expression takes its place; the C compiler computes it once.

    t = A[i, k] + A[k, j]                          if A[i, k] + A[k, j] < A[i, j]:
    if t < A[i, j]: A[i, j] = t            ->          A[i, j] = A[i, k] + A[k, j]

A scalar stays where a use follows a write to something that its expression reads, where it is used outside its block or inside a loop of
it, where its expression is long or calls a function, and where no use is certain to be evaluated (so that flags and failures stay).
Kernel in, kernel out; both are in program order.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from setuptools_polyopt.ir.expressions import Call, Expr, Load, Reduce
from setuptools_polyopt.ir.kernel import Kernel, Role
from setuptools_polyopt.ir.statements import Assign, Block, For, If, Serial, Stmt, walk
from setuptools_polyopt.ir.visitors import (
    arrays_used,
    assigns,
    certain,
    loads,
    map_block_exprs,
    map_expr,
    own_loads,
    walk_expr,
)

_MOST_NODES = 12
_MOST_USES = 3


def forward(kernel: Kernel) -> Kernel:
    """The kernel with such scalars substituted; the same object where there is none."""
    scalars = {array.name for array in kernel.arrays if array.role is Role.TEMPORARY and not array.rank}
    writes = Counter(item.target.array for item in assigns(kernel.body))
    uses = Counter(load.array for statement in walk(kernel.body) for load in own_loads(statement))
    names = {name for name in scalars if writes[name] == 1 and 0 < uses[name] <= _MOST_USES}
    body = _block(kernel.body, names, uses) if names else kernel.body
    if body == kernel.body:
        return kernel
    used = arrays_used(body)
    kept = tuple(array for array in kernel.arrays if array.role is not Role.TEMPORARY or array.name in used)
    return replace(kernel, body=body, arrays=kept)


def _block(block: Block, names: set[str], uses: Counter[str]) -> Block:
    block = tuple(_inside(statement, names, uses) for statement in block)
    position = 0
    while position < len(block):
        statement = block[position]
        if isinstance(statement, Assign) and statement.target.array in names:
            rest = block[position + 1 :]
            if _may_go(statement, rest, uses[statement.target.array]):
                block = (*block[:position], *_substituted(rest, statement))
                continue
        position += 1
    return block


def _inside(statement: Stmt, names: set[str], uses: Counter[str]) -> Stmt:
    match statement:
        case For(body=body):
            return replace(statement, body=_block(body, names, uses))
        case If(body=body, orelse=orelse):
            return replace(statement, body=_block(body, names, uses), orelse=_block(orelse, names, uses))
        case _:
            return statement


def _substituted(rest: Block, statement: Assign) -> Block:
    name, value = statement.target.array, statement.value

    def put(node: Expr) -> Expr:
        return value if isinstance(node, Load) and node.array == name else node

    return map_block_exprs(rest, lambda expr: map_expr(expr, put))


def _may_go(statement: Assign, rest: Block, uses: int) -> bool:
    name, value = statement.target.array, statement.value
    nodes = list(walk_expr(value))
    if len(nodes) > _MOST_NODES or any(isinstance(node, Call | Reduce) for node in nodes):
        return False
    if any(name == load.array for load in loads(value)):
        return False
    found = _uses_before_change(rest, name, {load.array for load in loads(value)})
    return found == uses and any(_certain(item, name) for item in rest)


def _uses_before_change(rest: Block, name: str, read: set[str]) -> int:
    """How many uses come before anything that the expression reads changes. Uses in loops do not count."""
    count = 0
    for statement in rest:
        match statement:
            case For() | Serial():
                return count
            case If(body=body, orelse=orelse):
                count += _own_uses(statement, name)
                count += _uses_before_change(body, name, read) + _uses_before_change(orelse, name, read)
            case _:
                count += _own_uses(statement, name)
        if any(item.target.array in read for item in assigns((statement,))):
            return count
    return count


def _own_uses(statement: Stmt, name: str) -> int:
    return sum(load.array == name for load in own_loads(statement))


def _certain(statement: Stmt, name: str) -> bool:
    """Whether the statement certainly evaluates the scalar."""
    match statement:
        case Assign(value=value):
            return any(isinstance(node, Load) and node.array == name for node in certain(value))
        case If(cond=cond):
            return any(isinstance(node, Load) and node.array == name for node in certain(cond))
        case _:
            return False
