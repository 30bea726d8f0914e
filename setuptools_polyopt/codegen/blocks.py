"""Loops that are one call of NumPy's inner loop.

An innermost loop with the single statement `target = numpy.f(operands)` runs the inner loop once over all its iterations, which is
where NumPy's vector code pays. It is legal where no iteration reads what another one writes.

    for j in 0..n vector:
      E[i, j] = numpy.exp(X[i, j])      ->   polyopt_ufunc1(ctx, LOOP_exp_float64_float64, &X[i*n], 8, &E[i*n], 8, n);
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from setuptools_polyopt.codegen import affine
from setuptools_polyopt.ir.expressions import Call, Load
from setuptools_polyopt.ir.statements import Assign, For
from setuptools_polyopt.ir.visitors import loads, symbols
from setuptools_polyopt.operators.elementwise import unit_stride_arguments


@dataclass(frozen=True, slots=True)
class BlockCall:
    """The statement of the loop; `moving` says per operand whether it is an element that moves with the iterator (else it is invariant)."""

    statement: Assign
    call: Call
    moving: tuple[bool, ...]


def block_call(loop: For, disjoint: Callable[[str, str], bool]) -> BlockCall | None:
    """The loop as one call, or None where it has to go element by element. disjoint: whether two arrays share no memory."""
    if len(loop.body) != 1 or loop.step < 0:
        return None
    statement = loop.body[0]
    if not isinstance(statement, Assign) or not isinstance(statement.value, Call):
        return None
    call = statement.value
    if not call.function.startswith("numpy.") or not _moves(statement.target, loop.var):
        return None
    moving = []
    for arg in call.args:
        if loop.var not in symbols(arg):
            moving.append(False)
        elif isinstance(arg, Load) and _moves(arg, loop.var):
            moving.append(True)
        else:
            return None
    if loop.kind == "serial" and not _independent(statement, call, disjoint):
        return None
    if unit_stride_arguments(call) and not all(_advances(load, loop.var) for load in (statement.target, *loads(call))):
        return None  # a schedule may run backwards; single elements have the right bits
    return BlockCall(statement, call, tuple(moving))


def _moves(load: Load, var: str) -> bool:
    """Whether the element's address is affine in the iterator, and changes with it."""
    steps = [affine.step(index, var) for index in load.indices]
    return None not in steps and any(step != affine.ZERO for step in steps)


def _advances(load: Load, var: str) -> bool:
    """Whether the element stays, or the next iteration's is the next one in memory."""
    *outer, last = [affine.step(index, var) for index in load.indices] or [affine.ZERO]
    return all(step == affine.ZERO for step in outer) and last in (affine.ZERO, affine.ONE)


def _independent(statement: Assign, call: Call, disjoint: Callable[[str, str], bool]) -> bool:
    """Whether the operands read nothing of the array that is written but the element itself."""
    reads = (load for arg in call.args for load in loads(arg))
    return all(load == statement.target or disjoint(load.array, statement.target.array) for load in reads)
