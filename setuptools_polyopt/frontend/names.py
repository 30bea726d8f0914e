"""Names of a function: which are local, which a statement binds, which are live behind it.

Liveness is conservative: whatever may read a name by another way (a nested function, `locals()`, `eval`, an exception handler) keeps it
alive, and so does anything that this module does not know.

    for i in range(n):        live before: {n, t}    (t is read, then written)
        t = t + i             live behind: {t}
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_SPIES = frozenset({"locals", "eval", "exec", "vars", "dir", "globals"})


@dataclass(frozen=True)
class Names:
    """What is known of a function's names. `live` gives the names that may be read after a statement, by the statement's `id`;
    `live_in` those that may be read from its start on; `rewritten` holds loops' bodies without some of their jumps, by the list's `id`
    (see `jumps.structured`). `shared` are declared global or nonlocal, or rebound by a nested function."""

    locals: frozenset[str]
    shared: frozenset[str]
    live: dict[int, frozenset[str]] = field(default_factory=dict)
    live_in: dict[int, frozenset[str]] = field(default_factory=dict)
    rewritten: dict[tuple[int, bool], list[ast.stmt]] = field(default_factory=dict)


def function_names(node: FunctionNode) -> Names:
    """Analyse one function."""
    arguments = frozenset(argument.arg for argument in all_arguments(node))
    declared = frozenset(
        name for part in own_nodes(node.body) if isinstance(part, ast.Global | ast.Nonlocal) for name in part.names
    )
    nested_nonlocal = frozenset(
        name for part in ast.walk(node) if isinstance(part, ast.Nonlocal) for name in part.names
    )
    local = (arguments | bound(node.body)) - declared
    always = frozenset(_captured(node.body))
    if _spied(node):
        always |= local
    names = Names(local, declared | nested_nonlocal)
    _Liveness(names, always).block(node.body, frozenset())
    return names


def all_arguments(node: FunctionNode) -> tuple[ast.arg, ...]:
    """Every argument, `*args` and `**kwargs` included, in the order of the signature."""
    own = node.args
    rest = [argument for argument in (own.vararg, own.kwarg) if argument is not None]
    return (*own.posonlyargs, *own.args, *own.kwonlyargs, *rest)


def own_nodes(body: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """All nodes that belong to this scope: those inside nested scopes are left out (their own node is not)."""
    pending = list(body)[::-1]
    while pending:
        node = pending.pop()
        yield node
        if isinstance(node, _SCOPES):
            pending.extend(reversed(_outside(node)))
        else:
            pending.extend(reversed(list(ast.iter_child_nodes(node))))


def _outside(node: ast.AST) -> list[ast.AST]:
    """The parts of a nested scope that the surrounding one evaluates."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            defaults = [*node.args.defaults, *(d for d in node.args.kw_defaults if d is not None)]
            return [*node.decorator_list, *defaults]
        case ast.Lambda():
            return [*node.args.defaults, *(d for d in node.args.kw_defaults if d is not None)]
        case ast.ClassDef():
            return [*node.decorator_list, *node.bases, *(k.value for k in node.keywords)]
        case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
            walrus = [part for part in ast.walk(node) if isinstance(part, ast.NamedExpr)]
            return [node.generators[0].iter, *walrus]
        case _:
            return []


def bound(body: Iterable[ast.AST]) -> frozenset[str]:
    """Names that the statements bind (or unbind) in this scope."""
    return frozenset().union(*map(_bound_by, body))


@functools.lru_cache(2**14)
def _bound_by(root: ast.AST) -> frozenset[str]:
    found: set[str] = set()
    for node in own_nodes([root]):
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                found.add(name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                found.update((alias.asname or alias.name).split(".")[0] for alias in names)
            case ast.ExceptHandler(name=str() as name):
                found.add(name)
            case ast.MatchAs(name=str() as name) | ast.MatchStar(name=str() as name):
                found.add(name)
            case ast.MatchMapping(rest=str() as name):
                found.add(name)
            case _:
                pass
    return frozenset(found)


def read(nodes: Iterable[ast.AST]) -> frozenset[str]:
    """Names that the nodes may read, nested scopes included."""
    found: set[str] = set()
    for root in nodes:
        for node in ast.walk(root):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load | ast.Del):
                found.add(node.id)
            elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
                found.add(node.target.id)
    return frozenset(found)


def _captured(body: Sequence[ast.AST]) -> Iterator[str]:
    """Names that functions and classes inside may read at any time (comprehensions run at once and are plain reads)."""
    later = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef, ast.GeneratorExp)
    for root in body:
        for node in ast.walk(root):
            if isinstance(node, later):
                for inner in ast.walk(node):
                    if isinstance(inner, ast.Name):
                        yield inner.id
                    elif isinstance(inner, ast.Nonlocal):
                        yield from inner.names


def _spied(node: FunctionNode) -> bool:
    return any(isinstance(part, ast.Name) and part.id in _SPIES for part in ast.walk(node))


class _Liveness:
    """Backwards over the statements; loops until nothing changes."""

    def __init__(self, names: Names, always: frozenset[str]) -> None:
        self.names = names
        self.always = always
        self.jumps: list[tuple[frozenset[str], frozenset[str]]] = []  # live at break, live at continue
        self.handlers: frozenset[str] = frozenset()

    def block(self, body: Sequence[ast.stmt], live: frozenset[str]) -> frozenset[str]:
        for statement in reversed(body):
            live |= self.always | self.handlers
            self.names.live[id(statement)] = self.names.live.get(id(statement), frozenset()) | live
            live = self.statement(statement, live) | self.handlers
            self.names.live_in[id(statement)] = self.names.live_in.get(id(statement), frozenset()) | live
        return live

    def statement(self, node: ast.stmt, live: frozenset[str]) -> frozenset[str]:
        match node:
            case ast.Return():
                return self.always | read([node])
            case ast.Raise():
                return self.always | self.handlers | read([node])
            case ast.Break() | ast.Continue() if self.jumps:
                return self.jumps[-1][isinstance(node, ast.Continue)]
            case ast.If():
                return self.block(node.body, live) | self.block(node.orelse, live) | read([node.test])
            case ast.For() | ast.AsyncFor():
                return self.loop(node, bound([node.target]), read([node.target]), live) | read([node.iter])
            case ast.While():
                return self.loop(node, frozenset(), read([node.test]), live)
            case ast.With() | ast.AsyncWith():
                return self.block(node.body, live) | live | read([item.context_expr for item in node.items])
            case ast.Assign() | ast.AnnAssign() | ast.Import() | ast.ImportFrom():
                return (live - self.killed(node)) | read([node])
            case ast.AugAssign() | ast.Expr() | ast.Pass() | ast.Global() | ast.Nonlocal() | ast.Assert() | ast.Delete():
                return live | read([node])
            case _:
                return self.other(node, live)

    def killed(self, node: ast.stmt) -> frozenset[str]:
        """Names certainly overwritten."""
        if isinstance(node, ast.AnnAssign) and node.value is None:
            return frozenset()
        return bound([node])

    def loop(
        self, node: ast.For | ast.AsyncFor | ast.While, killed: frozenset[str], used: frozenset[str], live: frozenset[str]
    ) -> frozenset[str]:
        behind = self.block(node.orelse, live)  # a `break` goes past it
        head = behind | used
        while True:
            self.jumps.append((live, head))
            body = (self.block(node.body, head) - killed) | used
            self.jumps.pop()
            if body <= head:
                return head
            head |= body

    def other(self, node: ast.stmt, live: frozenset[str]) -> frozenset[str]:
        """`try`, `match`, definitions and whatever newer versions bring: everything inside may be read at any point of it."""
        everything = live | read([node])
        outer = self.handlers
        self.handlers |= everything
        for _, value in ast.iter_fields(node):
            for part in value if isinstance(value, list) else [value]:
                inner = getattr(part, "body", None)
                if isinstance(part, ast.stmt):
                    self.block([part], everything)
                elif isinstance(part, ast.ExceptHandler | ast.match_case) and isinstance(inner, list):
                    self.block(inner, everything)
        self.handlers = outer
        return everything
