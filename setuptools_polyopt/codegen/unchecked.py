"""Loops that check the same bound in every iteration: one check before them.

What data picks, or how long a slice of data is, only the kernel finds out, so its subscripts are checked one by one (`index`). Where such a
subscript is the loop's own variable, the ends of the loop say whether it can fail; if it cannot, the loop runs without checks, as a vector
or as one call of NumPy's loop.

    for i in 0..n:                                         if n <= m:
      t[index!(i, m)] = numpy.power(a[index!(i, m)], 2)      for i in 0..n: t[i] = numpy.power(a[i], 2)
                                                    ->     else:
                                                             for i in 0..n: ...
"""

from __future__ import annotations

from dataclasses import replace

from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Binary, Compare, Expr, Sym, integer
from setuptools_polyopt.ir.kernel import Kernel
from setuptools_polyopt.ir.statements import Alloc, Assign, Block, For, If, Serial, Stmt, While, walk
from setuptools_polyopt.ir.visitors import assigns, loads, map_block_exprs, map_expr, symbols, walk_expr


def without_checks(kernel: Kernel) -> Kernel:
    """The kernel with a second version of the innermost loops whose variable is checked; the same object where there are none."""
    body = _block(kernel.body)
    return kernel if body == kernel.body else replace(kernel, body=body)


def _block(body: Block) -> Block:
    return tuple(map(_statement, body))


def _statement(item: Stmt) -> Stmt:
    match item:
        case For(kind="library"):
            return item
        case For():
            checks = _checks(item)
            return _versions(item, checks) if checks else replace(item, body=_block(item.body))
        case Serial() | While():
            return replace(item, body=_block(item.body))
        case If():
            return replace(item, body=_block(item.body), orelse=_block(item.orelse))
        case _:
            return item


def _checks(loop: For) -> tuple[Binary, ...]:
    """The checks of the loop's variable, against bounds that stay while it runs."""
    if loop.step != 1 or not all(isinstance(item, Assign | Alloc) for item in walk(loop.body)):
        return ()
    changing = {item.target.array for item in assigns(loop.body)}
    found = (node for item in assigns(loop.body) for expr in (item.target, item.value) for node in walk_expr(expr))
    checks = (node for node in found if isinstance(node, Binary) and node.op == "index" and node.left == Sym(loop.var))
    return tuple(dict.fromkeys(node for node in checks if not _changes(node.right, loop.var, changing)))


def _changes(bound: Expr, var: str, changing: set[str]) -> bool:
    return var in symbols(bound) or any(load.indices or load.array in changing for load in loads(bound))


def _versions(loop: For, checks: tuple[Binary, ...]) -> If:
    """The loop without the checks where they hold, else as it is."""
    fits: Expr = Compare("ge", loop.lower, integer(0))
    for check in checks:
        fits = Binary("and", fits, Compare("le", loop.upper, check.right), DType.BOOL)

    def plain(expr: Expr) -> Expr:
        return map_expr(expr, lambda node: node.left if isinstance(node, Binary) and node in checks else node)

    return If(fits, (replace(loop, body=map_block_exprs(loop.body, plain)),), (loop,), loop.span)
