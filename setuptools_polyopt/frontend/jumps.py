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
from typing import TypeAlias

from setuptools_polyopt.frontend.names import Names

Jumps: TypeAlias = tuple[type[ast.stmt], ...]


def structured(
    body: list[ast.stmt], names: Names, breaks: bool = False, behind: frozenset[str] = frozenset()
) -> list[ast.stmt]:
    """The body of a loop with an `else` in place of such a `continue`; the same list where there is none.

    names: of the function; they learn what is live behind the statements that are made (once a body, so that these stay the same).
    breaks: nothing stands behind a branch that ends with `break`, either (the `break` itself stays, and goes where `behind` is live).
    """
    if (id(body), breaks) not in names.rewritten:
        jumps = (ast.Continue, ast.Break) if breaks else (ast.Continue,)
        names.rewritten[id(body), breaks] = _block(body, names, names.live[id(body[-1])] | behind, jumps)
    return names.rewritten[id(body), breaks]


def _block(body: list[ast.stmt], names: Names, live: frozenset[str], jumps: Jumps) -> list[ast.stmt]:
    for position, node in enumerate(body):
        if isinstance(node, jumps):
            return body[: position + isinstance(node, ast.Break)]
        if not isinstance(node, ast.If):
            continue
        then, orelse, rest = node.body, node.orelse, body[position + 1 :]
        if isinstance(then[-1], jumps):
            orelse = [*orelse, *rest]
        elif orelse and isinstance(orelse[-1], jumps):
            then = [*then, *rest]
        elif rest or not _last_is_elif(orelse, jumps):  # what stands behind would be needed twice: the jump stays
            continue
        inner = _block(then, names, live, jumps) or [ast.copy_location(ast.Pass(), node)]
        made = ast.If(node.test, inner, _block(orelse, names, live, jumps))
        names.live[id(made)] = live
        names.live_in[id(made)] = names.live_in[id(node)]
        return [*body[:position], ast.copy_location(made, node)]
    return body


def _last_is_elif(orelse: Sequence[ast.stmt], jumps: Jumps) -> bool:
    """Whether an `elif` chain has a branch that ends with a jump."""
    if len(orelse) != 1 or not isinstance(orelse[0], ast.If):
        return False
    inner = orelse[0]
    ends = [branch[-1] for branch in (inner.body, inner.orelse) if branch]
    return any(isinstance(end, jumps) for end in ends) or _last_is_elif(inner.orelse, jumps)


class Again(ast.stmt):
    """Where the next iteration of a loop that is written out stands. body: what may run there."""

    _fields = ("body",)
    body: list[ast.stmt]


def chained(node: ast.For, names: Names) -> list[ast.stmt]:
    """The body of a loop whose iterations stand in each other, because one path of it goes on and the others end with `break`.

    if c: break                   if c: pass
    rest               ->         else: rest, Again
    """
    key = (id(node), True)
    if key not in names.rewritten:
        again = Again()
        again.body = [*node.body, *node.orelse]
        names.rewritten[key] = _continued(structured(node.body, names, True, names.live[id(node)]), ast.copy_location(again, node), names)
    return names.rewritten[key]


def _continued(body: list[ast.stmt], again: Again, names: Names) -> list[ast.stmt]:
    match body[-1:]:
        case [ast.Break()]:
            return body[:-1]
        case [ast.If() as node] if has_jumps([node]):
            then = _continued(node.body, again, names) or [ast.copy_location(ast.Pass(), node)]
            made = ast.If(node.test, then, _continued(node.orelse, again, names))
            names.live[id(made)], names.live_in[id(made)] = names.live[id(node)], names.live_in[id(node)]
            return [*body[:-1], ast.copy_location(made, node)]
        case _:
            return [*body, again]


def paths_on(body: Sequence[ast.stmt]) -> int | None:
    """How many ends a loop's body has that are no `break`; None where something stands behind a jump, or a `continue` is left."""
    if any(has_jumps([node]) for node in body[:-1]):
        return None
    match body[-1:]:
        case [ast.Break()]:
            return 0
        case [ast.If(body=then, orelse=orelse) as node] if has_jumps([node]):
            first, second = paths_on(then), paths_on(orelse)
            return None if first is None or second is None else first + second
        case _:
            return None if has_jumps(body) else 1


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
