"""What the lowering of one function under one set of types has in common, and how names get their values.

A name that the region has not bound yet is an *input*: its first use makes the parameters, arrays or scalars that stand for it. Names
that are no locals are resolved through the module (`resolution`) and guarded.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from setuptools_polyopt.diagnostics import Span, Unsupported, unsupported
from setuptools_polyopt.exhaustive import assert_never
from setuptools_polyopt.frontend.affine import free_symbols
from setuptools_polyopt.frontend.names import Names
from setuptools_polyopt.frontend.project import Definition, Found, ModulePath, Project
from setuptools_polyopt.frontend.pytypes import ArrayType, Env, ListType, NoneType, ObjectType, PyType, UnknownType
from setuptools_polyopt.frontend.resolution import Constant, Module, Resolved
from setuptools_polyopt.frontend.shapes import Group, mapped
from setuptools_polyopt.frontend.spans import span_of
from setuptools_polyopt.frontend.state import State, comparison
from setuptools_polyopt.frontend.values import (
    ArrayValue,
    ConflictValue,
    Dim,
    FunctionValue,
    ListValue,
    NoneValue,
    ObjectValue,
    Order,
    PathValue,
    PendingValue,
    ScalarValue,
    StringValue,
    Value,
)
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Load, Sym, integer
from setuptools_polyopt.ir.kernel import (
    Array,
    ArrayInput,
    Box,
    GlobalGuard,
    Input,
    Layout,
    MethodInput,
    Role,
    ScalarInput,
)
from setuptools_polyopt.operators.values import ScalarType, join, literal


@dataclass(frozen=True)
class Function:
    """One function of the module, apart from types. fp: "strict", "bounded" or "fast"; enclosing: locals of functions around it;
    project: the modules that are compiled together; inner: functions that it defines, under names that nothing else binds."""

    file: str
    name: str
    module: Module
    names: Names
    fp: str
    enclosing: frozenset[str] = frozenset()
    project: Project = field(default_factory=Project)
    inner: Mapping[str, Definition] = field(default_factory=dict)


@dataclass
class Context:
    """One lowering: `entry` types the names at the region's start, `evaluate` lowers an expression, `execute` a list of statements.

    caller: while the body of a called function is lowered, what calls it; `called` is its key then; scope: the function around it.
    """

    function: Function
    entry: Env
    evaluate: Callable[[Context, ast.expr], Value]
    execute: Callable[[Context, list[ast.stmt]], None]
    state: State = field(default_factory=State)
    caller: Context | None = None
    called: str = ""
    scope: Context | None = None
    inner: dict[str, Value] = field(default_factory=dict)
    """Variables of the comprehensions around."""
    wider: dict[int, DType] = field(default_factory=dict)
    """Element types of lists that begin with integers and get floats, by what has made them; of the outermost context."""

    def expr(self, node: ast.expr) -> Value:
        """The value of an expression; raises Unsupported."""
        return self.evaluate(self, node)

    def span(self, node: ast.AST) -> Span:
        """Where a node stands in the source."""
        return span_of(self.function.file, node)

    # names

    def read(self, name: str, span: Span) -> Value:
        """The value of a name, its conditions settled; raises Unsupported."""
        if name in self.function.names.shared:
            raise unsupported(span, "shared-name", f"`{name}` is declared global or nonlocal", "use a local variable")
        if name in self.inner:
            return self.settle(self.inner[name], span)
        if name not in self.function.names.locals:
            return self.resolve(name, (), span)
        return self.settle(self.lookup(name, span), span)

    def is_local(self, name: str) -> bool:
        """Whether a name is a variable here: of the function, of a comprehension, of a function around, or of the module."""
        if name in self.inner or name in self.function.names.locals:
            return True
        if self.scope is None and name in self.function.enclosing:
            return name in self.entry and self.entry[name].definite
        if name not in self.function.enclosing and f"{self.function.module.name}:{name}" in self.function.project.kinds:
            return True
        return self.scope is not None and name in self.function.enclosing and self.scope.is_local(name)

    def around(self, name: str, scope: Context, span: Span) -> Value:
        """The value of a variable of a function around, as it is where this one is called."""
        depth, context = 0, scope
        while context.caller is not None:
            depth, context = depth + 1, context.caller
        state, env = self.state, self.state.env
        state.env = dict(state.frames[depth])
        try:
            value = scope.read(name, span)
            return replace(value, fresh=False) if isinstance(value, ArrayValue) else value  # others know it
        finally:
            state.frames[depth], state.env = state.env, env

    def lookup(self, name: str, span: Span) -> Value:
        """The value of a local name, as an input of the region where it was not bound inside. Pending and conflicting values as such."""
        state = self.state
        if name in state.env:
            return state.env[name]
        binding = self.entry.get(name)
        if binding is not None and binding.definite and name in self.function.inner:
            return FunctionValue(self.function.inner[name], scope=self)
        if binding is None:
            raise unsupported(span, "unbound", f"`{name}` is not bound here")
        if not binding.definite:
            raise unsupported(span, "maybe-unbound", f"`{name}` may be unbound here", "give it a value on every path before")
        return self.input(name, (), binding.type, span)

    def settle(self, value: Value, span: Span) -> Value:
        """A value that can be used: what depends on a loop having run is decided by type, or by a guard that it has run."""
        if isinstance(value, ConflictValue):
            raise Unsupported(value.reason)
        if isinstance(value, Group):
            return mapped("", value, lambda _, item: self.settle(item, span))
        if not isinstance(value, PendingValue):
            return value
        before, after = value.before, value.after
        if isinstance(before, ScalarValue) and isinstance(after, ScalarValue) and before.expr == after.expr:
            joined = join(before.type, after.type)
            if joined is not None:
                joined = replace(joined, tag=before.type.tag)
                return ScalarValue(joined, after.expr, after.storage, before.narrow or after.narrow, value)
        return self.settle(self.require(value), span)

    def require(self, value: PendingValue) -> Value:
        """The value after the loop, with the guard that the loop ran at least once."""
        for form in value.ran:
            least = self.state.extreme(form, largest=False)
            if least is None or (least.value is not None and least.value < 0) or not free_symbols(least) <= self.state.params.keys():
                raise Unsupported(value.reason)
            self.state.hold(comparison(least), "the loop runs at least once", value.reason.span)
        return value.after

    def resolve(self, name: str, attributes: tuple[str, ...], span: Span) -> Value:
        """The value of a global name or builtin, guarded."""
        if name in self.function.enclosing and self.scope is not None:
            if attributes:  # the chain starts at a variable
                raise unsupported(span, "attribute", f"`{name}` is a variable of the enclosing function")
            return self.around(name, self.scope, span)
        if name in self.function.enclosing and name in self.entry and self.entry[name].definite and not attributes:
            return self.settle(self.lookup(name, span), span)
        if name in self.function.enclosing:
            raise unsupported(span, "closure", f"`{name}` belongs to the enclosing function", "pass it as an argument")
        module = self.function.module
        own = self.function.project.find(module, name, attributes)
        if own is not None:
            return self.found(own, span)
        found = module.resolve(name, attributes)
        kind = self.function.project.kinds.get(f"{module.name}:{name}")
        if found is None and kind is not None and not attributes:
            return self.global_input(f"{module.name}:{name}", kind, span)
        if found is None and name in module.definitions and not attributes:
            raise unsupported(span, "project-call", f"`{name}` is a class, or bound more than once; calls of it stay Python")
        if found is None:
            dotted = ".".join((name, *attributes))
            raise unsupported(span, "global", f"what `{dotted}` is cannot be known when building", "pass it as an argument")
        return self.global_value(found, span)

    def found(self, own: Found, span: Span) -> Value:
        """Guards and value of something of the project."""
        for guard in own.guards:
            self.guard(guard)
        match own.thing:
            case Resolved(path=None, value=value):
                return constant_value(value, span)
            case Resolved(path=str() as path):
                return PathValue(path)
            case ModulePath(name=name):
                return PathValue(name)
            case Definition() as definition:
                return FunctionValue(definition, own.guards[-1])
        raise AssertionError(own)  # one of these

    def guard(self, guard: GlobalGuard) -> None:
        """Ask for a guard; names of a called function's module are looked up there."""
        region = self.outermost.function.module
        home = guard.home or ("" if self.function.module is region else self.function.module.name)
        self.state.globals[replace(guard, home="" if home == region.name else home)] = None

    @property
    def outermost(self) -> Context:
        """The context of the region itself."""
        return self if self.caller is None else self.caller.outermost

    def global_value(self, found: Resolved, span: Span) -> Value:
        """Guard and value of something resolved."""
        if found.path is not None:
            if not attribute_root(found.path):
                self.guard(found.guard)
            return PathValue(found.path)
        self.guard(found.guard)
        return constant_value(found.value, span)

    # inputs

    def global_input(self, root: str, kind: PyType, span: Span) -> Value:
        """The value that a module-level name ("pkg.mod:W") has when the region is called."""
        self.guard(GlobalGuard(root.rpartition(":")[2], (), None, kind="value"))
        return self.outermost.input(root, (), kind, span)

    def input(self, root: str, path: tuple[str, ...], kind: PyType, span: Span) -> Value:
        """The region's input `root.path`, made at its first use."""
        text = ".".join((root, *path))
        entry = self.state.entry
        if text not in entry:
            entry[text] = self.make_input(root, path, kind, span)
            if not path:
                self.state.env[root] = entry[text]
        return entry[text]

    def make_input(self, root: str, path: tuple[str, ...], kind: PyType, span: Span) -> Value:
        text = ".".join((root, *path))
        match kind:
            case ArrayType():
                return self.array_input(root, path, kind)
            case ListType():
                return self.list_input(root, path, kind, span)
            case ScalarType():
                return self.scalar_input(root, path, kind, span)
            case ObjectType(name=name):
                return ObjectValue(root, path, name)
            case NoneType():
                raise unsupported(span, "none", f"`{text}` is None here")
            case UnknownType(why=why, line=line):
                detail = f": {why}" if why else ""
                raise unsupported(
                    span,
                    "unknown-type",
                    f"the type of `{text}` is not known{detail}",
                    "annotate it or take a profile",
                    str(line) if line else "",
                )
            case _:
                assert_never(kind)

    def array_input(self, root: str, path: tuple[str, ...], kind: ArrayType) -> ArrayValue:
        state = self.state
        name = state.fresh("_".join((root.rpartition(":")[2], *path)))
        extents = tuple(
            1 if axis in kind.units else state.parameter(f"{name}_{axis}", minimum=0) for axis in range(kind.rank)
        )
        symbols = tuple(integer(extent) if isinstance(extent, int) else Sym(extent) for extent in extents)
        state.arrays[name] = Array(name, kind.dtype, symbols, Role.ARGUMENT)
        order = Order(frozenset((name,)) if kind.rank > 1 else frozenset())
        state.orders[name] = order
        state.inputs[".".join((root, *path))] = Input(root, path, ArrayInput(name, kind.dtype, extents, Layout.C, False))
        dims = tuple(Dim(integer(0), ((axis, 1),)) for axis in range(kind.rank))
        return ArrayValue(name, kind.dtype, dims, symbols, order, whole=True)

    def list_input(self, root: str, path: tuple[str, ...], kind: ListType, span: Span) -> ListValue:
        """A list as an array of its own, C-contiguous."""
        if kind.box == "numpy":
            raise unsupported(span, "list-elements", f"`{'.'.join((root, *path))}` is a list of NumPy scalars", "use an array")
        view = self.array_input(root, path, ArrayType(kind.dtype, kind.rank))
        text = ".".join((root, *path))
        item = self.state.inputs[text]
        assert isinstance(item.type, ArrayInput)  # array_input has made it
        self.state.inputs[text] = replace(item, type=replace(item.type, container=kind.container))
        for extent, length in zip(view.extents, kind.lengths, strict=False):
            self.state.assume_equal(extent, integer(length), "the length of the tuple", span)
        return ListValue(view, "python", kind.container == "tuple")

    def scalar_input(self, root: str, path: tuple[str, ...], kind: ScalarType, span: Span) -> ScalarValue:
        state = self.state
        text = ".".join((root, *path))
        if kind.box == "mixed":  # one of both has to be expected
            kind = ScalarType("numpy", kind.dtype)
        if kind == ScalarType("python", DType.INT64):
            name = state.parameter("_".join((root.rpartition(":")[2], *path)))
            state.inputs[text] = Input(root, path, ScalarInput(Box.PYTHON, kind.dtype, None, name))
            return ScalarValue(kind, Sym(name))
        name = state.fresh("_".join((root.rpartition(":")[2], *path)))
        state.arrays[name] = Array(name, kind.dtype, (), Role.INPUT)
        state.inputs[text] = Input(root, path, ScalarInput(Box(kind.box), kind.dtype, name, None))
        return ScalarValue(kind, Load(name, (), kind.dtype))

    def attribute(self, value: ObjectValue, name: str, span: Span) -> Value:
        """An attribute of an object, as it is here."""
        key = value.key(name)
        if key in self.state.heap:
            return self.settle(self.state.heap[key], span)
        if value.local:
            return self.member(value.name, name, span)
        if self.caller is not None:
            return self.outermost.attribute(value, name, span)
        path = (*value.path, name)
        binding = self.entry.get(".".join((value.root, *path)))
        deeper = any(key.startswith(".".join((value.root, *path)) + ".") for key in self.entry)
        kind: PyType | None = binding.type if binding is not None else None
        if kind is None or isinstance(kind, UnknownType):
            kind = self.function.project.attribute(value.name, name) or kind
        if kind is None:
            kind = ObjectType() if deeper else UnknownType("no profile has seen it as data")
        return self.input(value.root, path, kind, span)

    def initial(self, key: str, span: Span) -> Value | None:
        """What an attribute was when the region began; None where that is no question."""
        if key not in self.state.stores:
            return None
        return self.outermost.attribute_at_entry(*self.state.stores[key], span)

    def attribute_at_entry(self, value: ObjectValue, name: str, span: Span) -> Value:
        """An attribute of an argument before the region sets it."""
        heap, self.state.heap = self.state.heap, {}
        try:
            return self.attribute(value, name, span)
        finally:
            self.state.heap = heap

    def member(self, path: str, name: str, span: Span) -> Value:
        """What a class of the project ("pkg.mod.Grid") has under a name, guarded: a function or a constant."""
        home, _, own = path.rpartition(".")
        project = self.function.project
        found = project.member(project.names(home), own, name, home, ()) if path else None
        if found is None:
            raise unsupported(span, "attribute", f"`.{name}` of a {own or 'object'} that is made here is not known")
        return self.found(found, span)

    def method(self, value: ObjectValue, name: str, span: Span) -> FunctionValue:
        """A method of an object, guarded; raises Unsupported where it cannot be known."""
        if value.local:
            return self.bound_method(value, value.name, name, span)
        definition = self.function.project.method(value.name, name) if value.name else None
        if definition is None:
            text = f"`{value.text}.{name}` is a method of an object; calls of it stay Python"
            raise unsupported(span, "object-method", text)
        text = f"{value.text}.{name}"
        if text not in self.state.inputs:
            self.state.inputs[text] = Input(value.root, (*value.path, name), MethodInput(definition.key))
        return FunctionValue(definition, method=text, receiver=None if definition.static else value)

    def bound_method(self, value: Value, path: str, name: str, span: Span) -> FunctionValue:
        """A method of an object that the region has made."""
        found = self.member(path, name, span)
        if not isinstance(found, FunctionValue):
            raise unsupported(span, "object-method", f"`.{name}` of a {path} is no method that can be compiled")
        return replace(found, receiver=None if found.definition.static else value)


def attribute_root(path: str) -> bool:
    """Whether a path is a module, so that only what is read from it needs a guard."""
    return "." not in path and path != "builtins"


def constant_value(value: Constant, span: Span) -> Value:
    """A literal as a value."""
    if value is None:
        return NoneValue()
    if isinstance(value, str):
        return StringValue(value)
    operand = literal(value, span)
    return ScalarValue(operand.type, operand.expr)
