"""Conversions of what NumPy's own loops read, as statements of their own.

    t[i, j] = numpy.multiply(1j, complex128(x[i, j]))  ->  c[i, j] = complex128(x[i, j])
                                                           t[i, j] = numpy.multiply(1j, c[i, j])

A loop over such a call is one call of NumPy's loop only where its operands are elements that lie in memory; element by element, each
call costs more than its work. Runs after `fold`, which puts expressions together; values and flags stay.
"""

from __future__ import annotations

from dataclasses import replace

from setuptools_polyopt.exhaustive import assert_never
from setuptools_polyopt.ir.expressions import Call, Cast, Expr, Load
from setuptools_polyopt.ir.kernel import Array, Kernel, Role
from setuptools_polyopt.ir.statements import Alloc, Assign, Block, Break, Continue, For, If, Serial, Stmt, While


def separate_operands(kernel: Kernel) -> Kernel:
    """The kernel with converted elements in temporaries; the same object where no call reads any. kernel: in program order."""
    made: list[Array] = []
    body = _block(kernel.body, kernel, made)
    return replace(kernel, arrays=(*kernel.arrays, *made), body=body) if made else kernel


def _block(body: Block, kernel: Kernel, made: list[Array]) -> Block:
    return tuple(part for item in body for part in _statement(item, kernel, made))


def _statement(item: Stmt, kernel: Kernel, made: list[Array]) -> Block:
    match item:
        case For():
            return (replace(item, body=_block(item.body, kernel, made)),)
        case If():
            return (replace(item, body=_block(item.body, kernel, made), orelse=_block(item.orelse, kernel, made)),)
        case Assign(target=target, value=Call(function=function) as call) if function.startswith("numpy.") and target.indices:
            before: list[Assign] = []
            args = tuple(_operand(arg, item, kernel, made, before) for arg in call.args)
            return (*before, replace(item, value=replace(call, args=args)))
        case Assign() | Alloc() | Serial() | While() | Break() | Continue():
            return (item,)
        case _:
            assert_never(item)


def _operand(arg: Expr, statement: Assign, kernel: Kernel, made: list[Array], before: list[Assign]) -> Expr:
    """The argument, or the element of a new temporary of the target's shape."""
    if not isinstance(arg, Cast) or arg.checked or not isinstance(arg.operand, Load) or not arg.operand.indices:
        return arg
    taken = {array.name for array in (*kernel.arrays, *made)}
    name = next(f"operand_{number}" for number in range(1, len(taken) + 2) if f"operand_{number}" not in taken)
    shape = kernel.array(statement.target.array).extents
    made.append(Array(name, arg.dtype, shape, Role.TEMPORARY))
    element = Load(name, statement.target.indices, arg.dtype)
    before.append(Assign(element, arg, statement.span))
    return element
