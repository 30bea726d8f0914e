"""Random programs with helper functions: parts of a program are taken out into functions of their own and called.

What a helper does need not be what stood there before (it may return early, write to its arguments, or be called with other arguments):
plain and built are compared, not the program before and after.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from random import Random

_GLOBAL = frozenset({"np", "math", "range", "len", "min", "max", "abs", "int", "float", "complex", "sum", "round", "bool", "divmod", "pow"})
_EXPRESSIONS = (ast.BinOp, ast.Call, ast.Compare, ast.IfExp, ast.BoolOp)


def outlined(source: str, name: str, random: Random) -> str:
    """The program's source with one to three helpers: functions before it, or methods beside it. Left alone if nothing can be taken out."""
    tree = ast.parse(source)
    helpers: list[ast.FunctionDef] = []
    for number in range(random.randint(1, 3)):
        body = _function(tree, name)
        take = _statement if random.random() < 0.3 else _expression
        helper = take(body, f"{name}_h{number}", random, isinstance(tree.body[-1], ast.ClassDef))
        if helper is not None:
            helpers.append(helper)
    owner = tree.body[-1]
    if isinstance(owner, ast.ClassDef):
        owner.body[:0] = helpers
    else:
        random.shuffle(helpers)
        tree.body[:0] = helpers
    return ast.unparse(ast.fix_missing_locations(tree)) + "\n"


def _function(tree: ast.Module, name: str) -> ast.FunctionDef:
    return next(node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == name)


def _names(node: ast.AST) -> list[str]:
    """Variables that a part reads, in order."""
    found = {part.id: None for part in ast.walk(node) if isinstance(part, ast.Name) and part.id not in _GLOBAL}
    return list(found)


def _arrays(node: ast.AST) -> list[str]:
    return [part.value.id for part in ast.walk(node) if isinstance(part, ast.Subscript) and isinstance(part.value, ast.Name)]


def _call(helper: str, names: list[str], random: Random, method: bool) -> ast.Call:
    """A call with arguments by position, the last ones sometimes by name."""
    own = [name for name in names if name != "self"] if method else names
    named = own[len(own) - random.randint(0, len(own)) :] if random.random() < 0.2 else []
    positional: list[ast.expr] = [ast.Name(name, ast.Load()) for name in own if name not in named]
    keywords = [ast.keyword(name, ast.Name(name, ast.Load())) for name in named]
    function: ast.expr = ast.Name(helper, ast.Load())
    if method:
        function = ast.Attribute(ast.Name("self", ast.Load()), helper, ast.Load())
    return ast.Call(function, positional, keywords)


def _definition(helper: str, names: list[str], body: list[ast.stmt], random: Random, method: bool) -> ast.FunctionDef:
    own = ["self", *(name for name in names if name != "self")] if method else names
    arguments = [ast.arg(name) for name in own]
    defaults: list[ast.expr] = []
    if random.random() < 0.2:
        arguments.append(ast.arg("extra"))
        defaults.append(ast.Constant(random.choice((1, 0.5, None, "text"))))
    return ast.FunctionDef(helper, ast.arguments([], arguments, None, [], [], None, defaults), body, [], None, type_params=[])


def _expression(function: ast.FunctionDef, helper: str, random: Random, method: bool) -> ast.FunctionDef | None:
    places = [place for root in function.body for place in _places(root)]
    if not places:
        return None
    parent, field, index, node = random.choice(places)
    names = _names(node)
    call = _call(helper, names, random, method)
    if index is None:
        setattr(parent, field, call)
    else:
        getattr(parent, field)[index] = call
    return _definition(helper, names, _body(node, random), random, method)


def _places(root: ast.AST) -> Iterator[tuple[ast.AST, str, int | None, ast.expr]]:
    """Where expressions stand that can be taken out: not the bounds of loops, which would often be data then."""
    for parent in ast.walk(root):
        for field, value in ast.iter_fields(parent):
            if isinstance(parent, ast.For) and field == "iter":
                continue
            for index, node in enumerate(value) if isinstance(value, list) else [(None, value)]:
                if isinstance(node, _EXPRESSIONS) and not _is_range(node):
                    yield parent, field, index, node


def _is_range(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range"


def _body(node: ast.expr, random: Random) -> list[ast.stmt]:
    """`return node`, in one way or another."""
    arrays, result = _arrays(node), copy.deepcopy(node)
    body: list[ast.stmt] = []
    if arrays and random.random() < 0.15:
        body.append(ast.parse(f"{random.choice(arrays)}[0] += 1").body[0])
    match random.randrange(5):
        case 0:
            body += [ast.Assign([ast.Name("local", ast.Store())], result), ast.Return(ast.Name("local", ast.Load()))]
        case 1:
            test = ast.parse(f"{random.choice(_names(node) or ['0.5'])} is None", mode="eval").body
            body += [ast.If(test, [ast.Return(ast.Constant(0.5))], []), ast.Return(result)]
        case 2 if isinstance(node, ast.BinOp):
            test = ast.Compare(copy.deepcopy(node.left), [ast.Lt()], [copy.deepcopy(node.right)])
            body += [ast.If(test, [ast.Return(copy.deepcopy(node.left))], []), ast.Return(result)]
        case 3:
            loop = ast.parse("for q in range(3):\n    if q > 1:\n        return None").body[0]
            assert isinstance(loop, ast.For)
            inner = loop.body[0]
            assert isinstance(inner, ast.If)
            inner.body = [ast.Return(result)]
            body += [loop, ast.Return(ast.Constant(1.5))]
        case _:
            body.append(ast.Return(result))
    return body


def _statement(function: ast.FunctionDef, helper: str, random: Random, method: bool) -> ast.FunctionDef | None:
    places = [
        (parent, field, index)
        for parent in ast.walk(function)
        for field in ("body", "orelse")
        for index, node in enumerate(getattr(parent, field, []) if isinstance(parent, ast.stmt) else [])
        if isinstance(node, ast.For | ast.If | ast.Assign | ast.AugAssign) and not _leaves(node)
    ]
    if not places:
        return None
    parent, field, index = random.choice(places)
    node = getattr(parent, field)[index]
    names = _names(node)
    getattr(parent, field)[index] = ast.Expr(_call(helper, names, random, method))
    return _definition(helper, names, [node], random, method)


def _leaves(node: ast.stmt) -> bool:
    """Whether the statement cannot stand alone: it jumps, or binds a name that may be needed elsewhere."""
    loops = {part.target.id for part in ast.walk(node) if isinstance(part, ast.For) and isinstance(part.target, ast.Name)}
    bound = {part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}
    changed = {part.target.id for part in ast.walk(node) if isinstance(part, ast.AugAssign) and isinstance(part.target, ast.Name)}
    jumps = any(isinstance(part, ast.Break | ast.Continue | ast.Return) for part in ast.walk(node))
    return jumps or not bound - changed <= loops or any(name[0] not in "ABC" for name in changed)
