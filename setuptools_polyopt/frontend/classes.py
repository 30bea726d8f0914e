"""Classes of the project whose objects a region may make: what making one does, as the text of the class says.

    class State(NamedTuple):  x: float; y: float = 0.0       a tuple with names
    @dataclass class Option:  spot: float; ...               its fields, in order
    class Vec:  def __init__(self, x, y): ...                whatever __init__ stores

Anything that could have a say in making objects, or in reading and setting their attributes (metaclasses, `__new__`, `__setattr__`,
properties, other decorators, ...) keeps a class out. What can be changed while the program runs is the guard's matter.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from setuptools_polyopt.frontend.names import all_arguments
from setuptools_polyopt.frontend.project import ModuleText, Project
from setuptools_polyopt.frontend.resolution import Constant

_MEDDLING = frozenset(
    {"__new__", "__setattr__", "__getattribute__", "__getattr__", "__delattr__", "__init_subclass__", "__set_name__", "__class_getitem__"}
)
_HARMLESS_OPTIONS = frozenset({"frozen", "slots", "eq", "order", "repr", "unsafe_hash"})


@dataclass(frozen=True)
class Class:
    """A class of the project. fields: of a tuple or dataclass, in order; of another class, what `__init__` sets. defaults: those that are
    constants. steady: nothing in the project but `__init__` sets the attributes of its objects, so that nobody can tell them from their
    values."""

    path: str
    kind: Literal["plain", "data", "tuple"]
    fields: tuple[str, ...] = ()
    defaults: Mapping[str, Constant] = field(default_factory=dict)
    steady: bool = False


def class_of(project: Project, path: str) -> Class | None:
    """What is known of a class, given as "pkg.mod.Grid"; None where making its objects may do anything."""
    found = project.class_node(path)
    if found is None:
        return None
    text, node = found
    bases = [text.names.dotted(base) for base in node.bases]
    options = _dataclass_options(text, node)
    if node.keywords or any(name in _MEDDLING for name in _bound_in(node)) or getattr(node, "type_params", None):
        return None
    if bases == ["typing.NamedTuple"] and not node.decorator_list:
        fields = _fields(text, node)
        return None if fields is None else Class(path, "tuple", tuple(fields), _given(fields), True)
    if options is not None and not bases:
        fields = _fields(text, node)
        if fields is None or not options <= _HARMLESS_OPTIONS or {"__init__", "__post_init__"} & set(_bound_in(node)):
            return None
        return Class(path, "data", tuple(fields), _given(fields), not set(fields) & stored_attributes(project))
    if node.decorator_list or not all(_is_plain(project, text, base) for base in node.bases):
        return None
    stored = {name for _, _, each in project.lineage(path) for name in _set_by(each, "__init__")}
    return Class(path, "plain", tuple(sorted(stored)), {}, bool(stored) and not stored & stored_attributes(project))


def _is_plain(project: Project, text: ModuleText, base: ast.expr) -> bool:
    if text.names.dotted(base) == "builtins.object":
        return True
    inherited = class_of(project, project.class_path(text.names, base))
    return inherited is not None and inherited.kind == "plain"


def stored_attributes(project: Project) -> frozenset[str]:
    """The names of all attributes that something in the project sets, `self.x = ...` in `__init__` aside."""
    if not project.stored:
        project.stored.append(frozenset(name for text in project.modules.values() for name in _stored(text.tree, False)))
    return project.stored[0]


def _stored(node: ast.AST, within: bool) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        own = within and isinstance(child, ast.Attribute) and isinstance(child.value, ast.Name) and child.value.id == "self"
        if isinstance(child, ast.Attribute) and isinstance(child.ctx, ast.Store | ast.Del) and not own:
            yield child.attr
        yield from _stored(child, child.name == "__init__" if isinstance(child, ast.FunctionDef) else within)


def _set_by(node: ast.ClassDef, method: str) -> Iterator[str]:
    """The attributes that a method stores into its own object."""
    for item in node.body:
        if isinstance(item, ast.FunctionDef) and item.name == method and item.args.args:
            own = all_arguments(item)[0].arg
            for part in ast.walk(item):
                match part:
                    case ast.Attribute(value=ast.Name(id=name), attr=attr, ctx=ast.Store()) if name == own:
                        yield attr


def _dataclass_options(text: ModuleText, node: ast.ClassDef) -> frozenset[str] | None:
    """The options of `@dataclass`; None where the class has no such decorator, or others."""
    if len(node.decorator_list) != 1:
        return None
    made = node.decorator_list[0]
    call = made if isinstance(made, ast.Call) else None
    if text.names.dotted(made if call is None else call.func) != "dataclasses.dataclass" or (call is not None and call.args):
        return None
    return frozenset(keyword.arg or "**" for keyword in call.keywords) if call is not None else frozenset()


def _fields(text: ModuleText, node: ast.ClassDef) -> dict[str, tuple[Constant] | None] | None:
    """The annotated names of a class with their defaults; None where more is bound beside methods, or a default is no constant."""
    found: dict[str, tuple[Constant] | None] = {}
    for item in node.body:
        match item:
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=value):
                literal = None if value is None else text.names.literal(value)
                special = any(word in ast.unparse(annotation) for word in ("ClassVar", "InitVar", "KW_ONLY"))
                if special or (value is not None and literal is None):
                    return None
                found[name] = None if literal is None else (literal.value,)
            case ast.FunctionDef() | ast.Pass() | ast.Expr(value=ast.Constant()):
                pass
            case ast.Assign(targets=[ast.Name(id="__slots__")]):
                pass
            case _:
                return None
    return found if found and not set(found) & set(_methods(node)) else None


def _given(fields: Mapping[str, tuple[Constant] | None]) -> dict[str, Constant]:
    return {name: default[0] for name, default in fields.items() if default is not None}


def _methods(node: ast.ClassDef) -> list[str]:
    return [item.name for item in node.body if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)]


def _target(item: ast.Assign | ast.AnnAssign) -> str:
    target = item.target if isinstance(item, ast.AnnAssign) else item.targets[0]
    return target.id if isinstance(target, ast.Name) else ""


def _bound_in(node: ast.ClassDef) -> list[str]:
    return _methods(node) + [_target(item) for item in node.body if isinstance(item, ast.Assign | ast.AnnAssign)]
