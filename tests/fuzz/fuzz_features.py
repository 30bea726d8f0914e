"""What a program's text has in it, so that a run can say what it has reached: kinds of statements, functions, forms of expressions."""

from __future__ import annotations

import ast


def features(source: str, first: int, last: int) -> set[str]:
    """Names of what is in the lines `first` to `last` (from 1) of a function's text."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if first <= getattr(node, "lineno", 0) <= last:
            found |= _of(node)
    return found


def _of(node: ast.AST) -> set[str]:
    match node:
        case ast.While() | ast.ListComp() | ast.GeneratorExp():
            return {type(node).__name__.lower()}
        case ast.For(iter=ast.Call(args=[_, _, ast.UnaryOp()])):
            return {"for, negative step"} | ({"for-else"} if node.orelse else set())
        case ast.For():
            return {"for"} | ({"for-else"} if node.orelse else set())
        case ast.If() | ast.Return() | ast.Break() | ast.Continue() | ast.IfExp() | ast.BoolOp():
            return {type(node).__name__.lower()}
        case ast.AugAssign(op=op):
            return {f"augmented {type(op).__name__}"}
        case ast.Assign(targets=[ast.Tuple()]):
            return {"swap"}
        case ast.BinOp(op=op):
            return {f"operator {type(op).__name__}"}
        case ast.Compare():
            return {"comparison"}
        case ast.Call(func=ast.Attribute(value=ast.Name(id="np" | "math" as module), attr=name)):
            return {f"{module}.{name}"} | _keywords(node)
        case ast.Call(func=ast.Attribute(attr=name)):
            return {f".{name}()"} | _keywords(node)
        case ast.Call(func=ast.Name(id=name)) if name != "range":
            return {f"{name}()"}
        case ast.Subscript(value=ast.Subscript()):
            return {"a[i][j]"}
        case ast.Subscript(slice=ast.Slice(step=ast.UnaryOp())):
            return {"a[::-1]"}
        case ast.Subscript(slice=ast.UnaryOp()):
            return {"a[-1]"}
        case ast.Slice():
            return {"slice"}
        case ast.Attribute(value=ast.Name(id="self")):
            return {"self.n"}
        case ast.Attribute(attr="T" | "real" | "imag" as name):
            return {f".{name}"}
        case _:
            return set()


def _keywords(node: ast.Call) -> set[str]:
    return {f"{keyword.arg}=" for keyword in node.keywords}
