"""Finding regions: maximal runs of understood statements, and inside what is not understood the largest pieces that are.

The walk keeps the expected types of names as it goes. Cheap scalar statements at the ends of a run stay Python; a run without a loop and
with fewer than two array operations is not worth a region.

    print(n)                        Python, with the reason
    t = np.zeros(n)          \\
    for i in range(n):        >     a region
        t[i] = a[i] * a[i]   /
    return t.sum() / n              (part of the region if all of it is understood)
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import replace

from setuptools_polyopt.diagnostics import Diagnostic, Severity, Span, Unsupported
from setuptools_polyopt.frontend.annotations import OpenArray, hint
from setuptools_polyopt.frontend.context import Function
from setuptools_polyopt.frontend.guesses import guessed_type
from setuptools_polyopt.frontend.names import bound, own_nodes, read
from setuptools_polyopt.frontend.pytypes import (
    ArrayType,
    Binding,
    Env,
    ListType,
    NoneType,
    PyType,
    UnknownType,
    forget,
    join_envs,
)
from setuptools_polyopt.frontend.runs import (
    Closed,
    Run,
    close,
    close_tail,
    definitely_bound,
    expression_type,
    leaves,
    longest_run,
)
from setuptools_polyopt.frontend.spans import on_own_lines, span_of
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.operators.values import ScalarType

_ROUNDS = 4
_MANY_ELEMENTS = 10
"""Accesses to single elements that take Python longer than the guard of a region, even where it fails."""
_SOME_ELEMENTS = 4
"""Of one statement, for a run to begin or end with it."""
_QUIET = (ast.Pass, ast.Raise, ast.Assert, ast.Import, ast.ImportFrom, ast.Global, ast.Nonlocal, ast.FunctionDef, ast.ClassDef)


class Flow:
    """One walk over a function under one set of entry types; `regions` and `diagnostics` are the result."""

    def __init__(self, function: Function, lines: Sequence[str], node: ast.FunctionDef) -> None:
        self.function = function
        self.node = node
        self.lines = lines
        self.regions: list[Closed] = []
        self.diagnostics: list[Diagnostic] = []
        self.depth = 0
        self.unknown: set[str] = set()
        self.unknown_lines: set[int] = set()
        self.defined: dict[int, Env] = {}
        """Types where functions are defined."""
        self.stopped: dict[int, Diagnostic] = {}  # why a run ended before a statement, which knew more than a new one does

    def block(self, body: Sequence[ast.stmt], env: Env) -> Env | None:
        """Walk a statement list; the types behind it, None if control does not come out."""
        index = 0
        while index < len(body):
            node = body[index]
            if self.is_elif(node):
                after = self.python(node, env)
                if after is None:
                    return None
                index, env = index + 1, after
                continue
            if body is self.node.body and self.tail(body[index:], env):
                return None
            run = longest_run(self.function, env, body[index:])
            if run.steps:
                index, env = self.take(body, index, run, env)
                if leaves(body[:index]):
                    return None
                continue
            assert run.stopped is not None  # an empty run has been stopped
            self.note(node, self.stopped.get(id(node), run.stopped))
            after = self.python(node, env)
            if after is None:
                return None
            index, env = index + 1, after
        return env

    # regions

    def take(self, body: Sequence[ast.stmt], start: int, run: Run, env: Env) -> tuple[int, Env]:
        """Make a region of (part of) a run; where to go on, with the types there."""
        stop = start + len(run.steps)
        if run.stopped is not None and stop < len(body):
            self.stopped.setdefault(id(body[stop]), run.stopped)
        envs = [env, *(step.after for step in run.steps)]
        first, last = self.trimmed(body, start, run)
        reason: Diagnostic | None = None
        end = last
        while end > first and self.worthwhile(run, first - start, end - start):
            if self.wrappable(body[first], body[end - 1]):
                try:
                    self.regions.append(close(self.function, envs[first - start], body[first:end]))
                    return end, envs[end - start]
                except Unsupported as error:
                    reason = reason or error.diagnostic
            end -= 1
            while end > first and not _substantial(run, end - 1 - start):
                end -= 1
        if reason is None:
            self.too_small(body, start, run)
            return stop, envs[-1]
        self.note(body[first], reason)
        after = self.python(body[first], envs[first - start])
        return first + 1, after if after is not None else envs[first + 1 - start]

    def tail(self, rest: Sequence[ast.stmt], env: Env) -> bool:
        """Make a region of all that follows in the function, where a loop returns."""
        loop = isinstance(rest[0], ast.For | ast.While) and any(isinstance(part, ast.Return) for part in own_nodes([rest[0]]))
        if not loop or not self.wrappable(rest[0], rest[-1]):
            return False
        try:
            self.regions.append(close_tail(self.function, self.node, env, rest))
        except Unsupported:
            return False
        return True

    def trimmed(self, body: Sequence[ast.stmt], start: int, run: Run) -> tuple[int, int]:
        """The run without cheap statements at its end, and without those at its start that the rest does not need."""
        first, last = start, start + len(run.steps)
        while last > first and not _substantial(run, last - 1 - start) and not _reads_own_list(run, body[start:last]):
            last -= 1
        while first < last and not _substantial(run, first - start):
            if bound([body[first]]) & read(body[first + 1 : last]):
                break
            first += 1
        return first, last

    def worthwhile(self, run: Run, first: int, last: int) -> bool:
        steps = run.steps[first:last]
        operations = sum(step.nests for step in steps) >= 2 or sum(step.elements for step in steps) >= _MANY_ELEMENTS
        return operations or any(step.explicit for step in steps)

    def too_small(self, body: Sequence[ast.stmt], start: int, run: Run) -> None:
        for offset, step in enumerate(run.steps):
            stopped = self.stopped.get(id(body[start + offset]))
            if stopped is not None:
                self.note(body[start + offset], stopped)
            elif step.nests:
                span = span_of(self.function.file, body[start + offset])
                self.diagnostics.append(
                    Diagnostic(
                        span,
                        "single-operation",
                        "one array operation alone is as fast in NumPy",
                        "",
                        severity=Severity.NOTE,
                    )
                )

    def wrappable(self, first: ast.stmt, last: ast.stmt) -> bool:
        """Whether the statements stand on lines of their own."""
        end = last.end_lineno or last.lineno
        return on_own_lines(self.lines, Span("", first.lineno, first.col_offset, end, last.end_col_offset or 0))

    def is_elif(self, node: ast.stmt) -> bool:
        """Whether an `if` is written as `elif`, so that nothing can be put before it."""
        text = self.lines[node.lineno - 1].encode()[node.col_offset :].decode()
        return isinstance(node, ast.If) and text.startswith("elif")

    # what stays Python

    def note(self, node: ast.stmt, reason: Diagnostic) -> None:
        results = node.value.elts if isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple) else [getattr(node, "value", None)]
        plain = isinstance(node, ast.Return) and all(item is None or isinstance(item, ast.Name | ast.Constant) for item in results)
        cheap = reason.kind == "attribute-assignment" and not self.depth and not isinstance(node, ast.For | ast.If)
        test = reason.kind == "none" and isinstance(node, ast.If)  # what stands in its branches is noted there
        if isinstance(node, _QUIET) or plain or cheap or test or reason.kind == "dead-name":
            return
        if reason.kind == "unknown-type":  # one for each name, and none for what follows from another
            if reason.message in self.unknown or (reason.developer.isdigit() and int(reason.developer) in self.unknown_lines):
                self.unknown_lines.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
                return
            self.unknown.add(reason.message)
            self.unknown_lines.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
        self.diagnostics.append(reason)

    def python(self, node: ast.stmt, env: Env) -> Env | None:
        """A statement that stays Python: look for regions inside, and carry the types on."""
        match node:
            case ast.If():
                return self.branches(node, env)
            case ast.For() | ast.AsyncFor():
                return self.loop(node, node.body, env, self.loop_target(node, env))
            case ast.While():
                return self.loop(node, node.body, env, env)
            case ast.With() | ast.AsyncWith():
                inner = forget(env, bound([item.optional_vars for item in node.items if item.optional_vars]), True, "")
                after = self.block(node.body, inner)
                return self.weakened(env, node) if after is None else join_envs(self.weakened(env, node), after)
            case ast.Try():
                return self.attempt(node, env)
            case ast.Return() | ast.Raise() | ast.Break() | ast.Continue():
                return None
            case ast.FunctionDef():
                self.defined.setdefault(id(node), env)
                return forget(env, [node.name], True, f"line {node.lineno} computes it in Python", node.lineno)
            case ast.Delete():
                return {name: binding for name, binding in env.items() if name not in bound([node])}
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=ast.expr()):
                return {**env, name: Binding(self.annotated(annotation))}
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                guess = guessed_type(self.function, env, value, expression_type)
                if isinstance(guess, UnknownType):
                    guess = self.made(value) or guess
                if isinstance(guess, UnknownType):
                    guess = UnknownType(f"line {node.lineno} computes it in Python", node.lineno)
                return {**env, name: Binding(guess)}
            case _:
                certain = definitely_bound([node])
                known = forget(env, bound([node]) - certain, False, "it is computed by Python")
                return forget(known, certain, True, f"line {node.lineno} computes it in Python", node.lineno)

    def annotated(self, annotation: ast.expr) -> ScalarType | ArrayType | ListType | UnknownType:
        found = hint(annotation, self.function.module)
        if isinstance(found, OpenArray):
            return ArrayType(found.dtype or DType.FLOAT64, found.rank) if found.rank else UnknownType("its rank is open")
        return found or UnknownType("its annotation does not say enough")

    def made(self, value: ast.expr) -> PyType | None:
        """What a call of the project's own code answers, as far as that is known from elsewhere."""
        root = value.func if isinstance(value, ast.Call) else value
        while isinstance(root, ast.Attribute):
            root = root.value
        if isinstance(root, ast.Name) and root.id in self.function.names.locals | self.function.enclosing:
            return None
        return self.function.project.made(self.function.module, value)

    def branches(self, node: ast.If, env: Env) -> Env | None:
        """Of `if x is None:`, the branch that these types take says what comes behind; the other one may still leave a name unbound."""
        taken = _decided(node.test, env)
        then = self.branch(node.body, env, taken is False)
        orelse = self.branch(node.orelse, env, taken is True)
        if then is None or orelse is None:
            return then if orelse is None else orelse
        if taken is None:
            return join_envs(then, orelse)
        joined, live = join_envs(then, orelse), then if taken else orelse
        return {name: Binding(live[name].type, joined[name].definite) if name in live else joined[name] for name in joined}

    def branch(self, body: Sequence[ast.stmt], env: Env, dead: bool) -> Env | None:
        """Walk a branch; dead: these types do not take it, and that something is None there is no news."""
        before = len(self.diagnostics)
        after = self.block(body, env)
        if dead:
            self.diagnostics[before:] = [item for item in self.diagnostics[before:] if item.kind != "none"]
        return after

    def loop_target(self, node: ast.For | ast.AsyncFor, env: Env) -> dict[str, Binding]:
        counts = isinstance(node.iter, ast.Call) and self.function.module.dotted(node.iter.func) == "builtins.range"
        if counts and isinstance(node.target, ast.Name):
            return {**env, node.target.id: Binding(ScalarType("python", DType.INT64))}
        if isinstance(node.target, ast.Name):
            item = self.item_type(node.iter, env)
            if item is not None:
                return {**env, node.target.id: Binding(item)}
        return forget(env, bound([node.target]), True, "it comes out of an iterator")

    def item_type(self, node: ast.expr, env: Env) -> PyType | None:
        """The type of what a loop over a list or an array gives, None for anything else."""
        try:
            kind = expression_type(self.function, env, node)
        except Unsupported:
            return None
        match kind:
            case ListType(dtype=dtype, rank=1, box=box):
                return ScalarType(box, dtype)
            case ListType(container="list"):
                return replace(kind, rank=kind.rank - 1)
            case ArrayType(dtype=dtype, rank=rank):
                return ScalarType("numpy", dtype) if rank == 1 else ArrayType(dtype, rank - 1)
            case _:
                return None

    def loop(self, node: ast.For | ast.AsyncFor | ast.While, body: Sequence[ast.stmt], env: Env, head: Env) -> Env:
        """Types at the start of the body are found by walking it until they fit those at its end. head: `env` with the loop's target,
        which has no value behind a loop that never ran."""
        self.depth += 1
        for _ in range(_ROUNDS):
            regions, diagnostics = len(self.regions), len(self.diagnostics)
            unknown = set(self.unknown)
            end = self.block(body, head)
            joined = head if end is None else join_envs(head, {**end, **{k: v for k, v in head.items() if k not in bound(body)}})
            target = bound([node.target]) if isinstance(node, ast.For | ast.AsyncFor) else frozenset()
            joined = {**joined, **{name: head[name] for name in target if name in head}}
            if joined == head:
                break
            del self.regions[regions:], self.diagnostics[diagnostics:]
            self.unknown = unknown
            head = joined
        else:
            head = forget(head, bound(body), False, "its type changes in the loop")
            self.block(body, head)
        self.depth -= 1
        after = self.weakened(join_envs(env, head), node)
        if node.orelse:
            self.block(node.orelse, after)
        return after

    def weakened(self, env: Env, node: ast.stmt) -> dict[str, Binding]:
        """Behind a statement that may have stopped anywhere: names that it may unbind are not definite."""
        deleted = {name for part in ast.walk(node) if isinstance(part, ast.Delete) for name in bound([part])}
        return {name: Binding(b.type, b.definite and name not in deleted) for name, b in env.items()}

    def attempt(self, node: ast.Try, env: Env) -> Env:
        inside = self.block(node.body, env)
        broken = self.weakened(forget(env, bound(node.body), False, "it is set in a `try` block"), node)
        for handler in node.handlers:
            named = forget(broken, [handler.name] if handler.name else [], True, "it is an exception")
            self.block(handler.body, named)
        if inside is not None:
            self.block(node.orelse, inside)
        self.block(node.finalbody, broken)
        every = bound([*node.orelse, *node.finalbody, *(part for handler in node.handlers for part in handler.body)])
        names = {handler.name for handler in node.handlers if handler.name}
        behind = forget(broken, every, False, "it is set in a `try` block")
        return {name: binding for name, binding in behind.items() if name not in names}


def _decided(test: ast.expr, env: Env) -> bool | None:
    """What `x is None` and `x is not None` are for the expected types; None where they do not say."""
    match test:
        case ast.Compare(left=ast.Name(id=name), ops=[ast.Is() | ast.IsNot() as op], comparators=[ast.Constant(value=None)]):
            kind = env[name].type if name in env else UnknownType("")
            return None if isinstance(kind, UnknownType) else isinstance(kind, NoneType) == isinstance(op, ast.Is)
        case _:
            return None


def _substantial(run: Run, index: int) -> bool:
    """Whether a statement of a run has a loop, explicit or implied, or a whole formula of elements."""
    step = run.steps[index]
    return bool(step.explicit or step.nests or step.elements >= _SOME_ELEMENTS)


def _reads_own_list(run: Run, body: Sequence[ast.stmt]) -> bool:
    """Whether the last statement reads a list or an object that the ones before have made: outside, it would have to be made as such."""
    if len(body) < 2:
        return False
    types = run.steps[len(body) - 2].after
    known = (types.get(name) for name in read([body[-1]]) & bound(body[:-1]))
    return any(binding is not None and isinstance(binding.type, ListType | UnknownType) for binding in known)


def in_any(span: Span, regions: Sequence[Closed]) -> bool:
    """Whether a place lies inside a region."""
    return any(region.span.line <= span.line <= region.span.end_line for region in regions)
