"""The syntax of a function in a canonical form of our own, and its hash.

The profile is taken on one Python version and read on another, and the compiled module may carry hints that were not
there when the profile was taken. So the form leaves out what does not change what the function does (annotations,
docstrings, positions, type comments, type parameters, the context of names) and what differs between CPython 3.10 and
3.13 for the same text (the split of f-strings into constants, fields that newer versions added and left empty).

    def f(a: int, n=2):          (FunctionDef name:'f' args:(arguments args:[(arg arg:'a')(arg arg:'n')]
        "Doc."              ->      defaults:[2]) body:[(Return value:(Name id:'a'))])
        return a

Not its aim: to see that two different texts mean the same. A renamed variable is another function.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator
from typing import TypeAlias

FunctionNode: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef

_SKIPPED = frozenset({"annotation", "returns", "type_comment", "type_params", "ctx", "kind", "simple", "type_ignores"})
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def function_hash(node: FunctionNode) -> str:
    """32 hexadecimal digits that identify what `node` says, the same on every supported Python version."""
    text = canonical_form(node)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def canonical_form(node: ast.AST) -> str:
    """The text that is hashed; it can be read, which helps when two versions disagree."""
    parts: list[str] = []
    pending: list[object] = [node]
    while pending:  # explicit stack: expressions may be nested more deeply than the interpreter's limit
        item = pending.pop()
        if isinstance(item, _Text):
            parts.append(item)
        else:
            pending.extend(reversed(list(_pieces(item))))
    return "".join(parts)


def functions(tree: ast.Module) -> dict[str, FunctionNode]:
    """Every function of a module by qualified name; of several definitions of one name, the last."""
    return dict(definitions(tree))


def definitions(tree: ast.Module) -> Iterator[tuple[str, FunctionNode]]:
    """Every `def` of a module with its qualified name, in source order; a name may come more than once."""
    pending: list[tuple[str, ast.AST]] = [("", tree)]
    while pending:
        prefix, node = pending.pop()
        below = prefix
        if isinstance(node, _SCOPES):
            qualified = prefix + node.name
            if isinstance(node, ast.ClassDef):
                below = qualified + "."
            else:
                below = qualified + ".<locals>."
                yield qualified, node
        elif isinstance(node, ast.Lambda):
            below = prefix + "<lambda>.<locals>."
        pending.extend((below, child) for child in reversed(list(ast.iter_child_nodes(node))))


class _Text(str):
    """A finished piece of the form, as opposed to a string of the program."""

    __slots__ = ()


def _pieces(item: object) -> Iterable[object]:
    match item:
        case ast.Constant():
            return (_Text(_constant(item.value)),)
        case ast.JoinedStr():
            return _joined(item)
        case ast.AnnAssign(target=target, value=value) if value is not None:
            return (_Text("(Assign targets:["), target, _Text("] value:"), value, _Text(")"))
        case ast.AST():
            return _node(item)
        case list():
            return (_Text("["), *_statements(item), _Text("]"))
        case _:
            return (_Text(_constant(item)),)


def _node(node: ast.AST) -> Iterator[object]:
    yield _Text(f"({type(node).__name__}")
    for name, value in ast.iter_fields(node):
        if name in _SKIPPED or value is None or value == []:
            continue
        if name == "body" and isinstance(node, _SCOPES):
            value = _without_docstring(value)
        yield _Text(f" {name}:")
        yield value
    yield _Text(")")


def _statements(items: list[object]) -> Iterator[object]:
    """List items; annotations without a value say nothing at run time and are left out."""
    return (item for item in items if not (isinstance(item, ast.AnnAssign) and item.value is None))


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    match body:
        case [ast.Expr(value=ast.Constant(value=str())), *rest]:
            return rest
        case _:
            return body


def _joined(node: ast.JoinedStr) -> Iterator[object]:
    """An f-string with its constant parts merged: where they are cut depends on the version."""
    yield _Text("(JoinedStr values:[")
    text = ""
    for value in _flat(node):
        if isinstance(value, ast.Constant):
            text += str(value.value)
            continue
        if text:
            yield _Text(_constant(text))
        text = ""
        yield value
    if text:
        yield _Text(_constant(text))
    yield _Text("])")


def _flat(node: ast.JoinedStr) -> Iterator[ast.expr]:
    for value in node.values:
        if isinstance(value, ast.JoinedStr):
            yield from _flat(value)
        else:
            yield value


def _constant(value: object) -> str:
    """A constant in a spelling that depends on its value and type only."""
    match value:
        case bool() | None:
            return f"{value}"
        case int():
            return hex(value)  # decimal digits of very long integers are limited
        case str():
            return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
        case bytes():
            return f"b'{value.hex()}'"
        case float():
            return repr(value)
        case complex():
            return f"{value.real!r}+{value.imag!r}j"
        case _:
            return "..."
