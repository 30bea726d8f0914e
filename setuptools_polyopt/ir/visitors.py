"""Walking and rewriting Loop IR.

Rewriters are pure; they return the same object where nothing changed, so `is` tells whether a pass did anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from setuptools_polyopt.exhaustive import assert_never
from setuptools_polyopt.ir.expressions import (
    Binary,
    Call,
    Cast,
    Compare,
    Const,
    Expr,
    Load,
    Product,
    Range,
    Reduce,
    Select,
    Sym,
    Unary,
)
from setuptools_polyopt.ir.statements import Alloc, Assign, Block, Break, Continue, For, If, Serial, Stmt, While, walk


def children(expr: Expr) -> tuple[Expr, ...]:
    """The operands of an expression, left to right (`Reduce`: init, lower and upper of each range, body)."""
    match expr:
        case Const() | Sym():
            return ()
        case Load(indices=indices):
            return indices
        case Unary(operand=operand) | Cast(operand=operand):
            return (operand,)
        case Binary(left=left, right=right) | Compare(left=left, right=right):
            return (left, right)
        case Select(cond=cond, then=then, orelse=orelse):
            return (cond, then, orelse)
        case Call(args=args):
            return args
        case Reduce(init=init, ranges=ranges, body=body):
            return (init, *(bound for part in ranges for bound in (part.lower, part.upper)), body)
        case Product(left=row, right=column):
            return (row, column)
        case _:
            assert_never(expr)


def certain_operands(expr: Expr) -> tuple[Expr, ...]:
    """The operands that are evaluated whatever their values are (NumPy's `where` evaluates all, a `Select` does not)."""
    match expr:
        case Select(cond=cond):
            return (cond,)
        case Binary(op="and" | "or", left=left):
            return (left,)
        case _:
            return children(expr)


def certain(expr: Expr) -> Iterator[Expr]:
    """The expression and all its sub-expressions that are certainly evaluated with it, outer first."""
    yield expr
    for operand in certain_operands(expr):
        yield from certain(operand)


def walk_expr(expr: Expr) -> Iterator[Expr]:
    """The expression and all its sub-expressions, outer first."""
    yield expr
    for child in children(expr):
        yield from walk_expr(child)


def map_expr(expr: Expr, function: Callable[[Expr], Expr]) -> Expr:
    """Rebuild bottom-up: `function` sees each node after its operands were rewritten."""
    old = children(expr)
    new = tuple(map_expr(child, function) for child in old)
    if all(a is b for a, b in zip(old, new, strict=True)):
        return function(expr)
    return function(with_children(expr, new))


def with_children(expr: Expr, new: tuple[Expr, ...]) -> Expr:
    """The expression with other operands, in the order of `children`."""
    match expr:
        case Const() | Sym():
            return expr
        case Load():
            return replace(expr, indices=new)
        case Unary() | Cast():
            return replace(expr, operand=new[0])
        case Binary() | Compare():
            return replace(expr, left=new[0], right=new[1])
        case Select():
            return replace(expr, cond=new[0], then=new[1], orelse=new[2])
        case Call():
            return replace(expr, args=new)
        case Reduce():
            body = new[-1]
            if not isinstance(body, Load):
                raise TypeError("the body of a Reduce must stay a Load")
            bounds = zip(expr.ranges, new[1:-1:2], new[2:-1:2], strict=True)
            return replace(expr, init=new[0], ranges=tuple(Range(part.var, lower, upper) for part, lower, upper in bounds), body=body)
        case Product():
            row, column = new
            if not isinstance(row, Reduce) or not isinstance(column, Reduce):
                raise TypeError("the operands of a Product must stay rows")
            return replace(expr, left=row, right=column)
        case _:
            assert_never(expr)


def substitute(expr: Expr, values: Mapping[str, Expr]) -> Expr:
    """Replace symbols by expressions (the iterators of a `Reduce` are bound and must not be among them)."""
    return map_expr(expr, lambda node: values.get(node.name, node) if isinstance(node, Sym) else node)


def symbols(expr: Expr) -> frozenset[str]:
    """Names of the free symbols of an expression."""
    match expr:
        case Sym(name=name):
            return frozenset((name,))
        case Reduce():
            inner = symbols(expr.body) - {part.var for part in expr.ranges}
            return inner.union(*(symbols(child) for child in children(expr)[:-1]))
        case _:
            return frozenset().union(*(symbols(child) for child in children(expr)))


def loads(expr: Expr) -> tuple[Load, ...]:
    """All element reads of an expression, outer first."""
    return tuple(node for node in walk_expr(expr) if isinstance(node, Load))


def map_statement_exprs(statement: Stmt, function: Callable[[Expr], Expr]) -> Stmt:
    """Apply `function` to every expression of a statement and of the statements inside it (targets included)."""
    match statement:
        case Assign(target=target, value=value):
            new_target = function(target)
            if not isinstance(new_target, Load):
                raise TypeError("the target of an Assign must stay a Load")
            return replace(statement, target=new_target, value=function(value))
        case For():
            return replace(
                statement,
                lower=function(statement.lower),
                upper=function(statement.upper),
                body=map_block_exprs(statement.body, function),
            )
        case If():
            return replace(
                statement,
                cond=function(statement.cond),
                body=map_block_exprs(statement.body, function),
                orelse=map_block_exprs(statement.orelse, function),
            )
        case Serial():
            return replace(statement, body=map_block_exprs(statement.body, function))
        case While():
            return replace(statement, cond=function(statement.cond), body=map_block_exprs(statement.body, function))
        case Alloc() | Break() | Continue():
            return statement
        case _:
            assert_never(statement)


def map_block_exprs(body: Block, function: Callable[[Expr], Expr]) -> Block:
    """`map_statement_exprs` over a block."""
    return tuple(map_statement_exprs(statement, function) for statement in body)


def assigns(body: Block) -> tuple[Assign, ...]:
    """All assignments of a block in program order."""
    return tuple(statement for statement in walk(body) if isinstance(statement, Assign))


def own_loads(statement: Stmt) -> tuple[Load, ...]:
    """All element reads of the statement itself, those of the statements inside it aside."""
    match statement:
        case Assign(target=target, value=value):
            return (*loads(value), *(load for index in target.indices for load in loads(index)))
        case For(lower=lower, upper=upper):
            return (*loads(lower), *loads(upper))
        case If(cond=cond) | While(cond=cond):
            return loads(cond)
        case Alloc() | Serial() | Break() | Continue():
            return ()
        case _:
            assert_never(statement)


def arrays_used(body: Block) -> frozenset[str]:
    """The arrays that a block reads or writes."""
    read = {load.array for statement in walk(body) for load in own_loads(statement)}
    return frozenset(read | {item.target.array for item in assigns(body)})
