"""A function's body with one `return`, at its end, so that its statements can stand in a caller's region.

    if x < 0.0:                        if x < 0.0:
        return -x           ->             return = -x
    y = x * x                          else:
    return y + 1.0                         y = x * x
                                           return = y + 1.0
                                       return return

    for x in r:                        for x in r:
        if c:                              if c:
            return x                           return = x
    return 0.0              ->                 break
                                       else:
                                           return = 0.0

A `break` of a loop that returns as well goes to a copy of what follows the loop.

The name `return` cannot clash: it is a keyword. Functions that always answer a tuple of one length keep its items under names of their
own (`return.0`, `return.1`), so that branches may disagree on one item and not on the others. A `return` inside `with` or `try`, or in a
loop inside a loop that has a `break` of its own, is left as it is, for the lowering to refuse.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Sequence
from dataclasses import dataclass

from setuptools_polyopt.frontend.jumps import has_breaks
from setuptools_polyopt.frontend.names import own_nodes

_GROWTH = 4
"""How many times longer a body may become by statements behind a branch that returns on some of its paths only."""


@dataclass(frozen=True)
class _Result:
    """What holds the returned value: one name, or one for each item of a tuple."""

    names: tuple[str, ...]
    is_tuple: bool

    def target(self, context: ast.expr_context, place: ast.AST) -> ast.expr:
        names: list[ast.expr] = [ast.copy_location(ast.Name(name, context), place) for name in self.names]
        return ast.copy_location(ast.Tuple(names, context), place) if self.is_tuple else names[0]


def single_exit(node: ast.FunctionDef) -> ast.FunctionDef | None:
    """A copy of the function that returns at its end only, as far as it can be had; None where it would become too long."""
    result = _result(node)
    body = _Rewriter(result, _GROWTH * _size(node.body)).block(copy.deepcopy(node.body), [])
    if body is None:
        return None
    last = node.body[-1]
    final = ast.copy_location(ast.Return(result.target(ast.Load(), last)), last)
    made = copy.copy(node)
    made.body = [*body, final]
    return made


def _result(node: ast.FunctionDef) -> _Result:
    returns = [part for part in own_nodes(node.body) if isinstance(part, ast.Return)]
    lengths = {_length(part.value) for part in returns}
    length = next(iter(lengths)) if len(lengths) == 1 else None
    if length and _leaves(node.body):
        return _Result(tuple(f"return.{index}" for index in range(length)), True)
    return _Result(("return",), False)


def _length(value: ast.expr | None) -> int | None:
    if not isinstance(value, ast.Tuple) or any(isinstance(item, ast.Starred) for item in value.elts):
        return None
    return len(value.elts)


def _size(body: Sequence[ast.stmt]) -> int:
    return sum(isinstance(part, ast.stmt) for root in body for part in ast.walk(root))


class _Rewriter:
    """The budget of statements is spent as branches copy what follows them."""

    def __init__(self, result: _Result, budget: int) -> None:
        self.result = result
        self.budget = budget

    def block(self, body: list[ast.stmt], rest: list[ast.stmt]) -> list[ast.stmt] | None:
        """The statements with what follows them up to the function's end; None where the budget is spent."""
        made: list[ast.stmt] = []
        pending = [*body, *rest]
        for index, statement in enumerate(pending):
            self.budget -= 1
            if self.budget < 0:
                return None
            match statement:
                case ast.Return():
                    return [*made, self.store(statement.value, statement)]
                case ast.Raise():
                    return [*made, statement]
                case ast.If() if _returns([statement]):
                    following = pending[index + 1 :]
                    then = self.block(statement.body, [] if _leaves(statement.body) else copy.deepcopy(following))
                    orelse = self.block(statement.orelse, [] if _leaves(statement.orelse) else following)
                    if then is None or orelse is None:
                        return None
                    return [*made, ast.copy_location(ast.If(statement.test, then, orelse), statement)]
                case ast.For() | ast.While() if _returns([statement]):
                    following = pending[index + 1 :]
                    behind = self.block([], copy.deepcopy(following)) if has_breaks(statement.body) else []
                    orelse = [] if _endless(statement) else self.block(statement.orelse, following)
                    return None if orelse is None or behind is None else [*made, self.loop(statement, orelse, behind)]
                case _:
                    made.append(statement)
        place = pending[-1] if pending else ast.Constant(None, lineno=0, col_offset=0)
        return [*made, self.store(None, place)]

    def loop(self, statement: ast.For | ast.While, orelse: list[ast.stmt], behind: list[ast.stmt]) -> ast.stmt:
        """The loop with a `break` for each `return`; `orelse`: what follows if there was none; `behind`: what a `break` of its own goes
        to."""
        made = copy.copy(statement)
        made.body, made.orelse = self.inside(statement.body, behind), orelse
        return made

    def inside(self, body: list[ast.stmt], behind: list[ast.stmt]) -> list[ast.stmt]:
        """Statements of a loop's body, where a `break` ends everything; `behind` stands before those of the loop's own."""
        made: list[ast.stmt] = []
        for index, statement in enumerate(body):
            match statement:
                case ast.Return():
                    return [*made, self.store(statement.value, statement), ast.copy_location(ast.Break(), statement)]
                case ast.Break():
                    return [*made, *copy.deepcopy(behind), statement]
                case ast.If() if _returns([statement]) or has_breaks([statement]):
                    branches = self.inside(statement.body, behind), self.inside(statement.orelse, behind)
                    made.append(ast.copy_location(ast.If(statement.test, *branches), statement))
                case ast.For() | ast.While() if _returns(statement.body) and not has_breaks(statement.body):
                    after = [*self.inside([*statement.orelse, *body[index + 1 :]], behind), ast.copy_location(ast.Continue(), statement)]
                    after = [] if _endless(statement) else after
                    return [*made, self.loop(statement, after, []), ast.copy_location(ast.Break(), statement)]
                case ast.For() | ast.While() if statement.orelse and not _returns(statement.body):
                    loop = copy.copy(statement)
                    loop.orelse = self.inside(statement.orelse, behind)
                    made.append(loop)
                case _:
                    made.append(statement)
        return made

    def store(self, value: ast.expr | None, place: ast.AST) -> ast.stmt:
        """The statement that keeps the returned value."""
        if value is None:
            value = ast.copy_location(ast.Constant(None), place)
        return ast.copy_location(ast.Assign([self.result.target(ast.Store(), place)], value), place)


def _returns(body: Sequence[ast.stmt]) -> bool:
    return any(isinstance(part, ast.Return) for part in own_nodes(body))


def _endless(node: ast.stmt) -> bool:
    """Whether only a jump ends the loop."""
    return isinstance(node, ast.While) and isinstance(node.test, ast.Constant) and bool(node.test.value)


def _leaves(body: Sequence[ast.stmt]) -> bool:
    """Whether every path through the statements returns or raises."""
    for node in body:
        match node:
            case ast.Return() | ast.Raise():
                return True
            case ast.If() if _leaves(node.body) and _leaves(node.orelse):
                return True
            case ast.While() if _endless(node) and not has_breaks(node.body):
                return True
            case _:
                pass
    return False
