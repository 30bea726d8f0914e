"""The project's own functions: what a name of a module leads to, across modules, and what stands in the way of compiling a call.

    from .helpers import clamp         clamp      -> the function `clamp` of pkg.helpers
    from . import helpers              helpers.K  -> the constant `K` of pkg.helpers
    import pkg.helpers                 pkg.helpers.np.sqrt -> numpy.sqrt
    from .geometry import Grid         Grid.spacing, Grid.N -> a static method, a constant of the class's body

Each step is an expectation that a guard checks in every call. A function is what its `def` statement made: one that is decorated, bound
again or handed to another compiler is not looked through.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from setuptools_polyopt.config import Settings
from setuptools_polyopt.frontend.annotations import OpenArray, hint
from setuptools_polyopt.frontend.names import Names, all_arguments, bound, function_names, own_nodes
from setuptools_polyopt.frontend.pytypes import ArrayType, ObjectType, PyType
from setuptools_polyopt.frontend.resolution import Constant, Literal, Module, Resolved, module_names
from setuptools_polyopt.frontend.signatures import type_of
from setuptools_polyopt.frontend.single_exit import single_exit
from setuptools_polyopt.frontend.source import handed_over, left_alone
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.kernel import GlobalGuard
from setuptools_polyopt.profile.schema import Profile


@dataclass(frozen=True)
class Definition:
    """A function whose calls may be compiled. key: "pkg.mod:f"; node: with one exit, None where `why` says what stands in the way;
    names: of that node; size: its statements; static: it is a static method; enclosing: locals of
    the functions around it; inner: functions that it defines."""

    key: str
    module: Module
    file: str
    fp: str
    node: ast.FunctionDef | None
    names: Names
    why: str = ""
    size: int = 0
    static: bool = False
    enclosing: frozenset[str] = frozenset()
    inner: Mapping[str, Definition] = field(default_factory=dict)


    @property
    def nested(self) -> bool:
        """Whether it stands in a function or a class."""
        return "." in self.key.rpartition(":")[2]


@dataclass(frozen=True)
class ModuleText:
    """A parsed module. file: the path for messages."""

    file: str
    tree: ast.Module
    names: Module


@dataclass(frozen=True)
class Found:
    """What a name leads to, and the guards that make it certain."""

    thing: Definition | Resolved | ModulePath
    guards: tuple[GlobalGuard, ...]


@dataclass(frozen=True)
class ModulePath:
    """A module of the project."""

    name: str


Texts: TypeAlias = Mapping[str, ModuleText]


@dataclass(frozen=True)
class Project:
    """All modules that are compiled together."""

    modules: Texts = field(default_factory=dict)
    settings: Settings = field(default_factory=Settings)
    profile: Profile | None = None
    known: dict[str, Definition] = field(default_factory=dict)
    kinds: dict[str, PyType] = field(default_factory=dict)
    """What module-level names that are no constants ("pkg.mod:W") are expected to be."""
    stored: list[frozenset[str]] = field(default_factory=list)
    """The names of attributes that are set somewhere (`classes.stored_attributes`), once they have been asked for."""

    def find(self, start: Module, name: str, attributes: tuple[str, ...]) -> Found | None:
        """What `name.attribute...` is in a module, where the project has a say in it; else None."""
        module = start
        guards: list[GlobalGuard] = []
        chain = (name, *attributes)
        for depth, part in enumerate(chain):
            home, rest = "" if module is start else module.name, chain[depth + 1 :]
            target = self.target(module, part)
            match target:
                case ModulePath(name=path):
                    guards.append(GlobalGuard(part, (), path, home=home, kind="module"))
                    module = self.names(path)
                    continue
                case Definition() if not rest:
                    return Found(target, (*guards, GlobalGuard(part, (), target.key, home=home, kind="function")))
                case Literal(value=value) if not rest:
                    guard = GlobalGuard(part, (), None, value, home)
                    return None if part in start.constants and not home else Found(Resolved(guard, None, value), (*guards, guard))
                case str() if home or target != start.paths.get(part):
                    found = Module({part: target}).resolve(part, rest)
                    return None if found is None else Found(found, (*guards, replace(found.guard, home=home)))
                case None if len(rest) == 1:
                    return self.member(module, part, rest[0], home, tuple(guards))
                case _:
                    return None
        return Found(ModulePath(module.name), tuple(guards))

    def target(self, module: Module, name: str) -> Definition | Literal | ModulePath | str | None:
        """What a name of a module stands for, imports from other modules of the project followed; a path where they lead out of it."""
        found = self.followed(module, name)
        if not isinstance(found, tuple):
            return found
        module, name = found
        if name in module.constants:
            return Literal(module.constants[name])
        if name in module.definitions and name in module.single and module.name in self.modules:
            return self.definition(module.name, name)
        return None

    def followed(self, module: Module, name: str) -> tuple[Module, str] | ModulePath | str | None:
        """The module that binds what a name stands for, and its name there, imports followed."""
        seen: set[str] = set()
        while True:
            if self.is_submodule(module, name):
                return ModulePath(f"{module.name}.{name}")
            path = module.paths.get(name)
            if path is None:
                return module, name
            if path in seen:
                return None
            if self.is_module(path):
                return ModulePath(path)
            holder, _, attribute = path.rpartition(".")
            if holder not in self.modules:
                return path
            seen.add(path)
            module, name = self.modules[holder].names, attribute

    # classes

    def class_path(self, module: Module, node: ast.expr) -> str:
        """The class that an expression of a module names, as "pkg.mod.Grid"; empty where it names none of the project's."""
        if isinstance(node, ast.Attribute):
            path = module.dotted(node.value)
            module, name = self.names(path or "."), node.attr
        elif isinstance(node, ast.Name):
            name = node.id
        else:
            return ""
        found = self.followed(module, name)
        path = f"{found[0].name}.{found[1]}" if isinstance(found, tuple) else ""
        return path if self.class_node(path) is not None else ""

    def class_node(self, path: str) -> tuple[ModuleText, ast.ClassDef] | None:
        """A class at the top level of a module that nothing else binds, with that module."""
        module, _, name = path.rpartition(".")
        text = self.modules.get(module)
        if text is None or name not in text.names.single:
            return None
        return next(((text, node) for node in text.tree.body if isinstance(node, ast.ClassDef) and node.name == name), None)

    def lineage(self, path: str) -> Iterator[tuple[str, ModuleText, ast.ClassDef]]:
        """A class of the project and those that it inherits from, as far as they are the project's, in the order of a plain hierarchy."""
        found = self.class_node(path)
        if found is not None:
            yield (path, *found)
            for base in found[1].bases:
                inherited = self.class_path(found[0].names, base)
                if inherited and inherited != path:
                    yield from self.lineage(inherited)

    def member(self, module: Module, name: str, attribute: str, home: str, guards: tuple[GlobalGuard, ...]) -> Found | None:
        """`Grid.spacing`, `Grid.N`: a function or a constant of a class that a module calls `name`."""
        path = self.class_path(module, ast.Name(name))
        if not path or (attribute.startswith("__") and not attribute.endswith("__")):  # the compiler may call it otherwise
            return None
        function = self.method(path, attribute)
        if function is not None:
            return Found(function, (*guards, GlobalGuard(name, (attribute,), function.key, home=home, kind="function")))
        for _, text, node in self.lineage(path):
            if attribute in bound(node.body):
                constants = text.names.inside(node.body)
                if attribute not in constants:
                    return None
                guard = GlobalGuard(name, (attribute,), None, constants[attribute], home)
                return Found(Resolved(guard, None, constants[attribute]), (*guards, guard))
        return None

    def method(self, path: str, name: str) -> Definition | None:
        """A method of a class, None where there is none that can be known."""
        for owner, text, node in self.lineage(path):
            own = [part for part in node.body if name in bound([part])]
            if len(own) > 1 or (own and not isinstance(own[0], ast.FunctionDef | ast.AsyncFunctionDef)):
                return None
            if own:
                module, _, class_name = owner.rpartition(".")
                key = f"{module}:{class_name}.{name}"
                if key not in self.known:
                    self.known[key] = self.defined(key, text, own[0])  # type: ignore[arg-type]  # asked above
                return self.known[key]
        return None

    def attribute(self, path: str, name: str) -> PyType | None:
        """What an attribute of a class's objects is expected to be: by the profile of any of its methods, else by an annotation."""
        for owner, text, node in self.lineage(path):
            module, _, class_name = owner.rpartition(".")
            for key, entry in self.profile.functions.items() if self.profile is not None else ():
                if key.startswith(f"{module}:{class_name}."):
                    for variant in entry.variants:
                        seen = [value for place, value in variant.attributes.items() if place.partition(".")[2] == name]
                        if seen:
                            return type_of(seen[0])
            for part in node.body:
                if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name) and part.target.id == name:
                    return self.annotated(text.names, part.annotation)
        return None

    def made(self, module: Module, node: ast.expr) -> PyType | None:
        """What a call of the project's own code is expected to answer: an object of its class, or what the profile has seen."""
        if not isinstance(node, ast.Call):
            return None
        path = self.class_path(module, node.func)
        if path:
            return ObjectType(path)
        names = _chain(node.func)
        found = self.find(module, names[0], names[1:]) if names else None
        if found is None or not isinstance(found.thing, Definition) or self.profile is None:
            return None
        entry = self.profile.functions.get(found.thing.key)
        results = [variant.result for variant in entry.variants if variant.result is not None] if entry is not None else []
        return type_of(results[0]) if results else None

    def annotated(self, module: Module, node: ast.expr) -> PyType | None:
        """The type that an annotation says, classes of the project included."""
        found = hint(node, module)
        if isinstance(found, OpenArray):
            return ArrayType(found.dtype or DType.FLOAT64, found.rank) if found.rank else None
        path = self.class_path(module, node) if found is None else ""
        return ObjectType(path) if path else found

    def is_module(self, path: str) -> bool:
        """Whether a path is that of a module of the project, or of a package around one."""
        return path in self.modules or any(name.startswith(f"{path}.") for name in self.modules)

    def is_submodule(self, module: Module, name: str) -> bool:
        """Whether a package has a module under a name that it does not bind itself."""
        bound = name in module.paths or name in module.constants or name in module.other
        return bool(module.name) and not bound and f"{module.name}.{name}" in self.modules

    def names(self, path: str) -> Module:
        """The names of a module."""
        return self.modules[path].names if path in self.modules else Module(name=path)

    def definition(self, module: str, name: str) -> Definition | None:
        """The function that a top-level `def` of a module makes."""
        key = f"{module}:{name}"
        if key not in self.known:
            text = self.modules[module]
            node = next((n for n in text.tree.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef) and n.name == name), None)
            if node is None:
                return None
            self.known[key] = self.defined(key, text, node)
        return self.known[key]

    def inner(
        self, key: str, text: ModuleText, node: ast.FunctionDef, names: Names, enclosing: frozenset[str]
    ) -> Mapping[str, Definition]:
        """The functions that a function defines in its own body, each under a name that nothing else binds."""
        found: dict[str, ast.FunctionDef | ast.AsyncFunctionDef] = {}
        several: set[str] = {argument.arg for argument in all_arguments(node)} | names.shared
        for part in own_nodes(node.body):
            for name in _binds(part):
                several |= {name} if name in found or not isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef) else set()
            if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef):
                found[part.name] = part
        around = enclosing | names.locals
        return {
            name: self.defined(f"{key}.<locals>.{name}", text, part, around) for name, part in found.items() if name not in several
        }

    def defined(
        self, key: str, text: ModuleText, node: ast.FunctionDef | ast.AsyncFunctionDef, enclosing: frozenset[str] = frozenset()
    ) -> Definition:
        """A function of the project with what stands in the way of compiling calls of it."""
        fp = self.settings.for_function(key).fp
        static = any(isinstance(item, ast.Name) and item.id == "staticmethod" for item in node.decorator_list) and "." in key
        why = _why_not(text, node, static) or ("" if self.settings.wants_function(key) else "it is excluded by the settings")
        plain = single_exit(node) if not why and isinstance(node, ast.FunctionDef) else None
        if plain is None:
            why = why or "it returns in too many places"
            return Definition(key, text.names, text.file, fp, None, Names(frozenset(), frozenset()), why)
        size = sum(isinstance(part, ast.stmt) for part in ast.walk(plain))
        names = function_names(plain)
        return Definition(
            key, text.names, text.file, fp, plain, names, "", size, static, enclosing, self.inner(key, text, plain, names, enclosing)
        )


def _why_not(text: ModuleText, node: ast.FunctionDef | ast.AsyncFunctionDef, static: bool) -> str:
    """Why calls of a function stay Python whatever their arguments are; empty where nothing speaks against them."""
    alone = left_alone(node, text.names, handed_over(text.tree, text.names))
    if alone is not None:
        return alone[1]
    if len(node.decorator_list) > static:
        return "it is decorated"
    if getattr(node, "type_params", None):
        return "it has type parameters"
    if node.args.vararg is not None or node.args.kwarg is not None:
        return "it takes any number of arguments"
    if any(isinstance(part, ast.Global | ast.Nonlocal) for part in ast.walk(node)):
        return "it binds names of another scope"
    if any(isinstance(part, ast.Await) for part in own_nodes(node.body)):
        return "coroutines stay Python"
    return ""


def _chain(node: ast.expr) -> tuple[str, ...]:
    if isinstance(node, ast.Name):
        return (node.id,)
    inner = _chain(node.value) if isinstance(node, ast.Attribute) else ()
    return (*inner, node.attr) if inner and isinstance(node, ast.Attribute) else ()


def _binds(node: ast.AST) -> frozenset[str]:
    """Names that one node binds, or whose attributes it sets."""
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()) | ast.Attribute(value=ast.Name(id=name), ctx=ast.Store() | ast.Del()):
            return frozenset({name})
        case ast.stmt() | ast.ExceptHandler() | ast.MatchAs() | ast.MatchStar() | ast.MatchMapping():
            inner = [part for part in ast.iter_child_nodes(node) if isinstance(part, ast.stmt | ast.expr | ast.ExceptHandler)]
            return bound([node]) - bound(inner) if not isinstance(node, ast.FunctionDef | ast.ClassDef) else frozenset({node.name})
        case _:
            return frozenset()


def project_of(sources: Iterable[tuple[str, str, str]], settings: Settings, profile: Profile | None = None) -> Project:
    """The project of modules given as (name, file, text); those that do not parse are left out."""
    texts: dict[str, ModuleText] = {}
    for name, file, text in sources:
        try:
            tree = ast.parse(text)
        except (SyntaxError, ValueError):
            continue
        texts[name] = ModuleText(file, tree, module_names(tree, name, file.endswith("__init__.py")))
    return Project(texts, settings, profile)


def default_of(definition: Definition, parameter: str) -> tuple[Constant, int] | None:
    """The value of a parameter that a call leaves out, and its place in `__defaults__`; None where there is none that can be known."""
    assert definition.node is not None
    own = definition.node.args
    positional = [*own.posonlyargs, *own.args]
    names = [argument.arg for argument in positional]
    first = len(positional) - len(own.defaults)
    if parameter not in names or names.index(parameter) < first:
        return None
    position = names.index(parameter) - first
    scope = Module() if definition.nested else definition.module  # whose names others may hide
    value = scope.literal(own.defaults[position])
    return None if value is None else (value.value, position)
