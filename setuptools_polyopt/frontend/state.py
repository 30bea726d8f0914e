"""A kernel under construction: names, arrays, parameters, statements, assumptions, and what each Python name is worth.

All the parts of the lowering work on one `State`. It can be taken back to a checkpoint, so that a statement that turns out not to be
understood leaves no trace, and a loop's body can be lowered again with better types.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from functools import partial
from typing import Any

from setuptools_polyopt.diagnostics import Span, unsupported
from setuptools_polyopt.frontend.affine import Affine, affine, conditions, free_symbols, symbol
from setuptools_polyopt.frontend.concrete import Local, concrete
from setuptools_polyopt.frontend.prover import implies
from setuptools_polyopt.frontend.values import (
    C_ORDER,
    ArrayValue,
    Dim,
    ListValue,
    ObjectValue,
    Order,
    ScalarValue,
    Value,
)
from setuptools_polyopt.ir.dtypes import DType
from setuptools_polyopt.ir.expressions import Binary, Compare, Expr, Load, Select, Sym, integer
from setuptools_polyopt.ir.kernel import Array, GlobalGuard, Holds, Input, Param, Role
from setuptools_polyopt.ir.statements import Assign, For, Serial, Stmt
from setuptools_polyopt.ir.visitors import map_statement_exprs, substitute, symbols
from setuptools_polyopt.operators.values import TAG

INTEGER_LIMIT = 2**40
"""Integer arguments beyond this magnitude take the fallback."""


@dataclass
class State:
    """The mutable fields; see `checkpoint`. Containers are replaced or copied whole, values in them are immutable.

    flows: the open loops of the program. irregular: iterators of open loops whose bounds are data. serial: how many open loops are
    steered by data. copies: variables of loops that hold copies of arrays: the argument that has to be contiguous if the copies are to lie
    in memory as what they stand for ("" for none), or None where they do not. ended: 1 behind a jump, where nothing runs. locals: integers
    that the kernel finds out, by symbol.
    heap: attributes of objects (`ObjectValue.key`), as far as they are known to differ from those at the region's entry; stores: those of
    arguments that have been set. grown: lists that loops append to, by the empty ones; places: numbers of the open blocks.
    """

    env: dict[str, Value] = field(default_factory=dict)
    bound: dict[str, None] = field(default_factory=dict)
    arrays: dict[str, Array] = field(default_factory=dict)
    heap: dict[str, Value] = field(default_factory=dict)
    stores: dict[str, tuple[ObjectValue, str]] = field(default_factory=dict)
    orders: dict[str, Order | None] = field(default_factory=dict)
    params: dict[str, Param] = field(default_factory=dict)
    inputs: dict[str, Input] = field(default_factory=dict)
    entry: dict[str, Value] = field(default_factory=dict)
    aliases: dict[str, Expr] = field(default_factory=dict)
    holds: list[Holds] = field(default_factory=list)
    copies: dict[str, str | None] = field(default_factory=dict)
    ordered: dict[str, None] = field(default_factory=dict)
    contiguous: dict[str, int] = field(default_factory=dict)
    known: list[Affine] = field(default_factory=list)
    loops: list[For] = field(default_factory=list)
    blocks: list[list[Stmt]] = field(default_factory=lambda: [[]])
    taken: set[str] = field(default_factory=set)
    iterators: set[str] = field(default_factory=set)
    written: dict[str, None] = field(default_factory=dict)
    globals: dict[GlobalGuard, None] = field(default_factory=dict)
    scalars: dict[tuple[str, DType], str] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    steady: dict[str, None] = field(default_factory=dict)
    tags: dict[str, None] = field(default_factory=dict)
    starts: dict[str, ScalarValue] = field(default_factory=dict)
    begun: dict[str, None] = field(default_factory=dict)
    grown: dict[int, ListValue] = field(default_factory=dict)
    empty: int = 0
    opened: int = 0
    places: list[int] = field(default_factory=lambda: [0])
    nests: int = 0
    explicit: int = 0
    flows: list[object] = field(default_factory=list)
    irregular: dict[str, None] = field(default_factory=dict)
    serial: int = 0
    ended: int = 0
    locals: dict[str, Local] = field(default_factory=dict)
    frames: list[dict[str, Value]] = field(default_factory=list)
    scope: str = ""
    calls: int = 0
    inlined: int = 0

    # checkpoints

    def checkpoint(self) -> Callable[[], None]:
        """A function that takes everything back to now."""
        saved: dict[str, Any] = {}
        for item in fields(self):
            value = getattr(self, item.name)
            saved[item.name] = [list(block) for block in value] if item.name == "blocks" else _copy(value)

        def restore() -> None:
            for name, value in saved.items():
                if name == "blocks":  # the lists themselves are held by those who opened the blocks
                    del self.blocks[len(value) :]
                    for block, old in zip(self.blocks, value, strict=True):
                        block[:] = old
                else:
                    setattr(self, name, _copy(value))

        return restore

    # names

    def fresh(self, base: str) -> str:
        """A name for an array or parameter that nothing else has."""
        clean = "".join(c if c.isascii() and (c.isalnum() or c == "_") else "_" for c in base).lstrip("_") or "x"
        if clean[0].isdigit():
            clean = f"x{clean}"
        name, count = clean, 0
        while name in self.taken or name in self.iterators:
            count += 1
            name = f"{clean}_{count}"
        self.taken.add(name)
        return name

    def iterator(self, base: str) -> str:
        """A name for a loop's iterator: that of an earlier loop is used again unless it is still open."""
        clean = "".join(c if c.isascii() and (c.isalnum() or c == "_") else "_" for c in base).lstrip("_") or "rep"
        name, count = clean, 0
        while name in self.taken or any(loop.var == name for loop in self.loops):
            count += 1
            name = f"{clean}_{count}"
        self.iterators.add(name)
        return name

    @contextmanager
    def call(self, title: str) -> Iterator[None]:
        """Inside, names are those of a function that is being called: they live in variables of their own, and the caller's wait in
        `frames`."""
        saved = {name: _copy(getattr(self, name)) for name in ("bound", "starts", "begun")}
        around = self.scope
        self.calls += 1
        self.scope = f"{title}#{self.calls}."
        self.frames.append(self.env)
        self.env, self.bound, self.starts, self.begun = {}, {}, {}, {}
        try:
            yield
        finally:
            self.env = self.frames.pop()
            self.scope = around
            for name, value in saved.items():
                setattr(self, name, value)

    # arrays

    def temporary(self, base: str, dtype: DType, extents: tuple[Expr, ...], order: Order | None = C_ORDER) -> ArrayValue:
        """A new local array of the given extents, as a view of all of it; extents that depend on iterators get their largest value."""
        name = self.fresh(base)
        room = tuple(self.largest(extent) for extent in extents)
        self.arrays[name] = Array(name, dtype, room, Role.TEMPORARY)
        exact = room == extents
        self.orders[name] = order if exact or len(extents) < 2 else None
        dims = tuple(Dim(integer(0), ((axis, 1),)) for axis in range(len(extents)))
        return ArrayValue(name, dtype, dims, extents, order, fresh=exact, whole=exact)

    def largest(self, extent: Expr) -> Expr:
        """An upper bound of an extent over the parameters. Raises Unsupported where none is found."""
        form = self.form(extent)
        if isinstance(extent, Sym) and extent.name in self.locals:
            return self.largest(self.locals[extent.name].room)
        bound = None if form is None else self.extreme(form, largest=True)
        result = extent if bound is None or form is None or bound == form else bound.expr()
        if symbols(result) & {loop.var for loop in self.loops}:
            text = "the size of an intermediate array depends on the loop in a way that cannot be bounded"
            raise unsupported(self.loops[-1].span, "shape", text)
        return result

    def variable(self, name: str, dtype: DType) -> str:
        """The scalar variable that holds the Python name `name` while its type is `dtype`."""
        name = name if name.startswith("@") else self.scope + name
        key = (name, dtype)
        if key not in self.scalars:
            other = any(known == name for known, _ in self.scalars)
            title = re.sub(r"#\d+", "", name)
            storage = self.fresh(f"{title}_{dtype.value}" if other else title)
            self.scalars[key] = storage
            self.arrays[storage] = Array(storage, dtype, (), Role.TEMPORARY)
        return self.scalars[key]

    def tag_variable(self, name: str) -> Load:
        """The scalar variable that holds the tag of a mixed value of the Python name `name`."""
        storage = self.variable(f"{name}.type", TAG)
        self.tags[storage] = None
        return Load(storage, (), TAG)

    def scratch(self, dtype: DType) -> Load:
        """A new scalar temporary."""
        name = self.fresh("t")
        self.arrays[name] = Array(name, dtype, (), Role.TEMPORARY)
        return Load(name, (), dtype)

    # statements

    def emit(self, statement: Stmt) -> None:
        """Append to the innermost open block."""
        if isinstance(statement, Assign):
            self.writes(statement.target.array)
        finish = partial(concrete, locals_=self.locals, irregular=self.irregular, arrays=self.arrays)
        self.blocks[-1].append(map_statement_exprs(statement, finish))

    @contextmanager
    def serially(self, span: Span) -> Iterator[None]:
        """What is emitted inside becomes a `Serial` block."""
        self.serial += 1
        try:
            with self.block() as block:
                yield
                inside = tuple(block)
        finally:
            self.serial -= 1
        for statement in inside if self.serial else (Serial(inside, span),):
            self.emit(statement)

    def local(self, base: str, value: Expr, low: Affine, high: Affine | None, span: Span, room: Expr | None = None) -> Expr:
        """A symbol for an integer that is known from here on, and that lies between the bounds. room: the upper one, where it is not
        affine."""
        kept = self.scratch(DType.INT64)
        self.emit(Assign(kept, value, span))
        name = self.fresh(base)
        if room is None:
            assert high is not None  # one of them is given
            room = high.expr()
        self.locals[name] = Local(kept, low, high, room)
        return Sym(name)

    def check(self, condition: Expr, span: Span) -> None:
        """The kernel fails unless the condition holds here."""
        outside = Select(condition, integer(0), integer(1), DType.INT64)
        self.emit(Assign(self.scratch(DType.INT64), Binary("index", outside, integer(1), DType.INT64, checked=True), span))

    def writes(self, storage: str) -> None:
        """Python writes to this array, whether or not a statement is needed for it: an argument has to be writable then."""
        if self.arrays[storage].role is Role.ARGUMENT:
            self.written[storage] = None

    @contextmanager
    def block(self) -> Iterator[list[Stmt]]:
        """Statements emitted inside go to the list."""
        self.blocks.append([])
        self.opened += 1
        self.places.append(self.opened)
        depth = len(self.blocks)
        try:
            yield self.blocks[-1]
        finally:
            del self.blocks[depth - 1 :], self.places[depth - 1 :]

    @contextmanager
    def facts(self, *forms: Affine) -> Iterator[None]:
        """Inside, all forms are known to be >= 0."""
        count = len(self.known)
        self.known.extend(forms)
        try:
            yield
        finally:
            del self.known[count:]

    # arithmetic of extents

    def regular(self, form: Affine) -> bool:
        """Whether only parameters and loops that data does not steer decide the form's value."""
        return not free_symbols(form) & (self.irregular.keys() | self.locals.keys())

    def is_data(self, extent: Expr) -> bool:
        """Whether data decides an extent."""
        form = self.form(extent)
        return form is not None and not self.regular(form)

    def form(self, expr: Expr) -> Affine | None:
        """The linear form of an expression under the equalities assumed so far."""
        return affine(expr, self.aliases)

    def certain(self, form: Affine) -> bool:
        """Whether `form >= 0` is known here."""
        guards = [f for hold in self.holds for f in _hold_forms(hold, self.aliases)]
        limits = [(self.form(Sym(param.name)), param.minimum) for param in self.params.values()]
        lowest = [value - minimum for value, minimum in limits if value is not None]
        between = [symbol(name) - local.low for name, local in self.locals.items()]
        between += [local.high - symbol(name) for name, local in self.locals.items() if local.high is not None]
        return implies([*lowest, *guards, *self.known, *between], form)

    def extreme(self, form: Affine, largest: bool) -> Affine | None:
        """A bound of the form over all iterations of the open loops, free of iterators; None where none is found."""
        bounds: list[tuple[str, Affine | None, Affine | None]] = []
        for loop in self.loops:
            first, last = self.form(loop.lower), self.form(loop.upper)
            low, high = (first, last and last - 1) if loop.step > 0 else (last and last + 1, first)
            bounds.append((loop.var, low, high))
        bounds += [(name, local.low, local.high) for name, local in self.locals.items()]
        for name, low, high in reversed(bounds):
            coefficient = form.coefficient(name)
            rest = form - symbol(name) * coefficient
            if name in free_symbols(rest):
                return None
            if not coefficient:
                continue
            if low is None or high is None:
                return None
            form = rest + (high if (coefficient > 0) == largest else low) * coefficient
        return form

    def assume(self, form: Affine, what: str, span: Span) -> None:
        """Make sure that `form >= 0`: by proof, else by a guard. Raises Unsupported where it is wrong or depends on the iteration."""
        if self.certain(form):
            return
        least = self.extreme(form, largest=False)
        wrong = least is None or (least.value is not None and least.value < 0)
        if wrong and not self.regular(form):
            self.check(Compare("ge", form.expr(), integer(0)), span)
            return
        if least is None or wrong:
            raise unsupported(span, "bounds", f"it is not certain in every iteration that {what}", developer=f"{form} >= 0")
        if not self.certain(least):
            self.hold(comparison(least), what, span)

    def assume_equal(self, first: Expr, second: Expr, what: str, span: Span) -> None:
        """Make sure that two extents are equal: by form, by giving two parameters one name, else by a guard."""
        a, b = self.form(first), self.form(second)
        if a is None or b is None:
            if first == second:
                return
            raise unsupported(span, "shape", f"{what} cannot be seen to be equal")
        difference = a - b
        if difference.value == 0 or (self.certain(difference) and self.certain(difference * -1)):
            return
        if difference.value is not None:
            raise unsupported(span, "shape-mismatch", f"{what} differ by {abs(difference.value)}", developer=f"{a} != {b}")
        if not self.unify(difference):
            if not self.regular(difference):
                self.check(Compare("eq", a.expr(), b.expr()), span)
                return
            if free_symbols(difference) & {loop.var for loop in self.loops}:
                raise unsupported(span, "shape", f"{what} are equal in some iterations only")
            self.hold(Compare("eq", a.expr(), b.expr()), what, span)

    def unify(self, difference: Affine) -> bool:
        """Use `p == form` for an extent p by writing the form for p from now on (`finish` keeps the guard); whether that was possible."""
        extents = {name for item in self.inputs.values() for name in getattr(item.type, "extents", ()) if isinstance(name, str)}
        if not free_symbols(difference) <= self.params.keys():
            return False
        names = [(atom.name, c) for atom, c in difference.terms if isinstance(atom, Sym) and abs(c) == 1]
        for name, coefficient in reversed(names):
            rest = (difference - symbol(name) * coefficient) * -coefficient
            if name in extents and name not in free_symbols(rest) and (rest.value is None or rest.value >= 0):
                self.aliases[name] = rest.expr()
                return True
        return False

    def hold(self, condition: Expr, text: str, span: Span) -> None:
        """Record a guard, once."""
        condition = substitute(condition, self.aliases)
        if all(hold.condition != condition for hold in self.holds):
            self.holds.append(Holds(condition, text, span))

    # parameters

    def parameter(self, base: str, minimum: int = -INTEGER_LIMIT) -> str:
        """A new integer parameter."""
        name = self.fresh(base)
        self.params[name] = Param(name, minimum, INTEGER_LIMIT)
        return name

    def at_least(self, name: str, minimum: int) -> None:
        """Raise the lower limit of a parameter."""
        self.params[name] = replace(self.params[name], minimum=max(minimum, self.params[name].minimum))


def _copy(value: Any) -> Any:
    return value if isinstance(value, int | str) else value.copy()


def comparison(form: Affine) -> Expr:
    """`form >= 0`, written without negative terms where possible: `n >= 4`."""
    plus = Affine(tuple(t for t in form.terms if t[1] > 0), 0)
    minus = Affine(tuple((atom, -c) for atom, c in form.terms if c < 0), -form.constant)
    if not minus.terms or minus.constant >= 0:
        return Compare("ge", plus.expr(), minus.expr())
    return Compare("ge", (plus + form.constant).expr(), (minus - minus.constant).expr())


def _hold_forms(hold: Holds, aliases: dict[str, Expr]) -> tuple[Affine, ...]:
    return conditions(hold.condition, aliases) or ()
