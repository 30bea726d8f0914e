"""`break` and `continue` on the level of the syntax.

    for x in r:                         for x in r:
        if c:                               if c:
            y = 1              ->               y = 1
            continue                        else:
        z = 2                                   z = 2

A `continue` at the end of a branch of the loop's own body needs no jump; a loop without jumps is one that the polyhedral stage understands.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from setuptools_polyopt.frontend.names import Names


def structured(body: list[ast.stmt], names: Names) -> list[ast.stmt]:
    """The body of a loop with an `else` in place of such a `continue`; the same list where there is none.

    names: of the function; they learn what is live behind the statements that are made (once a body, so that these stay the same).
    """
    if id(body) not in names.rewritten:
        names.rewritten[id(body)] = _block(body, names, names.live[id(body[-1])])
    return names.rewritten[id(body)]


def _block(body: list[ast.stmt], names: Names, live: frozenset[str]) -> list[ast.stmt]:
    for position, node in enumerate(body):
        if isinstance(node, ast.Continue):
            return body[:position]
        if not isinstance(node, ast.If):
            continue
        then, orelse, rest = node.body, node.orelse, body[position + 1 :]
        if isinstance(then[-1], ast.Continue):
            then, orelse = then[:-1], [*orelse, *rest]
        elif orelse and isinstance(orelse[-1], ast.Continue):
            then, orelse = [*then, *rest], orelse[:-1]
        elif _last_is_elif(orelse):
            orelse = [*orelse, *rest]
        else:
            continue
        made = ast.If(node.test, _block(then, names, live) or [ast.copy_location(ast.Pass(), node)], _block(orelse, names, live))
        names.live[id(made)] = live
        names.live_in[id(made)] = names.live_in[id(node)]
        return [*body[:position], ast.copy_location(made, node)]
    return body


def _last_is_elif(orelse: Sequence[ast.stmt]) -> bool:
    """Whether an `elif` chain has a branch that ends with `continue`."""
    if len(orelse) != 1 or not isinstance(orelse[0], ast.If):
        return False
    inner = orelse[0]
    ends = [branch[-1] for branch in (inner.body, inner.orelse) if branch]
    return any(isinstance(end, ast.Continue) for end in ends) or _last_is_elif(inner.orelse)


def has_jumps(body: Sequence[ast.stmt]) -> bool:
    """Whether a loop's body holds a `break` or `continue` of that loop."""
    return any(isinstance(node, ast.Break | ast.Continue) for node in _own(body))


def has_breaks(body: Sequence[ast.stmt]) -> bool:
    """Whether a loop's body holds a `break` of that loop."""
    return any(isinstance(node, ast.Break) for node in _own(body))


def _own(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a body without those inside loops and definitions, whose jumps are their own (`else` of a loop aside)."""
    for node in body:
        yield node
        match node:
            case ast.For() | ast.While() | ast.AsyncFor():
                yield from _own(node.orelse)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                pass
            case _:
                for _, value in ast.iter_fields(node):
                    parts = value if isinstance(value, list) else []
                    yield from _own([part for part in parts if isinstance(part, ast.stmt)])
                    for part in parts:
                        if isinstance(part, ast.ExceptHandler | ast.match_case):
                            yield from _own(part.body)
