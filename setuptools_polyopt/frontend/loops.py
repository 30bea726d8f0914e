"""`for` loops over `range`: bounds, names that go round the loop, names that live on.

Types are found by lowering the body again until the types at its start fit those at its end. A loop that may run zero times leaves names
as they were: where that matters for a type or for being bound, a guard says that it runs.

    s = 0.0                                S0: s = 0.0
    for k in range(n):              ->     for k in 0..n:
        s += a[k]                            S1: s = s + a[k]
    return s                               s is np.float64 under the guard n >= 1
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

from setuptools_polyopt.diagnostics import Diagnostic, Span, Unsupported, unsupported
from setuptools_polyopt.frontend import carried
from setuptools_polyopt.frontend.affine import Affine, free_symbols, number, symbol
from setuptools_polyopt.frontend.carried import Carried
from setuptools_polyopt.frontend.context import Context
from setuptools_polyopt.frontend.joins import current, differs, mixed, outside, stored, tagged, widen
from setuptools_polyopt.frontend.names import bound
from setuptools_polyopt.frontend.values import ArrayValue, ConflictValue, PathValue, PendingValue, ScalarValue, Value
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Binary, Const, Load, Sym, integer
from setuptools_polyopt.ir.statements import For, Stmt
from setuptools_polyopt.operators.values import ScalarType, tag_of

PYTHON_INT = ScalarType("python", DType.INT64)
_ROUNDS = 6

Kind: TypeAlias = "tuple[ScalarType, bool] | Carried | ConflictValue"
"""How a name goes round the loop: as a scalar of that type (and `narrow`), as an array in a variable of its own, or not at all."""

LowerBlock = Callable[[Context, list[ast.stmt]], None]


@dataclass(frozen=True)
class Header:
    """`range(lower, upper, step)`."""

    lower: Affine
    upper: Affine
    step: int

    @property
    def ran(self) -> Affine:
        """>= 0 exactly if the loop runs at all."""
        return (self.upper - self.lower if self.step > 0 else self.lower - self.upper) - 1

    def facts(self, iterator: str) -> tuple[Affine, Affine]:
        """What holds of the iterator inside."""
        i = symbol(iterator)
        if self.step > 0:
            return i - self.lower, self.upper - i - 1
        return self.lower - i, i - self.upper - 1


def lower_for(ctx: Context, node: ast.For, lower_block: LowerBlock) -> None:
    """A whole `for` statement."""
    if node.orelse:
        raise unsupported(ctx.span(node), "for-else", "`for ... else` is not supported yet", "set a flag in the loop")
    if not isinstance(node.target, ast.Name):
        raise unsupported(ctx.span(node.target), "loop-target", "a loop variable has to be a plain name")
    loop = _Loop(ctx, node, node.target.id, range_of(ctx, node.iter), lower_block)
    loop.run()


def range_of(ctx: Context, node: ast.expr) -> Header:
    """The bounds of `range(...)`; raises Unsupported for any other iterable."""
    span = ctx.span(node)
    if not isinstance(node, ast.Call) or ctx.function.module.dotted(node.func) != "builtins.range" or node.keywords:
        raise unsupported(
            span, "loop-iterable", f"loops over `{ast.unparse(node)}` are not supported", "loop over `range`"
        )
    if ctx.expr(node.func) != PathValue("builtins.range") or not 1 <= len(node.args) <= 3:
        raise unsupported(span, "loop-iterable", "this is not the builtin `range`")
    forms = [_bound(ctx, argument) for argument in node.args]
    lower = forms[0] if len(forms) > 1 else number(0)
    upper = forms[1] if len(forms) > 1 else forms[0]
    step = forms[2].value if len(forms) == 3 else 1
    if not step:
        raise unsupported(span, "loop-step", "the step of a range has to be a constant other than zero")
    return Header(lower, upper, step)


def _bound(ctx: Context, node: ast.expr) -> Affine:
    value = ctx.expr(node)
    form = ctx.state.form(value.expr) if isinstance(value, ScalarValue) and value.type == PYTHON_INT else None
    if form is None:
        raise unsupported(
            ctx.span(node),
            "loop-bounds",
            f"`{ast.unparse(node)}` is not a sum of loop variables, sizes, integer arguments and constants",
            "compute it before the function is called, and pass it",
        )
    return form


def dead(name: str, span: Span) -> Diagnostic:
    """The reason of a name that the liveness says nobody reads."""
    return Diagnostic(span, "dead-name", f"`{name}` has no value here")


class _Loop:
    """One loop; `heads` are the values of the names at the start of the body."""

    def __init__(self, ctx: Context, node: ast.For, target: str, header: Header, lower_block: LowerBlock) -> None:
        self.ctx = ctx
        self.node = node
        self.target = target
        self.header = header
        self.lower_block = lower_block
        self.span = Span(
            ctx.function.file, node.lineno, node.col_offset, node.iter.end_lineno or node.lineno, node.iter.end_col_offset or 0
        )
        names = ctx.function.names
        self.assigned = sorted((bound(node.body) | {target}) & names.locals)
        if target in names.shared:
            raise unsupported(self.span, "shared-name", f"`{target}` is declared global or nonlocal", "use a local variable")
        self.live_in = names.live_in[id(node)]
        self.live_out = names.live[id(node)]
        self.iterator = ""
        self.before: dict[str, Value] = {}
        self.left: dict[str, PendingValue] = {}
        """What hangs on a loop inside having run, at the end of the body."""
        self.borrowed: frozenset[str] = frozenset()
        """Names that began with the constant before a loop around."""

    def run(self) -> None:
        ctx = self.ctx
        entry = {name: current(ctx, name, self.span) for name in self.assigned if name in self.live_in}
        self.before = dict(ctx.state.env)
        kinds: dict[str, Kind] = {}
        for _ in range(_ROUNDS):
            restore = ctx.state.checkpoint()
            heads = self.heads(entry, kinds)
            ends, body = self.body(entry, heads, kinds)
            changed = self.compare(entry, heads, ends, kinds)
            if not changed:
                for name, kind in kinds.items():
                    ends[name] = heads[name] if isinstance(kind, Carried) else ends[name]
                self.finish(entry, heads, ends, body)
                return
            kinds.update(changed)
            restore()
        raise unsupported(self.span, "type-conflict", "the types of the names in this loop do not settle")

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
            elif isinstance(kind, Carried) and isinstance(value, ArrayValue):
                result[name] = carried.enter(self.ctx, name, value, kind, self.span)
            elif isinstance(value, ScalarValue) and name != self.target and not isinstance(kind, Carried):
                wide, narrow = kind or (value.type, value.narrow)
                storage = self.ctx.state.variable(name, wide.dtype)
                wide = mixed(self.ctx, name, wide, (value.type,))
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
        """Lower the body once: the values at its end, and its statements."""
        state, header = self.ctx.state, self.header
        self.iterator, self.left = state.iterator(self.target), {}
        for name in self.assigned:
            state.env.pop(name, None)
        for name, value in heads.items():
            if value is not None:
                state.env[name] = value
        unbound_here = [name for name in self.assigned if name not in heads]
        for name in unbound_here:
            state.env[name] = ConflictValue(dead(name, self.span))
        state.env[self.target] = ScalarValue(PYTHON_INT, Sym(self.iterator))
        state.bound[self.target] = None
        loop = For(self.iterator, header.lower.expr(), header.upper.expr(), header.step, (), span=self.span)
        state.loops.append(loop)
        around = state.starts
        state.starts = dict(around)
        for name, value in entry.items():
            if isinstance(value, ScalarValue) and value.type == PYTHON_INT and isinstance(value.expr, Const) and name not in kinds:
                state.starts[name] = value
        try:
            with state.block() as block, state.facts(*header.facts(self.iterator)):
                self.lower_block(self.ctx, self.node.body)
                ends = {name: self.end(name) for name in self.assigned}
                for name, value in ends.items():
                    block.extend(self.carry(name, heads.get(name), value))
                self.check(entry, heads, ends, list(block))
                pairs = [(heads[name], ends[name]) for name, kind in kinds.items() if isinstance(kind, Carried)]
                carried.go_round(
                    self.ctx, [(a, b) for a, b in pairs if isinstance(a, ArrayValue) and isinstance(b, ArrayValue)], self.span
                )
                body = list(block)
        finally:
            state.loops.pop()
            state.starts = around
        return ends, body

    def end(self, name: str) -> Value | None:
        value = self.ctx.state.env.get(name)
        if value is None:
            return None
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
        storage = self.ctx.state.variable(name, value.type.dtype)
        changes = isinstance(head, ScalarValue) and head.type.tag is not None
        if changes and tag_of(value.type) is None:
            raise unsupported(self.span, "mixed-scalar", f"what type `{name}` has at the end of the loop's body is not known")
        tags = tagged(self.ctx, name, value.type, self.span) if changes else ()
        return *tags, *stored(self.ctx, value, storage, self.span)

    def check(
        self, entry: dict[str, Value | None], heads: dict[str, Value | None], ends: dict[str, Value | None], body: list[Stmt]
    ) -> None:
        """Turn carried arrays into conflicts where the variable could be told from the objects that it stands for."""
        live = self.live_in | self.live_out
        moving = frozenset(
            name
            for name, first in entry.items()
            if isinstance(first, ArrayValue) and isinstance(heads[name], ArrayValue) and first != heads[name]
        )
        bad = {}
        for name, first in entry.items():
            variable, end = heads[name], ends[name]
            if not (isinstance(first, ArrayValue) and isinstance(variable, ArrayValue) and isinstance(end, ArrayValue)):
                continue
            if name not in moving:
                continue
            env = self.ctx.state.env
            others = {other: value for other, value in env.items() if other != name and other in live}
            this = carried.Round(name, first, variable, end)
            reason = carried.harmful(self.ctx, this, body, self.before, others, moving)
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
            elif isinstance(head, ArrayValue) and isinstance(end, ArrayValue) and carried.fits(self.ctx, head, end):
                kind = Carried(carried.joined(head.order, end.order))
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
        state, header = self.ctx.state, self.header
        state.emit(
            For(self.iterator, header.lower.expr(), header.upper.expr(), header.step, tuple(body), span=self.span)
        )
        state.explicit += 1
        state.begun.update(dict.fromkeys(self.borrowed))
        for name in self.assigned:
            if name not in self.live_out:
                state.env[name] = ConflictValue(dead(name, self.span))
            else:
                state.env[name] = self.behind(name, entry.get(name), heads.get(name), ends[name])

    def behind(self, name: str, entry: Value | None, head: Value | None, end: Value | None) -> Value:
        """What a name is worth when the loop is over."""
        if name == self.target and end == ScalarValue(PYTHON_INT, Sym(self.iterator)):
            end = ScalarValue(PYTHON_INT, self.last().expr())
        keeps = isinstance(end, ScalarValue) and self.ctx.state.certain(self.header.ran) and outside(end, self.iterator)
        if isinstance(end, ScalarValue) and not keeps and (end.storage is not None or not outside(end, self.iterator)):
            storage = self.ctx.state.variable(name, end.type.dtype)
            end = ScalarValue(end.type, Load(storage, (), end.type.dtype), storage, end.narrow)
        if end is None or isinstance(end, ConflictValue):
            return end or ConflictValue(dead(name, self.span))
        if not outside(end, self.iterator):
            return differs(name, self.span, "is a view or array that depends on the loop's last iteration")
        before = entry
        if isinstance(head, ScalarValue) and isinstance(entry, ScalarValue) and name != self.target:
            kind = entry.type if entry.type.dtype is head.type.dtype else head.type
            before = ScalarValue(replace(kind, tag=head.type.tag), head.expr, head.storage, head.narrow)
        if before == end and not isinstance(end, ScalarValue):
            return end
        return self.pending(name, before, end)

    def pending(self, name: str, before: Value | None, after: Value) -> Value:
        """`after`, as far as it is certain that the loop, and the one inside that its type hangs on, have run."""
        ran = () if self.ctx.state.certain(self.header.ran) else (self.header.ran,)
        lasting, inner = True, self.left.get(name)
        if inner is not None and isinstance(after, ScalarValue) and (after.type.box == "mixed" or after.narrow):
            alone = name not in bound([each for each in self.node.body if not isinstance(each, ast.For)])
            alone = alone and sum(name in bound([each]) for each in self.node.body) == 1
            lasting = inner.lasting and alone
            deciding = self.deciding(inner, lasting)
            if deciding is not None and isinstance(inner.after, ScalarValue) and inner.after.type.dtype is after.type.dtype:
                before = before and after
                after = replace(after, type=inner.after.type, narrow=inner.after.narrow)
                ran = (*ran, *deciding)
        if not ran:
            return after
        reason = Diagnostic(
            self.span,
            "zero-trip",
            f"what `{name}` is after the loop depends on whether the loop runs at all",
            "give it a value of the same type before the loop",
        )
        return PendingValue(None if isinstance(before, ConflictValue) else before, after, ran, reason, lasting)

    def deciding(self, inner: PendingValue, lasting: bool) -> tuple[Affine, ...] | None:
        """That the loop inside ran in the last iteration; in the first one, if that is as good and the last one is known to be empty."""
        for value in (self.last(), self.header.lower) if lasting else (self.last(),):
            forms = [form + (value - symbol(self.iterator)) * form.coefficient(self.iterator) for form in inner.ran]
            if not any(self.iterator in free_symbols(form) or (form.value or 0) < 0 for form in forms):
                return tuple(form for form in forms if not self.ctx.state.certain(form))
        return None

    def last(self) -> Affine:
        """The iterator's last value, if the loop runs."""
        header = self.header
        if header.step == 1:
            return header.upper - 1
        if header.step == -1:
            return header.upper + 1
        steps = Binary("floordiv", header.ran.expr(), integer(abs(header.step)), DType.INT64)
        form = self.ctx.state.form(steps)
        assert form is not None  # an affine form over a positive constant
        return header.lower + form * header.step
