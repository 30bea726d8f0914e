"""Loops: `for` and `while`; bounds, and names that go round the loop (`behind`: those that live on).

Types are found by lowering the body again until the types at its start fit those at its end. A loop that data steers (a `while`, bounds
that are read from somewhere, a `break`) becomes a `Serial` block. Every way out of its body leaves the names in the same variables, so
that it does not matter which one was taken; `continue` at the end of a branch is no way out, but an `if` around the rest of the body.

    s = 0.0                                S0: s = 0.0
    for k in range(n):              ->     for k in 0..n:
        s += a[k]                            S1: s = s + a[k]
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from setuptools_polyopt.diagnostics import Span, Unsupported, unsupported
from setuptools_polyopt.frontend import appends, carried
from setuptools_polyopt.frontend.behind import Left, Way, behind, behind_steered, dead, meet
from setuptools_polyopt.frontend.carried import Carried
from setuptools_polyopt.frontend.classes import stored_attributes
from setuptools_polyopt.frontend.context import Context
from setuptools_polyopt.frontend.expressions import truth
from setuptools_polyopt.frontend.iterables import At, indices_of
from setuptools_polyopt.frontend.joins import current, differs, mixed, stored, tagged, widen
from setuptools_polyopt.frontend.jumps import chained, has_jumps, paths_on, structured
from setuptools_polyopt.frontend.lists import as_tuple
from setuptools_polyopt.frontend.names import bound
from setuptools_polyopt.frontend.ranges import PYTHON_INT, DataHeader, Header
from setuptools_polyopt.frontend.shapes import Group, alike, leaves, rebuilt, root
from setuptools_polyopt.frontend.values import ConflictValue, ListValue, ObjectValue, PendingValue, ScalarValue, Value
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import FALSE, TRUE, Const, Expr, Load, Sym, Unary, integer
from setuptools_polyopt.ir.statements import Assign, Break, Continue, For, If, Serial, Stmt, While, walk
from setuptools_polyopt.operators.values import ScalarType, tag_of

_ROUNDS = 6

Kind: TypeAlias = "tuple[ScalarType, bool] | Carried | ConflictValue"
"""How a name goes round the loop: as a scalar of that type (and `narrow`), as an array in a variable of its own, or not at all."""


@dataclass(frozen=True)
class Parts:
    """How what is inside a loop is lowered. block: statements. store: a value into a target. branch: an `if` with this test, these
    branches and the names that are live behind it."""

    block: Callable[[Context, list[ast.stmt]], None]
    store: Callable[[Context, ast.expr, Value, Span], None]
    branch: Callable[[Context, Expr, tuple[list[ast.stmt], list[ast.stmt]], frozenset[str], Span], None]


def lower_for(ctx: Context, node: ast.For, parts: Parts) -> None:
    """A whole `for` statement."""
    with ctx.state.block() as block:
        header, value = indices_of(ctx, node.iter)
        before = tuple(block)
    if isinstance(header, int):
        for statement in before:
            ctx.state.emit(statement)
        _Spelt(ctx, node, [value(integer(k)) for k in range(header)], parts).run()
        return
    appends.begin(ctx, node, header)
    plain = isinstance(node.target, ast.Name) and value(Sym("i")) == ScalarValue(PYTHON_INT, Sym("i"))
    _Loop(ctx, node, node.target.id if plain and isinstance(node.target, ast.Name) else "", header, before, parts, value).run()
    appends.end(ctx, ctx.span(node))


@dataclass
class _Spelt:
    """A loop over the items of a tuple, written out. broken: what keeps whether a `break` has left it, where that has to be asked."""

    ctx: Context
    node: ast.For
    values: list[Value]
    parts: Parts
    broken: Load | None = None
    position: int = 0

    def run(self) -> None:
        names, state = self.ctx.function.names, self.ctx.state
        span, behind = self.ctx.span(self.node), names.live[id(self.node)]
        body = structured(self.node.body, names, True, behind)
        paths = paths_on(body)
        if paths is None:
            raise unsupported(span, "loop-iterable", "a loop over a tuple with a jump that ends no branch is not supported")
        lives_on = behind.union(*(names.live_in[id(item)] for item in self.node.orelse[:1]))
        if paths > 1 and has_jumps(body) and bound([self.node.target]) & lives_on:
            raise unsupported(span, "loop-iterable", "the variable of a loop over a tuple with `break` lives on", "use another name")
        state.flows.append(self)
        try:
            if has_jumps(body) and paths <= 1:
                self.again()
            else:
                self.flagged(body, span)
        finally:
            state.flows.pop()

    def again(self) -> None:
        """The next iteration, and all behind it."""
        ctx = self.ctx
        if self.position == len(self.values):
            self.parts.block(ctx, self.node.orelse)
            return
        self.parts.store(ctx, self.node.target, self.values[self.position], ctx.span(self.node.iter))
        self.position += 1
        self.parts.block(ctx, chained(self.node, ctx.function.names))
        self.position -= 1

    def flagged(self, body: list[ast.stmt], span: Span) -> None:
        """One iteration after the other, each of which asks whether a `break` has left the loop."""
        ctx, names = self.ctx, self.ctx.function.names
        if has_jumps(body):
            self.broken = ctx.state.scratch(DType.BOOL)
            ctx.state.emit(Assign(self.broken, FALSE, span))
        behind = names.live[id(self.node)]
        for value in self.values:
            self.parts.store(ctx, self.node.target, value, ctx.span(self.node.iter))
            self.unless(body, names.live[id(self.node.body[-1])] | behind, span)
        self.unless(self.node.orelse, behind, span)

    def unless(self, body: list[ast.stmt], live: frozenset[str], span: Span) -> None:
        if self.broken is None:
            self.parts.block(self.ctx, body)
        elif body:
            self.parts.branch(self.ctx, Unary("not", self.broken, DType.BOOL), (body, []), live, span)


def lower_while(ctx: Context, node: ast.While, parts: Parts) -> None:
    """A whole `while` statement."""
    _Loop(ctx, node, "", None, (), parts, None).run()


def lower_jump(ctx: Context, node: ast.Break | ast.Continue) -> None:
    """`break` or `continue`: nothing runs behind it."""
    loop = ctx.state.flows[-1]
    if isinstance(loop, _Spelt):  # nothing stands behind the `break`
        assert loop.broken is not None  # made for it
        ctx.state.emit(Assign(loop.broken, TRUE, ctx.span(node)))
        return
    assert isinstance(loop, _Loop)  # the syntax has a loop around it
    loop.jump(isinstance(node, ast.Break))
    ctx.state.ended = 1


def lower_again(ctx: Context) -> None:
    """The place of the next iteration in one that is written out."""
    loop = ctx.state.flows[-1]
    assert isinstance(loop, _Spelt)  # which has made the place
    loop.again()


def is_set(ctx: Context, key: str) -> bool:
    """Whether something in the project sets attributes of that name, so that a loop may."""
    return key.rpartition(".")[2] in stored_attributes(ctx.function.project)


class _Loop:
    """One loop; `heads` are the values of the names at the start of the body. target: the name that is the iterator itself, if any (not
    where data steers the loop and its body sets the name).
    header, value: the iterator's range and what the loop's targets become for it; None for a `while`. before: what runs once, before
    the loop."""

    def __init__(
        self,
        ctx: Context,
        node: ast.For | ast.While,
        target: str,
        header: Header | DataHeader | None,
        before: tuple[Stmt, ...],
        parts: Parts,
        value: At | None,
    ) -> None:
        self.ctx = ctx
        self.node = node
        self.target = target
        self.header = header
        self.prologue = before
        self.test: Expr = TRUE
        self.heads_now: dict[str, Value | None] = {}
        self.kinds_now: dict[str, Kind] = {}
        self.parts = parts
        self.value = value
        last = node.iter if isinstance(node, ast.For) else node.test
        self.span = Span(ctx.function.file, node.lineno, node.col_offset, last.end_lineno or node.lineno, last.end_col_offset or 0)
        names = ctx.function.names
        self.statements = structured(node.body, names)
        self.serial = not isinstance(header, Header) or has_jumps(self.statements)
        targets = bound([node.target]) if isinstance(node, ast.For) else frozenset()
        self.names = sorted((bound(node.body) | targets) & names.locals)
        if targets & names.shared:
            raise unsupported(self.span, "shared-name", "a loop variable is declared global or nonlocal", "use a local variable")
        self.live_in = names.live_in[id(node)]
        self.live_out = names.live[id(node)] | (names.live_in[id(node.orelse[0])] if node.orelse else frozenset())
        self.assigned: list[str] = []
        """The names, attributes and items of tuples that go round the loop."""
        self.shapes: dict[str, Value] = {}
        """Tuples, which go round the loop item by item."""
        self.fields: dict[str, tuple[ObjectValue, str] | None] = {}
        """Attributes that go round the loop, by their keys, with the argument that they belong to."""
        self.heap: dict[str, Value] = {}
        """All attributes at the start of the body."""
        self.touched: dict[str, tuple[ObjectValue, str] | None] = {}
        """Attributes that the body has changed although they do not go round the loop."""
        self.iterator = ""
        self.before: dict[str, Value] = {}
        self.left: dict[str, PendingValue] = {}
        """What hangs on a loop inside having run, at the end of the body."""
        self.borrowed: frozenset[str] = frozenset()
        """Names that began with the constant before a loop around."""
        self.ways: list[Way] = []
        self.copies: set[Stmt] = set()
        """The jumps in the body, in the order of the text."""
        self.exits: dict[str, tuple[ScalarType, bool]] = {}
        """The types of names on all ways out of the body, as far as an earlier round has found them."""
        self.endless = False
        self.broken: Load | None = None
        if node.orelse and has_jumps(self.statements):
            self.broken = ctx.state.scratch(DType.BOOL)
            self.prologue = (*before, Assign(self.broken, FALSE, self.span))
        if self.serial and target in bound(node.body):
            self.target = ""  # a name like any other, which each iteration begins with

    def run(self) -> None:
        ctx = self.ctx
        self.fields = dict.fromkeys(key for key in ctx.state.heap if is_set(ctx, key))
        entry = self.entered()
        self.before = dict(ctx.state.env)
        kinds: dict[str, Kind] = {}
        rounds = 0
        while rounds < _ROUNDS:
            restore = ctx.state.checkpoint()
            heads = self.heads(entry, kinds)
            ends, body = self.body(entry, heads, kinds)
            if self.touched:
                restore()
                self.fields |= self.touched
                entry = self.entered()
                continue
            rounds += 1
            changed = self.compare(entry, heads, ends, kinds)
            exits = self.joined(ends) if self.serial else {}
            if not changed and exits == self.exits:
                for name, kind in kinds.items():
                    ends[name] = heads[name] if isinstance(kind, Carried) else ends[name]
                self.finish(entry, heads, ends, body)
                self.otherwise()
                return
            kinds.update(changed)
            self.exits = exits
            restore()
        raise unsupported(self.span, "type-conflict", "the types of the names in this loop do not settle")

    def entered(self) -> dict[str, Value | None]:
        """The values before the loop, tuples item by item from here on."""
        entry: dict[str, Value | None] = {}
        self.shapes, self.assigned = {}, []
        for name in (*self.names, *self.fields):
            value = self.entry_of(name)
            if isinstance(value, ListValue):
                value = as_tuple(self.ctx, value)
            parts: dict[str, Value | None] = {name: value}
            if isinstance(value, Group):
                self.shapes[name] = value
                parts = {**leaves(name, value)}
            self.assigned += parts
            entry.update(parts if name in self.live_in or name in self.fields else {})
        return entry

    def entry_of(self, name: str) -> Value | None:
        """What a name or an attribute is worth before the loop."""
        ctx = self.ctx
        if name in self.fields:
            known = ctx.state.heap.get(name)
            owner = self.fields[name]
            return known if known is not None or owner is None else ctx.outermost.attribute_at_entry(*owner, self.span)
        return current(ctx, name, self.span) if name in self.live_in else None

    def put(self, values: Mapping[str, Value]) -> None:
        """Give the names these values."""
        state = self.ctx.state
        whole = {name: value for name, value in values.items() if name == root(name)}
        whole |= {name: rebuilt(name, shape, values) for name, shape in self.shapes.items()}
        for name, value in whole.items():
            (state.heap if name in self.fields else state.env)[name] = value

    def otherwise(self) -> None:
        """The `else` of the loop: runs unless a `break` has left it."""
        orelse = self.node.orelse
        if orelse and self.broken is not None:
            live = self.ctx.function.names.live[id(self.node)]
            self.parts.branch(self.ctx, Unary("not", self.broken, DType.BOOL), (orelse, []), live, self.span)
        else:
            self.parts.block(self.ctx, orelse)

    # the start of the body

    def heads(
        self, entry: dict[str, Value | None], kinds: dict[str, Kind]
    ) -> dict[str, Value | None]:
        """Values at the start of each iteration, and the stores that make them so for the first one."""
        result: dict[str, Value | None] = {}
        for name, value in entry.items():
            kind = kinds.get(name)
            if isinstance(kind, ConflictValue):
                result[name] = kind
            elif isinstance(kind, Carried) and value is not None and (array := carried.array_of(value)) is not None:
                result[name] = carried.like(value, carried.enter(self.ctx, name, array, kind, self.span))
            elif isinstance(value, ScalarValue) and name != self.target and not isinstance(kind, Carried):
                wide, narrow = kind or (value.type, value.narrow)
                storage = self.ctx.state.variable(name, wide.dtype)
                wide = mixed(self.ctx, name, wide, (value.type,), narrow)
                tags = tagged(self.ctx, name, value.type, self.span) if wide.tag is not None else ()
                for statement in (*tags, *stored(self.ctx, value, storage, self.span)):
                    self.ctx.state.emit(statement)
                result[name] = ScalarValue(wide, Load(storage, (), wide.dtype), storage, narrow)
            else:
                result[name] = value
        return result

    def body(
        self, entry: dict[str, Value | None], heads: dict[str, Value | None], kinds: dict[str, Kind]
    ) -> tuple[dict[str, Value | None], list[Stmt]]:
        """Lower the body once: the values where it goes round, and its statements."""
        state = self.ctx.state
        self.left, self.ways, self.heads_now, self.kinds_now, self.copies = {}, [], heads, kinds, set()
        self.iterator = state.iterator(self.target or "k") if self.header is not None else ""
        for name in self.assigned:
            state.env.pop(root(name), None)
        self.put({name: value for name, value in heads.items() if value is not None})
        self.heap, self.touched = dict(state.heap), {}
        unbound_here = [name for name in self.assigned if name not in heads]
        for name in unbound_here:
            state.env[name] = ConflictValue(dead(name, self.span))
        if self.target:
            state.env[self.target] = ScalarValue(PYTHON_INT, Sym(self.iterator))
            state.bound[self.target] = None
        if self.header is not None:
            state.loops.append(For(self.iterator, *self.header.ends, self.header.step, (), span=self.span))
        if isinstance(self.header, DataHeader):
            state.irregular[self.iterator] = None
        around = state.starts
        state.starts = dict(around)
        for name, value in entry.items():
            if isinstance(value, ScalarValue) and value.type == PYTHON_INT and isinstance(value.expr, Const) and name not in kinds:
                state.starts[name] = value
        facts = self.header.facts(self.iterator) if isinstance(self.header, Header) else ()
        state.flows.append(self)
        state.serial += self.serial
        try:
            with state.block() as block, state.facts(*facts):
                self.enter()
                self.parts.block(self.ctx, self.statements)
                ended, state.ended = state.ended, 0
                ends: dict[str, Value | None] = {}
                if not ended:
                    ends = self.leave()
                    self.check(entry, heads, ends, list(block))
                    self.copy_round(ends)
                elif not any(not way.leaves for way in self.ways):
                    raise unsupported(self.span, "no-loop", "this loop never comes to a second iteration")
                body = list(block)
        finally:
            state.flows.pop()
            state.serial -= self.serial
            if self.header is not None:
                state.loops.pop()
            state.irregular.pop(self.iterator, None)
            state.starts = around
        rounds = [*([ends] if not ended else []), *(way.values for way in self.ways if not way.leaves)]
        return {name: meet(self.ctx, name, [values[name] for values in rounds], self.span) for name in self.assigned}, body

    def enter(self) -> None:
        """What an iteration begins with: the test of a `while`; the loop's variable, where it lives on."""
        state = self.ctx.state
        self.test = TRUE
        if isinstance(self.node, ast.While):
            test = truth(self.ctx, self.ctx.expr(self.node.test), self.ctx.span(self.node.test))
            self.endless = test == TRUE
            if state.blocks[-1]:
                self.ways.append(Way(True, dict(self.heads_now)))
                state.emit(If(Unary("not", test, DType.BOOL), (Break(),), (), self.span))
            else:
                self.test = test
        elif not self.target and self.value is not None and isinstance(self.node, ast.For):
            self.parts.store(self.ctx, self.node.target, self.value(Sym(self.iterator)), self.span)
        elif self.serial and self.target in self.live_out:
            state.emit(Assign(Load(state.variable(self.target, DType.INT64), (), DType.INT64), Sym(self.iterator), self.span))

    def leave(self) -> dict[str, Value | None]:
        """The values of the names here, stored where the next iteration, or the code behind the loop, reads them."""
        self.touch()
        ends = {name: self.end(name) for name in self.assigned}
        for name, value in ends.items():
            for statement in self.carry(name, self.heads_now.get(name), value):
                self.ctx.state.emit(statement)
        return ends

    def touch(self) -> None:
        """Note the attributes that the body changes and that do not go round the loop yet."""
        heap, stores = self.ctx.state.heap, self.ctx.state.stores
        for key, value in heap.items():
            if key not in self.fields and (self.heap[key] != value if key in self.heap else key in stores):
                self.touched[key] = stores.get(key)

    def copy_round(self, ends: dict[str, Value | None]) -> None:
        """Arrays that go round the loop take over their new values."""
        names = [name for name, kind in self.kinds_now.items() if isinstance(kind, Carried)]
        pairs = [(carried.array_of(self.heads_now[name]), carried.array_of(ends[name])) for name in names]
        carried.go_round(self.ctx, [(a, b) for a, b in pairs if a is not None and b is not None], self.span)

    def jump(self, leaves: bool) -> None:
        """A `break` or `continue`."""
        ends = self.leave()
        with self.ctx.state.block() as copies:
            self.copy_round(ends)
        self.copies.update(item for item in walk(tuple(copies)) if isinstance(item, Assign))
        self.ctx.state.blocks[-1].extend(copies)
        for name, kind in self.kinds_now.items():
            ends[name] = self.heads_now[name] if isinstance(kind, Carried) else ends[name]
        self.ways.append(Way(leaves, ends))
        if leaves and self.broken is not None:
            self.ctx.state.emit(Assign(self.broken, TRUE, self.span))
        self.ctx.state.emit(Break() if leaves else Continue())

    def joined(self, ends: dict[str, Value | None]) -> dict[str, tuple[ScalarType, bool]]:
        """The types of the scalars on all ways out of the body."""
        found = {}
        for name, end in ends.items():
            value = meet(self.ctx, name, [end, *(way.values.get(name) for way in self.ways if way.leaves)], self.span)
            if isinstance(value, ScalarValue) and name != self.target:
                found[name] = (value.type, value.narrow)
        return found

    def end(self, name: str) -> Value | None:
        state = self.ctx.state
        value = (state.heap if root(name) in self.fields else state.env).get(root(name))
        if value is None:
            return None
        if root(name) in self.shapes:
            shape = self.shapes[root(name)]
            value = as_tuple(self.ctx, value) if isinstance(value, ListValue) else value
            value = leaves(root(name), value)[name] if alike(value, shape) else differs(root(name), self.span, "is another tuple or object")
        if isinstance(value, PendingValue):
            self.left[name] = value
        try:
            return self.ctx.settle(value, self.span)
        except Unsupported as error:
            return ConflictValue(error.diagnostic)

    def carry(self, name: str, head: Value | None, value: Value | None) -> tuple[Stmt, ...]:
        """Stores at the end of the body: what the next iteration, or the code behind the loop, reads."""
        if not isinstance(value, ScalarValue) or name == self.target:
            return ()
        known = self.exits.get(name)
        storage = self.ctx.state.variable(name, known[0].dtype if known else value.type.dtype)
        changes = (isinstance(head, ScalarValue) and head.type.tag is not None) or (known is not None and known[0].tag is not None)
        if changes and tag_of(value.type) is None:
            raise unsupported(self.span, "mixed-scalar", f"what type `{name}` has at the end of the loop's body is not known")
        tags = tagged(self.ctx, name, value.type, self.span) if changes else ()
        return *tags, *stored(self.ctx, value, storage, self.span)

    def check(
        self, entry: dict[str, Value | None], heads: dict[str, Value | None], ends: dict[str, Value | None], body: list[Stmt]
    ) -> None:
        """Turn carried arrays into conflicts where the variable could be told from the objects that it stands for."""
        live = self.live_in | self.live_out
        arrays = {name: tuple(carried.array_of(where[name]) for where in (entry, heads, ends)) for name in entry}
        moving = frozenset(name for name, (first, head, _) in arrays.items() if first is not None and head is not None and first != head)
        bad = {}
        for name, (first, variable, end) in arrays.items():
            if first is None or variable is None or end is None or name not in moving:
                continue
            env = self.ctx.state.env
            known = {**{other: value for other, value in env.items() if other in live}, **self.ctx.state.heap}
            parts = {key: part for other, value in known.items() for key, part in leaves(other, value).items()}
            others = {other: value for other, value in parts.items() if other != name}
            this = carried.Round(name, first, variable, end)
            reason = carried.harmful(self.ctx, this, body, self.before, others, moving, self.copies)
            if reason is not None:
                bad[name] = differs(name, self.span, reason)
        ends.update(bad)

    # the fixpoint

    def compare(
        self,
        entry: dict[str, Value | None],
        heads: dict[str, Value | None],
        ends: dict[str, Value | None],
        kinds: dict[str, Kind],
    ) -> dict[str, Kind]:
        """Names whose value at the end of the body does not fit the one at its start, and what to start with instead."""
        changed: dict[str, Kind] = {}
        for name, head in heads.items():
            end = ends[name]
            same = end == head and name not in self.ctx.state.begun
            if head is None or isinstance(head, ConflictValue) or name == self.target or same:
                continue
            if isinstance(end, ConflictValue):
                changed[name] = end
            elif isinstance(head, ScalarValue) and isinstance(end, ScalarValue):
                first = self.start(name, entry[name])
                widened = widen(head, end) or (widen(first, end) if isinstance(first, ScalarValue) else None)
                if widened is None:
                    changed[name] = differs(name, self.span, "changes its type in the loop")
                elif widened != (head.type, head.narrow):
                    changed[name] = widened
                    self.borrowed |= {name} if first is not entry[name] else frozenset()
                elif name in self.ctx.state.begun:
                    changed[name] = differs(name, self.span, "changes its type in a loop inside")
            elif end is not None and (kind := carried.fit(self.ctx, head, end, self.span if name in self.live_in else None)) is not None:
                if kinds.get(name) != kind:
                    changed[name] = kind
            else:
                changed[name] = differs(name, self.span, "is another array or object in each iteration")
        return changed

    def start(self, name: str, entry: Value | None) -> Value | None:
        """The value before the loop: `s = 0` before it and a float at its end go together, if the constant is exact in the later type. In
        the first round of a loop around, the constant is the one before that loop: its own second round begins with the later type."""
        begun = self.ctx.state.starts.get(name)
        if begun is not None and isinstance(entry, ScalarValue) and entry.type == begun.type and entry.storage is not None:
            variable = entry.expr == Load(self.ctx.state.variable(name, entry.type.dtype), (), entry.type.dtype)
            return begun if variable else entry
        return entry

    # behind the loop

    def finish(
        self, entry: dict[str, Value | None], heads: dict[str, Value | None], ends: dict[str, Value | None], body: list[Stmt]
    ) -> None:
        state = self.ctx.state
        loop: Stmt = While(self.test, tuple(body), self.span)
        if self.header is not None:
            loop = For(self.iterator, *self.header.ends, self.header.step, tuple(body), span=self.span)
        whole = (*self.prologue, loop)
        for statement in (Serial(whole, self.span),) if self.serial and not state.serial else whole:
            state.emit(statement)
        state.explicit += 1
        state.begun.update(dict.fromkeys(self.borrowed))
        left = Left(
            self.ctx, self.node, self.span, self.target, self.header, self.iterator, self.left, tuple(self.ways), self.broken, self.endless
        )
        found: dict[str, Value] = {}
        for name in self.assigned:
            if root(name) not in self.live_out and root(name) not in self.fields:
                found[name] = ConflictValue(dead(name, self.span))
            elif self.serial:
                found[name] = behind_steered(left, name, heads, ends[name])
            else:
                found[name] = behind(left, name, entry.get(name), heads.get(name), ends[name])
        self.put(found)
