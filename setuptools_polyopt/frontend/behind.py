"""What names are worth behind a loop.

A loop that may run zero times leaves names as they were: where that matters for a type or for being bound, a guard says that it runs. A
loop that data steers has several ways out, all of which have stored the names in the same variables.

    for i in range(n): t = a[i]      t is np.float64 behind it, under the guard n >= 1
    while c: s += 1                  s is its variable, however often the loop ran
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace

from setuptools_polyopt.diagnostics import Diagnostic, Span
from setuptools_polyopt.frontend.affine import Affine, free_symbols, symbol
from setuptools_polyopt.frontend.context import Context
from setuptools_polyopt.frontend.joins import differs, mixed, outside, widen
from setuptools_polyopt.frontend.names import bound
from setuptools_polyopt.frontend.ranges import PYTHON_INT, DataHeader, Header
from setuptools_polyopt.frontend.shapes import root
from setuptools_polyopt.frontend.values import ConflictValue, PendingValue, ScalarValue, Value
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Binary, Load, Sym, integer


@dataclass(frozen=True)
class Way:
    """A way out of a loop's body: values of the names there. leaves: out of the loop, not on to its next iteration."""

    leaves: bool
    values: dict[str, Value | None]


@dataclass(frozen=True)
class Left:
    """A loop that has been lowered. target: the name that is its iterator, if any. left: what hangs on a loop inside having run. ways: the
    jumps in its body. broken: what holds whether a `break` has left it, if it has an `else`. endless: nothing but a `break` leaves it."""

    ctx: Context
    node: ast.For | ast.While
    span: Span
    target: str
    header: Header | DataHeader | None
    iterator: str
    left: dict[str, PendingValue]
    ways: tuple[Way, ...]
    broken: Load | None
    endless: bool

    @property
    def regular(self) -> Header:
        """The bounds of a loop that data does not steer."""
        assert isinstance(self.header, Header)
        return self.header


def dead(name: str, span: Span) -> Diagnostic:
    """The reason of a name that the liveness says nobody reads."""
    return Diagnostic(span, "dead-name", f"`{name}` has no value here")


def meet(ctx: Context, name: str, values: list[Value | None], span: Span) -> Value | None:
    """What a name is worth where several ways meet that have stored it."""
    first = values[0]
    if all(value == first for value in values):
        return first
    known = [value for value in values if isinstance(value, ScalarValue)]
    if len(known) < len(values):
        conflicts = [value for value in values if isinstance(value, ConflictValue)]
        return conflicts[0] if conflicts else differs(name, span, "is another array or object on each way out of the loop")
    kind, narrow = known[0].type, known[0].narrow
    for value in known[1:]:
        wider = widen(replace(known[0], type=kind, narrow=narrow), value)
        if wider is None:
            return differs(name, span, "has another type on each way out of the loop")
        kind, narrow = wider
    kind = mixed(ctx, name, kind, [value.type for value in known], narrow)
    storage = ctx.state.variable(name, kind.dtype)
    return ScalarValue(kind, Load(storage, (), kind.dtype), storage, narrow)


def behind_steered(loop: Left, name: str, heads: dict[str, Value | None], end: Value | None) -> Value:
    """What a name is worth behind a loop that data steers."""
    if name == loop.target:
        return _last_target(loop)
    broken = [way.values.get(name) for way in loop.ways if way.leaves]
    head = heads.get(name)
    orelse = loop.node.orelse
    kept = not name.startswith("@") and orelse and root(name) not in loop.ctx.function.names.live_in[id(orelse[0])]
    only_broken = loop.endless or (loop.broken is not None and bool(kept))
    value = meet(loop.ctx, name, broken if only_broken else [*([] if head is None else [head]), *broken, end], loop.span)
    if value is None or isinstance(value, ConflictValue):
        return value or ConflictValue(dead(name, loop.span))
    if isinstance(value, ScalarValue):
        storage = loop.ctx.state.variable(name, value.type.dtype)
        value = ScalarValue(value.type, Load(storage, (), value.type.dtype), storage, value.narrow)
    if not outside(value, loop.iterator):
        return differs(name, loop.span, "depends on the last iteration of a loop that data steers")
    return value if only_broken or head is not None else _ran_at_least_once(loop, name, value)


def _last_target(loop: Left) -> Value:
    storage = loop.ctx.state.variable(loop.target, DType.INT64)
    value = ScalarValue(PYTHON_INT, Load(storage, (), DType.INT64), storage)
    return _ran_at_least_once(loop, loop.target, value)


def _ran_at_least_once(loop: Left, name: str, value: Value) -> Value:
    """The value of a name that only the body binds."""
    if isinstance(loop.header, Header):
        return value if loop.ctx.state.certain(loop.header.ran) else _pending(loop, name, None, value)
    reason = f"what `{name}` is after the loop depends on whether the loop runs at all"
    return ConflictValue(Diagnostic(loop.span, "zero-trip", reason, "give it a value of the same type before the loop"))


def behind(loop: Left, name: str, entry: Value | None, head: Value | None, end: Value | None) -> Value:
    """What a name is worth when the loop is over."""
    if name == loop.target and end == ScalarValue(PYTHON_INT, Sym(loop.iterator)):
        end = ScalarValue(PYTHON_INT, _last(loop).expr())
    keeps = isinstance(end, ScalarValue) and loop.ctx.state.certain(loop.regular.ran) and outside(end, loop.iterator)
    if isinstance(end, ScalarValue) and not keeps and (end.storage is not None or not outside(end, loop.iterator)):
        storage = loop.ctx.state.variable(name, end.type.dtype)
        end = ScalarValue(end.type, Load(storage, (), end.type.dtype), storage, end.narrow)
    if end is None or isinstance(end, ConflictValue):
        return end or ConflictValue(dead(name, loop.span))
    if not outside(end, loop.iterator):
        return differs(name, loop.span, "is a view or array that depends on the loop's last iteration")
    before = entry
    if isinstance(head, ScalarValue) and isinstance(entry, ScalarValue) and name != loop.target:
        kind = entry.type if entry.type.dtype is head.type.dtype else head.type
        before = ScalarValue(replace(kind, tag=head.type.tag), head.expr, head.storage, head.narrow)
    if before == end and not isinstance(end, ScalarValue):
        return end
    return _pending(loop, name, before, end)


def _pending(loop: Left, name: str, before: Value | None, after: Value) -> Value:
    """`after`, as far as it is certain that the loop, and the one inside that its type hangs on, have run."""
    ran = () if loop.ctx.state.certain(loop.regular.ran) else (loop.regular.ran,)
    lasting, inner = True, loop.left.get(name)
    if inner is not None and isinstance(after, ScalarValue) and (after.type.box == "mixed" or after.narrow):
        alone = name not in bound([each for each in loop.node.body if not isinstance(each, ast.For)])
        alone = alone and sum(name in bound([each]) for each in loop.node.body) == 1
        lasting = inner.lasting and alone
        deciding = _deciding(loop, inner, lasting)
        if deciding is not None and isinstance(inner.after, ScalarValue) and inner.after.type.dtype is after.type.dtype:
            before = before and after
            after = replace(after, type=inner.after.type, narrow=inner.after.narrow)
            ran = (*ran, *deciding)
    if not ran:
        return after
    reason = Diagnostic(
        loop.span,
        "zero-trip",
        f"what `{name}` is after the loop depends on whether the loop runs at all",
        "give it a value of the same type before the loop",
    )
    return PendingValue(None if isinstance(before, ConflictValue) else before, after, ran, reason, lasting)


def _deciding(loop: Left, inner: PendingValue, lasting: bool) -> tuple[Affine, ...] | None:
    """That the loop inside ran in the last iteration; in the first one, if that is as good and the last one is known to be empty."""
    for value in (_last(loop), loop.regular.lower) if lasting else (_last(loop),):
        forms = [form + (value - symbol(loop.iterator)) * form.coefficient(loop.iterator) for form in inner.ran]
        if not any(loop.iterator in free_symbols(form) or (form.value or 0) < 0 for form in forms):
            return tuple(form for form in forms if not loop.ctx.state.certain(form))
    return None


def _last(loop: Left) -> Affine:
    """The iterator's last value, if the loop runs."""
    header = loop.regular
    if header.step == 1:
        return header.upper - 1
    if header.step == -1:
        return header.upper + 1
    steps = Binary("floordiv", header.ran.expr(), integer(abs(header.step)), DType.INT64)
    form = loop.ctx.state.form(steps)
    assert form is not None  # an affine form over a positive constant
    return header.lower + form * header.step
