"""What module-level names mean, from the module's own imports and top-level assignments.

    import numpy as np                  np      -> PathValue("numpy")
    from math import sqrt               sqrt    -> PathValue("math.sqrt")
    C = 2 * 3.5                         C       -> the constant 7.0
    try: import numpy as xp             xp      -> PathValue("numpy")
    except ImportError: xp = None

A name that is bound more than once, or declared global in some function, is unknown. What is used is recorded as a `GlobalGuard`
and checked in each call, so a resolution is an expectation and never a promise.
"""

from __future__ import annotations

import ast
import builtins
import math
import operator
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from setuptools_polyopt.frontend.names import bound
from setuptools_polyopt.ir.kernel import GlobalGuard

Number: TypeAlias = bool | int | float | complex
Constant: TypeAlias = Number | str | None

_NAMED = {
    **{f"{module}.{name}": getattr(math, name) for module in ("math", "numpy") for name in ("pi", "e", "inf")},
    "math.tau": math.tau,
    "numpy.newaxis": None,
}
_OPERATIONS: dict[type[ast.operator], Callable[[Any, Any], Number]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
}
_LARGE = 2**63
"""Integers from here on are of no use to a kernel."""
_GROWING = (ast.Pow, ast.LShift)
_FAR = 64
"""The largest exponent or shift: what lies beyond it is too large, or takes the build for ever to find out."""


@dataclass(frozen=True)
class Resolved:
    """A dotted path, or the exact value of a constant (`known` says which), and the guard that makes it certain."""

    guard: GlobalGuard
    path: str | None = None
    value: Constant = None


@dataclass(frozen=True)
class Literal:
    """A value that may be None."""

    value: Constant


@dataclass(frozen=True)
class Module:
    """The top level of one module. name: its dotted name, as far as that matters; paths: names of imported things; constants: names
    assigned one literal; other: all else, of which `definitions` are functions and classes, and `single` is bound only once."""

    paths: dict[str, str] = field(default_factory=dict)
    constants: dict[str, Constant] = field(default_factory=dict)
    other: frozenset[str] = frozenset()
    definitions: frozenset[str] = frozenset()
    name: str = ""
    single: frozenset[str] = frozenset()

    def path(self, name: str) -> str | None:
        """The dotted path of a global name, None where it is no module, imported thing or builtin."""
        if name in self.paths:
            return self.paths[name]
        if name in self.constants or name in self.other or not hasattr(builtins, name):
            return None
        return f"builtins.{name}"

    def resolve(self, name: str, attributes: tuple[str, ...] = ()) -> Resolved | None:
        """What `name.attribute...` is, None where the build cannot know."""
        if name in self.constants and not attributes:
            value = self.constants[name]
            return Resolved(GlobalGuard(name, (), None, value), None, value)
        root = self.path(name)
        if root is None:
            return None
        path = ".".join((root, *attributes))
        if path in _NAMED:
            return Resolved(GlobalGuard(name, attributes, path), None, _NAMED[path])
        return Resolved(GlobalGuard(name, attributes, path), canonical(path))

    def literal(self, node: ast.expr) -> Literal | None:
        """The exact value of an expression of literals and constants, None where it is anything else."""
        found = _fold(node, self.constants, self.paths)
        return None if isinstance(found, _Unknown) else Literal(found)

    def inside(self, body: Iterable[ast.stmt]) -> dict[str, Constant]:
        """The constants of a class's body at the top level: its names come before the module's."""
        counts: dict[str, int] = {}
        own: dict[str, Constant] = {}
        statements = list(_top_level(body))
        for name in (name for _, names in statements for name in names):
            counts[name] = counts.get(name, 0) + 1
        around = {name: value for name, value in self.constants.items() if name not in counts}
        paths = {name: path for name, path in self.paths.items() if name not in counts}
        literals: dict[str, ast.expr] = {}
        for statement, _ in statements:
            _note(statement, {}, literals, "")
        for name, value in literals.items():
            folded = _fold(value, {**around, **own}, paths) if counts[name] == 1 else _UNKNOWN
            if not isinstance(folded, _Unknown):
                own[name] = folded
        return own

    def dotted(self, node: ast.expr) -> str | None:
        """The path of a name or attribute chain of the source, None for anything else."""
        match node:
            case ast.Name(id=name):
                root = self.path(name)
                return None if root is None else canonical(root)
            case ast.Attribute(value=value, attr=attr):
                root = self.dotted(value)
                return None if root is None else canonical(f"{root}.{attr}")
            case _:
                return None


def canonical(path: str) -> str:
    """One spelling for things that NumPy has under several names."""
    aliases = {
        "numpy.abs": "numpy.absolute",
        "numpy.amax": "numpy.max",
        "numpy.amin": "numpy.min",
        "numpy.conj": "numpy.conjugate",
        "numpy.double": "numpy.float64",
        "numpy.single": "numpy.float32",
        "numpy.cdouble": "numpy.complex128",
        "numpy.csingle": "numpy.complex64",
    }
    return aliases.get(path, path)


def module_names(tree: ast.Module, dotted: str = "", is_package: bool = False) -> Module:
    """Read the top level of a module. dotted: its dotted name, from which relative imports start."""
    package = dotted if is_package else dotted.rpartition(".")[0]
    counts: dict[str, int] = {}
    paths: dict[str, str] = {}
    literals: dict[str, ast.expr] = {}
    for statement, names in _top_level(tree.body):
        for name in names:
            counts[name] = counts.get(name, 0) + 1
        _note(statement, paths, literals, package)
    for node in ast.walk(tree):
        if isinstance(node, ast.Global):
            for name in node.names:
                counts[name] = counts.get(name, 0) + 2
    once = {name for name, count in counts.items() if count == 1}
    constants: dict[str, Constant] = {}
    for name, value in literals.items():
        if name in once:
            folded = _fold(value, constants, paths)
            if not isinstance(folded, _Unknown):
                constants[name] = folded
    known = {name: path for name, path in paths.items() if name in once}
    defined = frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef))
    return Module(known, constants, frozenset(counts) - known.keys() - constants.keys(), defined, dotted, frozenset(once))


def _top_level(body: Iterable[ast.stmt]) -> Iterator[tuple[ast.stmt, frozenset[str]]]:
    """Statements that run when the module is imported, with the names that they bind; of `try`, those that run where nothing is raised.

    A conditional binding is never certain, so it comes twice.
    """
    for statement in body:
        match statement:
            case ast.Try():
                plain = list(_top_level([*statement.body, *statement.orelse]))
                yield from plain
                otherwise = [*(part for handler in statement.handlers for part in handler.body), *statement.finalbody]
                names = frozenset(bound(otherwise)).difference(*(names for _, names in plain))
                yield from [(ast.Pass(), names)] * 2
            case ast.If() | ast.With() | ast.For() | ast.While():
                yield from [(statement, frozenset(bound([statement])))] * 2
            case _:
                yield statement, frozenset(bound([statement]))


def _note(statement: ast.stmt, paths: dict[str, str], literals: dict[str, ast.expr], package: str) -> None:
    match statement:
        case ast.Import(names=names):
            for alias in names:
                paths[alias.asname or alias.name.split(".")[0]] = alias.name if alias.asname else alias.name.split(".")[0]
        case ast.ImportFrom(module=str() as module, names=names, level=0):
            for alias in names:
                paths[alias.asname or alias.name] = f"{module}.{alias.name}"
        case ast.ImportFrom(module=module, names=names, level=level) if package and level <= package.count(".") + 1:
            parts = [*package.split(".")[: package.count(".") + 2 - level], *filter(None, [module])]
            for alias in names:
                paths[alias.asname or alias.name] = ".".join((*parts, alias.name))
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            literals[name] = value
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
            literals[name] = value
        case _:
            pass


class _Unknown:
    """No constant."""


_UNKNOWN = _Unknown()


def spelt_float(text: object) -> float | None:
    """`float("inf")` and the like; None for what is no text or no number (nor nan, which is no constant: each call makes another one)."""
    try:
        value = float(text) if isinstance(text, str) else math.nan
    except ValueError:
        return None
    return None if math.isnan(value) else value


def _operated(op: ast.operator, first: Constant | _Unknown, second: Constant | _Unknown) -> Constant | _Unknown:
    """The exact value of an operation of two constants."""
    for operand in (first, second):
        if not isinstance(operand, int | float | complex) or (isinstance(operand, int) and abs(operand) > _LARGE):
            return _UNKNOWN
    if isinstance(op, _GROWING) and isinstance(second, int) and second > _FAR:
        return _UNKNOWN
    try:
        return _OPERATIONS[type(op)](first, second)
    except (ArithmeticError, TypeError, ValueError):  # of Python's own numbers, so that is what the program would raise, too
        return _UNKNOWN


def _fold(node: ast.expr, constants: dict[str, Constant], paths: dict[str, str]) -> Constant | _Unknown:
    """The exact value of a literal expression."""
    match node:
        case ast.Constant(value=bool() | int() | float() | complex() | str() | None as value):
            return value
        case ast.Name(id=name) if name in constants:
            return constants[name]
        case ast.Attribute(value=ast.Name(id=name), attr=attr) if name in paths:
            named = _NAMED.get(f"{paths[name]}.{attr}")
            return _UNKNOWN if named is None else named
        case ast.Call(func=ast.Name(id="float"), args=[ast.Constant(value=text)], keywords=[]) if spelt_float(text) is not None:
            return spelt_float(text)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            inner = _fold(operand, constants, paths)
            return -inner if isinstance(inner, int | float | complex) else _UNKNOWN
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATIONS:
            return _operated(op, _fold(left, constants, paths), _fold(right, constants, paths))
        case _:
            return _UNKNOWN
